//! Answers recorded from Jaeger 2.13 (`jaegertracing/jaeger:2.13.0`, memory storage), which was sent
//! `orders.otlp.json` as it is.

use trace::TraceId;

/// What was sent.
pub(crate) const SENT: &str = include_str!("../recorded/orders.otlp.json");
/// An order that three services took part in.
pub(crate) const TRACE_LEGACY: &str = include_str!("../recorded/2.13/trace-legacy.json");
pub(crate) const TRACE_V3: &str = include_str!("../recorded/2.13/trace-v3.json");
/// A failed order under a 64-bit trace id.
pub(crate) const SHORT_LEGACY: &str = include_str!("../recorded/2.13/trace-64-bit-legacy.json");
pub(crate) const SHORT_LEGACY_PRETTY: &str = include_str!("../recorded/2.13/trace-64-bit-legacy-pretty.json");
pub(crate) const SHORT_V3: &str = include_str!("../recorded/2.13/trace-64-bit-v3.json");
/// A root that links to its child, and a child that links to its parent.
pub(crate) const LINKS_LEGACY: &str = include_str!("../recorded/2.13/trace-with-links-legacy.json");
pub(crate) const LINKS_V3: &str = include_str!("../recorded/2.13/trace-with-links-v3.json");
/// A span whose parent never came.
pub(crate) const HALF_LEGACY: &str = include_str!("../recorded/2.13/trace-half-arrived-legacy.json");
pub(crate) const SEARCH_LEGACY: &str = include_str!("../recorded/2.13/search-legacy.json");
pub(crate) const SEARCH_REFUSED_LEGACY: &str = include_str!("../recorded/2.13/search-refused-legacy.json");
pub(crate) const MISSING_LEGACY: &str = include_str!("../recorded/2.13/missing-legacy.json");
pub(crate) const MISSING_V3: &str = include_str!("../recorded/2.13/missing-v3.json");
pub(crate) const SERVICES_LEGACY: &str = include_str!("../recorded/2.13/services-legacy.json");
pub(crate) const SERVICES_V3: &str = include_str!("../recorded/2.13/services-v3.json");
pub(crate) const OPERATIONS_V3: &str = include_str!("../recorded/2.13/operations-v3.json");

/// The order's trace.
pub(crate) fn order() -> TraceId {
    "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap()
}

/// The 64-bit trace.
pub(crate) fn short() -> TraceId {
    "a3ce929d0e0e4737".parse().unwrap()
}

/// The trace with links.
pub(crate) fn links() -> TraceId {
    "4bf92f3577b34da6a3ce929d0e0e4738".parse().unwrap()
}

/// The trace without its root.
pub(crate) fn half() -> TraceId {
    "4bf92f3577b34da6a3ce929d0e0e4739".parse().unwrap()
}
