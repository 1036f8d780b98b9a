//! `throughline intercept`: order-service's traffic to a process of one's own.

use std::path::{Path, PathBuf};

use testbed::Selection;

use super::session::Session;
use super::{complain, locate};
use crate::cli::InterceptArgs;
use crate::exit::ExitCode;
use crate::intercept::{self, Plan};
use crate::scenario::topology::ORDER;

/// What an order-service is made of, in the checkout.
const SOURCES: [&str; 2] = ["services/order", "services/telemetry"];

pub(super) async fn intercept(args: InterceptArgs) -> std::process::ExitCode {
    let plan = match plan(&args) {
        Ok(plan) => plan,
        Err(code) => return code.into(),
    };
    let mut kind = args.kind;
    kind.workstation_port = args.listen.map(|listen| listen.port());
    let session = Session {
        environment: args.environment,
        kind,
        places: args.places,
        keep: args.keep,
        verbose: args.verbose,
        format: args.format,
    };
    session
        .run(async |run, environment, binaries| intercept::run(run, environment, binaries, &plan).await)
        .await
}

/// What the command line asks for; what is wrong with it has been said when it asks for nothing.
fn plan(args: &InterceptArgs) -> Result<Plan, ExitCode> {
    let (root, _) = locate(&args.places).map_err(|error| {
        complain(&format!("the working directory can't be read: {error}"), None);
        ExitCode::Unexpected
    })?;
    let watches = args.watch || !args.watch_path.is_empty();
    if watches && args.command.is_empty() {
        complain(
            "there is no command to start anew when a file changes",
            Some("`cargo xtask intercept --watch -- cargo run -p order-service`"),
        );
        return Err(ExitCode::Usage);
    }
    let watched = if args.watch_path.is_empty() && watches {
        sources().ok_or_else(|| {
            complain(
                "the sources of order-service are not where this program was built",
                Some("name them with `--watch-path`"),
            );
            ExitCode::Usage
        })?
    } else {
        args.watch_path.clone()
    };
    Ok(Plan {
        selection: args.header.clone().unwrap_or(Selection::All),
        listen: args.listen,
        command: args.command.clone(),
        ambient: std::env::vars_os().collect(),
        watched,
        print_env: args.print_env,
        env_file: root.join(format!("{ORDER}.env")),
    })
}

/// The folders of the sources, in the checkout that this program was built from.
fn sources() -> Option<Vec<PathBuf>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .ok()?;
    let folders: Vec<PathBuf> = SOURCES.iter().map(|folder| workspace.join(folder)).collect();
    folders.iter().all(|folder| folder.is_dir()).then_some(folders)
}
