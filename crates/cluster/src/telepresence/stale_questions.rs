//! Questions for names that this machine's kernel would lead where they went before. Without systemd-resolved, Telepresence catches
//! questions by a rule of the nat table, and that rule is only asked for a port that is new: whoever happens to ask from one that
//! was used up to two minutes ago, before there was a connection, asks the machine's own nameserver, for which the cluster's names
//! do not exist; one that was used while there was a connection leads to its daemon, which may have ended.

/// Has the kernel forget them, and says what came of it. That takes root, and where nothing is tracked there is nothing to forget:
/// that it could not be done is no error, names resolve all the same, but for a coincidence.
pub(super) async fn forget() -> String {
    match linux::forget().await {
        Ok(0) => "no stale question".to_owned(),
        Ok(1) => "1 stale question forgotten".to_owned(),
        Ok(count) => format!("{count} stale questions forgotten"),
        Err(error) => format!("stale questions are not forgotten: {error}"),
    }
}

#[cfg(not(target_os = "linux"))]
mod linux {
    /// Elsewhere Telepresence is the system's resolver for the cluster's names, and leads nothing astray.
    pub(super) async fn forget() -> std::io::Result<usize> {
        Ok(0)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::net::{SocketAddr, UdpSocket};

    use crate::conntrack::{Conntrack, Flow};
    use crate::kubernetes::dns;

    pub(super) async fn forget() -> io::Result<usize> {
        let forgotten = tokio::task::spawn_blocking(|| {
            let kernel = Conntrack::open()?;
            let flows = kernel.udp()?;
            let stale: Vec<_> = flows
                .iter()
                .filter(|flow| is_stale(flow, nobody_listens))
                .collect();
            stale.iter().try_for_each(|flow| kernel.forget(flow))?;
            Ok(stale.len())
        });
        forgotten.await.map_err(io::Error::other)?
    }

    /// Whether it is a question that a new one from the same port might not follow. Nothing is lost with one that no rule led
    /// anywhere, nor with one whose daemon has ended. Others, of containers for instance, need what is remembered of them to get
    /// their answers.
    fn is_stale(flow: &Flow, nobody_listens: impl Fn(SocketAddr) -> bool) -> bool {
        let led_to = flow.answers_from;
        flow.destination.port() == dns::PORT
            && (flow.is_direct()
                || (led_to != flow.destination && led_to.ip().is_loopback() && nobody_listens(led_to)))
    }

    fn nobody_listens(address: SocketAddr) -> bool {
        UdpSocket::bind(address).is_ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn only_those_are_stale_whose_answers_nobody_waits_for() {
            let [me, nameserver, daemon, container] = [
                "192.0.2.2:40000",
                "192.0.2.53:53",
                "127.0.0.1:50000",
                "172.18.0.2:40000",
            ]
            .map(|address| address.parse::<SocketAddr>().unwrap());
            let other_port = SocketAddr::new(nameserver.ip(), 123);
            let cases = [
                ("past Telepresence", [me, nameserver, nameserver, me], false, true),
                (
                    "to the daemon that listens",
                    [me, nameserver, daemon, me],
                    false,
                    false,
                ),
                (
                    "to a daemon that has ended",
                    [me, nameserver, daemon, me],
                    true,
                    true,
                ),
                (
                    "a container's, whose source was changed",
                    [container, nameserver, nameserver, me],
                    true,
                    false,
                ),
                (
                    "no question for a name",
                    [me, other_port, other_port, me],
                    true,
                    false,
                ),
                (
                    "led to another machine by another rule",
                    [me, nameserver, container, me],
                    true,
                    false,
                ),
            ];
            for (which, [source, destination, answers_from, answers_to], nobody, stale) in cases {
                let flow = Flow::between(source, destination, answers_from, answers_to);
                assert_eq!(is_stale(&flow, |_| nobody), stale, "{which}");
            }
        }

        #[test]
        fn who_listens_is_seen() {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            let address = socket.local_addr().unwrap();
            assert!(!nobody_listens(address));
            drop(socket);
            assert!(nobody_listens(address));
        }
    }
}
