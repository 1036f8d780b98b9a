//! What Telepresence is asked after the first connection: to end it, to make it again, to take an agent out.

use cluster::telepresence::TelepresenceError;
use rstest::rstest;
use serde_json::json;
use testbed::Selection;

use crate::fakes::generous;
use crate::telepresence_bed::{Bed, active, fake};

#[tokio::test]
async fn after_quit_nothing_is_asked_that_would_connect_and_then_it_connects_again() {
    let listed = json!([{"name": "order-service"}]).to_string();
    let rules = [json!({"when": ["list"], "stdout": listed}), active(), json!({})];
    let mut bed = Bed::new(fake("2.31.2", &rules));
    bed.connect().await.unwrap();
    bed.telepresence.disconnect(&bed.run).await.unwrap();
    assert!(bed.fakes.calls().last().unwrap().contains(" quit -s"));
    let asked = bed.fakes.calls().len();
    bed.leave().await.unwrap();
    for refused in [
        bed.intercept(Selection::All).await.err(),
        bed.telepresence.list(&bed.run).await.err(),
    ] {
        assert!(
            matches!(refused, Some(TelepresenceError::NotConnected { .. })),
            "{refused:?}"
        );
    }
    assert_eq!(bed.fakes.calls().len(), asked);

    bed.connect().await.unwrap();
    bed.intercept(Selection::All).await.unwrap();
    let verbs = bed.verbs();
    assert_eq!(verbs[asked..], ["status", "connect", "intercept"]);
    let report = bed.run.finish().await;
    let undone = report
        .done
        .iter()
        .filter(|name| *name == "telepresence connection");
    assert_eq!(undone.count(), 1, "once, however often it connected");
}

#[rstest]
#[case("2.24.0", 0)]
#[case("2.29.0", 1)]
#[case("2.31.2", 1)]
#[case("2.32.0", 0)]
#[tokio::test]
async fn a_known_defect_of_the_version_is_told_with_what_is_done_about_it(
    #[case] version: &str,
    #[case] remarks: usize,
) {
    let bed = Bed::new(fake(version, &[json!({})]));
    let told = bed.telepresence.remarks(&generous()).await;
    assert_eq!(told.len(), remarks, "{told:?}");
    assert!(
        told.iter()
            .all(|one| one.contains("256") && one.contains("THROUGHLINE_CONNECTIONS=close"))
    );
}

#[tokio::test]
async fn an_agent_is_taken_out_and_a_daemon_that_is_not_ours_is_not_killed() {
    let mut bed = Bed::new(fake("2.31.2", &[json!({})]));
    assert!(
        bed.telepresence
            .uninstall(&bed.run, "order-service")
            .await
            .is_err()
    );
    assert!(bed.telepresence.kill_daemon(&bed.run).await.is_err());
    assert_eq!(
        bed.fakes.calls().len(),
        0,
        "nothing is asked without a connection"
    );
    bed.connect().await.unwrap();
    bed.telepresence
        .uninstall(&bed.run, "order-service")
        .await
        .unwrap();
    assert_eq!(
        bed.fakes.calls().last().unwrap(),
        "telepresence uninstall order-service --format json"
    );
}

#[tokio::test]
async fn connecting_again_is_asked_of_the_same_daemon() {
    let mut bed = Bed::new(fake("2.31.2", &[json!({})]));
    bed.connect().await.unwrap();
    bed.connect().await.unwrap();
    assert_eq!(bed.verbs(), ["version", "status", "connect", "connect"]);
}
