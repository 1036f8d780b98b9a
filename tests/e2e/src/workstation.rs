//! The process on the workstation: a real order-service with the walkthrough's debug identity.

pub mod variables;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use debugger::{Breakpoint, DebugError, Launch, Prepared, Session};
use testbed::{BoxError, Deadline, Endpoints, Process, ProcessError, ProcessSpec, Run, StepError};
use trace::Site;

use crate::scenario::topology::ORDER;

/// How long it may take to say where it listens.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to finish its requests and deliver its spans after being asked to stop.
pub const STOP_GRACE: Duration = Duration::from_secs(5);

/// A running order-service on the workstation.
#[derive(Debug)]
pub struct Workstation {
    process: Process,
    /// The service's own pid, also where the supervised process is a debugger.
    pid: u32,
    address: SocketAddr,
}

/// Its name in the run.
fn name() -> String {
    format!("{ORDER}@{}", Site::Workstation)
}

/// What it is told. `extra` is put on top of its own variables.
fn told(endpoints: &Endpoints, listen: SocketAddr, extra: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut told = variables::variables(endpoints, listen, &BTreeMap::new());
    told.extend(
        extra
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    told
}

/// The same process as a debugger is told to start it.
#[must_use]
pub fn launch(binary: &Path, endpoints: &Endpoints, listen: SocketAddr, extra: &[(&str, &str)]) -> Launch {
    Launch {
        env: told(endpoints, listen, extra),
        ..Launch::new(binary)
    }
}

/// The line in which it says where it listens.
fn announced(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("listening http://")?.parse().ok()
}

impl Workstation {
    /// Starts it and waits until it says where it listens. `extra` is put on top of its own variables.
    ///
    /// # Errors
    /// When it can't be started, ends before it listens (with the tail of its log), or takes too long.
    pub async fn start(
        run: &Run,
        binary: &Path,
        endpoints: &Endpoints,
        listen: SocketAddr,
        extra: &[(&str, &str)],
    ) -> Result<Self, StepError> {
        let name = name();
        let started = run.step_showing(
            &name,
            START_LIMIT,
            async {
                let spec = ProcessSpec::new(&name, binary).envs(told(endpoints, listen, extra));
                let process = run.supervise(spec)?;
                let address = process.line(&run.deadline(START_LIMIT), announced).await?;
                Ok::<_, ProcessError>(Self {
                    pid: process.pid(),
                    process,
                    address,
                })
            },
            |started| format!("{} pid {}", started.base_url(), started.pid()),
        );
        started.await
    }

    /// Starts it under a debugger that stops it at a breakpoint, and waits until it says where it listens. The process that
    /// is supervised is then the debugger's.
    ///
    /// # Errors
    /// When the debugger can't be started or refuses, or the process does not listen before the deadline.
    pub async fn start_under_debugger(
        run: &Run,
        debugger: Prepared,
        launch: &Launch,
        there: &Breakpoint,
        deadline: &Deadline,
    ) -> Result<(Self, Session), DebugError> {
        let mut session = Session::launch_with(debugger, run, launch, deadline).await?;
        session.break_at(there, deadline).await?;
        let pid = session.go(deadline).await?;
        let address = session.line(deadline, announced).await?;
        let process = session.process().clone();
        Ok((
            Self {
                process,
                pid,
                address,
            },
            session,
        ))
    }

    /// Its pid: what a data-plane proof is about.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL as seen from the harness, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks it to stop, waits until its spans are delivered, and makes sure that it is gone.
    ///
    /// # Errors
    /// When it is still there after everything was tried.
    pub async fn stop(self, run: &Run) -> Result<(), StepError> {
        let limit = STOP_GRACE + Duration::from_secs(2);
        let debugged = self.pid != self.process.pid();
        let stop = async {
            self.process.stop(STOP_GRACE).await?;
            if debugged {
                // A debugger starts it outside its own group, and may have died without it.
                run.stop_strays(self.process.name(), Duration::ZERO).await?;
            }
            Ok::<_, BoxError>(())
        };
        run.step(&format!("{} stopped", name()), limit, stop).await
    }
}
