//! What the harness relies on, checked against the harness's own words. The services share no code with it at run time.

use telemetry::testing::Bench;
use telemetry::{Routes, Site, names};

use crate::{json, send};

#[test]
fn names_are_the_same_on_both_sides() {
    let pairs = [
        (names::SITE, trace::names::SITE),
        (names::REQUEST_ID, trace::names::REQUEST_ID),
        (names::SERVICE_NAME, trace::names::SERVICE_NAME),
        (names::SERVICE_VERSION, trace::names::SERVICE_VERSION),
        (names::SERVICE_INSTANCE_ID, trace::names::SERVICE_INSTANCE_ID),
        (names::PROCESS_PID, trace::names::PROCESS_PID),
        (
            names::DEPLOYMENT_ENVIRONMENT_NAME,
            trace::names::DEPLOYMENT_ENVIRONMENT_NAME,
        ),
        (
            names::DEPLOYMENT_ENVIRONMENT,
            trace::names::DEPLOYMENT_ENVIRONMENT,
        ),
        (names::X_REQUEST_ID, trace::names::REQUEST_ID_HEADER),
        (names::X_DEBUG, trace::names::DEBUG_HEADER),
        (names::PENDING, trace::names::PENDING),
        (names::PENDING_SCOPE, trace::names::PENDING_SCOPE),
        (names::PREFER, trace::names::PREFER_HEADER),
    ];
    for (ours, theirs) in pairs {
        assert_eq!(ours, theirs);
    }
    for (ours, theirs) in [
        (Site::Cluster, trace::Site::Cluster),
        (Site::Workstation, trace::Site::Workstation),
    ] {
        assert_eq!(ours.to_string(), theirs.to_string());
        assert_eq!(
            serde_json::to_string(&ours).unwrap(),
            serde_json::to_string(&theirs).unwrap()
        );
    }
}

#[tokio::test]
async fn whoami_makes_an_export_account() {
    let bench = Bench::new();
    let response = send(bench.app(Routes::default()), "GET", "/whoami", &[]).await;
    let whoami: serde_json::Value = json(response).await;
    let mut account = whoami["telemetry"].clone();
    for (theirs, ours) in [("service", "service"), ("version", "version"), ("pid", "pid")] {
        account[theirs] = whoami[ours].clone();
    }
    account["site"] = "cluster".into();
    let account: trace::ExportAccount = serde_json::from_value(account).unwrap();
    assert_eq!((account.pid, account.pending()), (std::process::id(), 0));
}
