//! Pods that are known without a question: the server tells of every change.

use std::future::ready;
use std::sync::Arc;

use futures_util::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::ApiResource;
use kube::runtime::reflector::{Store, reflector, store::Writer};
use kube::runtime::{WatchStreamExt as _, watcher};
use testbed::Deadline;
use tokio::task::JoinSet;

use super::view::{self, PodView};
use crate::manifest::RUN_LABEL;

/// The pods of a run in one namespace, as the server has told of them until now. That may be a moment behind.
pub(crate) struct KnownPods {
    told: Store<PodView>,
    // Listens until this is dropped.
    _listening: JoinSet<()>,
}

impl KnownPods {
    /// Those with a run's label. Listening goes on in the background, also after the server was away.
    #[must_use]
    pub(crate) fn of_run(client: &Client, namespace: &str, run: &str) -> Self {
        let writer = Writer::new(ApiResource::erase::<Pod>(&()));
        let told = writer.as_reader();
        let labelled = watcher::Config::default().labels(&format!("{RUN_LABEL}={run}"));
        let changes = watcher(view::pods(client, Some(namespace)), labelled).default_backoff();
        let mut listening = JoinSet::new();
        // A failure of the watch is no loss: it is taken up again, and whoever asks has what was told before.
        listening.spawn(reflector(writer, changes).for_each(|_| ready(())));
        Self {
            told,
            _listening: listening,
        }
    }

    /// What is known now; none when the server has told nothing at all until the deadline.
    pub(crate) async fn now(&self, deadline: &Deadline) -> Vec<Arc<PodView>> {
        match deadline.bound(self.told.wait_until_ready()).await {
            Ok(Ok(())) => self.told.state(),
            _ => Vec::new(),
        }
    }
}
