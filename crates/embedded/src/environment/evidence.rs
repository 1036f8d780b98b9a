//! What explains a failure besides the processes' logs: every stored span, and what the servers counted.

use std::path::Path;

use opentelemetry_proto::tonic::trace::v1::TracesData;
use serde_json::json;
use testbed::{Collected, redact};

use super::Up;
use crate::store::{Query, SpanStore};

/// Writes the evidence into a folder of the run directory. A file that can't be written is left out.
pub(super) async fn collect(up: &Up, into: &Path) -> Vec<Collected> {
    let files = [
        (
            "every stored span, in OTLP/JSON with one trace per line",
            "spans.jsonl",
            spans(&up.backend.store),
        ),
        (
            "what receiver, store and Services counted",
            "counters.json",
            counters(up),
        ),
    ];
    let mut collected = Vec::new();
    for (what, file, text) in files {
        let path = into.join(file);
        if tokio::fs::create_dir_all(into).await.is_err() || tokio::fs::write(&path, text).await.is_err() {
            continue;
        }
        collected.push(Collected {
            what: what.to_owned(),
            path: path.strip_prefix(&up.run_dir).unwrap_or(&path).to_owned(),
        });
    }
    collected
}

/// The format of OpenTelemetry's file exporter, without the secrets that attributes may have; the trace whose first span arrived last comes first.
fn spans(store: &SpanStore) -> String {
    let everything = Query {
        limit: usize::MAX,
        ..Query::default()
    };
    let mut lines = String::new();
    for id in store.search(&everything) {
        // A trace may have been evicted since it was found, and its attributes can all be written as JSON.
        let Some(resource_spans) = store.trace(id) else {
            continue;
        };
        if let Ok(mut line) = serde_json::to_value(TracesData { resource_spans }) {
            redact::value(&mut line);
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
    }
    lines
}

fn counters(up: &Up) -> String {
    let services = up.cluster.named_services();
    let services: serde_json::Map<_, _> = services
        .into_iter()
        .map(|(workload, service)| (workload.to_owned(), json!(service.counters())))
        .collect();
    let counters = json!({
        "receiver": up.backend.receiver.look(|receiver| receiver.stats()),
        "store": up.backend.store.stats(),
        "services": services,
    });
    format!("{counters:#}\n")
}
