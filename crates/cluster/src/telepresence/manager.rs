//! The way back from `telepresence helm install`, for clusters that stay.

use std::time::Duration;

use testbed::{Deed, Run};

use super::cli::Cli;
use super::world::World;
use super::{Target, Telepresence, TelepresenceError, folder};

/// How long uninstalling may take; five seconds usually.
const UNINSTALL: Duration = Duration::from_secs(60);

impl Telepresence {
    /// What takes the traffic manager out again, also from another process. Uninstalling what is not there is fine.
    ///
    /// # Errors
    /// The program is missing, or its settings can't be written.
    pub fn uninstallation(&self, run: &Run, target: &Target<'_>) -> Result<Deed, TelepresenceError> {
        let tool = self.tools.find("telepresence", "intercept a service")?;
        let world = World::make(&folder(run)?, target.kubeconfig)?;
        // The chart's hook asks every agent to go, by a further image that has to be pulled. The pods that have one are the
        // run's own, and go with it.
        let args = ["helm", "uninstall", "--no-hooks"];
        Ok(Cli::new(tool, &world).deed(&args, UNINSTALL))
    }
}
