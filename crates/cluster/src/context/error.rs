//! Why a cluster that is there already can't be used.

use std::path::PathBuf;

use testbed::Explain;

/// Why a cluster that is there already can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// There is no kubeconfig to read.
    #[error("there is no kubeconfig{}", looked_in(looked))]
    NoKubeconfig {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// A kubeconfig can't be read.
    #[error("the kubeconfig {} can't be used: {reason}", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No kubeconfig has that context.
    #[error("no context is called {context:?}; {}", listed(known))]
    NoContext {
        /// The name that was asked for.
        context: String,
        /// The names that are there.
        known: Vec<String>,
    },
    /// The context names something that its kubeconfig does not have.
    #[error("the context {context:?} names the {what}, which the kubeconfig does not have")]
    Dangling {
        /// The context.
        context: String,
        /// What it names.
        what: String,
    },
    /// The services' images can't come into the cluster.
    #[error("{reason}")]
    Images {
        /// Why not.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A file of the run can't be written.
    #[error("{} can't be written: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        reason: String,
    },
}

fn looked_in(looked: &[PathBuf]) -> String {
    match looked {
        [] => ": neither KUBECONFIG nor HOME is set".into(),
        paths => {
            let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            format!(" at {}", paths.join(" or "))
        }
    }
}

fn listed(known: &[String]) -> String {
    match known {
        [] => "there is none at all".into(),
        names => format!("there are: {}", names.join(", ")),
    }
}

impl Explain for ContextError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoKubeconfig { .. } => {
                Some("name one with `--kubeconfig FILE`, or by the variable KUBECONFIG".into())
            }
            Self::NoContext { .. } => Some("`kubectl config get-contexts` lists them".into()),
            Self::Dangling { context, .. } => Some(format!(
                "`kubectl config view --minify --context {context}` shows what is there"
            )),
            Self::Images { hint, .. } => Some(hint.clone()),
            Self::Kubeconfig { .. } | Self::Write { .. } => None,
        }
    }
}
