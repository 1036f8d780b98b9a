//! What the environment on Kubernetes is made of, as whoever starts it decides.

use std::path::PathBuf;

use crate::binaries::Binaries;
use crate::manifest::Profile;
use crate::pins::Pins;
use crate::reference::ImageRef;
use crate::tool::ToolPath;

/// What the environment is made of.
#[derive(Debug, Clone)]
pub struct KindOptions {
    /// Where the tools are.
    pub tools: ToolPath,
    /// The program that this is, for what a user who is not root needs it to do as root.
    pub program: Option<PathBuf>,
    /// What is brought up.
    pub plan: Plan,
}

/// What is brought up.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Versions and images.
    pub pins: Pins,
    /// Where the services' binaries come from.
    pub binaries: Binaries,
    /// The Collector's profile.
    pub profile: Profile,
    /// Whether images that the local Docker lacks may be downloaded.
    pub download: bool,
    /// Whether services are intercepted with Telepresence; without it everything stays in the cluster.
    pub telepresence: bool,
    /// Whether the run takes a cluster that was kept, when there is one, and leaves it as kept. One with `--keep` does anyway.
    pub reuse: bool,
    /// How the cluster's name begins.
    pub prefix: String,
    /// Where the process on the workstation listens; the walkthrough's 8080 unless it is told otherwise.
    pub workstation_port: u16,
    /// The folder for locks of what each user has: clusters that were kept.
    pub locks: PathBuf,
    /// The folder for locks of what the machine has once, whoever uses it: the connection of Telepresence.
    pub machine_locks: PathBuf,
    /// The folder for images that were saved out of Docker: see [`SavedImages`](crate::saved_images::SavedImages).
    pub saved_images: PathBuf,
}

impl Plan {
    /// The images of others that the cluster runs.
    #[must_use]
    pub fn upstream(&self) -> Vec<&ImageRef> {
        let manager = self.telepresence.then_some(&self.pins.traffic_manager);
        [&self.pins.jaeger, &self.pins.collector]
            .into_iter()
            .chain(manager)
            .collect()
    }
}
