//! `throughline demo`: an environment to look at and to play with.

use super::begin::{Begun, Wanted, arm, begin};
use super::complain;
use crate::cli::DemoArgs;
use crate::demo;
use crate::exit::ExitCode;
use crate::input::Input;
use crate::report::console::Console;
use crate::report::narrator::Narrator;

pub(super) async fn demo(mut args: DemoArgs) -> std::process::ExitCode {
    let input = match Input::open() {
        Ok(input) => input,
        Err(error) => {
            complain(&format!("standard input can't be read: {error}"), None);
            return ExitCode::Unexpected.into();
        }
    };
    let signals = match arm() {
        Ok(signals) => signals,
        Err(code) => return code.into(),
    };
    args.kind.reuse = true;
    let wanted = Wanted {
        environment: args.environment,
        kind: &args.kind,
        places: &args.places,
        keep: args.keep,
    };
    let Begun {
        run,
        events,
        environment,
        binaries,
        ..
    } = match begin(wanted, &signals).await {
        Ok(begun) => begun,
        Err(code) => return code.into(),
    };
    let console = Console::new(args.verbose, run.dir().path());
    let narrator = Narrator::new(events, console, args.format);
    let (code, ()) = tokio::join!(demo::run(&run, environment, &binaries, input), narrator.tell());
    code.into()
}
