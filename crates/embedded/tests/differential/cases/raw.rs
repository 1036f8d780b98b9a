//! Traces as they were stored.

use super::{Case, NAMELESS, TRACES, UNNAMED, get, v3};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        get(format!("/api/traces/{NAMELESS}?raw=true")).differs(UNNAMED),
        v3(format!("/api/v3/traces/{NAMELESS}?rawTraces=true")).differs(UNNAMED),
        get("/api/traces/4BF92F3577B34DA6A3CE929D0E0E4736?raw=1&start=1&end=2"),
        get("/api/traces?traceID=a3ce929d0e0e4737&traceID=ff&traceID=d269b633813fc60d&raw=T"),
    ];
    for id in TRACES {
        cases.push(get(format!("/api/traces/{id}?raw=true")));
        cases.push(v3(format!("/api/v3/traces/{id}?rawTraces=true")));
    }
    cases
}
