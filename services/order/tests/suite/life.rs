//! How the process begins and ends.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::process::{Inventory, Service, client, run};

const NO_EXPORT: (&str, &str) = ("OTEL_TRACES_EXPORTER", "none");

#[tokio::test]
async fn it_announces_its_address_in_one_line_and_serves_there() {
    let service = Service::start(&[], &[NO_EXPORT]).await;
    assert!(service.url.starts_with("http://127.0.0.1:"), "{}", service.url);
    for path in ["/healthz", "/readyz", "/whoami"] {
        let response = client()
            .get(format!("{}{path}", service.url))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
    let url = service.url.clone();
    let ended = service.stop().await;
    assert_eq!(ended.stdout, [format!("listening {url}")]);
    assert_eq!(ended.status.code(), Some(0));
}

#[tokio::test]
async fn a_wildcard_address_is_announced_as_one_to_connect_to() {
    let service = Service::start(&["--listen", "0.0.0.0:0"], &[NO_EXPORT]).await;
    assert!(
        service.url.starts_with("http://127.0.0.1:") && !service.url.ends_with(":0"),
        "{}",
        service.url
    );
    assert_eq!(
        client()
            .get(format!("{}/healthz", service.url))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

/// The names of the fields of an answer, and what becomes of the connection that it came on.
async fn ask_twice_on_one_connection(service: &Service) -> (String, bool) {
    let address = service.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        assert_ne!(
            stream.read_buf(&mut answer).await.unwrap(),
            0,
            "closed in the middle"
        );
    }
    let head = String::from_utf8(answer).unwrap().to_lowercase();
    let again = stream.write_all(request.as_bytes()).await.is_ok()
        && matches!(stream.read(&mut [0; 64]).await, Ok(read) if read > 0);
    (head, again)
}

#[tokio::test]
async fn connections_are_kept_unless_it_is_told_to_close_them() {
    let kept = Service::start(&[], &[NO_EXPORT]).await;
    let (head, again) = ask_twice_on_one_connection(&kept).await;
    assert!(!head.contains("connection: close") && again, "{head}");

    let closing = Service::start(&[], &[NO_EXPORT, ("THROUGHLINE_CONNECTIONS", "close")]).await;
    let (head, again) = ask_twice_on_one_connection(&closing).await;
    assert!(head.contains("connection: close") && !again, "{head}");

    let refused = run(&["--connections", "sometimes"], &[NO_EXPORT]).await;
    assert_eq!(refused.status.code(), Some(2));
}

#[tokio::test]
async fn it_says_who_it_is() {
    let variables = [
        NO_EXPORT,
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.version=local-debug,service.instance.id=i-7",
        ),
        ("THROUGHLINE_SITE", "workstation"),
    ];
    let service = Service::start(&[], &variables).await;
    let whoami = service.whoami().await;
    assert_eq!(whoami.identity.service, "order-service");
    assert_eq!(whoami.identity.version, "local-debug");
    assert_eq!(whoami.identity.site.as_deref(), Some("workstation"));
    assert_eq!(whoami.identity.instance_id, "i-7");
    let line = service.stop().await.stderr.remove(0);
    assert!(line.contains(&format!("pid={}", whoami.identity.pid)), "{line}");
}

#[tokio::test]
async fn a_request_under_way_is_finished_before_it_ends() {
    let mut inventory = Inventory::start().await;
    inventory.hold();
    let mut service = Service::start(&["--inventory-url", &inventory.url], &[NO_EXPORT]).await;
    let url = service.url.clone();
    let order = tokio::spawn(async move {
        let request = client()
            .post(format!("{url}/api/orders"))
            .body(crate::process::ORDER);
        request.send().await.unwrap().status().as_u16()
    });
    inventory.question().await;
    service.signal(Signal::TERM);
    service.says(&["SIGTERM", "no new requests"]).await;
    inventory.release();
    assert_eq!(order.await.unwrap(), 201);
    assert_eq!(service.ended().await.status.code(), Some(0));
}

#[tokio::test]
async fn a_request_that_never_ends_is_given_up() {
    let mut service = Service::start(&[], &[NO_EXPORT]).await;
    let mut stream = TcpStream::connect(service.url.trim_start_matches("http://"))
        .await
        .unwrap();
    stream
        .write_all(
            b"POST /api/orders HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n",
        )
        .await
        .unwrap();
    // The handler asks for the body: the request is under way.
    let mut continued = [0; 12];
    stream.read_exact(&mut continued).await.unwrap();
    assert_eq!(&continued, b"HTTP/1.1 100");
    let begun = Instant::now();
    service.signal(Signal::INT);
    service.says(&["SIGINT"]).await;
    service.says(&["still under way after 5s"]).await;
    assert_eq!(service.ended().await.status.code(), Some(0));
    assert!(begun.elapsed() >= Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut inventory = Inventory::start().await;
        inventory.hold();
        let mut service = Service::start(&["--inventory-url", &inventory.url], &[NO_EXPORT]).await;
        let request = client()
            .post(format!("{}/api/orders", service.url))
            .body(crate::process::ORDER);
        let order = tokio::spawn(request.send());
        inventory.question().await;
        service.signal(Signal::TERM);
        service.says(&["SIGTERM", "no new requests"]).await;
        service.signal(signal);
        let ended = service.ended().await;
        assert_eq!(
            (ended.status.code(), ended.status.signal()),
            (Some(code), None),
            "{:#?}",
            ended.stderr
        );
        assert!(order.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_its_address() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = run(&["--listen", &address], &[NO_EXPORT]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(ended.stdout, [""; 0]);
    let told = &ended.stderr[0];
    assert!(
        told.starts_with(&format!("order-service: error: cannot listen on {address}: ")),
        "{told}"
    );
    assert!(
        ended.stderr[1].starts_with("hint: another process has this port"),
        "{:?}",
        ended.stderr
    );
}
