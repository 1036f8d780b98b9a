//! Archive, unknown paths, and what one of the two does not have.

use super::{Case, V3_WINDOW, get, post};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        post("/api/archive/zz!", ""),
        post("/api/archive/ff", ""),
        post("/api/archive/4bf92f3577b34da6a3ce929d0e0e4736", ""),
        get("/api/quality-metrics").differs("Jaeger has canned sample data, this store none"),
        get("/api/deep-dependencies").differs("Jaeger has canned sample data, this store none"),
        get("/nope").differs("the page is ours"),
        get(format!("/api/v3/trace-summaries?{V3_WINDOW}")).differs("summaries came with 2.19"),
    ];
    for path in ["/api/nope", "/api/v3/nope", "/api/v3/dependencies"] {
        cases.push(get(path).differs("2.13 answers with the start page, later versions with 404"));
    }
    cases
}
