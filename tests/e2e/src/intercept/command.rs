//! The developer's command: started with the intercept's variables, proven, and started anew when a watched file changes.

use std::collections::BTreeMap;
use std::future::pending;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;

use testbed::wait::{self, Probe};
use testbed::{BoxError, Exit, Process, ProcessSpec, WaitError, listening};

use super::watch::Changes;
use super::{Place, Plan, listener};

/// The name of the command's process in logs and in what it prints.
const NAME: &str = "command";
/// How long the command has to finish its requests and deliver its spans after being asked to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Variables that cargo gives to what it runs, and that are about this program; a cargo of the command's would pass them on.
const CARGO_S: [&str; 8] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_CRATE_NAME",
    "CARGO_BIN_NAME",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
    "LD_LIBRARY_PATH",
];

/// The command in its place.
pub(super) struct Command<'a> {
    place: &'a Place<'a>,
    spec: ProcessSpec,
    changes: Option<Changes>,
}

/// Why a command does not run any more.
enum Over {
    Ended(Exit),
    Changed(String),
}

impl<'a> Command<'a> {
    /// Begins to watch; starts nothing.
    pub(super) fn new(
        place: &'a Place<'a>,
        plan: &Plan,
        variables: BTreeMap<String, String>,
    ) -> Result<Self, BoxError> {
        let changes = match plan.watched.as_slice() {
            [] => None,
            watched => Some(Changes::of(watched)?),
        };
        let Some((program, args)) = plan.command.split_first() else {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "no command").into());
        };
        let ambient = plan.ambient.iter().filter(|(name, _)| {
            let name = name.to_string_lossy();
            !CARGO_S.contains(&name.as_ref()) && !name.starts_with("CARGO_PKG_")
        });
        let mut spec = ProcessSpec::new(NAME, program)
            .args(args)
            .envs(ambient.cloned())
            .envs(variables)
            .grace(GRACE)
            .told();
        if std::io::stderr().is_terminal() && !plan.ambient.iter().any(|(name, _)| name == "NO_COLOR") {
            // Its output goes through a pipe of ours, and it could not know that a terminal is behind it.
            spec = spec.env("CARGO_TERM_COLOR", "always");
        }
        Ok(Self { place, spec, changes })
    }

    /// Runs it until it ends by itself; when files are watched, for ever.
    pub(super) async fn hold(&mut self) -> Result<Exit, BoxError> {
        let run = self.place.bed.run.clone();
        loop {
            let process = run.supervise(self.spec.clone())?;
            run.events()
                .note(format!("started `{}`", self.spec.command_line()));
            let over = tokio::select! {
                exit = exited(&process) => Over::Ended(exit),
                changed = changed(&mut self.changes) => Over::Changed(changed),
                error = serve(self.place, &process) => return Err(error.into()),
            };
            self.place.workstation.send_replace(None);
            // Members of its group may outlive it.
            process.stop(GRACE).await?;
            let file = match over {
                Over::Ended(exit) if self.changes.is_none() => return Ok(exit),
                Over::Ended(exit) => {
                    run.events().note(format!(
                        "the command ended: {exit}; the intercept stays, and the next change starts it anew"
                    ));
                    changed(&mut self.changes).await
                }
                Over::Changed(file) => file,
            };
            run.events().note(format!("{file} changed: starting anew"));
        }
    }
}

async fn exited(process: &Process) -> Exit {
    let mut exit = process.watch();
    match exit.wait_for(Option::is_some).await.map(|exit| *exit) {
        Ok(Some(exit)) => exit,
        _ => Exit::Unknown,
    }
}

async fn changed(changes: &mut Option<Changes>) -> String {
    match changes {
        Some(changes) => changes.next().await,
        None => pending().await,
    }
}

/// Waits until the command listens, proves that it answers, and goes on when another of its processes takes over. Ends only with the
/// run.
async fn serve(place: &Place<'_>, process: &Process) -> WaitError {
    let mut proven = Vec::new();
    let mut warned = false;
    loop {
        let ours = match listens(place, process, &proven, &mut warned).await {
            Ok(ours) => ours,
            Err(error) => return error,
        };
        listener::prove(place, ours.iter().copied().collect()).await;
        proven = ours;
    }
}

/// Waits until members of the command's group listen on the address, other ones than those that were proven. Says it once when they
/// listen elsewhere.
async fn listens(
    place: &Place<'_>,
    process: &Process,
    proven: &[u32],
    warned: &mut bool,
) -> Result<Vec<u32>, WaitError> {
    let run = &place.bed.run;
    let endless = run.deadline(Duration::MAX);
    let warned = std::cell::Cell::from_mut(warned);
    wait::until_paced(&endless, "the command to listen", listener::PACE, || async {
        let members = process.members();
        let listeners = listening::on(place.listen);
        let ours: Vec<u32> = listeners
            .into_iter()
            .filter(|pid| members.contains(pid))
            .collect();
        if !ours.is_empty() && ours != proven {
            return Probe::<_>::Ready(ours);
        }
        if ours.is_empty() && proven.is_empty() && !warned.get() {
            let elsewhere = listening::of(&members);
            if !elsewhere.is_empty() {
                warned.set(true);
                run.events().warn(
                    format!(
                        "the command listens on {}, and the intercept sends its requests to {}",
                        list(&elsewhere),
                        place.listen
                    ),
                    Some(
                        "take the address from THROUGHLINE_LISTEN, or tell the right one with `--listen`"
                            .to_owned(),
                    ),
                );
            }
        }
        Probe::not_yet("it does not listen yet")
    })
    .await
}

fn list(addresses: &[SocketAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(SocketAddr::to_string).collect();
    texts.join(", ")
}
