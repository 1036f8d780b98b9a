//! The trace model, what is expected of a trace, and the judgement.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no task. Wire formats are
//! converted at the door (`jaeger-api`, `embedded`) and go no further.
//!
//! | question | answer |
//! |---|---|
//! | What was recorded? | [`Trace`], walked as a [`Tree`], whatever its spans claim of each other |
//! | What is known of a request? | [`Evidence`]: its answer, its trace, stray traces, what each process says of its exports |
//! | What should be? | [`Expectation`]s, which are data |
//! | Is it? If not, why? | [`judge()`] gives a [`Verdict`]; each [`Mismatch`] has expected, found, where, and the [`Cause`] that the evidence shows |
//! | Can it be judged yet? | [`settle()`] tells late spans from lost ones, [`conclude()`] gives the verdict |
//! | What does it look like? | [`render`]: one line, text tree, Mermaid, waterfall |
//! | Is it the same as elsewhere? | [`Shape`] compares what does not depend on ids and times |
//!
//! ```
//! use trace::testing::Recording;
//! use trace::{At, Expectation, SpanKind, judge};
//!
//! // The walkthrough's request; then the header is lost on the way to inventory-service.
//! let mut recording = Recording::checkout();
//! recording.lose_header(recording.id_of(SpanKind::Server, "GET /api/check"), 0);
//!
//! let path = [At::cluster("storefront"), At::workstation("order-service"), At::cluster("inventory-service")];
//! let verdict = judge(&recording.evidence(), &[Expectation::Path(path.to_vec())]);
//! assert_eq!(
//!     verdict.primary_cause().map(|cause| cause.to_string()).as_deref(),
//!     Some("the traceparent header was lost between order-service and inventory-service (request r-81)")
//! );
//! ```

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
