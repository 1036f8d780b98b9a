//! What `telepresence status` says. It is a hint about connections, never a proof of an intercept.

use serde::Deserialize;

/// The parts of the answer that matter. Keys come in any order, and fewer in other versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    /// The user daemon; with an embedded root daemon as well.
    pub(super) user_daemon: Daemon,
    /// The same in one piece, where the daemon runs in a container.
    pub(super) daemon: Option<Daemon>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Daemon {
    pub(super) running: bool,
    pub(super) status: String,
    pub(super) kubernetes_context: String,
    pub(super) namespace: String,
}

impl Status {
    /// The daemon that has a connection, when there is one.
    pub(super) fn connected(&self) -> Option<&Daemon> {
        self.daemon
            .iter()
            .chain([&self.user_daemon])
            .find(|daemon| daemon.running && daemon.status == "Connected")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Status {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_daemon_that_does_not_run_is_no_connection() {
        assert_eq!(
            read(r#"{"user_daemon":{"running":false,"daemon_port":0},"root_daemon":{}}"#).connected(),
            None
        );
        assert_eq!(read("{}").connected(), None);
    }

    #[test]
    fn a_connection_tells_where_to() {
        let status = read(
            r#"{"root_daemon":{"running":true},"user_daemon":{"running":true,"status":"Connected","namespace":"demo","kubernetes_context":"kind-x"}}"#,
        );
        let daemon = status.connected().unwrap();
        assert_eq!(
            (daemon.kubernetes_context.as_str(), daemon.namespace.as_str()),
            ("kind-x", "demo")
        );
    }

    #[test]
    fn a_daemon_that_is_not_connected_is_no_connection() {
        assert_eq!(
            read(r#"{"user_daemon":{"running":true,"status":"Not connected"}}"#).connected(),
            None
        );
    }
}
