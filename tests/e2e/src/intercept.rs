//! An intercept of one's own: order-service's traffic goes to a process that a developer starts, by a command or under a debugger,
//! until it is left. Each process that takes over is believed when it is seen to listen and nonces were answered by it.

mod command;
mod env_file;
mod listener;
mod watch;

use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Instant;

use testbed::environment::{InterceptSpec, Selection};
use testbed::event::Event;
use testbed::explain::chain;
use testbed::{BoxError, Class, Endpoints, Environment, Exit, Run};
use tokio::sync::watch as latest;

use crate::bed::Bed;
use crate::exit::ExitCode;
use crate::live::{Follower, Scope};
use crate::places::Binaries;
use crate::scenario::topology::ORDER;
use crate::workstation::variables;
use crate::{breakpoint, session, switch};
use command::Command;

/// What is intercepted, and for whom.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which requests.
    pub selection: Selection,
    /// Where the process listens; `None` leaves it to the environment, and to the system when that has no wish.
    pub listen: Option<SocketAddr>,
    /// The command with its arguments; empty when something else starts the process.
    pub command: Vec<OsString>,
    /// What the command inherits.
    pub ambient: Vec<(OsString, OsString)>,
    /// Files and folders whose change starts the command anew; empty means none.
    pub watched: Vec<PathBuf>,
    /// Whether the variables are a result, too.
    pub print_env: bool,
    /// Where the variables are written for editors.
    pub env_file: PathBuf,
}

/// How a session ended.
enum Ended {
    /// The command ended by itself.
    Command(Exit),
    /// Anything else.
    Session(ExitCode),
}

/// Brings the environment up, intercepts, and holds that until the command ends or Ctrl-C; gives the traffic back and undoes
/// everything. A command that ends by itself decides what is returned.
pub async fn run(run: &Run, environment: Box<dyn Environment>, binaries: &Binaries, plan: &Plan) -> u8 {
    let began = Instant::now();
    let interrupted = run.interrupted();
    let opened = tokio::select! {
        biased;
        () = interrupted.cancelled() => Err(ExitCode::Interrupted),
        opened = session::open(run, environment, binaries, None) => opened,
    };
    let ended = match opened {
        Ok(mut bed) => hold(&mut bed, plan).await,
        Err(code) => Ended::Session(code),
    };
    let code = match ended {
        Ended::Command(_) => ExitCode::Passed,
        Ended::Session(code) => code,
    };
    session::end(run, code, began, |code| match ended {
        Ended::Command(exit) if code == ExitCode::Passed => number(exit),
        _ => code.code(),
    })
    .await
}

/// As a shell shows it.
fn number(exit: Exit) -> u8 {
    match exit {
        Exit::Code(code) => u8::try_from(code).unwrap_or(u8::MAX),
        Exit::Signal(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        Exit::Unknown => ExitCode::Unexpected.code(),
    }
}

async fn hold(bed: &mut Bed, plan: &Plan) -> Ended {
    let run = bed.run.clone();
    let interrupted = run.interrupted();
    let Endpoints {
        storefront, jaeger, ..
    } = &bed.endpoints;
    run.events()
        .note(format!("storefront {storefront} · Jaeger {jaeger}"));
    let workstation = latest::Sender::default();
    let follower = Follower::new(bed, Scope::Workstation, workstation.subscribe());
    let mut switched = false;
    let held = tokio::select! {
        biased;
        () = interrupted.cancelled() => Ok(Ended::Session(ExitCode::Interrupted)),
        held = session(bed, plan, &workstation, &mut switched) => held,
        () = follower.follow(&run) => Ok(Ended::Session(ExitCode::Interrupted)),
    };
    let ended = held.unwrap_or_else(|error| {
        let code = match error.class() {
            Class::Prerequisite => ExitCode::PrerequisiteMissing,
            // Ctrl-C, seen by a wait before it is seen here.
            Class::Interrupted => return Ended::Session(ExitCode::Interrupted),
            Class::Unexpected => ExitCode::Unexpected,
        };
        run.events().error(chain(&error), error.hint());
        Ended::Session(code)
    });
    if let Ended::Command(exit) = &ended {
        run.events().note(format!("the command ended: {exit}"));
    }
    if !switched {
        return ended;
    }
    // Before a process that still runs is stopped: nobody shall be sent to one that is gone.
    let code = session::close(bed, ExitCode::Passed).await;
    match ended {
        Ended::Session(earlier) => Ended::Session(earlier.and(code)),
        Ended::Command(_) if code != ExitCode::Passed => Ended::Session(code),
        ended => ended,
    }
}

/// Makes the intercept, writes the variables, and takes care of the process until it is over.
async fn session(
    bed: &mut Bed,
    plan: &Plan,
    workstation: &latest::Sender<Option<String>>,
    switched: &mut bool,
) -> Result<Ended, BoxError> {
    let run = bed.run.clone();
    let listen = address(plan.listen.unwrap_or(bed.endpoints.workstation_listen))?;
    if !plan.command.is_empty() {
        listener::expect_none(listen)?;
    }
    let spec = InterceptSpec {
        workload: ORDER.to_owned(),
        selection: plan.selection.clone(),
        target: listen,
    };
    *switched = true;
    switch::intercept(bed, &spec).await?;
    let container = bed.environment.variables(ORDER).await?;
    let mut variables = variables::variables(&bed.endpoints, listen, &container);
    let under = variables::under(&plan.selection);
    variables.extend(under.map(|(name, value)| (name.to_owned(), value.to_owned())));
    // A breakpoint is what one intercepts for: where a request stands is to be seen in its trace. Whoever says otherwise is heard.
    let (name, form) = breakpoint::open_spans(bed.environment.name());
    let form = std::env::var(name).unwrap_or_else(|_| form.to_owned());
    variables.insert(name.to_owned(), form);
    let left_out = env_file::write(&run, &plan.env_file, &variables)?;
    for name in left_out {
        run.events().note(format!(
            "{name} has several lines and is not in {}",
            plan.env_file.display()
        ));
    }
    if plan.print_env {
        run.events().emit(Event::Shown {
            text: env_file::text(&variables),
        });
    }
    let place = Place {
        bed,
        selection: &plan.selection,
        listen,
        workstation,
    };
    if plan.command.is_empty() {
        run.events().emit(Event::Shown {
            text: format!(
                "waiting for order-service on {listen}: start it with the variables in {}",
                plan.env_file.display()
            ),
        });
        match listener::hold(&place).await? {}
    }
    let mut command = Command::new(&place, plan, variables)?;
    Ok(Ended::Command(command.hold().await?))
}

/// Where the traffic goes, for whoever proves it.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    bed: &'a Bed,
    selection: &'a Selection,
    listen: SocketAddr,
    workstation: &'a latest::Sender<Option<String>>,
}

/// The address with a port that is free now, when it has none.
fn address(wanted: SocketAddr) -> Result<SocketAddr, BoxError> {
    if wanted.port() != 0 {
        return Ok(wanted);
    }
    // The process is told the address before it is there, and keeps it over restarts.
    Ok(TcpListener::bind(wanted)?.local_addr()?)
}
