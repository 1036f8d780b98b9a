//! The proof believes nonces that come back from the right process, and nothing else.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use testbed::wait::Probe;
use testbed::{Deadline, EnvironmentName};
use trace::Site;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::{Answerer, Prover};

/// A storefront whose order-service hop is made by a function of the nonce.
struct Storefront<F>(F);

impl<F: Fn(&str) -> Value + Send + Sync> Respond for Storefront<F> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let nonce = request
            .url
            .query_pairs()
            .find(|(name, _)| name == "nonce")
            .map(|(_, nonce)| nonce.into_owned());
        let nonce = nonce.unwrap_or_default();
        ResponseTemplate::new(200).set_body_json(json!({ "nonce": nonce, "hops": [(self.0)(&nonce)] }))
    }
}

fn hop(site: Site, pid: u32, nonce: &str) -> Value {
    json!({
        "service": "order-service", "version": "1", "site": site, "pid": pid, "instance_id": "i", "nonce": nonce,
        "telemetry": { "exporter": "none", "started": 0, "exported": 0, "failed": 0, "last_error": null }
    })
}

async fn storefront(answer: impl Fn(&str) -> Value + Send + Sync + 'static) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/route"))
        .respond_with(Storefront(answer))
        .mount(&server)
        .await;
    server
}

async fn prove(
    answer: impl Fn(&str) -> Value + Send + Sync + 'static,
    expected: Answerer,
    limit: Duration,
) -> Result<super::Proof, String> {
    let server = storefront(answer).await;
    let prover = Prover::new(&server.uri(), EnvironmentName::Kind).unwrap();
    let proven = prover.prove(&Deadline::after(limit), &expected, None).await;
    let (proof, who) = proven.map_err(|error| error.to_string())?;
    assert!(expected.matches(&who), "{who:?}");
    Ok(proof)
}

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn several_nonces_from_the_process_that_we_started_are_a_proof() {
    let proof = prove(
        |nonce| hop(Site::Workstation, 42, nonce),
        Answerer::Workstation { pid: 42 },
        LONG,
    )
    .await
    .unwrap();
    assert_eq!(proof.nonces.len(), super::ANSWERS_OF_PODS);
    assert_eq!(proof.answered_by, "order-service@workstation pid 42");
}

#[tokio::test]
async fn fewer_are_enough_where_no_pod_comes_or_goes() {
    let server = storefront(|nonce| hop(Site::Workstation, 42, nonce)).await;
    let prover = Prover::new(&server.uri(), EnvironmentName::Kind)
        .unwrap()
        .of_one_process();
    let here = Answerer::Workstation { pid: 42 };
    let (proof, _) = prover.prove(&Deadline::after(LONG), &here, None).await.unwrap();
    assert_eq!(proof.nonces.len(), super::ANSWERS);
}

#[tokio::test]
async fn another_process_on_the_workstation_is_not_ours() {
    let error = prove(
        |nonce| hop(Site::Workstation, 41, nonce),
        Answerer::Workstation { pid: 42 },
        SHORT,
    )
    .await
    .unwrap_err();
    assert!(
        error.contains("answered by order-service@workstation pid 41"),
        "{error}"
    );
}

