//! Why the environment in containers did not come up, or could not do what it was asked for.

use embedded::environment::EmbeddedError;
use testbed::{Class, Explain, StepError, WaitError};
use testcontainers::TestcontainersError;
use testcontainers::bollard::errors::Error as DockerError;
use upstream::probe::ProbeError;

/// Why the environment in containers did not come up, or could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ContainersError {
    /// A part did not start.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The services or the intercept, which are those of the embedded environment.
    #[error(transparent)]
    Services(#[from] EmbeddedError),
    /// There is no `docker` on the path.
    #[error("docker not found on PATH (needed to remove containers)")]
    NoDocker,
    /// The Engine does not answer.
    #[error("the Docker Engine can't be reached: {reason}")]
    Unreachable {
        /// Why.
        reason: String,
    },
    /// Docker did not start a container, or did not remove it.
    #[error("Docker did not run {container}")]
    Container {
        /// The container's name.
        container: String,
        /// Why.
        source: Box<TestcontainersError>,
    },
    /// Docker did not answer, or said no.
    #[error("Docker did not {deed}")]
    Docker {
        /// What it was asked for.
        deed: String,
        /// Why.
        source: DockerError,
    },
    /// The program in a container ended.
    #[error("{container} ended with exit code {code}{}", tail(log))]
    Ended {
        /// The container's name.
        container: String,
        /// Its exit code.
        code: i64,
        /// Its last words.
        log: String,
    },
    /// A container publishes no such port on the loopback interface.
    #[error("{container} does not publish port {port} on 127.0.0.1")]
    NotPublished {
        /// The container's name.
        container: String,
        /// The port inside.
        port: u16,
    },
    /// What a container was waited for did not come to hold.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// A span did not arrive in Jaeger.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// A configuration in the manifests can't be used.
    #[error("the configuration of {of} can't be used: {reason}")]
    Configuration {
        /// Of which program.
        of: &'static str,
        /// Why.
        reason: String,
    },
    /// The client that asks whether containers are ready can't be made.
    #[error("the HTTP client can't be made")]
    Http(#[from] reqwest::Error),
    /// Asked for something that needs the environment.
    #[error("the environment in containers is not up")]
    NotUp,
    /// Brought up for a second time.
    #[error("the environment in containers is already up")]
    AlreadyUp,
}

impl Explain for ContainersError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Step(error) => error.hint(),
            Self::Services(error) => error.hint(),
            Self::Wait(error) => error.hint(),
            Self::Probe(error) => error.hint(),
            Self::NoDocker | Self::Unreachable { .. } | Self::Container { .. } | Self::Docker { .. } => {
                Some("is Docker running? `docker info`; what is missing: `cargo xtask doctor`".to_owned())
            }
            Self::NotPublished { .. } => {
                Some("Docker must run on this machine: its ports are published on 127.0.0.1".to_owned())
            }
            _ => None,
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Step(error) => error.class(),
            Self::Services(error) => error.class(),
            _ => Class::Unexpected,
        }
    }
}

fn tail(log: &str) -> String {
    if log.is_empty() {
        String::new()
    } else {
        format!("; its last words:\n{log}")
    }
}
