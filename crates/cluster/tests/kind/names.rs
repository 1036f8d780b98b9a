//! The names of the cluster on this machine, from ports that were used before there was a connection.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use testbed::Environment;

use crate::bed::{Bed, alone, options};

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
async fn mean_the_same_from_every_port_before_and_after() {
    let _alone = alone().await;
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(folder.path());
    options.plan.telepresence = true;
    let mut bed = Bed::begin(folder.path(), false, options);
    bed.up().await;

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
    bed.finish().await;
}
