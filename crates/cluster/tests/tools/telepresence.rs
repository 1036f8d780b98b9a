//! What Telepresence is asked, and what people are told when it fails.

use cluster::kubernetes::nodes::NodeLabel;
use cluster::telepresence::{Serves, Telepresence, TelepresenceError};
use rstest::{Context, rstest};
use serde_json::json;
use testbed::Selection;

use crate::fakes::{Fakes, generous, run, told};
use crate::telepresence_bed::{Bed, active, error, fake, header, target};

#[tokio::test]
async fn the_manager_s_pod_waits_for_a_node_with_the_label() {
    let bed = Bed::new(fake("2.31.2", &[json!({})]));
    let label = NodeLabel {
        key: "throughline.dev/services",
        value: "reached",
    };
    bed.install_for(Serves::EverythingFrom(label)).await.unwrap();
    let call = bed.fakes.calls().pop().unwrap();
    // Helm takes a dot in a key for a step into it, unless there is a backslash.
    assert!(
        call.contains(r" --set nodeSelector.throughline\.dev/services=reached "),
        "{call}"
    );
}

#[tokio::test]
async fn the_manager_of_a_cluster_of_somebody_else_serves_our_namespaces_alone() {
    let bed = Bed::new(fake("2.31.2", &[json!({})]));
    let serves = Serves::Namespaces(&["demo", "observability"]);
    bed.install_for(serves).await.unwrap();
    let call = bed.fakes.calls().pop().unwrap();
    assert!(call.contains(" --set namespaces={demo,observability} "), "{call}");
}

#[tokio::test]
async fn the_walkthrough_is_asked_for_word_by_word_in_a_world_of_its_own() {
    let listed =
        json!([{"name": "inventory-service"}, {"name": "order-service", "agent_version": "v2.31.2"}]);
    let rules = [
        json!({"when": ["list"], "stdout": listed.to_string()}),
        active(),
        json!({}),
    ];
    let mut bed = Bed::new(fake("2.31.2", &rules));
    bed.install().await.unwrap();
    bed.connect().await.unwrap();
    assert_eq!(
        bed.telepresence.list(&bed.run).await.unwrap(),
        ["inventory-service", "order-service"]
    );
    bed.intercept(Selection::All).await.unwrap();
    bed.leave().await.unwrap();
    bed.intercept(header()).await.unwrap();
    bed.leave().await.unwrap();
    let report = bed.run.finish().await;
    assert!(report.complete(), "{report:?}");
    let undone = [
        "telepresence connection",
        "telepresence daemon",
        "what telepresence left on this machine",
    ];
    assert_eq!(report.done, undone);
    insta::assert_snapshot!("telepresence_walkthrough", bed.fakes.calls().join("\n"));

    let folder = bed.run.dir().path().display().to_string();
    let kubeconfig = bed.kubeconfig().display().to_string();
    for call in bed.fakes.records() {
        // Who we are and whether somebody else is connected is asked as the user would ask it.
        if ["version", "status"].contains(&call["args"][0].as_str().unwrap()) {
            assert_eq!(
                (&call["kubeconfig"], &call["xdg_cache_home"]),
                (&json!(null), &json!(null)),
                "{call}"
            );
            continue;
        }
        assert_eq!(call["kubeconfig"], kubeconfig, "{call}");
        for variable in ["xdg_config_home", "xdg_cache_home"] {
            assert!(call[variable].as_str().unwrap().starts_with(&folder), "{call}");
        }
    }
}

#[tokio::test]
async fn usage_is_not_reported_and_nothing_takes_the_shortcut_past_the_agent() {
    let mut bed = Bed::new(fake("2.31.2", &[json!({})]));
    bed.connect().await.unwrap();
    let settings = bed
        .run
        .dir()
        .file("telepresence")
        .join("config/telepresence/config.yml");
    let settings = std::fs::read_to_string(settings).unwrap();
    assert!(settings.contains("usage:\n  enabled: false\n"), "{settings}");
    assert!(settings.contains("  localShortcut: false\n"), "{settings}");
    assert!(settings.contains("  lookupTimeout: 12s\n"), "{settings}");
}

#[tokio::test]
async fn the_intercepted_container_s_variables_are_kept() {
    let answer = json!({"name": "order-service", "disposition": "ACTIVE", "environment": {
        "INVENTORY_URL": "http://inventory-service:8080", "TELEPRESENCE_ROOT": "",
    }});
    let rules = [
        json!({"when": ["connect"]}),
        json!({"when": ["intercept"], "stdout": answer.to_string()}),
    ];
    let mut bed = Bed::new(fake("2.31.2", &rules));
    bed.connect().await.unwrap();
    assert!(bed.telepresence.variables("order-service").is_empty());
    bed.intercept(Selection::All).await.unwrap();
    let told = bed.telepresence.variables("order-service");
    assert_eq!(told["INVENTORY_URL"], "http://inventory-service:8080");
    assert!(bed.telepresence.variables("storefront").is_empty());
}

