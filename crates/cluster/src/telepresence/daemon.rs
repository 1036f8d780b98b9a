//! The end of Telepresence's daemons as by `kill -9`, on purpose: what they leave on this machine is known and put away.

use std::path::Path;
use std::time::Duration;

use testbed::Run;

use super::connection::State;
use super::{Telepresence, TelepresenceError, root_daemon};
use crate::machine::{self, Machine};

/// How long killed processes may take to be gone, and their rules to be removed.
const GONE: Duration = Duration::from_secs(10);

impl Telepresence {
    /// Kills this run's daemon, and the one for root where that is a process of its own: it would go on to serve names and
    /// intercepts. What they leave behind, besides the session that [`Telepresence::connect`] takes up again, is the nat chain that
    /// breaks name resolution on this machine, which the next daemon or the undo of the connection puts in order, and routing rules.
    ///
    /// # Errors
    /// There is no connection, or a daemon can't be killed.
    pub async fn kill_daemon(&mut self, run: &Run) -> Result<(), TelepresenceError> {
        let (tools, machine) = (&self.tools, Machine::this());
        let Some(connection) = self.connection.as_mut().filter(|one| one.is_up()) else {
            return Err(TelepresenceError::DaemonGone);
        };
        let rules = machine::rules(tools).await;
        let daemon = |pid: u32| machine::is_daemon(Path::new(&format!("/proc/{pid}")));
        let deadline = run.deadline(GONE);
        let killed = run.kill(daemon, &deadline).await?;
        connection.state = State::Down;
        if killed == 0 {
            return Err(TelepresenceError::DaemonGone);
        }
        root_daemon::kill(tools, &machine, &connection.world.daemons_cache(), &deadline).await?;
        for rule in rules {
            // The next daemon makes its own, and nobody else removes these.
            let removal = rule.removal();
            let words = removal.iter().map(String::as_str);
            let (tool, args) = machine::with_rights(machine.root, "ip", words);
            let removed = tools
                .find(tool, "remove a killed daemon's routing rule")?
                .call(&args)
                .run(&deadline)
                .await;
            if let Err(error) = removed {
                run.events().warn(
                    testbed::explain::chain(&error),
                    Some(format!("`sudo ip {}`", removal.join(" "))),
                );
            }
        }
        Ok(())
    }
}
