//! `throughline demo`: an environment to look at and to play with.

use super::complain;
use super::session::Session;
use crate::cli::DemoArgs;
use crate::demo;
use crate::exit::ExitCode;
use crate::input::Input;

pub(super) async fn demo(args: DemoArgs) -> std::process::ExitCode {
    let input = match Input::open() {
        Ok(input) => input,
        Err(error) => {
            complain(&format!("standard input can't be read: {error}"), None);
            return ExitCode::Unexpected.into();
        }
    };
    let session = Session {
        environment: args.environment,
        kind: args.kind,
        places: args.places,
        keep: args.keep,
        verbose: args.verbose,
        format: args.format,
    };
    session
        .run(async |run, environment, binaries| demo::run(run, environment, binaries, input).await)
        .await
}
