//! What the services in the pods of a run say of their spans.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use kube::Client;
use testbed::{Deadline, Tell};
use trace::ExportAccount;

use crate::kubernetes::known_pods::KnownPods;
use crate::kubernetes::pods;
use crate::manifest::APPLICATION;

/// How long the processes in the cluster may take to account for their spans.
const LIMIT: Duration = Duration::from_secs(5);

/// Asks them, each time anew. Which pods there are is not asked each time: it changes rarely, and every look at a trace begins with
/// the accounts. A pod that is not known yet gives none, and whoever has spans without an account waits for one.
#[derive(Clone)]
pub(super) struct Accounts {
    client: Client,
    pods: Arc<KnownPods>,
}

impl Accounts {
    /// Those of a run's services.
    pub(super) fn of_run(client: Client, run: &str) -> Self {
        let pods = Arc::new(KnownPods::of_run(&client, APPLICATION, run));
        Self { client, pods }
    }

    pub(super) async fn ask(&self, tell: Tell) -> Vec<ExportAccount> {
        let deadline = Deadline::after(LIMIT);
        let known = self.pods.now(&deadline).await;
        let names = pods::by_service(known.iter().map(AsRef::as_ref))
            .into_values()
            .flatten();
        let asked = names.map(|pod| {
            let (client, deadline) = (&self.client, &deadline);
            async move {
                pods::who_am_i(client, APPLICATION, &pod, tell, deadline)
                    .await
                    .ok()
            }
        });
        let answers = join_all(asked).await;
        answers
            .into_iter()
            .flatten()
            .filter_map(|who| who.account())
            .collect()
    }
}
