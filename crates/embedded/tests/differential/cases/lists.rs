//! Services, operations, dependencies.

use super::{Case, UNNAMED, get, v3};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        get("/api/services"),
        get("/api/v3/services"),
        get("/api/operations?service=order-service&spanKind=server"),
        get("/api/operations?service=order-service&spanKind=SERVER"),
        v3("/api/v3/operations?service=order-service&spanKind=client"),
        v3("/api/v3/operations"),
        get("/api/operations?service=storefront"),
        get("/api/services/storefront/operations"),
        v3("/api/v3/operations?service=storefront").differs("2.20 shows an unspecified kind as internal"),
        get("/api/operations?service=nameless").differs(UNNAMED),
        get("/api/dependencies"),
    ];
    for service in [
        "order-service",
        "nope",
        "inventory%2Dservice",
        "missing-service-name",
    ] {
        cases.push(get(format!("/api/operations?service={service}")));
        cases.push(get(format!("/api/services/{service}/operations")));
        cases.push(v3(format!("/api/v3/operations?service={service}")));
    }
    for window in [
        "endTs=1764000002000&lookback=86400000",
        "endTs=1764000002000&lookback=86400000&service=inventory-service",
        "endTs=1764000000900&lookback=86400000",
        "endTs=1764000002000&lookback=1000",
        "endTs=1764000002000&lookback=-1",
        "endTs=x",
        "lookback=x",
        "endTs=1&lookback=x",
    ] {
        cases.push(get(format!("/api/dependencies?{window}")));
    }
    cases
}
