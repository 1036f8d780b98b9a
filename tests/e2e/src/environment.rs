//! Which environment stands behind `--env`.

use std::path::Path;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use testbed::environment::{
    Capability, Collected, Disturbance, Endpoints, Environment, EnvironmentName, InterceptSpec, Missing,
};
use testbed::{BoxError, Run};
use trace::ExportAccount;

use crate::cli::EnvironmentChoice;
use crate::places::Binaries;

/// An environment, and why it was chosen when the user left the choice to us.
pub struct Chosen {
    /// The environment.
    pub environment: Box<dyn Environment>,
    /// `None` when the user named it.
    pub why: Option<String>,
}

impl std::fmt::Debug for Chosen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chosen")
            .field("name", &self.environment.name())
            .field("why", &self.why)
            .finish()
    }
}

/// Makes the environment that was asked for; `auto` takes the most faithful one that this machine has everything for.
pub async fn choose(choice: EnvironmentChoice, _binaries: &Binaries) -> Chosen {
    let why = (choice == EnvironmentChoice::Auto)
        .then(|| "auto: embedded, the only environment that this version has".to_owned());
    Chosen {
        environment: Box::new(NotBuilt),
        why,
    }
}

/// Holds the place of the embedded environment until it lands.
struct NotBuilt;

impl Environment for NotBuilt {
    fn name(&self) -> EnvironmentName {
        EnvironmentName::Embedded
    }
    fn cannot_prove(&self) -> Option<&'static str> {
        None
    }
    fn can(&self, _: Capability) -> bool {
        false
    }
    fn preflight(&self) -> BoxFuture<'_, Vec<Missing>> {
        let missing = Missing {
            fact: "the embedded environment is not built".into(),
            cure: "wait".into(),
        };
        async { vec![missing] }.boxed()
    }
    fn up<'a>(&'a mut self, _: &'a Run) -> BoxFuture<'a, Result<Endpoints, BoxError>> {
        async { Err(std::io::Error::other("not built").into()) }.boxed()
    }
    fn intercept<'a>(&'a mut self, _: &'a Run, _: &'a InterceptSpec) -> BoxFuture<'a, Result<(), BoxError>> {
        async { Ok(()) }.boxed()
    }
    fn leave<'a>(&'a mut self, _: &'a Run, _: &'a str) -> BoxFuture<'a, Result<(), BoxError>> {
        async { Ok(()) }.boxed()
    }
    fn disturb(&mut self, _: Option<Disturbance>) -> BoxFuture<'_, Result<(), BoxError>> {
        async { Ok(()) }.boxed()
    }
    fn accounts(&self) -> BoxFuture<'_, Vec<ExportAccount>> {
        async { Vec::new() }.boxed()
    }
    fn collect<'a>(&'a self, _: &'a Path) -> BoxFuture<'a, Vec<Collected>> {
        async { Vec::new() }.boxed()
    }
}
