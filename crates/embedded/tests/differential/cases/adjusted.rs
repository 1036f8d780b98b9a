//! Traces as people see them.

use super::{Case, NAMELESS, TRACES, UNNAMED, get};

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = TRACES
        .iter()
        .map(|id| get(format!("/api/v3/traces/{id}")))
        .collect();
    cases.push(get(format!("/api/v3/traces/{NAMELESS}")).differs(UNNAMED));
    cases.push(
        get(format!("/api/traces/{}", TRACES[4]))
            .differs("2.13 adjusts for the legacy API in a way of its own"),
    );
    cases
}
