//! Words of Telepresence, and what they mean.

use rstest::rstest;

use super::*;

#[rstest]
#[case(
    "traffic manager not found, if it is not installed, please run 'telepresence helm install'.",
    "NoManager"
)]
#[case(
    "traffic-manager version \"2.31.2\" is already installed, use 'telepresence helm upgrade'",
    "ManagerThere"
)]
#[case("namespace N is not managed", "Namespace")]
#[case("connector.CreateIntercept: workload \"X.demo\" not found", "Workload")]
#[case(
    "connector.CreateIntercept: Deployment order-service.demo has no interceptable port matching port 9999",
    "Port"
)]
#[case(
    "connector.CreateIntercept: intercept with name \"order-service\" already exists",
    "Conflict"
)]
#[case(
    "connector.CreateIntercept: port 127.0.0.1:8080 is already in use by intercept order-service",
    "LocalPort"
)]
#[case("telepresence user daemon is not running", "DaemonGone")]
#[case("context \"X\" does not exist in the kubeconfig", "Kubeconfig")]
#[case("kubeconfig has no context definition", "Kubeconfig")]
#[case("stat F: no such file or directory", "Kubeconfig")]
#[case(
    "unable to reach the Kubernetes cluster for context \"C\" at URL: the API server refused the connection.",
    "Cluster"
)]
#[case("failed to open TUN device /dev/net/tun: operation not permitted", "Rights")]
#[case("the traffic-agent timed out waiting", "Agent")]
#[case(
    "request timed out while waiting for agent order-service.demo to arrive: Events that may be relevant:\n\
     21s Warning Unhealthy pod/order-service Readiness probe failed: connect: connection refused",
    "Agent"
)]
// Whole, and with all the other words that are in it.
#[case(
    "unable to reach the Kubernetes cluster for context \"kind-x\" at https://127.0.0.1:6443: the API server refused the connection. \
     Verify that the cluster still exists and that your kubeconfig context \"kind-x\" points at it (try `kubectl --context kind-x \
     cluster-info`).",
    "Cluster"
)]
#[case(
    "connector.Connect: initial cluster check failed: Get \"https://127.0.0.1:1/version\": dial tcp: i/o timeout",
    "Cluster"
)]
#[case("telepresence daemon must run with elevated privileges", "Rights")]
#[case("failed to launch the daemon service: sudo: a password is required", "Rights")]
#[case(
    "Failed to establish intercept: intercept in error state AGENT_ERROR: Conflicts with the currently-served intercept \"0123:x\"",
    "Conflict"
)]
#[case(
    "connector.CreateIntercept: intercept in error state AGENT_ERROR: conflicts with the currently active intercept \"0123:x\" \
     (\"me@here\"): one intercept has no filters (intercepts all traffic)",
    "Conflict"
)]
#[case(
    "connector.CreateIntercept: intercept in error state AGENT_ERROR: No match for container \"x\"",
    "NotActive { disposition: \"AGENT_ERROR\", message: \"No match for"
)]
#[case(
    "connector.Connect: failed to connect to root daemon: subnet 10.96.0.0/16 overlaps with existing route \"10.0.0.0/8 via 10.1.0.1\". \
     Please see https://www.telepresence.io/docs/reference/vpn for more information",
    "Complaint { complaint: the cluster's addresses are routed elsewhere"
)]
#[case(
    "socket \"/tmp/telepresence-connector.socket\" exists so the connector is either already running or terminated ungracefully",
    "Complaint { complaint: another daemon of Telepresence is in the way"
)]
#[case(
    "dial unix /var/run/telepresence-daemon.socket: socket unresponsive and removed; this usually means that the process has locked up",
    "Complaint { complaint: another daemon of Telepresence is in the way"
)]
#[case(
    "multiple daemons are running, please select a or b using the --use <match> flag",
    "Complaint { complaint: several daemons"
)]
#[case(
    "connector.CreateIntercept: Deployment order-service.demo is not interceptable",
    "Complaint { complaint: the workload wants no traffic agent"
)]
#[case(
    "Deployment order-service.demo has multiple interceptable ports.\nPlease specify the service and/or port you want to intercept",
    "Complaint { complaint: the workload has not exactly one port"
)]
#[case(
    "found no service with a port that matches a container in pod order-service.demo",
    "Complaint { complaint: the workload has not exactly one port"
)]
#[case(
    "intercepts are disabled because the traffic-manager is unable to determine what image to use for injected traffic-agents.",
    "Complaint { complaint: the traffic manager knows no image"
)]
#[case(
    "agent-injector is disabled and no agent has been added manually for Deployment order-service.demo",
    "Complaint { complaint: the traffic manager puts no agents"
)]
#[case(
    "Cannot create an intercept in namespace \"b\". A workstation cannot have simultaneous intercepts in different namespaces. \
     Leave all intercepts in namespace \"a\" first.",
    "Complaint { complaint: there are intercepts in another namespace"
)]
#[case(
    "telepresence root daemon is not running",
    "Complaint { complaint: Telepresence's root daemon"
)]
#[case(
    "connector.Connect: rot daemon is not running",
    "Complaint { complaint: Telepresence's root daemon"
)]
#[case(
    "failed to connect to root daemon: context canceled",
    "Complaint { complaint: Telepresence's root daemon"
)]
#[case("something entirely new", "Other")]
fn words_have_a_meaning(#[case] words: &str, #[case] meaning: &str) {
    let error = TelepresenceError::of_words("telepresence x", words);
    assert!(format!("{error:?}").starts_with(meaning), "{error:?}");
}

#[test]
fn a_dead_clients_intercept_is_named_with_its_cure() {
    let words = "connector.CreateIntercept: conflict with intercept 0123-abc:order-service on port 8080 created by client \
                 \"me@here\": one intercept has no filters (intercepts all traffic)";
    let error = TelepresenceError::of_words("telepresence intercept", words);
    assert_eq!(
        error.hint().unwrap(),
        "if it is a dead client's: `telepresence revoke 0123-abc:order-service`"
    );
}

#[rstest]
#[case("Conflicts with the currently-served intercept \"0123:x\"", Some("0123:x"))]
#[case(
    "conflicts with the currently waiting intercept \"0123:x\" (\"me@here\"): filters",
    Some("0123:x")
)]
#[case(
    "conflict with intercept 0123:x on port 8080 created by client \"me@here\"",
    Some("0123:x")
)]
#[case("intercept with name \"x\" already exists", None)]
fn the_intercept_in_the_way_is_found(#[case] words: &str, #[case] intercept: Option<&str>) {
    assert_eq!(intercept_in_the_way(words).as_deref(), intercept);
}

#[test]
fn a_root_daemon_that_is_gone_is_not_had_again_by_connecting() {
    let error =
        TelepresenceError::of_words("telepresence connect", "telepresence root daemon is not running");
    assert!(
        error
            .hint()
            .unwrap()
            .starts_with("`telepresence quit -s`, then run again"),
        "{error:?}"
    );
}

#[test]
fn words_that_nobody_knows_are_kept_whole() {
    let error = TelepresenceError::of_words("telepresence connect", "the moon is full");
    assert_eq!(
        error.to_string(),
        "`telepresence connect` failed: the moon is full"
    );
}
