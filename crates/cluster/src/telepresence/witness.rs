//! What Telepresence says of itself when somebody wants to know why something failed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::Deadline;

use super::cli::Cli;
use super::{Telepresence, world};

/// How long it may take to say one thing. Where it has lost its cluster it takes a minute to find out, and all evidence waits.
const WORD: Duration = Duration::from_secs(5);

/// Telepresence as evidence sees it; needs no connection.
#[derive(Debug, Clone)]
pub struct Witness {
    logs: PathBuf,
    cli: Option<Cli>,
}

/// One thing that it says: what it is, the name of a file for it, its words or why there are none.
pub(crate) type Word = (&'static str, &'static str, Result<String, String>);

impl Telepresence {
    /// The witness of the run with this directory.
    #[must_use]
    pub fn witness(&self, run_dir: &Path) -> Witness {
        Witness {
            logs: world::logs(&run_dir.join(super::FOLDER)),
            cli: self.connection.as_ref().map(|connection| connection.cli.clone()),
        }
    }
}

impl Witness {
    /// The folder of its logs; not there when it was never started.
    pub(crate) fn logs(&self) -> &Path {
        &self.logs
    }

    /// Its connection and what can be intercepted. Without a connection it is not asked: most questions would make one.
    pub(crate) async fn words(&self, deadline: &Deadline) -> Vec<Word> {
        let Some(cli) = &self.cli else {
            return Vec::new();
        };
        let status = cli.ask(None, &["status"], &deadline.within(WORD)).await;
        let connected = cli
            .status(&deadline.within(WORD))
            .await
            .is_ok_and(|status| status.connected().is_some());
        let pretty = |answer: Result<serde_json::Value, super::TelepresenceError>| match answer {
            Ok(value) => Ok(format!("{value:#}\n")),
            Err(error) => Err(testbed::explain::chain(&error)),
        };
        let mut words = vec![("Telepresence's status", "status.json", pretty(status))];
        if connected {
            let list = cli.ask(None, &["list"], &deadline.within(WORD)).await;
            words.push(("what Telepresence can intercept", "list.json", pretty(list)));
        }
        words
    }
}
