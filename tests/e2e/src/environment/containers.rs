//! The environment with a real Collector and Jaeger in containers, made of the command line.

use containers::config::Profile;
use containers::{ContainersConfig, ContainersEnvironment};
use embedded::environment::EmbeddedConfig;

use super::ChoiceError;
use super::pins::pins;
use crate::cli::{CollectorProfile, KindArgs};

/// The environment as the command line describes it; nothing is created yet.
pub(super) fn environment(
    services: EmbeddedConfig,
    args: &KindArgs,
) -> Result<ContainersEnvironment, ChoiceError> {
    let mut config = ContainersConfig::new(services, pins(args)?, |name| std::env::var_os(name));
    config.download = args.download;
    config.profile = match args.collector {
        CollectorProfile::Synchronous => Profile::Synchronous,
        CollectorProfile::Batched => Profile::Batched,
    };
    Ok(ContainersEnvironment::new(config))
}
