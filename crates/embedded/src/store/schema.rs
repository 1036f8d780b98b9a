//! The OTLP trace messages as tables: field numbers, JSON names and types, as in the OTLP 1.11 `.proto` files.
//!
//! One table serves both doors: protobuf is checked against it without building messages, and JSON is turned into
//! protobuf by it.

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// UTF-8 text.
    Text,
    /// A trace or span id: this many bytes, or none. Hexadecimal in JSON.
    Id(usize),
    /// Any bytes. Base64 in JSON.
    Bytes,
    /// Truth value.
    Bool,
    /// Signed, variable length, 32 bits: enumerations and indexes.
    Int32,
    /// Unsigned, variable length, 32 bits.
    Uint32,
    /// Signed, variable length, 64 bits.
    Int64,
    /// Four bytes.
    Fixed32,
    /// Eight bytes.
    Fixed64,
    /// Eight bytes of IEEE 754.
    Double,
    /// Another message.
    Message(&'static Message),
}

/// One field; its number is its place in [`Message::fields`].
#[derive(Debug)]
pub(crate) struct Field {
    /// Its lowerCamelCase name in JSON.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// In JSON a list.
    pub(crate) repeated: bool,
}

/// One message type.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) name: &'static str,
    /// By field number; place 0 and numbers that OTLP does not use hold nothing.
    pub(crate) fields: &'static [Option<Field>],
}

impl Message {
    #[inline]
    pub(crate) fn field(&self, number: u32) -> Option<&'static Field> {
        self.fields.get(number as usize)?.as_ref()
    }

    pub(crate) fn field_named(&self, name: &str) -> Option<(u32, &'static Field)> {
        let fields = self.fields.iter().zip(0u32..);
        fields
            .filter_map(|(field, number)| Some((number, field.as_ref()?)))
            .find(|(_, field)| field.name == name)
    }
}

const fn one(name: &'static str, kind: Kind) -> Option<Field> {
    Some(Field {
        name,
        kind,
        repeated: false,
    })
}

const fn many(name: &'static str, kind: Kind) -> Option<Field> {
    Some(Field {
        name,
        kind,
        repeated: true,
    })
}

use Kind::{Bool, Bytes, Double, Fixed32, Fixed64, Id, Int32, Int64, Text, Uint32};

/// `ExportTraceServiceRequest`; `TracesData` has the same shape.
pub(crate) static REQUEST: Message = Message {
    name: "ExportTraceServiceRequest",
    fields: &[None, many("resourceSpans", Kind::Message(&RESOURCE_SPANS))],
};

pub(crate) static RESOURCE_SPANS: Message = Message {
    name: "ResourceSpans",
    fields: &[
        None,
        one("resource", Kind::Message(&RESOURCE)),
        many("scopeSpans", Kind::Message(&SCOPE_SPANS)),
        one("schemaUrl", Text),
    ],
};

pub(crate) static RESOURCE: Message = Message {
    name: "Resource",
    fields: &[
        None,
        many("attributes", Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", Uint32),
        many("entityRefs", Kind::Message(&ENTITY_REF)),
    ],
};

static ENTITY_REF: Message = Message {
    name: "EntityRef",
    fields: &[
        None,
        one("schemaUrl", Text),
        one("type", Text),
        many("idKeys", Text),
        many("descriptionKeys", Text),
    ],
};

pub(crate) static SCOPE_SPANS: Message = Message {
    name: "ScopeSpans",
    fields: &[
        None,
        one("scope", Kind::Message(&SCOPE)),
        many("spans", Kind::Message(&SPAN)),
        one("schemaUrl", Text),
    ],
};

pub(crate) static SCOPE: Message = Message {
    name: "InstrumentationScope",
    fields: &[
        None,
        one("name", Text),
        one("version", Text),
        many("attributes", Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", Uint32),
    ],
};

pub(crate) static SPAN: Message = Message {
    name: "Span",
    fields: &[
        None,
        one("traceId", Id(16)),
        one("spanId", Id(8)),
        one("traceState", Text),
        one("parentSpanId", Id(8)),
        one("name", Text),
        one("kind", Int32),
        one("startTimeUnixNano", Fixed64),
        one("endTimeUnixNano", Fixed64),
        many("attributes", Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", Uint32),
        many("events", Kind::Message(&EVENT)),
        one("droppedEventsCount", Uint32),
        many("links", Kind::Message(&LINK)),
        one("droppedLinksCount", Uint32),
        one("status", Kind::Message(&STATUS)),
        one("flags", Fixed32),
    ],
};

pub(crate) static EVENT: Message = Message {
    name: "Event",
    fields: &[
        None,
        one("timeUnixNano", Fixed64),
        one("name", Text),
        many("attributes", Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", Uint32),
    ],
};

pub(crate) static LINK: Message = Message {
    name: "Link",
    fields: &[
        None,
        one("traceId", Id(16)),
        one("spanId", Id(8)),
        one("traceState", Text),
        many("attributes", Kind::Message(&KEY_VALUE)),
        one("droppedAttributesCount", Uint32),
        one("flags", Fixed32),
    ],
};

pub(crate) static STATUS: Message = Message {
    name: "Status",
    fields: &[None, None, one("message", Text), one("code", Int32)],
};

pub(crate) static KEY_VALUE: Message = Message {
    name: "KeyValue",
    fields: &[
        None,
        one("key", Text),
        one("value", Kind::Message(&ANY_VALUE)),
        one("keyStrindex", Int32),
    ],
};

pub(crate) static ANY_VALUE: Message = Message {
    name: "AnyValue",
    fields: &[
        None,
        one("stringValue", Text),
        one("boolValue", Bool),
        one("intValue", Int64),
        one("doubleValue", Double),
        one("arrayValue", Kind::Message(&ARRAY_VALUE)),
        one("kvlistValue", Kind::Message(&KEY_VALUE_LIST)),
        one("bytesValue", Bytes),
        one("stringValueStrindex", Int32),
    ],
};

static ARRAY_VALUE: Message = Message {
    name: "ArrayValue",
    fields: &[None, many("values", Kind::Message(&ANY_VALUE))],
};

static KEY_VALUE_LIST: Message = Message {
    name: "KeyValueList",
    fields: &[None, many("values", Kind::Message(&KEY_VALUE))],
};
