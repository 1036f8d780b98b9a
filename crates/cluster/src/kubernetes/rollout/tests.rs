//! What is waited for, and how what is in the way is told.

use serde_json::json;
use testbed::Explain;

use super::*;

fn deployed(name: &str, available: i32) -> Change {
    let status =
        json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": available});
    let spec = json!({"replicas": 1, "selector": {}, "template": {}});
    let metadata = json!({"namespace": "demo", "name": name, "generation": 1});
    let object = json!({"metadata": metadata, "spec": spec, "status": status});
    Change::Deployment(Box::new(Ok(Event::Apply(
        serde_json::from_value(object).unwrap(),
    ))))
}

fn pod(name: &str, reason: &str, going: bool) -> Change {
    let state = json!({"waiting": {"reason": reason}});
    let container =
        json!({"name": "c", "image": "x", "imageID": "", "ready": false, "restartCount": 0, "state": state});
    let mut metadata =
        json!({"namespace": "demo", "name": format!("{name}-1"), "labels": {NAME_LABEL: name}});
    if going {
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    }
    let object = json!({"metadata": metadata, "spec": {}, "status": {"containerStatuses": [container]}});
    Change::Pod(Box::new(Ok(Event::Apply(
        serde_json::from_value(object).unwrap(),
    ))))
}

fn seen(changes: impl IntoIterator<Item = Change>) -> Seen {
    let mut seen = Seen::default();
    changes.into_iter().for_each(|change| seen.take(&change));
    seen
}

#[test]
fn a_workload_is_available_when_its_deployment_says_so() {
    let order = Workload::new("demo", "order-service");
    assert!(!seen([]).is_available(&order));
    assert!(!seen([deployed("order-service", 0)]).is_available(&order));
    assert!(seen([deployed("order-service", 0), deployed("order-service", 1)]).is_available(&order));
    assert!(!seen([deployed("storefront", 1)]).is_available(&order));
}

#[test]
fn only_the_pods_of_the_workload_that_stay_count() {
    let order = Workload::new("demo", "order-service");
    let trouble = |changes: Vec<Change>| seen(changes).trouble(&order).stays();
    assert!(trouble(vec![
        deployed("order-service", 0),
        pod("order-service", "ErrImageNeverPull", false)
    ]));
    assert!(!trouble(vec![
        deployed("order-service", 0),
        pod("order-service", "ErrImageNeverPull", true)
    ]));
    assert!(!trouble(vec![
        deployed("order-service", 0),
        pod("storefront", "ErrImageNeverPull", false)
    ]));
    assert!(!trouble(vec![
        deployed("order-service", 0),
        pod("order-service", "ContainerCreating", false)
    ]));
}

#[test]
fn what_is_wrong_with_a_pod_from_before_is_no_obstacle() {
    let order = Workload::new("demo", "order-service");
    let of = |suffix: &str, template: &str, created: &str, reason: &str| {
        let Change::Pod(event) = pod("order-service", reason, false) else {
            unreachable!()
        };
        let Ok(Event::Apply(mut pod)) = *event else {
            unreachable!()
        };
        pod.metadata.name = Some(format!("order-service-{suffix}"));
        pod.metadata.creation_timestamp = Some(serde_json::from_value(created.into()).unwrap());
        let labels = pod.metadata.labels.get_or_insert_default();
        labels.insert(TEMPLATE_LABEL.into(), template.into());
        Change::Pod(Box::new(Ok(Event::Apply(pod))))
    };
    let former = || of("1", "a", "2026-01-01T00:00:00Z", "ErrImageNeverPull");
    let current = |reason| of("2", "b", "2026-01-01T00:01:00Z", reason);
    let stays = |changes: Vec<Change>| seen(changes).trouble(&order).stays();
    let deployed = || deployed("order-service", 0);
    assert!(
        stays(vec![deployed(), former()]),
        "the only one is the current one"
    );
    assert!(!stays(vec![deployed(), former(), current("ContainerCreating")]));
    assert!(stays(vec![deployed(), former(), current("ErrImageNeverPull")]));
    // The new template was applied, and none of its pods is there yet.
    let status = json!({"observedGeneration": 2, "replicas": 1, "availableReplicas": 0});
    let object = json!({
        "metadata": {"namespace": "demo", "name": "order-service", "generation": 2},
        "spec": {"replicas": 1},
        "status": status,
    });
    let applied = Change::Deployment(Box::new(Ok(Event::Apply(
        serde_json::from_value(object).unwrap(),
    ))));
    assert!(!stays(vec![applied, former()]));
}

#[test]
fn an_error_says_everything_that_is_in_the_way() {
    let order = Workload::new("demo", "order-service");
    let mut trouble = seen([
        deployed("order-service", 0),
        pod("order-service", "ErrImageNeverPull", false),
    ])
    .trouble(&order);
    trouble.add_warnings(vec![
        "Failed: Error: ErrImageNeverPull".into(),
        "Unhealthy: Readiness probe failed: connection refused".into(),
    ]);
    trouble.log.push("listening on 0.0.0.0:8080".into());
    let error = RolloutError {
        waited: Duration::from_millis(1400),
        troubles: vec![trouble],
    };
    insta::assert_snapshot!(format!("{error}\nhint: {}", error.hint().unwrap()), @r"
    demo/order-service will not become available after 1.4 s
      demo/order-service: container c: ErrImageNeverPull
      demo/order-service: 0 of 1 pods available
      demo/order-service: Unhealthy: Readiness probe failed: connection refused
      demo/order-service: | listening on 0.0.0.0:8080
    hint: the image was not put into the node: load it and try again
    ");
}

#[test]
fn a_container_that_only_fails_its_probe_has_a_hint_of_its_own() {
    let hint = |warning: &str| {
        let mut trouble =
            seen([deployed("order-service", 0)]).trouble(&Workload::new("demo", "order-service"));
        trouble.add_warnings(vec![warning.to_owned()]);
        let (waited, troubles) = (Duration::from_secs(20), vec![trouble]);
        RolloutError { waited, troubles }.hint()
    };
    let probed = hint("Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 404");
    assert!(probed.unwrap().contains("path and port of its probe"));
    assert_eq!(hint("FailedMount: configmap not found"), None);
}
