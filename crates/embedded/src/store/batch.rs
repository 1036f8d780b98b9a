//! A request on its way into the store: checked, cut into spans, copied into slabs. No lock is held here.
//!
//! A span stays in its encoded form. A [`Run`] is a number of neighbouring spans of one trace from one scope; its
//! bytes are `spans` fields of a `ScopeSpans` message, so that a reader gets the spans by merging them into the
//! scope's header.

use prost::bytes::Bytes;
use trace::SpanKind;

use super::index::{Hasher, IdHash};
use super::malformed::Malformed;
use super::rejected::Rejected;
use super::sanitize;
use super::scan::{self, Span};
use super::schema;
use super::wire::{DEPTH, Flaw, Reader};

/// Where a slab is closed. A slab lives as long as one span in it, so it must not be large; every slab costs an
/// allocation and a little bookkeeping, so it must not be small either.
const SLAB: usize = 64 << 10;

/// What all spans of one process have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Resource {
    /// A `ResourceSpans` message without its scopes.
    pub(super) encoded: Box<[u8]>,
    /// The sanitized `service.name`.
    pub(super) service: Box<str>,
}

/// Neighbouring spans of one trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) trace: [u8; 16],
    pub(super) hash: IdHash,
    /// Place in [`Batch::slabs`].
    pub(super) slab: u32,
    pub(super) offset: u32,
    pub(super) len: u32,
    pub(super) spans: u32,
    /// Place in [`Batch::scopes`].
    pub(super) scope: u32,
}

/// One of a service's operations, as this request has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operation<'a> {
    /// Place in [`Batch::resources`].
    pub(super) resource: u32,
    pub(super) name: &'a str,
    pub(super) kind: SpanKind,
}

/// A whole request, ready to be stored.
#[derive(Debug, Default)]
pub(super) struct Batch<'a> {
    pub(super) resources: Vec<Resource>,
    /// Each a `ScopeSpans` message without its spans, with the place of its resource.
    pub(super) scopes: Vec<(u32, Box<[u8]>)>,
    pub(super) slabs: Vec<Bytes>,
    pub(super) runs: Vec<Run>,
    /// Every operation at least once.
    pub(super) operations: Vec<Operation<'a>>,
    pub(super) accepted: u64,
    pub(super) rejected: Rejected,
    open: Vec<u8>,
    recent: Recent,
    hasher: Hasher,
}

impl<'a> Batch<'a> {
    /// Reads an encoded `ExportTraceServiceRequest`.
    pub(super) fn read(request: &'a [u8], hasher: &Hasher) -> Result<Self, Malformed> {
        if request.len() > i32::MAX as usize {
            return Err(Malformed::TooLong { bytes: request.len() });
        }
        let open = Vec::with_capacity(request.len().min(SLAB));
        let hasher = hasher.clone();
        let mut batch = Self {
            open,
            hasher,
            ..Self::default()
        };
        let mut request = Reader::new(request, &schema::REQUEST, DEPTH);
        while let Some(key) = request.key()? {
            match key.number {
                1 => batch.resource_spans(request.message(key, &schema::RESOURCE_SPANS)?)?,
                _ => request.check(key, &mut None)?,
            }
        }
        batch.close_slab();
        Ok(batch)
    }

    fn resource_spans(&mut self, mut message: Reader<'a>) -> Result<(), Malformed> {
        // The resource may come after its spans, so its header is collected first.
        let mut flaw = None;
        let header = scan::header(message.clone(), &mut flaw)?;
        let mut resource = Draft { header, place: None };
        while let Some(key) = message.key()? {
            match key.number {
                2 => self.scope_spans(message.message(key, &schema::SCOPE_SPANS)?, flaw, &mut resource)?,
                _ => message.pass(key)?,
            }
        }
        Ok(())
    }

    fn scope_spans(
        &mut self,
        mut message: Reader<'a>,
        mut flaw: Option<Flaw>,
        resource: &mut Draft,
    ) -> Result<(), Malformed> {
        let header = scan::header(message.clone(), &mut flaw)?;
        let mut scope = Draft { header, place: None };
        loop {
            let field = message.rest();
            let Some(key) = message.key()? else { return Ok(()) };
            if key.number != 2 {
                message.pass(key)?;
                continue;
            }
            let inner = message.message(key, &schema::SPAN)?;
            let encoded = inner.rest();
            let mut span = Span::read(inner)?;
            span.flaw = span.flaw.or(flaw);
            let Some(trace) = self.admit(&span) else { continue };
            let resource = self.resource(resource)?;
            let scope = self.scope(&mut scope, resource);
            let name = if span.name.is_empty() {
                sanitize::EMPTY_SPAN_NAME
            } else {
                span.name
            };
            self.operation(Operation {
                resource,
                name,
                kind: span.kind,
            });
            if sanitize::wants_mending(&span) {
                self.put(trace, scope, &sanitize::span(encoded, &span));
            } else {
                self.put(trace, scope, &field[..field.len() - message.rest().len()]);
            }
        }
    }

