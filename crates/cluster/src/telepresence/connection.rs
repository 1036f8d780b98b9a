//! The machine's one connection: made, taken up again after it broke, ended.

use std::collections::BTreeMap;
use std::time::Duration;

use testbed::{Deed, Run};

use super::cli::{self, Cli};
use super::world::World;
use super::{QUESTION, Target, Telepresence, TelepresenceError, alone, folder};
use super::{remains, root_daemon};
use crate::machine::Machine;
use crate::manifest::APPLICATION;
use crate::reference::Version;

/// Many times what connecting takes on two busy processors.
const CONNECT: Duration = Duration::from_secs(100);

/// The connection of a run. It stays the machine's one when it breaks or is ended: the run may take it up again.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) cli: Cli,
    pub(super) world: World,
    pub(super) version: Version,
    pub(super) state: State,
    /// The variables of the intercepted container, by workload, as the last intercept told them.
    pub(super) variables: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Up,
    /// There is no daemon any more.
    Down,
}

impl Connection {
    /// Whether there is a daemon to be asked. Without one, most commands would make a connection of their own.
    pub(super) fn is_up(&self) -> bool {
        self.state == State::Up
    }
}

impl Telepresence {
    /// Connects the workstation to the cluster. Ending the connection is on the undo stack before. Connecting again is fine;
    /// after the daemon died its session is taken up, with the intercepts in it, because the cache is still there.
    ///
    /// # Errors
    /// Another connection is in use, or this one does not come up.
    pub async fn connect(&mut self, run: &Run, target: &Target<'_>) -> Result<(), TelepresenceError> {
        let deadline = run.deadline(CONNECT);
        let args = ["connect", "--namespace", APPLICATION];
        if self.connection.as_ref().is_some_and(|one| !one.is_up()) {
            // Somebody may have connected meanwhile.
            let tool = self.tools.find("telepresence", "intercept a service")?;
            alone(&tool, &deadline).await?;
        }
        if let Some(connection) = &mut self.connection {
            if !connection.is_up() {
                connection.world.forget_daemons()?;
            }
            connection.cli.ask(Some(run), &args, &deadline).await?;
            connection.state = State::Up;
            return Ok(());
        }
        self.reserve(run, target.locks)?;
        let (tool, version) = self.ready(&deadline).await?;
        let world = World::make(&folder(run)?, target.kubeconfig)?;
        let cli = Cli::new(tool, &world);
        let machine = Machine::this();
        // Last in, first out: it is asked to quit, ended when it does not, and what it left then is taken away.
        run.undo().push(
            "what telepresence left on this machine",
            remains::deed(&self.tools, &machine).await,
        );
        if let Some(deed) = root_daemon::deed(&self.tools, &machine, &world.daemons_cache()) {
            run.undo().push("telepresence's root daemon", deed);
        }
        let daemon = Deed::Process {
            run: run.id().clone(),
            name: cli::CONNECT.to_owned(),
        };
        run.undo().push("telepresence daemon", daemon);
        run.undo().push("telepresence connection", cli.quit());
        cli.ask(Some(run), &args, &deadline).await?;
        self.connection = Some(Connection {
            cli,
            world,
            version,
            state: State::Up,
            variables: BTreeMap::new(),
        });
        Ok(())
    }

    /// Ends the connection and its daemon, and every intercept with it. Without a connection there is nothing to do.
    ///
    /// # Errors
    /// The daemon does not end.
    pub async fn disconnect(&mut self, run: &Run) -> Result<(), TelepresenceError> {
        if let Some(connection) = &mut self.connection {
            connection
                .cli
                .ask(Some(run), &["quit", "-s"], &run.deadline(QUESTION))
                .await?;
            connection.state = State::Down;
            // Whoever asks for a name from now on must not be led to a daemon that has ended.
            self.forget_stale_questions().await;
        }
        Ok(())
    }
}
