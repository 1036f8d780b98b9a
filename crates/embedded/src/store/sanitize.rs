//! What Jaeger mends when it stores a span, mended in the encoded form.
//!
//! A later protobuf field overrides an earlier one and adds to a list, so most of it is done by appending; nothing
//! is decoded, so a hostile span costs no memory. The texts are those of Jaeger 2 (`internal/jptrace/sanitizer`).

use jaeger_api::convert::WARNINGS;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use prost::Message;
use prost::encoding;
use trace::names;

use super::malformed::Malformed;
use super::scan::{self, Span};
use super::schema;
use super::wire::{DEPTH, Reader, put};

/// The name of a span that has none.
pub(super) const EMPTY_SPAN_NAME: &str = "empty-span-name";
/// The service of a resource whose `service.name` is empty.
const EMPTY_SERVICE_NAME: &str = "empty-service-name";
/// The service of a resource without `service.name`.
const MISSING_SERVICE_NAME: &str = "missing-service-name";
/// The service of a resource whose `service.name` is not a text.
const WRONG_SERVICE_NAME: &str = "service-name-wrong-type";
/// Gives a resource's header a `service.name` that is a text and not empty, and returns both.
pub(super) fn resource(mut header: Vec<u8>) -> Result<(Vec<u8>, String), Malformed> {
    let name = match service_name(&header)? {
        Some(Some(name)) if !name.is_empty() => return Ok((header.clone(), name.to_owned())),
        Some(Some(_)) => EMPTY_SERVICE_NAME,
        Some(None) => WRONG_SERVICE_NAME,
        None => {
            // A message that comes twice is merged, so this adds an attribute to the resource.
            let mut resource = Vec::new();
            put(
                1,
                &attribute(
                    names::SERVICE_NAME,
                    Value::StringValue(MISSING_SERVICE_NAME.to_owned()),
                ),
                &mut resource,
            );
            put(1, &resource, &mut header);
            return Ok((header, MISSING_SERVICE_NAME.to_owned()));
        }
    };
    Ok((rename(&header, name)?, name.to_owned()))
}

/// The first `service.name`: `None` when there is none, `Some(None)` when it is not a text.
fn service_name(header: &[u8]) -> Result<Option<Option<&str>>, Malformed> {
    let mut header = Reader::new(header, &schema::RESOURCE_SPANS, DEPTH);
    while let Some(key) = header.key()? {
        if key.number != 1 {
            header.pass(key)?;
            continue;
        }
        let mut resource = header.message(key, &schema::RESOURCE)?;
        while let Some(key) = resource.key()? {
            if key.number != 1 {
                resource.pass(key)?;
                continue;
            }
            let attribute = resource.message(key, &schema::KEY_VALUE)?;
            if scan::key(attribute.clone())? == names::SERVICE_NAME.as_bytes() {
                return scan::text_value(attribute).map(Some);
            }
        }
    }
    Ok(None)
}

/// Replaces the value of the first `service.name`.
fn rename(header: &[u8], name: &str) -> Result<Vec<u8>, Malformed> {
    let mut replacement = Some(attribute(
        names::SERVICE_NAME,
        Value::StringValue(name.to_owned()),
    ));
    let mut renamed = Vec::with_capacity(header.len() + name.len());
    let mut header = Reader::new(header, &schema::RESOURCE_SPANS, DEPTH);
    loop {
        let field = header.rest();
        let Some(key) = header.key()? else {
            return Ok(renamed);
        };
        if key.number != 1 {
            header.pass(key)?;
            renamed.extend_from_slice(&field[..field.len() - header.rest().len()]);
            continue;
        }
        let mut resource = header.message(key, &schema::RESOURCE)?;
        let mut content = Vec::new();
        loop {
            let field = resource.rest();
            let Some(key) = resource.key()? else { break };
            let found = key.number == 1
                && scan::key(resource.clone().message(key, &schema::KEY_VALUE)?)?
                    == names::SERVICE_NAME.as_bytes();
            resource.pass(key)?;
            match replacement.take_if(|_| found) {
                Some(replacement) => put(1, &replacement, &mut content),
                None => content.extend_from_slice(&field[..field.len() - resource.rest().len()]),
            }
        }
        put(1, &content, &mut renamed);
    }
}

/// Whether a span is one that [`span`] mends.
pub(super) const fn wants_mending(span: &Span<'_>) -> bool {
    span.name.is_empty() || span.end <= span.start
}

/// Gives a span a name and a positive duration. Takes the span's bytes, returns a `spans` field of `ScopeSpans`.
pub(super) fn span(encoded: &[u8], span: &Span<'_>) -> Vec<u8> {
    let mut mended = encoded.to_vec();
    if span.name.is_empty() {
        put(5, EMPTY_SPAN_NAME.as_bytes(), &mut mended);
    }
    if span.end <= span.start {
        let end = span.start.saturating_add(1);
        encoding::fixed64::encode(8, &end, &mut mended);
        let warning = format!(
            "Negative duration detected, sanitizing end timestamp. Original end timestamp: {}, adjusted to: {}",
            point_in_time(span.end),
            point_in_time(end)
        );
        let warning = AnyValue {
            value: Some(Value::StringValue(warning)),
        };
        put(
            9,
            &attribute(
                WARNINGS,
                Value::ArrayValue(ArrayValue {
                    values: vec![warning],
                }),
            ),
            &mut mended,
        );
    }
    let mut field = Vec::with_capacity(mended.len() + 8);
    put(2, &mended, &mut field);
    field
}

fn attribute(key: &str, value: Value) -> Vec<u8> {
    let value = Some(AnyValue { value: Some(value) });
    KeyValue {
        key: key.to_owned(),
        value,
        ..KeyValue::default()
    }
    .encode_to_vec()
}

/// Nanoseconds since the Unix epoch the way Go prints a time in UTC.
fn point_in_time(nanos: u64) -> String {
    match jiff::Timestamp::from_nanosecond(i128::from(nanos)) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string(),
        Err(_) => format!("{nanos} ns"),
    }
}
