//! Which environment stands behind `--env`.

use embedded::environment::{EmbeddedConfig, EmbeddedEnvironment, ServiceBinaries};
use testbed::Environment;

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
pub async fn choose(choice: EnvironmentChoice, binaries: &Binaries) -> Chosen {
    let environment = EmbeddedEnvironment::new(EmbeddedConfig::new(ServiceBinaries {
        storefront: binaries.storefront.clone(),
        order: binaries.order.clone(),
        inventory: binaries.inventory.clone(),
    }));
    let why = (choice == EnvironmentChoice::Auto)
        .then(|| "auto: embedded, the only environment that this version has".to_owned());
    Chosen {
        environment: Box::new(environment),
        why,
    }
}
