//! What can go wrong between nothing and an environment that is proven to work.

use testbed::{Explain, LeaseError, ProcessError, StepError, WaitError};

use crate::binaries::BinariesError;
use crate::context::ContextError;
use crate::docker::DockerError;
use crate::download::DownloadError;
use crate::image::ImageError;
use crate::kind::KindError;
use crate::kubernetes::KubernetesError;
use crate::manifest::ManifestError;
use crate::probe::ProbeError;
use crate::telepresence::TelepresenceError;
use crate::tool::ToolMissing;

/// Why the environment did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A program is missing.
    #[error(transparent)]
    Tool(#[from] ToolMissing),
    /// kind failed.
    #[error(transparent)]
    Kind(#[from] KindError),
    /// Docker failed.
    #[error(transparent)]
    Docker(#[from] DockerError),
    /// A program could not be downloaded.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The services could not be built.
    #[error(transparent)]
    Binaries(#[from] BinariesError),
    /// An image could not be packed.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A manifest can't be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Kubernetes failed.
    #[error(transparent)]
    Kubernetes(#[from] KubernetesError),
    /// A cluster that is there already can't be used.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The environment came up and does not work.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// Telepresence failed.
    #[error(transparent)]
    Telepresence(#[from] TelepresenceError),
    /// No traffic agent came into the pod, and it is known why.
    #[error("the traffic agent did not arrive in the pod: {reason}")]
    NoAgent {
        /// What is wrong with it, or with what brings it.
        reason: String,
        /// What to do.
        cure: String,
        /// What Telepresence says.
        source: Box<TelepresenceError>,
    },
    /// Somebody else uses the cluster.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// A step failed, took too long, or was interrupted.
    #[error(transparent)]
    Step(#[from] StepError),
    /// A child process failed.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Something did not come in time.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// A file of the run can't be written.
    #[error("{what} can't be written")]
    Write {
        /// Which one.
        what: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The credentials in the node are no kubeconfig.
    #[error("the kubeconfig of the node can't be used: {reason}")]
    Credentials {
        /// Why.
        reason: String,
    },
    /// A part of the work ended without a result because another part failed first.
    #[error("{what} was given up because something else failed")]
    GivenUp {
        /// Which part.
        what: &'static str,
    },
    /// Asked of an environment that was made without Telepresence.
    #[error("this environment has no intercepts: it was made without Telepresence")]
    NoIntercepts,
    /// The path between the services is Kubernetes' and Telepresence's own.
    #[error("the path between the services can't be broken on purpose in a real cluster")]
    Unbreakable,
}

impl Explain for ClusterError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Tool(error) => error.hint(),
            Self::Kind(error) => error.hint(),
            Self::Docker(error) => error.hint(),
            Self::Download(error) => error.hint(),
            Self::Binaries(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Manifest(error) => error.hint(),
            Self::Kubernetes(error) => error.hint(),
            Self::Context(error) => error.hint(),
            Self::Probe(error) => error.hint(),
            Self::Telepresence(error) => error.hint(),
            Self::NoAgent { cure, .. } => Some(cure.clone()),
            Self::Lease(error) => error.hint(),
            Self::Step(error) => error.hint(),
            Self::Process(error) => error.hint(),
            Self::Wait(error) => error.hint(),
            Self::Write { .. }
            | Self::Credentials { .. }
            | Self::GivenUp { .. }
            | Self::NoIntercepts
            | Self::Unbreakable => None,
        }
    }
}
