//! Which environment stands behind `--env`.

#[cfg(feature = "containers")]
mod containers;
#[cfg(feature = "kind")]
mod kind;
#[cfg(any(feature = "kind", feature = "containers"))]
mod pins;

use std::path::Path;

use embedded::environment::{EmbeddedConfig, EmbeddedEnvironment, ServiceBinaries};
use testbed::{Environment, Missing};

use crate::cli::{EnvironmentChoice, KindArgs};
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

/// Why an environment can't even be described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// This program was built without it.
    #[error("this build of throughline has no {0} environment")]
    NotBuilt(&'static str),
    /// `--env context` without a context.
    #[error("`--env context` needs the name of a context")]
    NoContext,
    /// A context for another environment: a wrong cluster is nothing to guess about.
    #[error("a context was named, and the environment is not `--env context`")]
    NoUseOfContext,
    /// A pin, or the file with pins, can't be used.
    #[error("{0}")]
    Usage(String),
}

impl ChoiceError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotBuilt(name) => Some(format!("`cargo xtask e2e --env {name}` builds it in")),
            Self::NoContext => Some("`--context NAME`; `kubectl config get-contexts` lists them".to_owned()),
            Self::NoUseOfContext => Some("say `--env context`, or leave the context out".to_owned()),
            Self::Usage(_) => None,
        }
    }
}

/// Makes the environment that was asked for, whose programs and images may be kept in `root`; `auto` takes the most faithful one that this machine has everything for.
///
/// # Errors
/// The environment is not in this build, or a pin can't be used.
pub async fn choose(
    choice: EnvironmentChoice,
    binaries: &Binaries,
    kind: &KindArgs,
    root: &Path,
) -> Result<Chosen, ChoiceError> {
    if kind.context.is_some() && choice != EnvironmentChoice::Context {
        return Err(ChoiceError::NoUseOfContext);
    }
    match choice {
        EnvironmentChoice::Embedded => Ok(Chosen {
            environment: embedded(binaries),
            why: None,
        }),
        EnvironmentChoice::Containers => Ok(Chosen {
            environment: in_containers(binaries, kind)?,
            why: None,
        }),
        EnvironmentChoice::Kind => Ok(Chosen {
            environment: on_kind(kind, root)?,
            why: None,
        }),
        EnvironmentChoice::Context if kind.context.is_none() => Err(ChoiceError::NoContext),
        EnvironmentChoice::Context => Ok(Chosen {
            environment: in_context(kind, root)?,
            why: None,
        }),
        EnvironmentChoice::Auto => Ok(auto(binaries, kind, root).await),
    }
}

async fn auto(binaries: &Binaries, kind: &KindArgs, root: &Path) -> Chosen {
    let missing = match on_kind(kind, root) {
        Ok(environment) => {
            let missing = environment.preflight().await;
            if missing.is_empty() {
                return Chosen {
                    environment,
                    why: Some("auto: kind, because all it needs is there".to_owned()),
                };
            }
            list(&missing)
        }
        Err(error) => error.to_string(),
    };
    Chosen {
        environment: embedded(binaries),
        why: Some(format!("auto: embedded, because for kind: {missing}")),
    }
}

/// The first few things that are missing; `doctor` tells all of them with their cures.
fn list(missing: &[Missing]) -> String {
    const FEW: usize = 3;
    let mut facts: Vec<String> = missing.iter().take(FEW).map(|one| one.fact.clone()).collect();
    if missing.len() > FEW {
        facts.push(format!("{} more (`cargo xtask doctor`)", missing.len() - FEW));
    }
    facts.join("; ")
}

fn embedded(binaries: &Binaries) -> Box<dyn Environment> {
    Box::new(EmbeddedEnvironment::new(services(binaries)))
}

fn services(binaries: &Binaries) -> EmbeddedConfig {
    EmbeddedConfig::new(ServiceBinaries {
        storefront: binaries.storefront.clone(),
        order: binaries.order.clone(),
        inventory: binaries.inventory.clone(),
    })
}

#[cfg(feature = "containers")]
fn in_containers(binaries: &Binaries, args: &KindArgs) -> Result<Box<dyn Environment>, ChoiceError> {
    Ok(Box::new(containers::environment(services(binaries), args)?))
}

#[cfg(not(feature = "containers"))]
fn in_containers(_binaries: &Binaries, _args: &KindArgs) -> Result<Box<dyn Environment>, ChoiceError> {
    Err(ChoiceError::NotBuilt("containers"))
}

#[cfg(feature = "kind")]
fn on_kind(args: &KindArgs, root: &Path) -> Result<Box<dyn Environment>, ChoiceError> {
    Ok(Box::new(kind::environment(args, root)?))
}

#[cfg(feature = "kind")]
fn in_context(args: &KindArgs, root: &Path) -> Result<Box<dyn Environment>, ChoiceError> {
    Ok(Box::new(kind::in_context(args, root)?))
}

#[cfg(not(feature = "kind"))]
fn in_context(_args: &KindArgs, _root: &Path) -> Result<Box<dyn Environment>, ChoiceError> {
    Err(ChoiceError::NotBuilt("context"))
}

#[cfg(not(feature = "kind"))]
fn on_kind(_args: &KindArgs, _root: &Path) -> Result<Box<dyn Environment>, ChoiceError> {
    Err(ChoiceError::NotBuilt("kind"))
}
