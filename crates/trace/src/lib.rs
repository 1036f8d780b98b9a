//! The trace model, what is expected of a trace, and the judgement.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no task. Wire formats are
//! converted at the door (`jaeger-api`, `embedded`) and go no further.

pub mod evidence;
pub mod expect;
pub mod id;
pub mod judge;
pub mod names;
pub mod render;
pub mod route;
pub mod settle;
pub mod shape;
pub mod site;
pub mod span;
pub mod testing;
pub mod tree;
pub mod verdict;
pub mod words;

#[cfg(test)]
mod properties;

pub use evidence::{Answer, Evidence, ExportAccount};
pub use expect::{At, Expectation, Matcher, SpanSelector};
pub use id::{InvalidId, RequestId, SpanId, TraceId};
pub use judge::judge;
pub use settle::{Decision, Limits, Progress, conclude, settle};
pub use shape::Shape;
pub use site::Site;
pub use span::{Resource, ServiceName, Span, SpanKind, Status, UnixNanos, Value};
pub use tree::{Trace, Tree};
pub use verdict::{Cause, Finding, Mismatch, Verdict};
