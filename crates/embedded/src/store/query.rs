//! What a search asks for, and whether a span has it: the predicate of Jaeger's memory store, evaluated on encoded
//! spans.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use prost::Message as _;
use trace::SpanKind;

use super::malformed::Malformed;
use super::scan::{self, Span, Status};
use super::schema::{self, Message};
use super::shelf::View;
use super::wire::{DEPTH, Reader};

/// Criteria that must all hold on one and the same span.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// `service.name` of the span's resource, exactly.
    pub service: Option<String>,
    /// Span name, exactly.
    pub operation: Option<String>,
    /// Earliest start, nanoseconds since the Unix epoch, inclusive.
    pub start_min: Option<u64>,
    /// Latest start, nanoseconds since the Unix epoch, inclusive.
    pub start_max: Option<u64>,
    /// Shortest duration in nanoseconds, inclusive.
    pub duration_min: Option<u64>,
    /// Longest duration in nanoseconds, inclusive.
    pub duration_max: Option<u64>,
    /// Attributes by key, with the value as text, as Jaeger writes it: numbers in their shortest form, bytes in
    /// base64, lists and maps as JSON. A key is looked for on the span, its scope, its resource, its events and its
    /// links, and of equal keys in one of these places the first counts.
    ///
    /// Reserved, as in Jaeger: `error` (`true`: status is error, `false`: it is not), `span.status`, `span.kind`,
    /// `scope.name`, `scope.version`, and the prefix `resource.` for an attribute of the resource only.
    pub attributes: Vec<(String, String)>,
    /// The most traces to return.
    pub limit: usize,
}

/// A query taken apart once, to be tried on many spans.
#[derive(Debug)]
pub(super) struct Criteria<'q> {
    query: &'q Query,
    error: Option<bool>,
    status: Option<Status>,
    kind: Option<SpanKind>,
    scope_name: Option<&'q str>,
    scope_version: Option<&'q str>,
    resource: Vec<(&'q str, &'q str)>,
    anywhere: Vec<(&'q str, &'q str)>,
}

impl<'q> Criteria<'q> {
    /// `None` when no span can meet the query.
    pub(super) fn of(query: &'q Query) -> Option<Self> {
        let mut criteria = Self {
            query,
            error: None,
            status: None,
            kind: None,
            scope_name: None,
            scope_version: None,
            resource: Vec::new(),
            anywhere: Vec::new(),
        };
        for (key, value) in &query.attributes {
            let (key, value) = (key.as_str(), value.as_str());
            match key {
                "error" => criteria.error = Some(truth(value)?),
                "span.status" => criteria.status = Some(status_named(value)),
                "span.kind" => criteria.kind = Some(kind_named(value)),
                "scope.name" => criteria.scope_name = Some(value),
                "scope.version" => criteria.scope_version = Some(value),
                _ => match key.strip_prefix("resource.") {
                    Some(key) => criteria.resource.push((key, value)),
                    None => criteria.anywhere.push((key, value)),
                },
            }
        }
        Some(criteria)
    }

    /// Whether one of the spans meets everything but the service, by which views were chosen.
    pub(super) fn hold(&self, view: &View) -> bool {
        // Only checked bytes are stored, so an error can't happen; a span that can't be read has nothing.
        self.try_hold(view).unwrap_or(false)
    }