#[rstest]
#[case("2.29.0", "leave")]
#[case("2.30.0", "detach")]
#[case("2.31.2", "detach")]
#[tokio::test]
async fn an_intercept_is_ended_in_the_words_of_the_version(#[case] version: &str, #[case] verb: &str) {
    // What 2.30 and later say to the old name, and all of them to what is not there.
    let rules = [
        active(),
        json!({"when": [verb, "order-service"]}),
        json!({"when": ["connect"]}),
    ];
    let mut bed = Bed::new(fake(version, &rules));
    bed.connect().await.unwrap();
    bed.intercept(Selection::All).await.unwrap();
    bed.leave().await.unwrap();
    assert_eq!(bed.verbs().last().unwrap(), verb);
}

#[rstest]
#[case("2.29.0", "Intercept named \"order-service\" not found")]
#[case("2.31.2", "Found no replace, intercept, or ingest named \"order-service\"")]
#[tokio::test]
async fn leaving_what_is_not_intercepted_is_fine(#[case] version: &str, #[case] words: &str) {
    let rules = [
        json!({"when": ["connect"]}),
        json!({"stdout": error(words), "code": 1}),
    ];
    let mut bed = Bed::new(fake(version, &rules));
    bed.leave().await.unwrap();
    assert_eq!(
        bed.fakes.calls().len(),
        0,
        "nothing to leave before there is a connection"
    );
    bed.connect().await.unwrap();
    bed.leave().await.unwrap();
}

#[tokio::test]
async fn a_leave_that_finds_its_daemon_gone_is_told() {
    let words = "telepresence user daemon is not running";
    let rules = [
        json!({"when": ["connect"]}),
        json!({"stdout": error(words), "code": 1}),
    ];
    let mut bed = Bed::new(fake("2.31.2", &rules));
    bed.connect().await.unwrap();
    let error = bed.leave().await.unwrap_err();
    assert!(matches!(error, TelepresenceError::DaemonGone), "{error:?}");
}

#[tokio::test]
async fn somebody_elses_connection_is_refused_and_never_ended() {
    let status = json!({"user_daemon": {
        "running": true, "status": "Connected", "kubernetes_context": "production", "namespace": "shop",
    }});
    let version = json!({"when": ["version"], "stdout": "OSS Client : v2.31.2\n"});
    let rules = json!([version, {"when": ["status"], "stdout": status.to_string()}, {}]);
    let mut bed = Bed::new(Fakes::new().tool("telepresence", rules));
    let error = bed.connect().await.unwrap_err();
    insta::assert_snapshot!("telepresence_foreign", told(&error));
    let missing = bed.telepresence.preflight(&generous()).await;
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(missing[0].fact, error.to_string());
    assert!(bed.run.finish().await.complete());
    let verbs = bed.verbs();
    assert!(
        verbs
            .iter()
            .all(|verb| ["version", "status"].contains(&verb.as_str())),
        "{verbs:?}"
    );
}

#[tokio::test]
async fn the_second_run_is_told_who_has_the_connection() {
    let mut first = Bed::new(fake("2.31.2", &[json!({})]));
    first.connect().await.unwrap();
    let mut second = Telepresence::new(first.fakes.path());
    let kubeconfig = first.kubeconfig();
    let (other, _events) = run(first.fakes.folder());
    let asked = first.fakes.calls().len();
    let target = target(&first.pins, &kubeconfig, first.fakes.folder());
    let error = second.connect(&other, &target).await.unwrap_err();
    let told = told(&error);
    assert!(
        told.contains(&format!("in use by run {} (pid ", first.run.id())),
        "{told}"
    );
    assert_eq!(first.fakes.calls().len(), asked, "Telepresence is not even asked");
}

#[tokio::test]
async fn a_traffic_manager_that_is_there_already_is_fine() {
    let words = "traffic-manager version \"2.31.2\" is already installed, use 'telepresence helm upgrade' instead to replace it";
    let bed = Bed::new(fake("2.31.2", &[json!({"stdout": error(words), "code": 1})]));
    bed.install().await.unwrap();
    let bed = Bed::new(fake(
        "2.31.2",
        &[json!({"stdout": error("the chart is torn"), "code": 1})],
    ));
    let error = bed.install().await.unwrap_err();
    assert!(
        matches!(&error, TelepresenceError::Other { reason, .. } if reason == "the chart is torn"),
        "{error:?}"
    );
}

