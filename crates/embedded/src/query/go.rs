//! Numbers, durations, times and JSON as Go reads and names them: Jaeger hands Go's own messages on to its clients.

mod duration;
mod json;
mod number;
mod time;

pub(super) use duration::{duration_text, parse_duration};
pub(super) use json::parse_texts;
pub(super) use number::{parse_bool, parse_float, parse_hex_u64, parse_int, parse_int32, parse_search_depth};
pub(super) use time::parse_rfc3339;
