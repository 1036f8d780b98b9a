//! The connection of this machine to a cluster: an intercept that nobody does anything about, and what the cluster's names mean here
//! from ports that were used before there was a connection.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use testbed::wait::{self, Probe};
use testbed::{Deadline, Endpoints, Environment, InterceptSpec, Selection};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::bed::{Bed, alone, options};

/// Longer than the minute in which Telepresence's client is silent.
const QUIET: Duration = Duration::from_secs(75);
/// How long an intercept may take until requests arrive.
const ARRIVAL: Duration = Duration::from_secs(30);

/// A name of the cluster, as Telepresence answers for it.
const NAME: &str = "inventory-service";

/// Asks the machine's nameserver (RFC 1035, section 4.1) from this port, and answers how many addresses it told.
fn addresses(nameserver: SocketAddr, port: u16) -> std::io::Result<u16> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    socket.connect(nameserver)?;
    // An id; a question, and that the server shall look further; one question and nothing else.
    let mut question = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    question.push(u8::try_from(NAME.len()).unwrap());
    question.extend(NAME.as_bytes());
    // The end of the name; an address (A) of the Internet (IN).
    question.extend([0, 0, 1, 0, 1]);
    socket.send(&question)?;
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer)?;
    assert!(length >= 12 && answer[..2] == question[..2], "{answer:?}");
    Ok(u16::from_be_bytes([answer[6], answer[7]]))
}

fn nameserver() -> SocketAddr {
    let file = std::fs::read_to_string("/etc/resolv.conf").unwrap();
    let first = file
        .lines()
        .find_map(|line| line.strip_prefix("nameserver "))
        .unwrap();
    SocketAddr::new(first.trim().parse().unwrap(), 53)
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_an_intercept_and_gives_names_back() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.plan.telepresence = true;
    let mut bed = Bed::begin(folder.path(), false, options);
    let endpoints = bed.up().await;
    an_intercept_outlasts_a_quiet_minute(&mut bed, &endpoints).await;
    names_mean_the_same_from_every_port(&mut bed).await;
    bed.finish().await;
}

async fn an_intercept_outlasts_a_quiet_minute(bed: &mut Bed, endpoints: &Endpoints) {
    let listener = std::net::TcpListener::bind(endpoints.workstation_listen).unwrap();
    let here = MockServer::builder().listener(listener).start().await;
    Mock::given(matchers::any())
        .respond_with(ResponseTemplate::new(204))
        .mount(&here)
        .await;
    let intercept = InterceptSpec {
        workload: "order-service".into(),
        selection: Selection::All,
        target: *here.address(),
    };
    bed.environment.intercept(&bed.run, &intercept).await.unwrap();
    let arrived = async |nonce: &str| {
        let url = format!("{}/route?nonce={nonce}", endpoints.storefront);
        // storefront is not content with the answer; that it came from here is what counts.
        let _ = reqwest::get(url).await;
        let requests = here.received_requests().await.unwrap_or_default();
        let sent = |query: &str| query == format!("nonce={nonce}");
        requests
            .iter()
            .any(|request| request.url.query().is_some_and(sent))
    };
    let deadline = Deadline::after(ARRIVAL);
    wait::until(&deadline, "the intercept", || async {
        if arrived("before").await {
            Probe::<_, std::io::Error>::Ready(())
        } else {
            Probe::not_yet("no request arrived")
        }
    })
    .await
    .unwrap();
    // What is to be shown is that nothing happens meanwhile.
    Deadline::after(QUIET).ended().await;
    assert!(arrived("afterwards").await, "the first request after {QUIET:?}");
    bed.environment.leave(&bed.run, "order-service").await.unwrap();
}

async fn names_mean_the_same_from_every_port(bed: &mut Bed) {
    let nameserver = nameserver();
    let port = UdpSocket::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    for round in 0..2 {
        let connected = addresses(nameserver, port);
        assert_eq!(connected.unwrap(), 1, "while connected, round {round}");
        bed.environment.disconnect(&bed.run).await.unwrap();
        // Answered, and not refused by a port of a daemon that has ended.
        let disconnected = addresses(nameserver, port);
        assert_eq!(disconnected.unwrap(), 0, "after quit, round {round}");
        bed.environment.connect(&bed.run).await.unwrap();
    }
}
