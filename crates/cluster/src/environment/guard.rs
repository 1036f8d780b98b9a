//! Looks at a workload before it is intercepted: what an intercept means for it depends on how many pods it has.

use kube::Client;
use testbed::{Deadline, Run};

use crate::error::ClusterError;
use crate::kubernetes::error::request;
use crate::kubernetes::view;
use crate::manifest::APPLICATION;
use crate::reference::Version;
use crate::telepresence::{Telepresence, TelepresenceError};

/// Before this, an intercept of everything hung when the workload had several pods (Telepresence 2.29.3, #4183, #4118, #4085).
const SOUND: Version = Version {
    major: 2,
    minor: 29,
    patch: 3,
};

/// Says what an intercept of a workload with several pods means, and refuses where it would hang.
pub(super) async fn replicas(
    run: &Run,
    client: &Client,
    workload: &str,
    telepresence: &Telepresence,
) -> Result<(), ClusterError> {
    let deadline = Deadline::after(crate::kubernetes::error::REQUEST);
    let deployments = view::deployments(client, Some(APPLICATION));
    let what = format!("Deployment {APPLICATION}/{workload}");
    let found = request(&what, &deadline, deployments.get(workload)).await?;
    let pods = found.spec.replicas.unwrap_or(1);
    if let Some(note) = judge(workload, pods, telepresence.version())? {
        run.events().note(note);
    }
    Ok(())
}

/// What is to be said before the intercept.
fn judge(workload: &str, pods: i32, version: Option<Version>) -> Result<Option<String>, TelepresenceError> {
    match version {
        _ if pods < 2 => Ok(None),
        Some(version) if version < SOUND => Err(TelepresenceError::Replicas {
            workload: workload.to_owned(),
            pods,
            version,
        }),
        _ => Ok(Some(format!(
            "{workload} has {pods} pods: the intercept takes the requests to all of them, and afterwards any of them may answer"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Option<Version> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn one_pod_needs_no_word() {
        for pods in [0, 1] {
            assert_eq!(judge("order-service", pods, version("2.29.0")).unwrap(), None);
        }
    }

    #[test]
    fn several_pods_are_explained() {
        let note = judge("order-service", 2, version("2.31.2")).unwrap().unwrap();
        assert!(note.starts_with("order-service has 2 pods: "), "{note}");
    }

    #[test]
    fn a_version_that_would_hang_is_refused() {
        use testbed::Explain;
        let error = judge("order-service", 2, version("2.29.2")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "order-service has 2 pods, and an intercept of several hangs in Telepresence 2.29.2"
        );
        assert!(error.hint().unwrap().contains("replicas"));
    }
}
