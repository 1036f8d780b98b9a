//! Search: the predicate of Jaeger's memory store, all criteria on one span.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use rstest::rstest;

use super::super::*;
use super::{ScopeSpans, Span, attribute, of_service, resource, span, text};
use opentelemetry_proto::tonic::common::v1::any_value::Value;

/// A store with one trace of one span that has something everywhere.
fn furnished() -> SpanStore {
    let span = Span {
        kind: 2,
        start_time_unix_nano: 1_000,
        end_time_unix_nano: 3_000,
        attributes: vec![
            attribute("on.span", text("s")),
            attribute("number", Value::IntValue(123)),
            attribute("ratio", Value::DoubleValue(72.5)),
            attribute("flag", Value::BoolValue(true)),
            attribute("twice", text("first")),
            attribute("twice", text("second")),
        ],
        events: vec![
            Event {
                attributes: vec![attribute("on.event", text("a"))],
                ..Event::default()
            },
            Event {
                attributes: vec![attribute("on.event", text("b"))],
                ..Event::default()
            },
        ],
        links: vec![Link {
            attributes: vec![attribute("on.link", text("l"))],
            ..Link::default()
        }],
        status: Some(Status {
            code: 2,
            message: String::new(),
        }),
        ..span(1, 1, "work")
    };
    let scope = InstrumentationScope {
        name: "lib".to_owned(),
        version: "1.0".to_owned(),
        attributes: vec![attribute("on.scope", text("c"))],
        ..InstrumentationScope::default()
    };
    let mut resource = resource("shop");
    resource.attributes.push(attribute("on.resource", text("r")));
    let scope_spans = vec![ScopeSpans {
        scope: Some(scope),
        spans: vec![span],
        ..ScopeSpans::default()
    }];
    let store = SpanStore::default();
    let batch = vec![ResourceSpans {
        resource: Some(resource),
        scope_spans,
        ..ResourceSpans::default()
    }];
    store.insert(batch).unwrap();
    store
}

fn finds(query: Query) -> bool {
    !furnished().search(&Query { limit: 1, ..query }).is_empty()
}

#[rstest]
#[case("on.span", "s", true)]
#[case("on.scope", "c", true)]
#[case("on.resource", "r", true)]
#[case("on.event", "a", true)]
#[case::a_later_event("on.event", "b", true)]
#[case("on.link", "l", true)]
#[case("number", "123", true)]
#[case("ratio", "72.5", true)]
#[case("flag", "true", true)]
#[case("on.span", "S", false)]
#[case("on.span", "*", false)]
#[case("missing", "", false)]
#[case::of_equal_keys_the_first_counts("twice", "first", true)]
#[case::of_equal_keys_the_first_counts("twice", "second", false)]
#[case("service.name", "shop", true)]
#[case("resource.on.resource", "r", true)]
#[case("resource.on.span", "s", false)]
#[case("error", "true", true)]
#[case("error", "1", true)]
#[case("error", "false", false)]
#[case("error", "yes", false)]
#[case("span.status", "error", true)]
#[case("span.status", "OK", false)]
#[case("span.status", "whatever", false)]
#[case("span.kind", "server", true)]
#[case("span.kind", "CLIENT", false)]
#[case("scope.name", "lib", true)]
#[case("scope.name", "", false)]
#[case("scope.version", "1.0", true)]
#[case("otel.status_code", "ERROR", false)]
#[case("otel.scope.name", "lib", false)]
fn an_attribute_is_found_where_jaeger_finds_it(#[case] key: &str, #[case] value: &str, #[case] found: bool) {
    let attributes = vec![(key.to_owned(), value.to_owned())];
    assert_eq!(
        finds(Query {
            attributes,
            ..Query::default()
        }),
        found
    );
}

