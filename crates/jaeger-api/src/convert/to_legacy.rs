//! From OTLP JSON to the legacy form, as Jaeger translates it.

use std::collections::HashMap;

use trace::names::SERVICE_NAME;

use super::{WARNINGS, kind_from_number, kind_word, tags};
use crate::wire::id::TraceId;
use crate::wire::legacy::{Log, Process, RefType, Reference, Span, Tag, TagValue, Trace};
use crate::wire::v3::{self, AnyValue, KeyValue, Resource, Scope, TracesData, status_code};

/// Service of a resource without any attribute.
const NO_SERVICE_NAME: &str = "OTLPResourceNoServiceName";
/// Attribute by which a link says that it stands for a parent.
const REF_TYPE: &str = "opentracing.ref_type";

/// The traces in legacy form: traces by their first span, spans in the order in which they are given.
///
/// Scope attributes, schema URLs, dropped counts, link attributes and span flags are lost, as in Jaeger 2.20.
#[must_use]
pub fn to_legacy(data: &TracesData) -> Vec<Trace> {
    let mut traces = Vec::new();
    let mut places = HashMap::new();
    for group in &data.resource_spans {
        let process = write_process(&group.resource);
        // The process's key in each trace that this group has spans of.
        let mut keys = HashMap::new();
        for part in &group.scope_spans {
            for span in &part.spans {
                let place = *places.entry(span.trace_id).or_insert_with(|| {
                    traces.push(Unfinished::new(span.trace_id));
                    traces.len() - 1
                });
                let trace: &mut Unfinished = &mut traces[place];
                let key = keys.entry(place).or_insert_with(|| trace.key_of(&process));
                trace.spans.push(write_span(span, &part.scope, key));
            }
        }
    }
    traces.into_iter().map(Unfinished::finish).collect()
}

/// The service that a resource names: nothing when it has other attributes only or the name is no text.
#[must_use]
pub fn service_name(resource: &Resource) -> &str {
    if resource.attributes.is_empty() {
        return NO_SERVICE_NAME;
    }
    let name = resource
        .attributes
        .iter()
        .find(|attribute| attribute.key == SERVICE_NAME);
    name.and_then(|attribute| attribute.value.as_str())
        .unwrap_or_default()
}

struct Unfinished {
    id: TraceId,
    spans: Vec<Span>,
    processes: Vec<Process>,
}

impl Unfinished {
    const fn new(id: TraceId) -> Self {
        Self {
            id,
            spans: Vec::new(),
            processes: Vec::new(),
        }
    }

    /// The key of an equal process, which is added when there is none: batches of one process share it.
    fn key_of(&mut self, process: &Process) -> String {
        let place = self
            .processes
            .iter()
            .position(|known| known == process)
            .unwrap_or_else(|| {
                self.processes.push(process.clone());
                self.processes.len() - 1
            });
        key(place)
    }

    fn finish(self) -> Trace {
        Trace {
            trace_id: self.id,
            spans: self.spans,
            processes: self
                .processes
                .into_iter()
                .enumerate()
                .map(|(place, process)| (key(place), process))
                .collect(),
            warnings: Vec::new(),
        }
    }
}

fn key(place: usize) -> String {
    format!("p{}", place + 1)
}

fn write_process(resource: &Resource) -> Process {
    Process {
        service_name: service_name(resource).to_owned(),
        tags: resource
            .attributes
            .iter()
            .filter(|attribute| attribute.key != SERVICE_NAME)
            .map(write_tag)
            .collect(),
    }
}

fn write_span(span: &v3::Span, scope: &Scope, process: &str) -> Span {
    Span {
        trace_id: span.trace_id,
        span_id: span.span_id,
        operation_name: span.name.clone(),
        references: write_references(span),
        start_time: span.start_time_unix_nano / 1_000,
        duration: span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano) / 1_000,
        tags: write_tags(span, scope),
        logs: span.events.iter().map(write_log).collect(),
        process_id: process.to_owned(),
        warnings: warnings(span),
        ..Span::default()
    }
}

