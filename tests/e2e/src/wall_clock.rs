//! The time of day, as spans tell it.

use std::time::{SystemTime, UNIX_EPOCH};

use trace::UnixNanos;

/// Now. Beside spans of other machines only as right as the clocks are.
#[must_use]
pub fn now() -> UnixNanos {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixNanos(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}
