//! A driver for Telepresence, the run that it works for, and a fake client.

use std::path::{Path, PathBuf};

use cluster::Pins;
use cluster::telepresence::{Serves, Target, Telepresence, TelepresenceError};
use serde_json::{Value, json};
use testbed::{InterceptSpec, Run, Selection};

use crate::fakes::{Fakes, run};

/// A client of this version that nobody has connected, which then follows these rules.
pub(crate) fn fake(version: &str, rules: &[Value]) -> Fakes {
    let client = format!(
        "OSS Client         : v{version}\nOSS Root Daemon    : not running\nOSS User Daemon    : not running\n"
    );
    let apart = [
        json!({"when": ["version"], "stdout": client}),
        json!({"when": ["status"], "stdout": json!({"user_daemon": {"running": false}}).to_string()}),
    ];
    let rules: Vec<Value> = apart.into_iter().chain(rules.iter().cloned()).collect();
    Fakes::new().tool("telepresence", json!(rules))
}

pub(crate) fn error(words: &str) -> String {
    format!("{:#}\n", json!({"error": words}))
}

/// A driver, the run it works for, and a kubeconfig and locks in the folder of the fakes.
pub(crate) struct Bed {
    pub(crate) fakes: Fakes,
    pub(crate) run: Run,
    pub(crate) pins: Pins,
    pub(crate) telepresence: Telepresence,
}

impl Bed {
    pub(crate) fn new(fakes: Fakes) -> Self {
        let (run, _events) = run(fakes.folder());
        Self {
            run,
            pins: Pins::built_in().unwrap(),
            telepresence: Telepresence::new(fakes.path()),
            fakes,
        }
    }

    pub(crate) async fn install(&self) -> Result<(), TelepresenceError> {
        self.install_for(Serves::Everything).await
    }

    pub(crate) async fn install_for(&self, serves: Serves) -> Result<(), TelepresenceError> {
        let (kubeconfig, locks) = (self.kubeconfig(), self.fakes.folder());
        let target = target(&self.pins, &kubeconfig, locks);
        self.telepresence
            .manager()
            .install(&self.run, &target, serves)
            .await
    }

    pub(crate) async fn connect(&mut self) -> Result<(), TelepresenceError> {
        let (kubeconfig, locks) = (self.kubeconfig(), self.fakes.folder());
        let target = target(&self.pins, &kubeconfig, locks);
        self.telepresence.connect(&self.run, &target).await
    }

    pub(crate) async fn intercept(&mut self, selection: Selection) -> Result<(), TelepresenceError> {
        let spec = InterceptSpec {
            workload: "order-service".into(),
            selection,
            target: ([127, 0, 0, 1], 8080).into(),
        };
        self.telepresence.intercept(&self.run, &spec).await
    }

    pub(crate) async fn leave(&mut self) -> Result<(), TelepresenceError> {
        self.telepresence.leave(&self.run, "order-service").await
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.fakes.folder().join("kubeconfig")
    }

    /// The first word of every call so far.
    pub(crate) fn verbs(&self) -> Vec<String> {
        let calls = self.fakes.calls();
        calls
            .iter()
            .filter_map(|call| call.split(' ').nth(1))
            .map(str::to_owned)
            .collect()
    }
}

pub(crate) fn target<'a>(pins: &'a Pins, kubeconfig: &'a Path, locks: &'a Path) -> Target<'a> {
    Target {
        kubeconfig,
        image: &pins.traffic_manager,
        locks,
    }
}

pub(crate) fn header() -> Selection {
    Selection::Header {
        name: "X-Debug".into(),
        value: "me".into(),
    }
}

pub(crate) fn active() -> Value {
    json!({"when": ["intercept"], "stdout": json!({"name": "order-service", "disposition": "ACTIVE"}).to_string()})
}
