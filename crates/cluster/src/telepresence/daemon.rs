//! The end of Telepresence's daemon as by `kill -9`, on purpose: what it leaves on this machine is known and put away.

use std::path::Path;
use std::time::Duration;

use rustix::process::geteuid;
use testbed::{Deed, Run};

use super::connection::State;
use super::{Telepresence, TelepresenceError};
use crate::machine::{self, Rule};

/// How long a killed process may take to be gone, and its rules to be removed.
const GONE: Duration = Duration::from_secs(10);

impl Telepresence {
    /// Kills this run's daemon. What it leaves behind, besides the session that [`Telepresence::connect`] takes up again, is on
    /// the undo stack before: the nat chain that breaks name resolution on this machine, and its routing rules.
    ///
    /// # Errors
    /// There is no connection, or the daemon can't be killed.
    pub async fn kill_daemon(&mut self, run: &Run) -> Result<(), TelepresenceError> {
        let tools = self.tools.clone();
        let Some(connection) = self.connection.as_mut().filter(|one| one.is_up()) else {
            return Err(TelepresenceError::DaemonGone);
        };
        let rules = machine::rules(&tools).await;
        // A root daemon of its own outlives the user's, and keeps chain and rules in order.
        if geteuid().is_root() {
            let undo = run
                .undo()
                .push("what a killed Telepresence leaves", remains(&rules));
            connection.remains.push(undo);
        }
        let daemon = |pid: u32| machine::is_daemon(Path::new(&format!("/proc/{pid}")));
        let deadline = run.deadline(GONE);
        let killed = run.kill(daemon, &deadline).await?;
        connection.state = State::Down;
        if killed == 0 {
            // Whatever chain there is, it is not this run's.
            for entry in connection.remains.drain(..) {
                run.undo().done(entry);
            }
            return Err(TelepresenceError::DaemonGone);
        }
        for rule in rules {
            // The next daemon makes its own, and nobody else removes these.
            let removal = rule.removal();
            let removed = tools
                .find("ip", "remove a killed daemon's routing rule")?
                .call(&removal)
                .run(&deadline)
                .await;
            if let Err(error) = removed {
                run.events().warn(
                    testbed::explain::chain(&error),
                    Some(format!("`ip {}`", removal.join(" "))),
                );
            }
        }
        Ok(())
    }
}

/// Removes chain and rules; fine when there are none.
fn remains(rules: &[Rule]) -> Deed {
    let chain = "while iptables -t nat -D OUTPUT -j TELEPRESENCE_DNS; do :; done; \
                 iptables -t nat -F TELEPRESENCE_DNS; iptables -t nat -X TELEPRESENCE_DNS";
    let rules: String = rules
        .iter()
        .map(|rule| format!("; ip {}", rule.removal().join(" ")))
        .collect();
    Deed::command(
        "sh",
        [
            "-c".to_owned(),
            format!("{{ {chain}{rules}; }} 2>/dev/null; true"),
        ],
        GONE,
    )
}
