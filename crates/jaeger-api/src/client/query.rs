//! What is asked of a search, and the small answers.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use serde::Serialize;
use trace::{ServiceName, SpanKind, TraceId, UnixNanos};

use crate::convert::{UnusableSpan, kind_from_text};
use crate::wire::{legacy, v3};

/// A search. All criteria must hold on one and the same span of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    /// `service.name` of the span's resource. The legacy API insists on one.
    pub service: ServiceName,
    /// The span's name, exact.
    pub operation: Option<String>,
    /// Tags by name, compared as text: on the span, its scope, its resource, its events or its links.
    ///
    /// Some names are reserved for the span's own fields (`error`, `span.kind`, …), and versions disagree about them:
    /// 2.13 finds spans with an explicit OK for any value of `error` and does not know the others. Attributes of the
    /// application are safe.
    pub tags: BTreeMap<String, String>,
    /// Start of the window, inclusive. Cut to microseconds by the legacy API.
    pub start: UnixNanos,
    /// End of the window, inclusive; compared with the span's *start*.
    pub end: UnixNanos,
    /// The span took at least this long.
    pub min_duration: Option<Duration>,
    /// The span took at most this long.
    pub max_duration: Option<Duration>,
    /// At most this many traces, newest first.
    pub limit: u32,
}

impl SearchQuery {
    /// Jaeger's own default for a search without `limit`.
    pub const DEFAULT_LIMIT: u32 = 100;

    /// Everything of a service whose spans started in the window.
    #[must_use]
    pub const fn new(service: ServiceName, window: Range<UnixNanos>) -> Self {
        Self {
            service,
            operation: None,
            tags: BTreeMap::new(),
            start: window.start,
            end: window.end,
            min_duration: None,
            max_duration: None,
            limit: Self::DEFAULT_LIMIT,
        }
    }

    /// Narrows to spans with this name.
    #[must_use]
    pub fn operation(mut self, name: impl Into<String>) -> Self {
        self.operation = Some(name.into());
        self
    }

    /// Narrows to spans with this tag.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }

    /// Narrows to spans that took at least this long.
    #[must_use]
    pub const fn at_least(mut self, duration: Duration) -> Self {
        self.min_duration = Some(duration);
        self
    }

    /// Narrows to spans that took at most this long.
    #[must_use]
    pub const fn at_most(mut self, duration: Duration) -> Self {
        self.max_duration = Some(duration);
        self
    }

    /// Changes the number of traces that are returned at most.
    #[must_use]
    pub const fn limit(mut self, traces: u32) -> Self {
        self.limit = traces;
        self
    }
}

/// A span name of a service, with the kind of the spans that have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Operation {
    /// The spans' name.
    pub name: String,
    /// Their kind. v3 shows an unspecified kind as internal.
    pub kind: SpanKind,
}

/// One trace in counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TraceSummary {
    /// The trace.
    pub trace_id: TraceId,
    /// Service of the root span; `None` as long as no root has arrived.
    pub root_service: Option<ServiceName>,
    /// Name of the root span; `None` as long as no root has arrived.
    pub root_operation: Option<String>,
    /// Earliest start of a span.
    pub start: UnixNanos,
    /// Latest end of a span.
    pub end: UnixNanos,
    /// Spans that have arrived.
    pub spans: u64,
    /// Those with error status.
    pub error_spans: u64,
    /// Those whose parent has not arrived.
    pub orphan_spans: u64,
    /// The same for each service.
    pub services: Vec<ServiceSummary>,
}

/// One service's share of a [`TraceSummary`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceSummary {
    /// The service.
    pub service: ServiceName,
    /// Its spans.
    pub spans: u64,
    /// Those with error status.
    pub error_spans: u64,
}

impl From<legacy::Operation> for Operation {
    fn from(operation: legacy::Operation) -> Self {
        Self {
            name: operation.name,
            kind: kind_from_text(&operation.span_kind),
        }
    }
}

impl TraceSummary {
    /// Takes a summary from the wire.
    ///
    /// # Errors
    /// It has no trace id; `position` is its place in the answer.
    pub(super) fn read(wire: v3::TraceSummary, position: usize) -> Result<Self, UnusableSpan> {
        let trace_id = TraceId::try_from(wire.trace_id).map_err(|source| UnusableSpan {
            position,
            service: wire.root_service_name.clone(),
            name: wire.root_operation_name.clone(),
            source,
        })?;
        let rooted = !(wire.root_service_name.is_empty() && wire.root_operation_name.is_empty());
        Ok(Self {
            trace_id,
            root_service: rooted.then_some(ServiceName(wire.root_service_name)),
            root_operation: rooted.then_some(wire.root_operation_name),
            start: UnixNanos(wire.min_start_time_unix_nano),
            end: UnixNanos(wire.max_end_time_unix_nano),
            spans: wire.span_count,
            error_spans: wire.error_span_count,
            orphan_spans: wire.orphan_span_count,
            services: wire
                .services
                .into_iter()
                .map(|service| ServiceSummary {
                    service: ServiceName(service.name),
                    spans: service.span_count,
                    error_spans: service.error_span_count,
                })
                .collect(),
        })
    }
}
