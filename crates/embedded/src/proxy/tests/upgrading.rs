//! Connections that become something else than HTTP.

use testbed::Selection;

use super::stage::{Peer, mirror, proxy, scripted, served_by};

const ASK: &str = "GET /chat HTTP/1.1\r\nhost: order-service\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                   sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Switches, greets at once, and then returns what it gets until the caller ends, and says goodbye.
async fn echo(mut peer: Peer) {
    let head = peer.head().await;
    assert!(
        head.contains("connection: upgrade\r\n") && head.contains("upgrade: websocket\r\n"),
        "{head}"
    );
    assert!(
        head.contains("sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
        "{head}"
    );
    peer.send("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\nwelcome")
        .await;
    for _ in 0..2 {
        let word = peer.exact(5).await;
        peer.send(&word).await;
    }
    assert_eq!(peer.rest().await, (String::new(), true));
    peer.send("goodbye").await;
}

#[tokio::test]
async fn joins_both_sides_of_an_upgraded_connection() {
    let proxy = proxy(scripted(echo).await).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller.send(ASK).await;
    let head = caller.head().await.to_lowercase();
    assert!(head.starts_with("http/1.1 101 switching protocols\r\n"), "{head}");
    assert!(
        head.contains("connection: upgrade\r\n") && head.contains("upgrade: websocket\r\n"),
        "{head}"
    );
    assert_eq!(caller.exact(7).await, "welcome");
    // A tunnel is one request: it stays where it is when the route changes.
    proxy
        .intercept(&Selection::All, mirror("workstation").await)
        .unwrap();
    for word in ["hello", "again"] {
        caller.send(word).await;
        assert_eq!(caller.exact(5).await, word);
    }
    assert_eq!(served_by(&proxy, "").await, "workstation");
    // One side ends, the other one still has something to say.
    caller.end_sending().await;
    assert_eq!(caller.rest().await, ("goodbye".to_owned(), true));
    assert_eq!(proxy.counters().tunnels, 1);
}

#[tokio::test]
async fn stays_with_http_when_the_target_declines_to_switch() {
    let proxy = proxy(mirror("pod").await).await;
    let mut caller = Peer::connect(proxy.address()).await;
    caller.send(ASK).await;
    assert_eq!(caller.answer().await.0, 200);
    assert_eq!(caller.get("").await.0, 200);
    assert_eq!(proxy.counters().tunnels, 0);
}

#[tokio::test]
async fn does_not_pass_on_a_wish_for_h2c() {
    let proxy = proxy(mirror("pod").await).await;
    let mut caller = Peer::connect(proxy.address()).await;
    let wish = "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n";
    let (status, got) = caller.get(wish).await;
    assert_eq!(status, 200);
    assert!(!got.contains("h2c") && !got.contains("http2-settings"), "{got}");
}

#[tokio::test]
async fn upgrades_on_the_intercept_path_too() {
    let proxy = proxy(mirror("pod").await).await;
    proxy.intercept(&Selection::All, scripted(echo).await).unwrap();
    let mut caller = Peer::connect(proxy.address()).await;
    caller.send(ASK).await;
    assert!(caller.head().await.starts_with("HTTP/1.1 101 "));
    assert_eq!(caller.exact(7).await, "welcome");
}
