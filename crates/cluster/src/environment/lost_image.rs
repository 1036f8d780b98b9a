//! An agent without an image: the traffic manager of Telepresence 2.31.2 may lose it, and then the server refuses the workload's pods.
//! Usually the next one has it again; sometimes it is lost until the agent is worked out anew.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kube::Client;
use testbed::Deadline;
use testbed::wait::{self, Pace, Probe};

use crate::kubernetes::error::request;
use crate::kubernetes::{readiness, view};
use crate::manifest::APPLICATION;

/// What is said of it.
pub(super) const NOTE: &str = "the traffic manager has lost its agent's image, and no pod can come: it works the agent out anew, for new pods";
/// For how long pods may be refused for it. The controller asks for others after 10 ms, 20 ms, and so on: in three seconds eight times.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often the Deployment is looked at: beside everything else that waits for it.
const PACE: Pace = Pace {
    first: Duration::from_millis(500),
    longest: Duration::from_millis(500),
};

/// What was waited for, or that the agent's image is lost.
pub(super) enum Settled<T> {
    /// It is there, or can't be.
    Done(T),
    /// Nothing more comes of it.
    ImageLost,
}

/// Waits for pods of a workload, and no longer than they can come.
pub(super) async fn settled<T>(
    client: &Client,
    workload: &str,
    deadline: &Deadline,
    pods: impl Future<Output = T>,
) -> Settled<T> {
    settled_with(PATIENCE, client, workload, deadline, pods).await
}

async fn settled_with<T>(
    patience: Duration,
    client: &Client,
    workload: &str,
    deadline: &Deadline,
    pods: impl Future<Output = T>,
) -> Settled<T> {
    let since = Mutex::new(None::<Instant>);
    let deployments = view::deployments(client, Some(APPLICATION));
    let what = format!("the Deployment {APPLICATION}/{workload}");
    let lost = wait::until_paced(deadline, &what, PACE, || async {
        let found = request(&what, deadline, deployments.get(workload)).await;
        let refused = found.is_ok_and(|found| readiness::lacks_agents_image(&found));
        let mut since = since.lock().unwrap_or_else(PoisonError::into_inner);
        *since = refused.then(|| since.unwrap_or_else(Instant::now));
        match *since {
            Some(began) if began.elapsed() >= patience => Probe::<_, std::convert::Infallible>::Ready(()),
            _ => Probe::not_yet("pods may come"),
        }
    });
    tokio::select! {
        biased;
        done = pods => Settled::Done(done),
        Ok(()) = lost => Settled::ImageLost,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wiremock::matchers::any;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    /// Whether it counts as lost for good, when the Deployment is refused its pods with these words, and its pods come or don't.
    async fn is_lost(message: Option<&str>, patience: Duration, pods: impl Future<Output = ()>) -> bool {
        let failure =
            message.map(|text| json!({"type": "ReplicaFailure", "status": "True", "message": text}));
        let conditions: Vec<Value> = failure.into_iter().collect();
        let answer = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "order-service"},
            "spec": {"selector": {}, "template": {}}, "status": {"conditions": conditions},
        });
        let server = MockServer::start().await;
        let ok = ResponseTemplate::new(200).set_body_json(answer);
        Mock::given(any()).respond_with(ok).mount(&server).await;
        let config = kube::Config::new(server.uri().parse().unwrap());
        let client = Client::try_from(config).unwrap();
        let deadline = Deadline::after(Duration::from_secs(60));
        let settled = settled_with(patience, &client, "order-service", &deadline, pods).await;
        matches!(settled, Settled::ImageLost)
    }

    const LOST: Option<&str> = Some("Pod \"p\" is invalid: spec.containers[1].image: Required value");

    #[tokio::test]
    async fn pods_that_stay_refused_for_want_of_an_image_do_not_come() {
        assert!(is_lost(LOST, Duration::ZERO, std::future::pending()).await);
    }

    #[tokio::test]
    async fn pods_that_come_are_there_whatever_was_refused_before() {
        let comes = || async {
            // Later than the second look.
            Deadline::after(Duration::from_millis(1200)).ended().await;
        };
        assert!(!is_lost(LOST, Duration::from_secs(60), comes()).await);
        assert!(!is_lost(None, Duration::ZERO, comes()).await);
        assert!(!is_lost(Some("exceeded quota: small"), Duration::ZERO, comes()).await);
    }
}
