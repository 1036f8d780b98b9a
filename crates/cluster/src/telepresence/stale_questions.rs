//! Questions for names that this machine's kernel would lead where they went before. Without systemd-resolved, Telepresence catches
//! questions by a rule of the nat table, and that rule is only asked for a port that is new: whoever happens to ask from one that
//! was used up to two minutes ago, before there was a connection, asks the machine's own nameserver, for which the cluster's names
//! do not exist; one that was used while there was a connection leads to its daemon, which may have ended.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::Deadline;

use crate::machine::Machine;
use crate::tool::ToolPath;

/// How long another process may take for it; usually some milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// Who has the kernel forget them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Forgetter {
    /// We are root ourselves.
    Us,
    /// A program that does it as root, by way of `sudo`.
    Program(PathBuf),
    /// Nobody has the right.
    Nobody,
}

impl Forgetter {
    /// Whoever can, on this machine. `program` is called as `sudo -n PROGRAM forget-questions`, and says how many there were.
    pub(super) fn on(machine: &Machine, program: Option<&Path>) -> Self {
        match program {
            _ if machine.root => Self::Us,
            Some(program) => Self::Program(program.to_owned()),
            None => Self::Nobody,
        }
    }

    /// Has the kernel forget them, and says what came of it. Where nothing is tracked there is nothing to forget. That it could not
    /// be done is no error, names resolve all the same, but for a coincidence.
    pub(super) async fn forget(&self, tools: &ToolPath) -> String {
        let forgotten = match self {
            Self::Us => forget().await.map_err(|error| error.to_string()),
            Self::Program(program) => by(program, tools).await,
            Self::Nobody => Err("that takes root".to_owned()),
        };
        match forgotten {
            Ok(0) => "no stale question".to_owned(),
            Ok(1) => "1 stale question forgotten".to_owned(),
            Ok(count) => format!("{count} stale questions forgotten"),
            Err(reason) => format!("stale questions are not forgotten: {reason}"),
        }
    }
}

/// Has the kernel forget them, as root. Answers how many there were.
///
/// # Errors
/// This process has not the right, or the kernel refuses.
pub async fn forget() -> io::Result<usize> {
    linux::forget().await
}

async fn by(program: &Path, tools: &ToolPath) -> Result<usize, String> {
    let told = |error: &dyn std::error::Error| testbed::explain::chain(error);
    let sudo = tools
        .find("sudo", "forget stale questions for names")
        .map_err(|error| told(&error))?;
    let call = sudo.call(["-n".as_ref(), program.as_os_str(), "forget-questions".as_ref()]);
    let answer = call
        .run(&Deadline::after(LIMIT))
        .await
        .map_err(|error| told(&error))?;
    let text = answer.success().map_err(|error| told(&error))?.text();
    text.trim()
        .parse()
        .map_err(|_| format!("{} says {:?}", program.display(), text.trim()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{executable, tools_in};

    /// What is told when `sudo` is this script.
    async fn told(sudo: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        executable(&folder.path().join("sudo"), sudo);
        let tools = tools_in(folder.path());
        let machine = Machine {
            root: false,
            ..Machine::this()
        };
        let forgetter = Forgetter::on(&machine, Some(Path::new("/opt/throughline")));
        forgetter.forget(&tools).await
    }

    #[tokio::test]
    async fn sudo_is_asked_by_who_is_not_root() {
        let only_that = "[ \"$*\" = '-n /opt/throughline forget-questions' ] && echo 3";
        assert_eq!(told(only_that).await, "3 stale questions forgotten");
        assert_eq!(told("echo 0").await, "no stale question");
        for sudo in ["echo >&2 'a password is required'; exit 1", "echo certainly"] {
            let told = told(sudo).await;
            assert!(told.starts_with("stale questions are not forgotten: "), "{told}");
        }
    }

    #[test]
    fn root_needs_nobody() {
        let machine = |root| Machine {
            root,
            ..Machine::this()
        };
        assert_eq!(
            Forgetter::on(&machine(true), Some(Path::new("/x"))),
            Forgetter::Us
        );
        assert_eq!(Forgetter::on(&machine(false), None), Forgetter::Nobody);
    }
}
