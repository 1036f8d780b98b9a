//! What Kubernetes tells of its objects: their events.

use k8s_openapi::api::core::v1::{Event, ObjectReference};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt};
use testbed::Deadline;

use super::error::{KubernetesError, request};
use super::view::PodView;

/// How many different warnings an error shows.
const WARNINGS: usize = 4;

/// What Kubernetes warned of about a pod: `Unhealthy: Readiness probe failed: …`. Oldest first, each text once.
///
/// # Errors
/// The server refuses or does not answer.
pub async fn warnings(
    client: &Client,
    pod: &PodView,
    deadline: &Deadline,
) -> Result<Vec<String>, KubernetesError> {
    let (namespace, name) = (pod.namespace().unwrap_or_default(), pod.name_any());
    let events: Api<Event> = Api::namespaced(client.clone(), &namespace);
    let fields = format!("involvedObject.name={name},type=Warning");
    let what = format!("events of {namespace}/{name}");
    let events = request(
        &what,
        deadline,
        events.list(&ListParams::default().fields(&fields)),
    )
    .await?;
    let mut texts: Vec<String> = Vec::new();
    for event in events.items {
        let text = format!(
            "{}: {}",
            event.reason.unwrap_or_default(),
            event.message.unwrap_or_default()
        );
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    Ok(texts.split_off(texts.len().saturating_sub(WARNINGS)))
}

/// The events of a namespace about objects that are wanted, oldest first, as one line each.
///
/// # Errors
/// The server refuses or does not answer.
pub async fn of_namespace(
    client: &Client,
    namespace: &str,
    deadline: &Deadline,
    wanted: impl Fn(&ObjectReference) -> bool,
) -> Result<Vec<String>, KubernetesError> {
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let what = format!("events in {namespace}");
    let events = request(&what, deadline, events.list(&ListParams::default())).await?;
    let mut lines: Vec<(Option<String>, String)> = events
        .items
        .into_iter()
        .filter(|event| wanted(&event.involved_object))
        .map(line)
        .collect();
    lines.sort();
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

fn line(event: Event) -> (Option<String>, String) {
    let micro = event.event_time.map(|time| time.0.to_string());
    let at = event
        .last_timestamp
        .or(event.first_timestamp)
        .map(|time| time.0.to_string())
        .or(micro);
    let object = event.involved_object;
    let text = format!(
        "{} {:7} {}/{} {}: {}{}",
        at.as_deref().unwrap_or("-"),
        event.type_.unwrap_or_default(),
        object.kind.unwrap_or_default(),
        object.name.unwrap_or_default(),
        event.reason.unwrap_or_default(),
        event.message.unwrap_or_default(),
        event
            .count
            .filter(|count| *count > 1)
            .map(|count| format!(" (×{count})"))
            .unwrap_or_default(),
    );
    (at, text)
}
