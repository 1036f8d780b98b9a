//! A session: a run that goes on until its user ends it, and tells of itself meanwhile.

use testbed::{Environment, Run};

use super::begin::{Begun, Wanted, arm, begin};
use crate::cli::{EnvironmentChoice, Format, KindArgs, Places};
use crate::places::Binaries;
use crate::report::console::Console;
use crate::report::narrator::Narrator;

/// What a session is begun with, as its verb's flags say.
pub(super) struct Session {
    pub(super) environment: EnvironmentChoice,
    pub(super) kind: KindArgs,
    pub(super) places: Places,
    pub(super) keep: bool,
    pub(super) verbose: bool,
    pub(super) format: Format,
}

impl Session {
    /// Begins the run and has it played. A cluster that was kept is taken when there is one: a person waits.
    pub(super) async fn run(
        mut self,
        play: impl AsyncFnOnce(&Run, Box<dyn Environment>, &Binaries) -> u8,
    ) -> std::process::ExitCode {
        let signals = match arm() {
            Ok(signals) => signals,
            Err(code) => return code.into(),
        };
        self.kind.reuse = true;
        let wanted = Wanted {
            environment: self.environment,
            kind: &self.kind,
            places: &self.places,
            keep: self.keep,
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
        let console = Console::new(self.verbose, run.dir().path());
        let narrator = Narrator::new(events, console, self.format);
        let (code, ()) = tokio::join!(play(&run, environment, &binaries), narrator.tell());
        code.into()
    }
}
