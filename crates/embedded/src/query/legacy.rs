//! The endpoints below `/api/`, as Jaeger 2.20 serves them.

mod search;

use std::collections::BTreeSet;
use std::time::SystemTime;

use http::StatusCode;
use jaeger_api::convert::{kind_word, to_legacy};
use jaeger_api::wire::id::TraceId;
use jaeger_api::wire::legacy::{Dependency, Envelope, Error, Operation, Trace};
use jaeger_api::wire::v3::TracesData;

use super::dependencies;
use super::failure::Failure;
use super::find::Finder;
use super::go;
use super::params::{Params, unable};
use super::route::Metric;
use super::trace_id;
use search::Wanted;

/// `GET /api/services`
pub(super) fn services(finder: &Finder) -> Envelope<String> {
    Envelope::counted(finder.store.services())
}

/// `GET /api/operations`
pub(super) fn operations(finder: &Finder, params: &Params) -> Result<Envelope<Operation>, Failure> {
    let service = params.get("service");
    if service.is_empty() {
        return Err(Failure::bad_request(SERVICE_REQUIRED));
    }
    let kind = params.get("spanKind");
    let operations = finder
        .store
        .operations(service)
        .into_iter()
        .map(|operation| Operation {
            name: operation.name,
            span_kind: kind_word(operation.kind).to_owned(),
        });
    Ok(Envelope::counted(
        operations
            .filter(|operation| kind.is_empty() || operation.span_kind == kind)
            .collect(),
    ))
}

/// `GET /api/services/{service}/operations`; an unknown service has no list at all, not an empty one.
pub(super) fn operation_names(finder: &Finder, service: &str) -> Envelope<String> {
    let operations = finder.store.operations(service);
    let names: BTreeSet<String> = operations.into_iter().map(|operation| operation.name).collect();
    let is_unknown = names.is_empty();
    let mut answer = Envelope::counted(names.into_iter().collect());
    answer.data.take_if(|_| is_unknown);
    answer
}

/// `GET /api/traces`, which searches, or fetches several traces when their ids are given.
pub(super) fn traces(finder: &Finder, params: &Params, now: SystemTime) -> Result<Envelope<Trace>, Failure> {
    let (ids, raw) = match search::parse(params, now)? {
        Wanted::Search(search) => {
            let found = finder.search(&search)?;
            return Ok(Envelope::of(found.iter().flat_map(to_legacy).collect()));
        }
        Wanted::Traces { ids, raw } => (ids, raw),
    };
    if ids.len() > finder.options.trace_ids {
        let message = format!("more than {} traceID params", finder.options.trace_ids);
        return Err(Failure::bad_request(message));
    }
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for id in ids {
        match finder.trace(id, raw)? {
            Some(trace) => found.extend(to_legacy(&trace)),
            None => missing.push(Error {
                code: 0,
                msg: NOT_FOUND.to_owned(),
                trace_id: TraceId::new(id),
            }),
        }
    }
    let errors = Some(missing).filter(|missing| !missing.is_empty());
    Ok(Envelope {
        errors,
        ..Envelope::of(found)
    })
}

/// `GET /api/traces/{id}`
pub(super) fn trace(finder: &Finder, id: &str, params: &Params) -> Result<Envelope<Trace>, Failure> {
    let (id, raw) = one_trace(id, params)?;
    match finder.trace(id, raw)? {
        Some(trace) => Ok(Envelope::of(to_legacy(&trace))),
        None => Err(Failure::new(StatusCode::NOT_FOUND, NOT_FOUND)),
    }
}

/// `POST /api/archive/{id}`: there is nowhere to archive to.
pub(super) fn archive(id: &str, params: &Params) -> Failure {
    match one_trace(id, params) {
        Ok(_) => Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "archive span storage was not configured",
        ),
        Err(failure) => failure,
    }
}

/// `POST /api/transform`: OTLP JSON in legacy form, as it is.
pub(super) fn transform(body: &[u8]) -> Result<Envelope<Trace>, Failure> {
    match serde_json::from_slice::<TracesData>(body) {
        Ok(traces) => Ok(Envelope::of(to_legacy(&traces))),
        Err(error) => Err(Failure::bad_request(format!("cannot unmarshal OTLP : {error}"))),
    }
}

/// `GET /api/dependencies`
pub(super) fn dependencies(
    finder: &Finder,
    params: &Params,
    now: SystemTime,
) -> Result<Envelope<Dependency>, Failure> {
    let end = params.number("endTs").map_err(Failure::bad_request)?;
    let lookback = params.number("lookback").map_err(Failure::bad_request)?;
    let end = end.map_or_else(|| search::nanoseconds(now), |end| i128::from(end) * 1_000_000);
    let lookback = i128::from(lookback.unwrap_or(DAY_IN_MILLISECONDS)) * 1_000_000;
    if lookback < 0 {
        return Err(Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "end time must be greater than start time",
        ));
    }
    let mut edges = dependencies::edges(finder.within(end - lookback, end), end - lookback, end);
    let service = params.get("service");
    if !service.is_empty() {
        edges.retain(|edge| edge.parent == service || edge.child == service);
    }
    Ok(Envelope::of(edges))
}

/// `GET /api/metrics/…`: checks the parameters as Jaeger does, and then has no metrics to answer with.
pub(super) fn metrics(metric: Metric, params: &Params) -> Failure {
    match check_metrics(metric, params) {
        Ok(()) => Failure::new(
            StatusCode::NOT_IMPLEMENTED,
            "trace metrics are currently disabled - no metrics backend configured",
        ),
        Err(message) => Failure::bad_request(message),
    }
}

/// Whether a success is to be indented.
pub(super) fn is_pretty(params: &Params) -> bool {
    !matches!(params.get("prettyPrint"), "" | "false")
}

const SERVICE_REQUIRED: &str = "parameter 'service' is required";
const NOT_FOUND: &str = "trace not found";
const DAY_IN_MILLISECONDS: i64 = 24 * 60 * 60 * 1_000;

fn one_trace(id: &str, params: &Params) -> Result<([u8; 16], bool), Failure> {
    let id = trace_id::parse_path(id).map_err(Failure::bad_request)?;
    // A window is accepted and has no influence, as with Jaeger's memory store.
    params.number("start").map_err(Failure::bad_request)?;
    params.number("end").map_err(Failure::bad_request)?;
    let raw = params.truth("raw").map_err(Failure::bad_request)?;
    Ok((id, raw))
}

fn check_metrics(metric: Metric, params: &Params) -> Result<(), String> {
    if metric == Metric::Latencies {
        go::parse_float(params.get("quantile")).map_err(|error| unable("quantile", &error))?;
    }
    if !params.has("service") {
        return Err(unable("service", "please provide at least one service name"));
    }
    params.truth("groupByOperation")?;
    for kind in params.all("spanKind") {
        if !matches!(
            kind,
            "unspecified" | "internal" | "server" | "client" | "producer" | "consumer"
        ) {
            return Err(unable("spanKind", &format!("unsupported span kind: '{kind}'")));
        }
    }
    for name in ["endTs", "lookback", "step", "ratePer"] {
        params.number(name)?;
    }
    Ok(())
}