#[rstest]
#[case(Query { service: Some("shop".to_owned()), ..Query::default() }, true)]
#[case(Query { service: Some("sho".to_owned()), ..Query::default() }, false)]
#[case(Query { operation: Some("work".to_owned()), ..Query::default() }, true)]
#[case(Query { operation: Some("wor".to_owned()), ..Query::default() }, false)]
#[case(Query { start_min: Some(1_000), start_max: Some(1_000), ..Query::default() }, true)]
#[case(Query { start_min: Some(1_001), ..Query::default() }, false)]
#[case(Query { start_max: Some(999), ..Query::default() }, false)]
#[case(Query { duration_min: Some(2_000), duration_max: Some(2_000), ..Query::default() }, true)]
#[case(Query { duration_min: Some(2_001), ..Query::default() }, false)]
#[case(Query { duration_max: Some(1_999), ..Query::default() }, false)]
fn bounds_are_inclusive_and_names_exact(#[case] query: Query, #[case] found: bool) {
    assert_eq!(finds(query), found);
}

#[rstest]
#[case("0", false)]
#[case("1", true)]
#[case("2", false)]
fn error_false_means_every_status_but_error(#[case] code: &str, #[case] _is_ok: bool) {
    let store = SpanStore::default();
    let status = Some(Status {
        code: code.parse().unwrap(),
        message: String::new(),
    });
    store
        .insert(of_service(
            "s",
            vec![Span {
                status,
                ..span(1, 1, "work")
            }],
        ))
        .unwrap();
    let attributes = vec![("error".to_owned(), "false".to_owned())];
    let found = !store
        .search(&Query {
            attributes,
            limit: 1,
            ..Query::default()
        })
        .is_empty();
    assert_eq!(found, code != "2");
}

#[test]
fn all_criteria_must_hold_on_the_same_span() {
    let store = SpanStore::default();
    let mut tagged = span(1, 1, "first");
    tagged.attributes = vec![attribute("k", text("v"))];
    store.insert(of_service("a", vec![tagged])).unwrap();
    store.insert(of_service("b", vec![span(1, 2, "second")])).unwrap();
    let query = |service: &str, operation: &str| Query {
        service: Some(service.to_owned()),
        operation: Some(operation.to_owned()),
        attributes: vec![("k".to_owned(), "v".to_owned())],
        limit: 1,
        ..Query::default()
    };
    assert_eq!(store.search(&query("a", "first")), [[1; 16]]);
    assert_eq!(store.search(&query("b", "second")), [] as [[u8; 16]; 0]);
    assert_eq!(store.search(&query("b", "first")), [] as [[u8; 16]; 0]);
}

#[test]
fn gives_the_newest_traces_up_to_the_limit_over_many_pages() {
    let store = SpanStore::default();
    let id = |number: u16| {
        let mut id = [7; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        id
    };
    for number in 0..3_000 {
        let name = if number % 3 == 0 { "third" } else { "other" };
        store
            .insert(of_service(
                "s",
                vec![Span {
                    trace_id: id(number).to_vec(),
                    ..span(1, 1, name)
                }],
            ))
            .unwrap();
    }
    let search = |limit| {
        store.search(&Query {
            operation: Some("third".to_owned()),
            limit,
            ..Query::default()
        })
    };
    let expected: Vec<[u8; 16]> = (0..3_000)
        .rev()
        .filter(|number| number % 3 == 0)
        .map(id)
        .collect();
    assert_eq!(search(usize::MAX), expected);
    assert_eq!(search(700), expected[..700]);
    assert_eq!(search(0), [] as [[u8; 16]; 0]);
}

#[test]
fn a_mended_span_is_found_by_what_it_was_mended_to() {
    let store = SpanStore::default();
    let bare = Span {
        name: String::new(),
        ..span(1, 1, "")
    };
    let scope_spans = vec![ScopeSpans {
        spans: vec![bare],
        ..ScopeSpans::default()
    }];
    store
        .insert(vec![ResourceSpans {
            scope_spans,
            ..ResourceSpans::default()
        }])
        .unwrap();
    let query = Query {
        service: Some("missing-service-name".to_owned()),
        operation: Some("empty-span-name".to_owned()),
        attributes: vec![("service.name".to_owned(), "missing-service-name".to_owned())],
        limit: 1,
        ..Query::default()
    };
    assert_eq!(store.search(&query), [[1; 16]]);
    assert_eq!(store.services(), ["missing-service-name"]);
}
