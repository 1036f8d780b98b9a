//! A folder of fake tools, instructions for them, and what they were called with.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use cluster::tool::{Tool, ToolPath};
use serde_json::Value;
use tempfile::TempDir;
use testbed::{Deadline, EnvironmentName, EventReceiver, Explain, Run, RunOptions, Signals};

/// Fake tools on a path of their own.
pub(crate) struct Fakes {
    folder: TempDir,
}

impl Fakes {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a tool there that follows these rules.
    #[expect(clippy::needless_pass_by_value, reason = "instructions are written in place")]
    pub(crate) fn tool(self, name: &str, rules: Value) -> Self {
        let link = self.folder().join(name);
        if !link.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_fake-tool"), link).unwrap();
        }
        std::fs::write(self.folder().join(format!("{name}.json")), rules.to_string()).unwrap();
        self
    }

    pub(crate) fn path(&self) -> ToolPath {
        let path: OsString = self.folder().as_os_str().to_owned();
        ToolPath::from_lookup(move |key| match key {
            "PATH" => Some(path.clone()),
            "DOCKER_HOST" => Some("unix:///fake.sock".into()),
            _ => None,
        })
    }

    pub(crate) fn find(&self, name: &'static str) -> Tool {
        self.path().find(name, "test").unwrap()
    }

    /// The calls so far: `kind create cluster …`.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.records()
            .iter()
            .map(|call| {
                let args = call["args"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|arg| arg.as_str().unwrap());
                [call["tool"].as_str().unwrap()]
                    .into_iter()
                    .chain(args)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    }

    /// The calls so far, with all that is known of them.
    pub(crate) fn records(&self) -> Vec<Value> {
        let calls = std::fs::read_to_string(self.folder().join("calls.jsonl")).unwrap_or_default();
        calls
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// One rule that is followed for every call.
pub(crate) fn always(rule: Value) -> Value {
    Value::Array(vec![rule])
}

pub(crate) fn generous() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// A run in this folder that only the test interrupts.
pub(crate) fn run(folder: &Path) -> (Run, EventReceiver) {
    let root = folder.join("runs");
    Run::begin(RunOptions {
        root,
        environment: EnvironmentName::Kind,
        keep: false,
        signals: Signals::manual(),
    })
    .unwrap()
}

/// What people see of an error.
pub(crate) fn told(error: &dyn Explain) -> String {
    let text = testbed::explain::chain(&error as &dyn std::error::Error);
    match error.hint() {
        Some(hint) => format!("error: {text}\nhint: {hint}"),
        None => format!("error: {text}"),
    }
}