    fn try_hold(&self, view: &View) -> Result<bool, Malformed> {
        let resource = Reader::new(&view.resource.encoded, &schema::RESOURCE_SPANS, DEPTH);
        let resource = inner(resource, 1, &schema::RESOURCE)?;
        for (key, value) in &self.resource {
            if !has(&resource, 1, key, value)? {
                return Ok(false);
            }
        }
        let scope = inner(
            Reader::new(&view.scope.encoded, &schema::SCOPE_SPANS, DEPTH),
            1,
            &schema::SCOPE,
        )?;
        if !is_text(&scope, 1, self.scope_name)? || !is_text(&scope, 2, self.scope_version)? {
            return Ok(false);
        }
        let mut open = Vec::new();
        for (key, value) in &self.anywhere {
            if !has(&resource, 1, key, value)? && !has(&scope, 3, key, value)? {
                open.push((*key, *value));
            }
        }
        let mut spans = Reader::new(&view.spans, &schema::SCOPE_SPANS, DEPTH);
        while let Some(key) = spans.key()? {
            if self.span_holds(&spans.message(key, &schema::SPAN)?, &open)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn span_holds(&self, encoded: &Reader<'_>, open: &[(&str, &str)]) -> Result<bool, Malformed> {
        let span = Span::glance(encoded.clone())?;
        let query = self.query;
        let duration = span.end.saturating_sub(span.start);
        let plain = query.operation.as_deref().is_none_or(|name| name == span.name)
            && query.start_min.is_none_or(|min| span.start >= min)
            && query.start_max.is_none_or(|max| span.start <= max)
            && query.duration_min.is_none_or(|min| duration >= min)
            && query.duration_max.is_none_or(|max| duration <= max)
            && self.kind.is_none_or(|kind| kind == span.kind)
            && self.status.is_none_or(|status| status == span.status)
            && self
                .error
                .is_none_or(|error| error == (span.status == Status::Error));
        if !plain {
            return Ok(false);
        }
        for (key, value) in open {
            if !anywhere(encoded.clone(), key, value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether a span, one of its events or one of its links has the attribute, in one pass.
fn anywhere(mut span: Reader<'_>, name: &str, value: &str) -> Result<bool, Malformed> {
    let mut on_span = None;
    while let Some(key) = span.key()? {
        let found = match key.number {
            9 => {
                let attribute = span.message(key, &schema::KEY_VALUE)?;
                let first = on_span.is_none() && scan::key(attribute.clone())? == name.as_bytes();
                first && *on_span.insert(is_value(attribute, value)?)
            }
            11 => has(&[span.message(key, &schema::EVENT)?], 3, name, value)?,
            13 => has(&[span.message(key, &schema::LINK)?], 4, name, value)?,
            _ => {
                span.pass(key)?;
                false
            }
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The messages in a field. Of a field that is not a list they are parts of one message.
fn inner<'a>(
    mut outer: Reader<'a>,
    field: u32,
    message: &'static Message,
) -> Result<Vec<Reader<'a>>, Malformed> {
    let mut inner = Vec::new();
    while let Some(key) = outer.key()? {
        if key.number == field {
            inner.push(outer.message(key, message)?);
        } else {
            outer.pass(key)?;
        }
    }
    Ok(inner)
}

/// Whether the first attribute of that key, in a message that may be in parts, has that value.
fn has(parts: &[Reader<'_>], field: u32, name: &str, value: &str) -> Result<bool, Malformed> {
    for mut part in parts.iter().cloned() {
        while let Some(key) = part.key()? {
            if key.number != field {
                part.pass(key)?;
                continue;
            }
            let attribute = part.message(key, &schema::KEY_VALUE)?;
            if scan::key(attribute.clone())? == name.as_bytes() {
                return is_value(attribute, value);
            }
        }
    }
    Ok(false)
}

fn is_value(attribute: Reader<'_>, value: &str) -> Result<bool, Malformed> {
    let encoded = attribute.rest();
    if let Some(text) = scan::text_value(attribute)? {
        return Ok(text == value);
    }
    let attribute = KeyValue::decode(encoded).unwrap_or_default();
    Ok(super::value::value(attribute.value.unwrap_or_default()).to_string() == value)
}

/// Whether a text of a message in parts is the one that is wanted, if one is.
fn is_text(parts: &[Reader<'_>], field: u32, wanted: Option<&str>) -> Result<bool, Malformed> {
    let Some(wanted) = wanted else { return Ok(true) };
    let mut found = "";
    for mut part in parts.iter().cloned() {
        while let Some(key) = part.key()? {
            if key.number == field {
                found = part.text(key, &mut None)?;
            } else {
                part.pass(key)?;
            }
        }
    }
    Ok(found == wanted)
}

/// As Go's `strconv.ParseBool`, which Jaeger reads `error` with; a query with anything else finds nothing.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn status_named(text: &str) -> Status {
    match text.to_uppercase().as_str() {
        "OK" => Status::Ok,
        "ERROR" => Status::Error,
        _ => Status::Unset,
    }
}

fn kind_named(text: &str) -> SpanKind {
    match text.to_uppercase().as_str() {
        "CLIENT" => SpanKind::Client,
        "SERVER" => SpanKind::Server,
        "PRODUCER" => SpanKind::Producer,
        "CONSUMER" => SpanKind::Consumer,
        "INTERNAL" => SpanKind::Internal,
        _ => SpanKind::Unspecified,
    }
}