#[tokio::test]
async fn the_same_pid_inside_the_cluster_is_not_ours() {
    let error = prove(
        |nonce| hop(Site::Cluster, 42, nonce),
        Answerer::Workstation { pid: 42 },
        SHORT,
    )
    .await
    .unwrap_err();
    assert!(
        error.contains("answered by order-service@cluster pid 42"),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_without_our_nonce_proves_nothing() {
    let error = prove(
        |_| hop(Site::Workstation, 42, "stale"),
        Answerer::Workstation { pid: 42 },
        SHORT,
    )
    .await
    .unwrap_err();
    assert!(error.contains("did not come back"), "{error}");
}

#[tokio::test]
async fn the_traffic_is_back_when_the_cluster_answers() {
    prove(|nonce| hop(Site::Cluster, 1, nonce), Answerer::Cluster, LONG)
        .await
        .unwrap();
    prove(|nonce| hop(Site::Workstation, 1, nonce), Answerer::Cluster, SHORT)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn one_wrong_answer_starts_the_count_again() {
    let asked = AtomicUsize::new(0);
    let answer = move |nonce: &str| {
        let count = asked.fetch_add(1, Ordering::SeqCst);
        hop(
            if count == 1 {
                Site::Cluster
            } else {
                Site::Workstation
            },
            42,
            nonce,
        )
    };
    let proof = prove(answer, Answerer::Workstation { pid: 42 }, LONG)
        .await
        .unwrap();
    assert_eq!(proof.nonces.len(), super::ANSWERS_OF_PODS);
}

#[tokio::test]
async fn an_ending_pod_that_still_answers_is_none_of_the_new_ones() {
    let new = Answerer::Instances {
        ids: ["new".to_owned()].into(),
    };
    let from = |instance: &str, nonce: &str| {
        let mut hop = hop(Site::Cluster, 1, nonce);
        hop["instance_id"] = instance.into();
        hop
    };
    let asked = AtomicUsize::new(0);
    let once_from_the_former = move |nonce: &str| {
        // The last of the first sixteen.
        let former = asked.fetch_add(1, Ordering::SeqCst) == super::ANSWERS_OF_NEW_PODS - 1;
        from(if former { "former" } else { "new" }, nonce)
    };
    let proof = prove(once_from_the_former, new.clone(), LONG).await.unwrap();
    assert_eq!(proof.nonces.len(), super::ANSWERS_OF_NEW_PODS);
    prove(move |nonce| from("former", nonce), new, SHORT)
        .await
        .unwrap_err();
}

/// A storefront that answers every so many requests, and the others with an error or not at all.
async fn storefront_answering_every(nth: usize, else_after: Duration) -> (MockServer, Prover) {
    let server = MockServer::start().await;
    let count = AtomicUsize::new(0);
    let answer = move |request: &Request| {
        if count.fetch_add(1, Ordering::Relaxed) % nth == nth - 1 {
            Storefront(|nonce: &str| hop(Site::Cluster, 7, nonce)).respond(request)
        } else {
            ResponseTemplate::new(502).set_delay(else_after)
        }
    };
    Mock::given(path("/route"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let prover = Prover::new(&server.uri(), EnvironmentName::Kind).unwrap();
    (server, prover)
}

#[tokio::test]
async fn one_answer_is_enough_to_be_somebody() {
    let (_server, prover) = storefront_answering_every(5, Duration::ZERO).await;
    assert!(matches!(prover.nobody().await, Probe::NotYet(who) if who.contains('7')));
    let (_server, prover) = storefront_answering_every(1000, Duration::ZERO).await;
    assert_eq!(prover.nobody().await, Probe::Ready(()));
}

#[tokio::test]
async fn who_expects_no_answer_waits_no_longer_than_it_says() {
    let (_server, prover) = storefront_answering_every(1000, Duration::from_mins(1)).await;
    assert_eq!(prover.within(SHORT).nobody().await, Probe::Ready(()));
}

#[tokio::test]
async fn requests_that_are_never_answered_hold_a_proof_up_for_a_moment_each() {
    let (server, prover) = storefront_answering_every(1, Duration::ZERO).await;
    let lost = ResponseTemplate::new(502).set_delay(Duration::from_mins(1));
    Mock::given(path("/route"))
        .respond_with(lost)
        .up_to_n_times(4)
        .with_priority(1)
        .mount(&server)
        .await;
    // Less than the limit of one probe.
    let deadline = Deadline::after(super::PROBE_LIMIT - SHORT);
    prover.prove(&deadline, &Answerer::Cluster, None).await.unwrap();
}

#[tokio::test]
async fn an_attempt_that_is_only_slow_counts() {
    let server = MockServer::start().await;
    let slow = |request: &Request| {
        let answered = Storefront(|nonce: &str| hop(Site::Cluster, 7, nonce)).respond(request);
        answered.set_delay(super::SILENCE * 2)
    };
    Mock::given(path("/route"))
        .respond_with(slow)
        .mount(&server)
        .await;
    let prover = Prover::new(&server.uri(), EnvironmentName::Kind).unwrap();
    let deadline = Deadline::after(LONG);
    prover.prove(&deadline, &Answerer::Cluster, None).await.unwrap();
}
