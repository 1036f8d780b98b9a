//! OTLP JSON in legacy form.

use super::{Case, post};
use crate::DATA;

const RESOURCES: [&str; 3] = [
    r#"{"key":"a","value":{"intValue":1}}"#,
    r#"{"key":"service.name","value":{"intValue":1}}"#,
    r#"{"key":"service.name","value":{}},{"key":"b","value":{"arrayValue":{"values":[{"kvlistValue":{}}]}}}"#,
];

const WARNINGS: [&str; 2] = [
    r#"{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":"b"}]}}"#,
    r#"{"stringValue":"odd"}"#,
];

pub(super) fn cases() -> Vec<Case> {
    let negative = "Jaeger writes a duration below zero as one of half a million years";
    let whole = DATA[1].replace(
        r#""endTimeUnixNano": "1764000000000000000""#,
        r#""endTimeUnixNano": "1764000000900000000""#,
    );
    let mut cases = vec![
        post("/api/transform", DATA[0]),
        post("/api/transform", DATA[1]).differs(negative),
        post("/api/transform", whole),
        post("/api/transform", "{}"),
        post("/api/transform?prettyPrint=true", r#"{"resourceSpans":[]}"#),
        post(
            "/api/transform",
            group("", r#""kind":9,"status":{"code":7,"message":"m"}"#),
        ),
    ];
    for body in ["", "x", r#"{"resourceSpans":3}"#] {
        let why = "the words after `cannot unmarshal OTLP : ` are the JSON reader's";
        cases.push(post("/api/transform", body).differs(why));
    }
    for resource in RESOURCES {
        cases.push(post("/api/transform", group(resource, r#""name":"a""#)));
    }
    for warnings in WARNINGS {
        let attributes = format!(r#""attributes":[{{"key":"@jaeger@warnings","value":{warnings}}}]"#);
        cases.push(post("/api/transform", group("", &attributes)));
    }
    cases
}

/// One span of a resource with these attributes.
fn group(resource: &str, span: &str) -> String {
    let ids = r#""traceId":"00000000000000000000000000000001","spanId":"0000000000000002""#;
    let times = r#""startTimeUnixNano":"4000","endTimeUnixNano":"5000""#;
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{resource}]}},"scopeSpans":[{{"spans":[{{{ids},{times},{span}}}]}}]}}]}}"#
    )
}
