//! Two answers, and whether they say the same.

use std::fmt;

use serde_json::{Map, Value};

use super::Failure;
use super::cases::Case;

/// An answer without what is Jaeger's choice each time: the order of lists that Jaeger takes from a Go map, and the
/// names of processes.
#[derive(Debug, PartialEq)]
pub(crate) struct Said {
    status: u16,
    kind: &'static str,
    body: Value,
}

pub(crate) async fn fetch(
    http: &reqwest::Client,
    case: &Case,
    base: &str,
    uri: &str,
) -> Result<Said, Failure> {
    let url = format!("{base}{uri}");
    let request = match &case.body {
        Some(body) => http.post(url).body(body.clone()),
        None => http.get(url),
    };
    let response = request.send().await?;
    let status = response.status().as_u16();
    let declared = response
        .headers()
        .get("content-type")
        .map(|value| value.as_bytes().to_vec())
        .unwrap_or_default();
    let text = response.text().await?;
    let body = serde_json::from_str(&text).map_or(Value::String(text), normal);
    let kind = match &declared[..] {
        // 2.13 leaves the type of v3's successes to be guessed, and Go guesses wrong.
        kind if kind.starts_with(b"text/plain") && uri.starts_with("/api/v3") && status == 200 => "json",
        kind if kind.starts_with(b"application/json") => "json",
        kind if kind.starts_with(b"text/plain") => "text",
        kind if kind.starts_with(b"text/html") => "html",
        _ => "other",
    };
    Ok(Said { status, kind, body })
}

/// Where two answers differ first.
pub(crate) fn difference(theirs: &Said, ours: &Said) -> Option<String> {
    if theirs.status != ours.status {
        return Some(format!("status {} is {} here", theirs.status, ours.status));
    }
    if theirs.kind != ours.kind {
        return Some(format!("content type {} is {} here", theirs.kind, ours.kind));
    }
    first_difference("", &theirs.body, &ours.body)
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = self.body.to_string();
        let shown: String = body.chars().take(1_500).collect();
        write!(f, "{} {} {shown}", self.status, self.kind)
    }
}

fn first_difference(at: &str, theirs: &Value, ours: &Value) -> Option<String> {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            let mut pairs = keys.map(|key| {
                (
                    key,
                    a.get(key).unwrap_or(&Value::Null),
                    b.get(key).unwrap_or(&Value::Null),
                )
            });
            pairs.find_map(|(key, a, b)| first_difference(&format!("{at}/{key}"), a, b))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(place, (a, b))| first_difference(&format!("{at}/{place}"), a, b))
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        (a, b) if a == b => None,
        (a, b) => Some(format!("{at}: {a} is {b} here")),
    }
}

fn normal(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut object: Map<_, _> = object
                .into_iter()
                .map(|(key, value)| (key, normal(value)))
                .collect();
            // Jaeger forgets them when it sorts spans by trace.
            object.remove("schemaUrl");
            if let Some(Value::Object(processes)) = object.remove("processes") {
                name_processes(&mut object, &processes);
            }
            for list in ["data", "services", "operations", "errors"] {
                if let Some(Value::Array(elements)) = object.get_mut(list) {
                    elements.sort_by_cached_key(ToString::to_string);
                }
            }
            if let Some(Value::Array(groups)) = object.get_mut("resourceSpans") {
                // By trace; within a trace as they are.
                groups.sort_by_cached_key(|group| {
                    group
                        .pointer("/scopeSpans/0/spans/0/traceId")
                        .map(ToString::to_string)
                });
            }
            Value::Object(object)
        }
        Value::Array(values) => Value::Array(values.into_iter().map(normal).collect()),
        other => other,
    }
}

/// Puts each span's process where its name stands.
fn name_processes(trace: &mut Map<String, Value>, processes: &Map<String, Value>) {
    for span in trace
        .get_mut("spans")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(name) = span.get_mut("processID") {
            *name = name
                .as_str()
                .and_then(|name| processes.get(name))
                .cloned()
                .unwrap_or_default();
        }
    }
}
