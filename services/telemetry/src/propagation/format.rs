//! The formats of trace context, by their names in `OTEL_PROPAGATORS`.

/// A format in which a trace context travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// W3C Trace Context: `traceparent` and `tracestate`.
    TraceContext,
    /// B3 in a single header, `b3`.
    B3,
    /// B3 in a header for each part, `X-B3-TraceId` and its neighbours.
    B3Multi,
}

impl Format {
    /// The format that `OTEL_PROPAGATORS` calls so.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::TraceContext, Self::B3, Self::B3Multi];
        all.into_iter().find(|format| format.name() == name)
    }

    /// Its name in `OTEL_PROPAGATORS`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TraceContext => "tracecontext",
            Self::B3 => "b3",
            Self::B3Multi => "b3multi",
        }
    }
}
