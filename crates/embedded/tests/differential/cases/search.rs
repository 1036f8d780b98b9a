//! What a search finds.

use super::{Case, V3_WINDOW, get, v3};

const TAGS: [&str; 30] = [
    "throughline.request.id:r-81",
    "throughline.request.id:r",
    "http.response.status_code:201",
    "order.total:12.5",
    "inventory.available:true",
    "scope.attr:sa",
    "host.name:lab",
    "exception.type:Unreachable",
    "sku:widget",
    "otel.status_code:ERROR",
    "otel.scope.name:throughline",
    "w3c.tracestate:vendor%3D1",
    "tags:%5B%22a%22,1,true%5D",
    "shape:%7B%22h%22:1.5,%22w%22:2%7D",
    "big:9007199254740993",
    "bin:AQID/w%3D%3D",
    "dblint:72",
    "dblhuge:1e%2B21",
    "dbltiny:1e-07",
    "dbltiny:1e-7",
    "unset:",
    "empty:",
    "yes:true",
    "no:false",
    "arr:%5B%22x%22,3,1,true,%22AQI%3D%22,null%5D",
    "emptyarr:%5B%5D",
    "nothing:",
    "k:v",
    "a:b:c",
    "resource.order.id:ord-1",
];

const RESERVED: [&str; 6] = [
    "span.status:OK",
    "span.status:ERROR",
    "span.kind:client",
    "scope.name:throughline",
    "scope.version:1.2",
    "resource.host.name:lab",
];

const FILTERS: [&str; 13] = [
    "",
    "operation=GET",
    "operation=get",
    "minDuration=249ms",
    "maxDuration=9ms",
    "minDuration=1ms&maxDuration=10ms",
    "minDuration=10ms&maxDuration=10ms",
    "tag=throughline.request.id:r-81&tag=order.id:ord-1",
    "tags=%7B%22order.id%22:%22ord-1%22%7D",
    "tags=null",
    "maxDuration=-1s",
    "minDuration=-1s",
    "lookback=2h&sort=x",
];

const WINDOWS: [&str; 6] = [
    "start=1764000000500000&end=1764000000500000",
    "start=1764000000500001",
    "start=1964000000500001",
    "end=1764000000000000",
    "end=-1",
    "start=-1&end=1764000000500000",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for service in ["storefront", "order-service"] {
        cases.extend(TAGS.iter().map(|tag| search(service, &format!("tag={tag}"))));
    }
    for value in ["true", "false", "maybe"] {
        let why = "2.13 finds the spans with an explicit OK, whatever the value";
        cases.push(search("storefront", &format!("tag=error:{value}")).differs(why));
    }
    for tag in ["why:looks+ahead", "la:x"] {
        cases.push(
            search("storefront", &format!("tag={tag}")).differs("2.13 does not look at a link's attributes"),
        );
    }
    for tag in RESERVED {
        cases.push(
            search("storefront", &format!("tag={tag}")).differs("2.13 does not know this reserved key"),
        );
    }
    for service in ["storefront", "order-service", "inventory-service", "nope"] {
        cases.extend(FILTERS.iter().map(|filter| search(service, filter)));
    }
    cases.extend(
        WINDOWS
            .iter()
            .map(|window| get(format!("/api/traces?service=storefront&raw=true&{window}"))),
    );
    let overflow = "Go's durations overflow in the year 2262";
    cases.push(get("/api/traces?service=storefront&start=9764000000500001").differs(overflow));
    for service in ["storefront", "order-service", "inventory-service", "nope"] {
        for filter in [
            "",
            "&query.operationName=GET",
            "&query.durationMin=249ms",
            "&query.durationMax=9ms",
        ] {
            let service = format!("query.serviceName={service}&query.rawTraces=true");
            cases.push(v3(format!("/api/v3/traces?{V3_WINDOW}&{service}{filter}")));
        }
    }
    let attributes = "query.serviceName=storefront&query.rawTraces=true&query.attributes=%7B%22throughline.request.id%22:%22r-82%22%7D";
    cases.push(
        v3(format!("/api/v3/traces?{V3_WINDOW}&{attributes}")).differs("v3 ignores attributes before 2.19"),
    );
    cases
}

fn search(service: &str, filter: &str) -> Case {
    get(format!(
        "/api/traces?start=1764000000000000&end=1764000002000000&service={service}&raw=true&{filter}"
    ))
}