    /// The place of a resource, which is only kept when a span has it.
    fn resource(&mut self, draft: &mut Draft) -> Result<u32, Malformed> {
        if let Some(place) = draft.place {
            return Ok(place);
        }
        let (encoded, service) = sanitize::resource(std::mem::take(&mut draft.header))?;
        let resource = Resource {
            encoded: encoded.into(),
            service: service.into(),
        };
        if self.resources.last() != Some(&resource) {
            self.resources.push(resource);
        }
        Ok(*draft.place.insert((self.resources.len() - 1) as u32))
    }

    /// The place of a scope, which is only kept when a span has it.
    fn scope(&mut self, draft: &mut Draft, resource: u32) -> u32 {
        *draft.place.get_or_insert_with(|| {
            self.scopes
                .push((resource, std::mem::take(&mut draft.header).into()));
            (self.scopes.len() - 1) as u32
        })
    }

    /// Counts a span, and returns its trace id when it is to be stored.
    fn admit(&mut self, span: &Span<'_>) -> Option<[u8; 16]> {
        let trace = <[u8; 16]>::try_from(span.trace_id).unwrap_or_default();
        if trace == [0; 16] {
            self.rejected.trace_id += 1;
        } else if span.span_id.len() != 8 || span.span_id == [0; 8] {
            self.rejected.span_id += 1;
        } else if span.flaw == Some(Flaw::IdLength) {
            self.rejected.reference += 1;
        } else if span.flaw == Some(Flaw::Utf8) {
            self.rejected.utf8 += 1;
        } else {
            self.accepted += 1;
            return Some(trace);
        }
        None
    }

    fn operation(&mut self, operation: Operation<'a>) {
        if self.recent.is_new(&self.operations, &operation) {
            self.operations.push(operation);
        }
    }

    fn put(&mut self, trace: [u8; 16], scope: u32, field: &[u8]) {
        if self.open.len() + field.len() > SLAB {
            self.close_slab();
        }
        let (slab, offset, len) = (
            self.slabs.len() as u32,
            self.open.len() as u32,
            field.len() as u32,
        );
        self.open.extend_from_slice(field);
        match self.runs.last_mut() {
            Some(run) if run.trace == trace && run.slab == slab && run.scope == scope => {
                run.len += len;
                run.spans += 1;
            }
            _ => self.runs.push(Run {
                trace,
                hash: self.hasher.hash(&trace),
                slab,
                offset,
                len,
                spans: 1,
                scope,
            }),
        }
    }

    fn close_slab(&mut self) {
        if !self.open.is_empty() {
            // An exact copy: what a growing vector has to spare would stay with the slab for its whole life.
            self.slabs.push(Bytes::copy_from_slice(&self.open));
            self.open.clear();
        }
    }
}

/// A header that was read, and where it was put once a span had it.
#[derive(Debug)]
struct Draft {
    header: Vec<u8>,
    place: Option<u32>,
}

/// Remembers a few operations, so that the usual request with few names does not list each of its spans.
#[derive(Debug)]
struct Recent {
    /// One more than a place in [`Batch::operations`]; 0 is free.
    places: [u32; 64],
}

impl Default for Recent {
    fn default() -> Self {
        Self { places: [0; 64] }
    }
}

impl Recent {
    /// Whether an operation may not be listed yet; the caller lists it then.
    fn is_new(&mut self, listed: &[Operation<'_>], operation: &Operation<'_>) -> bool {
        let name = operation.name.as_bytes();
        let ends =
            u32::from(name[0]) ^ u32::from(name[name.len() - 1]) << 1 ^ u32::from(name[name.len() / 2]) << 2;
        let hash = ends ^ (name.len() as u32) << 3 ^ operation.resource << 2 ^ operation.kind as u32;
        let place = &mut self.places[hash as usize % self.places.len()];
        let known = place
            .checked_sub(1)
            .is_some_and(|place| listed[place as usize] == *operation);
        if !known {
            *place = listed.len() as u32 + 1;
        }
        !known
    }
}
