//! Calls of the program: one place for the format, the world, the limit and the meaning of what it says.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use testbed::{Call, Deadline, Deed, Run};

use super::TelepresenceError;
use super::answer::{Said, read};
use super::status::Status;
use super::world::World;
use crate::tool::Tool;

/// How long `quit -s` may take: a second usually; longer only when the cluster is gone.
const QUIT: Duration = Duration::from_secs(30);

/// The name of the call that starts the daemon, and so of the daemon, which carries the call's mark. Other calls have another:
/// ending one of them that was cut off must not end the daemon, which is asked to quit so that it takes down what it made.
pub(super) const CONNECT: &str = "telepresence connect";

/// Telepresence's command line in the world of one run.
#[derive(Debug, Clone)]
pub(super) struct Cli {
    tool: Tool,
    variables: BTreeMap<String, String>,
}

impl Cli {
    /// The program in a run's own world.
    pub(super) fn new(tool: Tool, world: &World) -> Self {
        Self {
            tool,
            variables: world.variables(),
        }
    }

    /// The program as the user would call it: to see connections that are not ours.
    pub(super) const fn of_the_user(tool: Tool) -> Self {
        Self {
            tool,
            variables: BTreeMap::new(),
        }
    }

    /// Runs a command with `--format json`.
    pub(super) async fn ask(
        &self,
        run: Option<&Run>,
        args: &[&str],
        deadline: &Deadline,
    ) -> Result<Value, TelepresenceError> {
        let deadline = deadline.within(TelepresenceError::OUTER_LIMIT);
        let all = args.iter().copied().chain(["--format", "json"]);
        let name = match args {
            ["connect", ..] => CONNECT,
            _ => "telepresence",
        };
        let process = self.tool.process(name, all).envs(self.variables.clone());
        let mut call = Call::new(process);
        if let ["intercept", ..] = args {
            // The container's variables are in its answer.
            call = call.discreet();
        }
        let answer = match run {
            Some(run) => run.call(&call, &deadline).await?,
            None => call.run(&deadline).await?,
        };
        let command = format!("telepresence {}", args.join(" "));
        match read(answer.exit.success(), &answer.text(), &answer.stderr) {
            Said::Well(value) => Ok(value),
            Said::Badly(words) => Err(TelepresenceError::of_words(&command, &words)),
        }
    }

    /// What it says of its connections. Must be asked before anything else: other commands connect on their own when there is no
    /// connection.
    pub(super) async fn status(&self, deadline: &Deadline) -> Result<Status, TelepresenceError> {
        let value = self.ask(None, &["status"], deadline).await?;
        let answer: String = value.to_string().chars().take(400).collect();
        serde_json::from_value(value).map_err(|_| TelepresenceError::Odd {
            command: "telepresence status".into(),
            answer,
        })
    }

    /// What ends the connection and the daemon of this world; fine when there is none.
    pub(super) fn quit(&self) -> Deed {
        self.deed(&["quit", "-s"], QUIT)
    }

    /// A command as data, for another process.
    pub(super) fn deed(&self, args: &[&str], limit: Duration) -> Deed {
        let variables = self
            .tool
            .env()
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value.to_str()?.to_owned())));
        Deed::Command {
            program: self.tool.program().clone(),
            args: args.iter().map(ToString::to_string).collect(),
            env: variables.chain(self.variables.clone()).collect(),
            limit,
        }
    }
}
