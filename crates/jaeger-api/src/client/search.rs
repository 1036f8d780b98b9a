//! Searching, in the dialect that the server understands.

use std::time::Duration;

use jiff::Timestamp;
use trace::{Trace, UnixNanos};

use super::error::JaegerError;
use super::query::{SearchQuery, TraceSummary};
use super::transport::{Body, Reply, Transport};
use crate::convert::from_v3;
use crate::wire::{legacy, v3};

/// Whole traces by the legacy search.
pub(super) async fn legacy(
    transport: &Transport,
    query: &SearchQuery,
) -> Result<(Body, Vec<legacy::Trace>), JaegerError> {
    match transport
        .get(transport.url(&["api", "traces"], &legacy_query(query)))
        .await?
    {
        Reply::Found(body) => {
            let traces = body.json::<legacy::Envelope<_>>()?.data.unwrap_or_default();
            Ok((body, traces))
        }
        Reply::NotFound(absence) => Err(absence.into()),
    }
}

/// Whole traces by v3's search.
pub(super) async fn v3(transport: &Transport, query: &SearchQuery) -> Result<Vec<Trace>, JaegerError> {
    match transport
        .get(transport.url(&["api", "v3", "traces"], &v3_query(query)?))
        .await?
    {
        Reply::Found(body) => v3_traces(&body),
        // v3's way to say that a search found nothing.
        Reply::NotFound(_) => Ok(Vec::new()),
    }
}

/// Counts only.
pub(super) async fn summaries(
    transport: &Transport,
    query: &SearchQuery,
) -> Result<Vec<TraceSummary>, JaegerError> {
    let url = transport.url(&["api", "v3", "trace-summaries"], &v3_query(query)?);
    match transport.get(url).await? {
        Reply::Found(body) => {
            let summaries = body.json::<v3::Summaries>()?.summaries;
            summaries
                .into_iter()
                .enumerate()
                .map(|(position, summary)| TraceSummary::read(summary, position))
                .collect::<Result<_, _>>()
                .map_err(|source| body.unusable(source))
        }
        Reply::NotFound(absence) => Err(absence.into()),
    }
}

/// The traces of a v3 answer.
pub(super) fn v3_traces(body: &Body) -> Result<Vec<Trace>, JaegerError> {
    match body.read(v3::read_traces)? {
        Ok(data) => from_v3(data).map_err(|source| body.unusable(source)),
        Err(failure) => Err(body.failed(failure)),
    }
}

fn legacy_query(query: &SearchQuery) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("service", query.service.to_string()),
        ("start", (query.start.0 / 1_000).to_string()),
        // Rounded up, so that a span which started within the last microsecond of the window is still in it.
        ("end", query.end.0.div_ceil(1_000).to_string()),
        ("limit", query.limit.to_string()),
        ("raw", "true".to_owned()),
    ];
    pairs.extend(query.operation.iter().map(|name| ("operation", name.clone())));
    if !query.tags.is_empty() {
        // As a JSON object, because the `tag=key:value` form can't hold a key with a colon.
        pairs.push(("tags", json_object(query)));
    }
    pairs.extend(
        query
            .min_duration
            .map(|limit| ("minDuration", go_duration(limit))),
    );
    pairs.extend(
        query
            .max_duration
            .map(|limit| ("maxDuration", go_duration(limit))),
    );
    pairs
}

fn v3_query(query: &SearchQuery) -> Result<Vec<(&'static str, String)>, JaegerError> {
    let mut pairs = vec![
        ("query.serviceName", query.service.to_string()),
        ("query.startTimeMin", rfc3339(query.start)?),
        ("query.startTimeMax", rfc3339(query.end)?),
        ("query.searchDepth", query.limit.to_string()),
        ("query.rawTraces", "true".to_owned()),
    ];
    pairs.extend(
        query
            .operation
            .iter()
            .map(|name| ("query.operationName", name.clone())),
    );
    if !query.tags.is_empty() {
        pairs.push(("query.attributes", json_object(query)));
    }
    pairs.extend(
        query
            .min_duration
            .map(|limit| ("query.durationMin", go_duration(limit))),
    );
    pairs.extend(
        query
            .max_duration
            .map(|limit| ("query.durationMax", go_duration(limit))),
    );
    Ok(pairs)
}

fn json_object(query: &SearchQuery) -> String {
    let object: serde_json::Map<_, _> = query
        .tags
        .iter()
        .map(|(key, value)| (key.clone(), value.as_str().into()))
        .collect();
    serde_json::Value::Object(object).to_string()
}

/// A duration as Go reads it; a bare number would be refused.
fn go_duration(duration: Duration) -> String {
    format!("{}ns", duration.as_nanos())
}

fn rfc3339(time: UnixNanos) -> Result<String, JaegerError> {
    Timestamp::from_nanosecond(time.0.into())
        .map(|timestamp| timestamp.to_string())
        .map_err(|_| JaegerError::Window { nanoseconds: time.0 })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use trace::{ServiceName, UnixNanos};

    use super::{legacy_query, v3_query};
    use crate::client::query::SearchQuery;

    fn query() -> SearchQuery {
        SearchQuery::new(
            ServiceName::new("order"),
            UnixNanos(1_764_000_000_000_001_999)..UnixNanos(1_764_000_001_000_000_001),
        )
        .tag("a:b", "x\"y")
        .operation("POST /api/orders")
        .at_least(Duration::from_micros(1_500))
        .at_most(Duration::from_secs(2))
        .limit(7)
    }

    fn value<'a>(pairs: &'a [(&'static str, String)], name: &str) -> &'a str {
        &pairs.iter().find(|(key, _)| *key == name).unwrap().1
    }

    #[test]
    fn the_legacy_window_is_in_microseconds_and_never_smaller_than_asked() {
        let pairs = legacy_query(&query());
        assert_eq!(value(&pairs, "start"), "1764000000000001");
        assert_eq!(value(&pairs, "end"), "1764000001000001");
        assert_eq!(value(&pairs, "minDuration"), "1500000ns");
        assert_eq!(value(&pairs, "tags"), r#"{"a:b":"x\"y"}"#);
        assert_eq!(value(&pairs, "limit"), "7");
    }

    #[test]
    fn the_v3_window_is_in_nanoseconds() {
        let pairs = v3_query(&query()).unwrap();
        assert_eq!(
            value(&pairs, "query.startTimeMin"),
            "2025-11-24T16:00:00.000001999Z"
        );
        assert_eq!(
            value(&pairs, "query.startTimeMax"),
            "2025-11-24T16:00:01.000000001Z"
        );
        assert_eq!(value(&pairs, "query.attributes"), r#"{"a:b":"x\"y"}"#);
        assert_eq!(value(&pairs, "query.durationMax"), "2000000000ns");
        assert_eq!(value(&pairs, "query.operationName"), "POST /api/orders");
    }
}
