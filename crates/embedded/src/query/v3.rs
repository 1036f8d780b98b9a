//! The endpoints below `/api/v3/`, as Jaeger 2.20 serves them.

mod search;
mod summary;

use http::StatusCode;
use jaeger_api::convert::kind_word;
use jaeger_api::wire::legacy::Operation;
use jaeger_api::wire::v3::{Operations, Services, Summaries, TracesData, Wrapped};

use super::failure::Failure;
use super::find::Finder;
use super::go;
use super::params::Params;
use super::trace_id;

/// `GET /api/v3/services`
pub(super) fn services(finder: &Finder) -> Services {
    Services {
        services: finder.store.services(),
    }
}

/// `GET /api/v3/operations`; neither parameter is checked.
pub(super) fn operations(finder: &Finder, params: &Params) -> Operations {
    let (wanted, _) = params.any_of(&["spanKind", "span_kind"]);
    let operations = finder.store.operations(params.get("service")).into_iter();
    let operations = operations.filter(|operation| wanted.is_empty() || kind_word(operation.kind) == wanted);
    let operation = |operation: crate::store::Operation| Operation {
        name: operation.name,
        span_kind: match kind_word(operation.kind) {
            "" => "internal",
            word => word,
        }
        .to_owned(),
    };
    Operations {
        operations: operations.map(operation).collect(),
    }
}

/// `GET /api/v3/traces`
pub(super) fn traces(finder: &Finder, params: &Params) -> Result<Wrapped<TracesData>, Failure> {
    let found = finder.search(&search::parse(params)?)?;
    if found.is_empty() {
        return Err(Failure::new(StatusCode::NOT_FOUND, NOT_FOUND));
    }
    let resource_spans = found.into_iter().flat_map(|trace| trace.resource_spans).collect();
    Ok(Wrapped {
        result: TracesData { resource_spans },
    })
}

/// `GET /api/v3/traces/{id}`
pub(super) fn trace(finder: &Finder, id: &str, params: &Params) -> Result<Wrapped<TracesData>, Failure> {
    let id = trace_id::parse_path(id).map_err(|error| Failure::malformed("trace_id", &error))?;
    // A window is accepted and has no influence, as with Jaeger's memory store.
    for names in [["startTime", "start_time"], ["endTime", "end_time"]] {
        let (text, name) = params.any_of(&names);
        if !text.is_empty() {
            go::parse_rfc3339(text).map_err(|error| Failure::malformed(name, &error))?;
        }
    }
    let raw = search::truth(params, &["rawTraces", "raw_traces"])?;
    match finder.trace(id, raw)? {
        Some(result) => Ok(Wrapped { result }),
        None => Err(Failure::new(StatusCode::NOT_FOUND, NOT_FOUND)),
    }
}

/// `GET /api/v3/trace-summaries`, always of adjusted traces.
pub(super) fn summaries(finder: &Finder, params: &Params) -> Result<Summaries, Failure> {
    let search = search::parse(params)?;
    let mut summaries = Vec::new();
    for id in finder.ids(&search)? {
        if let Some(trace) = finder.trace(id, false)? {
            summaries.push(summary::summarize(id, &trace));
        }
    }
    Ok(Summaries { summaries })
}

const NOT_FOUND: &str = "No traces found";
