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
use crate::manifest;

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
        let labelled = watcher::Config::default().labels(&manifest::of_run(run));
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::{Config, ResourceExt as _};
    use serde_json::{Value, json};
    use testbed::wait::{self, Probe};
    use wiremock::matchers::{method, path, query_param, query_param_is_missing};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    const PODS: &str = "/api/v1/namespaces/demo/pods";

    fn pod(name: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "demo", "uid": name, "resourceVersion": "2"},
            "spec": {},
            "status": {},
        })
    }

    /// A server with a pod `former`, which is replaced by `next`; that is told once, and to whoever asks for the run's pods only.
    async fn server() -> MockServer {
        let server = MockServer::start().await;
        let of_run = || {
            Mock::given(method("GET"))
                .and(path(PODS))
                .and(query_param("labelSelector", format!("{}=r", manifest::RUN_LABEL)))
        };
        let listed = json!({
            "apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": [pod("former")],
        });
        of_run()
            .and(query_param_is_missing("watch"))
            .respond_with(ResponseTemplate::new(200).set_body_json(listed))
            .expect(1)
            .mount(&server)
            .await;
        let told = [("ADDED", pod("next")), ("DELETED", pod("former"))]
            .map(|(kind, object)| format!("{}\n", json!({"type": kind, "object": object})));
        of_run()
            .and(query_param("watch", "true"))
            .respond_with(ResponseTemplate::new(200).set_body_string(told.concat()))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let silence = ResponseTemplate::new(200).set_delay(Duration::from_mins(1));
        of_run().respond_with(silence).mount(&server).await;
        server
    }

    fn names(pods: &[Arc<PodView>]) -> Vec<String> {
        let mut names: Vec<String> = pods.iter().map(|pod| pod.name_any()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_change_is_known_without_a_question() {
        let server = server().await;
        let client = Client::try_from(Config::new(server.uri().parse().unwrap())).unwrap();
        let pods = KnownPods::of_run(&client, "demo", "r");
        let deadline = Deadline::after(Duration::from_secs(20));
        wait::until(&deadline, "the other pod", || async {
            match names(&pods.now(&deadline).await) {
                now if now == ["next"] => Probe::<()>::Ready(()),
                now => Probe::NotYet(format!("{now:?}")),
            }
        })
        .await
        .unwrap();
        // The list was asked for once, which the server checks when it is dropped.
    }

    #[tokio::test]
    async fn without_a_server_there_is_none() {
        let client = Client::try_from(Config::new("http://127.0.0.1:9".parse().unwrap())).unwrap();
        let pods = KnownPods::of_run(&client, "demo", "r");
        let deadline = Deadline::after(Duration::from_millis(100));
        assert!(pods.now(&deadline).await.is_empty());
    }
}
