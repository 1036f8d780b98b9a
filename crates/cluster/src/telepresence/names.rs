//! The names that the walkthrough uses, resolved on the workstation and compared with the API server's word.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::api::core::v1::Service;
use kube::{Api, Client};
use testbed::Deadline;
use testbed::wait::{self, Probe};
use tokio::sync::OnceCell;

use super::TelepresenceError;
use crate::kubernetes::error::{KubernetesError, request};
use crate::manifest::{APPLICATION, OBSERVABILITY};

/// How long one question may take, to the resolver or to the API server.
const PROBE_LIMIT: Duration = Duration::from_secs(2);

/// A name as the walkthrough writes it, and the Service behind it.
const NAMES: [(&str, &str, &str); 3] = [
    (
        "otel-collector.observability.svc.cluster.local",
        OBSERVABILITY,
        "otel-collector",
    ),
    ("inventory-service", APPLICATION, "inventory-service"),
    ("order-service", APPLICATION, "order-service"),
];

/// The names themselves.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().map(|(name, _, _)| name)
}

/// Waits until every name resolves to its Service's address, one after the other: questions at the same time are what the daemon of
/// Telepresence 2.31.2 was seen to end of.
pub(super) async fn resolve(client: &Client, deadline: &Deadline) -> Result<(), TelepresenceError> {
    for name in NAMES {
        resolve_one(client, name, deadline).await?;
    }
    Ok(())
}

async fn resolve_one(
    client: &Client,
    (name, namespace, service): (&str, &str, &str),
    deadline: &Deadline,
) -> Result<(), TelepresenceError> {
    let expected = OnceCell::new();
    wait::until(deadline, &format!("{name} on the workstation"), || async {
        // Once it is known it stays, and a server that is busy for a moment is asked again.
        let asked = expected.get_or_try_init(|| cluster_ip(client, namespace, service, deadline));
        match asked.await {
            Ok(expected) => look(name, *expected).await,
            Err(error) if error.passes() => Probe::NotYet(error.to_string()),
            Err(error) => Probe::Broken(error),
        }
    })
    .await?;
    Ok(())
}

/// Asks the system's own resolver, because that is what Telepresence changes and what the service asks. A question that nobody
/// answers must not use up the time of the next ones.
async fn look<E>(name: &str, expected: IpAddr) -> Probe<(), E> {
    let asked = Deadline::after(PROBE_LIMIT);
    match asked.bound(tokio::net::lookup_host((name, 80))).await {
        Ok(Ok(found)) => judge(&found.map(|address| address.ip()).collect(), expected),
        Ok(Err(error)) => Probe::not_yet(error.to_string()),
        Err(_) => Probe::not_yet(format!("no answer within {} s", PROBE_LIMIT.as_secs())),
    }
}

/// Any other address is somebody else's answer: of the network that the machine is in, or of a cluster before.
fn judge<E>(found: &BTreeSet<IpAddr>, expected: IpAddr) -> Probe<(), E> {
    if found.contains(&expected) {
        Probe::Ready(())
    } else {
        Probe::not_yet(format!("resolves to {found:?}, and is {expected} in the cluster"))
    }
}

async fn cluster_ip(
    client: &Client,
    namespace: &str,
    service: &str,
    deadline: &Deadline,
) -> Result<IpAddr, KubernetesError> {
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let what = format!("the Service {namespace}/{service}");
    let found = request(&what, &deadline.within(PROBE_LIMIT), services.get(service)).await?;
    let address = found.spec.and_then(|spec| spec.cluster_ip).unwrap_or_default();
    address.parse().map_err(|_| KubernetesError::Odd {
        what,
        reason: "it has no address".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use kube::Config;
    use rstest::rstest;
    use serde_json::json;
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    const LOOPBACK: &str = "127.0.0.1";

    #[rstest]
    #[case::none(&[], false)]
    #[case::another(&["10.1.2.3"], false)]
    #[case::it(&["10.96.0.7"], true)]
    #[case::among_others(&["fd00::7", "10.96.0.7"], true)]
    fn only_the_service_s_own_address_counts(#[case] found: &[&str], #[case] ready: bool) {
        let found = found.iter().map(|address| address.parse().unwrap()).collect();
        let probe: Probe<(), Infallible> = judge(&found, "10.96.0.7".parse().unwrap());
        assert_eq!(matches!(probe, Probe::Ready(())), ready, "{probe:?}");
    }

    #[rstest]
    #[case(LOOPBACK, true)]
    #[case("10.96.0.7", false)]
    #[tokio::test]
    async fn the_machine_s_own_resolver_is_asked(#[case] expected: &str, #[case] ready: bool) {
        let probe: Probe<(), Infallible> = look("localhost", expected.parse().unwrap()).await;
        assert_eq!(matches!(probe, Probe::Ready(())), ready, "{probe:?}");
    }

    /// An API server whose first answer is this one, and whose next ones say the Service's address.
    async fn server(first: ResponseTemplate) -> (MockServer, Client) {
        let server = MockServer::start().await;
        let service = || Mock::given(path("/api/v1/namespaces/demo/services/order-service"));
        service()
            .respond_with(first)
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let found = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "order-service"}, "spec": {"clusterIP": LOOPBACK},
        });
        service()
            .respond_with(ResponseTemplate::new(200).set_body_json(found))
            .mount(&server)
            .await;
        let client = Client::try_from(Config::new(server.uri().parse().unwrap())).unwrap();
        (server, client)
    }

    async fn resolved(first: ResponseTemplate) -> Result<(), TelepresenceError> {
        let (_server, client) = server(first).await;
        let deadline = Deadline::after(Duration::from_secs(30));
        resolve_one(&client, ("localhost", "demo", "order-service"), &deadline).await
    }

    fn refusal(code: u16) -> ResponseTemplate {
        let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "x", "message": "no", "code": code});
        ResponseTemplate::new(code).set_body_json(status)
    }

    #[rstest]
    #[case::too_many_requests(refusal(429))]
    #[case::unavailable(refusal(503))]
    #[case::silent(refusal(200).set_delay(Duration::from_mins(1)))]
    #[tokio::test]
    async fn a_busy_server_is_asked_again(#[case] first: ResponseTemplate) {
        resolved(first).await.unwrap();
    }

    #[tokio::test]
    async fn a_refusal_that_stays_is_told_at_once() {
        let error = resolved(refusal(403)).await.unwrap_err();
        assert!(
            testbed::explain::chain(&error).contains("order-service: no"),
            "{error:?}"
        );
    }
}