#[rstest]
#[case::no_context("context \"X\" does not exist in the kubeconfig")]
#[case::api_refused(
    "unable to reach the Kubernetes cluster for context \"C\" at https://127.0.0.1:1: the API server refused the connection. Verify that the cluster is running"
)]
#[case::no_manager(
    "traffic manager not found, if it is not installed, please run 'telepresence helm install'. If it is installed, try connecting with a --manager-namespace to point telepresence to the namespace it's installed in."
)]
#[case::namespace("namespace demo is not managed")]
#[case::tun("failed to open TUN device /dev/net/tun: operation not permitted")]
#[case::new("the moon is full")]
#[tokio::test]
async fn a_failed_connection_is_told_as_a_fact_with_a_cure_and_ended(
    #[case] words: &str,
    #[context] context: Context,
) {
    let rules = [
        json!({"when": ["connect"], "stdout": error(words), "code": 1}),
        json!({"when": ["quit"]}),
    ];
    let mut bed = Bed::new(fake("2.31.2", &rules));
    let error = bed.connect().await.unwrap_err();
    insta::assert_snapshot!(
        format!("telepresence_connect_{}", context.description.unwrap()),
        told(&error)
    );
    assert!(bed.run.finish().await.complete());
    assert_eq!(bed.fakes.calls().last().unwrap(), "telepresence quit -s");
    let last = bed.fakes.records().pop().unwrap();
    let cache = bed
        .run
        .dir()
        .file("telepresence")
        .join("cache")
        .display()
        .to_string();
    assert_eq!(
        last["xdg_cache_home"], cache,
        "the daemon of this world is ended, and no other"
    );
}

#[rstest]
#[case::unknown_workload("connector.CreateIntercept: workload \"order-service.demo\" not found")]
#[case::no_port(
    "connector.CreateIntercept: Deployment order-service.demo has no interceptable port matching port 9999"
)]
#[case::taken(
    "connector.CreateIntercept: conflict with intercept f29d2a96-bffd:order-service on port 8080 created by client \"user@workstation\": one intercept has no filters (intercepts all traffic)"
)]
#[case::name_taken("connector.CreateIntercept: intercept with name \"order-service\" already exists")]
#[case::local_port(
    "connector.CreateIntercept: port 127.0.0.1:8080 is already in use by intercept order-service"
)]
#[case::agent(
    "connector.CreateIntercept: request timed out while waiting for agent order-service.demo to arrive"
)]
#[tokio::test]
async fn a_refused_intercept_is_told_as_a_fact_with_a_cure(#[case] words: &str, #[context] context: Context) {
    let rules = [
        json!({"when": ["intercept"], "stdout": error(words), "code": 1}),
        json!({}),
    ];
    let mut bed = Bed::new(fake("2.31.2", &rules));
    bed.connect().await.unwrap();
    let error = bed.intercept(Selection::All).await.unwrap_err();
    insta::assert_snapshot!(
        format!("telepresence_intercept_{}", context.description.unwrap()),
        told(&error)
    );
}

#[tokio::test]
async fn an_intercept_that_does_not_become_active_is_detached_again() {
    let waiting =
        json!({"name": "order-service", "disposition": "WAITING", "message": "Waiting for Agent approval"});
    let rules = [
        json!({"when": ["intercept"], "stdout": waiting.to_string()}),
        json!({}),
    ];
    let mut bed = Bed::new(fake("2.31.2", &rules));
    bed.connect().await.unwrap();
    let error = bed.intercept(Selection::All).await.unwrap_err();
    insta::assert_snapshot!("telepresence_not_active", told(&error));
    assert_eq!(
        bed.fakes.calls().last().unwrap(),
        "telepresence detach order-service --format json"
    );
}

#[tokio::test]
async fn nothing_is_intercepted_or_listed_without_a_connection() {
    let mut bed = Bed::new(fake("2.31.2", &[json!({})]));
    let error = bed.intercept(Selection::All).await.unwrap_err();
    insta::assert_snapshot!("telepresence_not_connected", told(&error));
    assert!(bed.telepresence.list(&bed.run).await.is_err());
    // `list` would connect on its own, to another namespace.
    assert_eq!(bed.fakes.calls().len(), 0);
}

#[tokio::test]
async fn an_answer_is_found_below_any_amount_of_babble() {
    let listed = json!([{"name": "order-service"}]).to_string();
    let warning = "telepresence: warning: ".to_owned() + &"x".repeat(1000) + "\n";
    let rules = [
        json!({"when": ["list"], "stdout": listed, "stderr": warning, "babble": 2000}),
        json!({}),
    ];
    let mut bed = Bed::new(fake("2.31.2", &rules));
    bed.connect().await.unwrap();
    assert_eq!(bed.telepresence.list(&bed.run).await.unwrap(), ["order-service"]);
}

#[tokio::test]
async fn a_status_that_can_not_be_read_is_no_permission_to_connect() {
    let version = json!({"when": ["version"], "stdout": "OSS Client : v2.31.2\n"});
    let rules = json!([version, {"when": ["status"], "stdout": "Have a nice day\n"}, {}]);
    let mut bed = Bed::new(Fakes::new().tool("telepresence", rules));
    let error = bed.connect().await.unwrap_err();
    assert!(matches!(error, TelepresenceError::Odd { .. }), "{error:?}");
    assert!(!bed.verbs().contains(&"connect".to_owned()), "{:?}", bed.verbs());
}
