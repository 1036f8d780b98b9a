//! The JSON that Jaeger's query API speaks, as types that are both written and read.
//!
//! Writing is exact: field names, order, what is left out and what is `null` are as Jaeger 2.20 has them. Reading is
//! tolerant: a missing field or `null` is empty, numbers may be texts or floats, ids may have fewer digits than they
//! should, and unknown fields are skipped.

mod exact;
pub mod id;
pub mod json;
pub mod legacy;
mod lenient;
pub mod v3;
