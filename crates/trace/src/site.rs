//! Where a process runs for the purposes of a proof.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the two sides of an intercept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Site {
    /// Inside the cluster: a pod, or a process that plays that role in the embedded environment.
    Cluster,
    /// The developer's machine.
    Workstation,
}

/// A text that names no site.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown site {0:?}: expected `cluster` or `workstation`")]
pub struct UnknownSite(pub String);

impl Site {
    /// The word used in attributes, reports and on the console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Workstation => "workstation",
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Site {
    type Err = UnknownSite;

    fn from_str(text: &str) -> Result<Self, UnknownSite> {
        match text {
            "cluster" => Ok(Self::Cluster),
            "workstation" => Ok(Self::Workstation),
            other => Err(UnknownSite(other.to_owned())),
        }
    }
}