fn write_references(span: &v3::Span) -> Vec<Reference> {
    let mut references = Vec::with_capacity(span.links.len() + 1);
    if !span.parent_span_id.is_none() {
        references.push(Reference {
            ref_type: RefType::ChildOf,
            trace_id: span.trace_id,
            span_id: span.parent_span_id,
        });
    }
    for link in &span.links {
        let is_child = link
            .attributes
            .iter()
            .any(|attribute| attribute.key == REF_TYPE && attribute.value.as_str() == Some("child_of"));
        let ref_type = if is_child {
            RefType::ChildOf
        } else {
            RefType::FollowsFrom
        };
        let is_parent = !span.parent_span_id.is_none()
            && (link.trace_id, link.span_id) == (span.trace_id, span.parent_span_id);
        match references.first_mut() {
            // A link to the parent says how the span relates to it, instead of adding a second relation.
            Some(parent) if is_parent => parent.ref_type = ref_type,
            _ => references.push(Reference {
                ref_type,
                trace_id: link.trace_id,
                span_id: link.span_id,
            }),
        }
    }
    references
}

fn write_tags(span: &v3::Span, scope: &Scope) -> Vec<Tag> {
    let mut tags = Vec::with_capacity(span.attributes.len() + 8);
    let text = |tags: &mut Vec<Tag>, key: &str, value: &str| {
        if !value.is_empty() {
            tags.push(Tag::new(key, value));
        }
    };
    text(&mut tags, tags::SCOPE_NAME, &scope.name);
    text(&mut tags, tags::SCOPE_VERSION, &scope.version);
    tags.extend(
        span.attributes
            .iter()
            .filter(|attribute| !is_warnings(attribute))
            .map(write_tag),
    );
    text(&mut tags, tags::KIND, kind_word(kind_from_number(span.kind)));
    match span.status.code {
        status_code::OK => tags.push(Tag::new(tags::STATUS_CODE, "OK")),
        status_code::ERROR => {
            tags.push(Tag::new(tags::STATUS_CODE, "ERROR"));
            tags.push(Tag::new(tags::ERROR, true));
        }
        _ => {}
    }
    text(&mut tags, tags::STATUS_DESCRIPTION, &span.status.message);
    text(&mut tags, tags::TRACE_STATE, &span.trace_state);
    tags
}

fn write_log(event: &v3::Event) -> Log {
    let mut fields = Vec::with_capacity(event.attributes.len() + 1);
    let has_name = event
        .attributes
        .iter()
        .any(|attribute| attribute.key == tags::EVENT);
    if !event.name.is_empty() && !has_name {
        fields.push(Tag::new(tags::EVENT, event.name.as_str()));
    }
    fields.extend(event.attributes.iter().map(write_tag));
    Log {
        timestamp: event.time_unix_nano / 1_000,
        fields,
    }
}

fn write_tag(attribute: &KeyValue) -> Tag {
    let value = match &attribute.value {
        AnyValue::Bool(value) => TagValue::Bool(*value),
        AnyValue::Int(value) => TagValue::Int64(*value),
        AnyValue::Double(value) => TagValue::Float64(*value),
        AnyValue::Bytes(value) => TagValue::Binary(value.clone()),
        text => TagValue::String(text.to_string()),
    };
    Tag {
        key: attribute.key.clone(),
        value,
    }
}

fn is_warnings(attribute: &KeyValue) -> bool {
    attribute.key == WARNINGS
}

/// A list of texts, or in an odd span a single text; an odd span may also have several of either.
fn warnings(span: &v3::Span) -> Vec<String> {
    let mut warnings = Vec::new();
    for attribute in span.attributes.iter().filter(|attribute| is_warnings(attribute)) {
        match attribute.value.as_array() {
            Some(list) => warnings.extend(list.iter().map(ToString::to_string)),
            None => warnings.push(attribute.value.to_string()),
        }
    }
    warnings
}
