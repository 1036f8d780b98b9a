//! The traces themselves, in the order in which each was first seen, within the limits.

use std::collections::VecDeque;
use std::mem::size_of;
use std::sync::Arc;

use prost::bytes::Bytes;

use super::Limits;
use super::batch::{Batch, Resource};
use super::index::{self, IdHash, Index};
use super::pool::{Interner, Pool};

/// The most traces, so that the lower half of a number tells them apart.
const MOST: usize = 1 << 31;
/// What the allocator keeps of its own beside every piece of memory.
const ALLOCATION: usize = 16;
/// Memory of an empty slab: its handle with its count, and one allocation.
const SLAB_COST: usize = size_of::<Option<(Bytes, u32)>>() + ALLOCATION;
/// Memory of a trace of one run.
const TRACE_COST: usize = size_of::<Trace>() + index::COST;
/// Memory for a further run of a trace.
const RUN_COST: usize = size_of::<Piece>();
/// Memory of an interned resource or scope beside its bytes: two handles, counts, and allocations.
const SHARED_COST: usize = 160;

/// A scope of a resource, interned.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    /// The resource's number.
    resource: u32,
    /// A `ScopeSpans` message without its spans.
    pub(super) encoded: Box<[u8]>,
}

/// Some spans of a trace as a reader gets them; nothing in it is locked.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) resource: Arc<Resource>,
    pub(super) scope: Arc<Scope>,
    /// `spans` fields of a `ScopeSpans` message.
    pub(super) spans: Bytes,
}

/// What a search looks at between two turns of the lock.
#[derive(Debug)]
pub(super) struct Page {
    /// Traces, the one that was first seen last in front, with those of their spans that are of the wanted service.
    pub(super) traces: Vec<([u8; 16], Vec<View>)>,
    /// The number to go on below; `None` at the end.
    pub(super) below: Option<u64>,
}

/// A run of spans and where it is.
#[derive(Debug, Clone, Copy)]
struct Piece {
    slab: u32,
    offset: u32,
    len: u32,
    spans: u32,
    scope: u32,
}

/// A trace. Most have one run only, which therefore needs no allocation.
#[derive(Debug)]
struct Trace {
    id: [u8; 16],
    hash: IdHash,
    first: Piece,
    more: Vec<Piece>,
}

impl Trace {
    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

/// How many runs a search looks at while it holds the lock.
const PAGE: usize = 512;

/// How much is on the shelf.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub(super) traces: usize,
    pub(super) spans: usize,
    pub(super) bytes: usize,
    pub(super) evicted_traces: u64,
    pub(super) evicted_spans: u64,
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// The trace that was first seen earliest comes first.
    traces: VecDeque<Trace>,
    /// The number of the trace in front: how many were evicted so far.
    front: u64,
    /// The lower halves of the traces' numbers, by id. Never are so many traces held that this is ambiguous.
    index: Index,
    slabs: Pool<Bytes>,
    resources: Interner<Resource>,
    scopes: Interner<Scope>,
    load: Load,
}

impl Shelf {
    /// Puts all runs of a batch onto the shelf, and takes off what is over the limits.
    pub(super) fn store(&mut self, batch: Batch<'_>, limits: &Limits) {
        let Batch {
            resources,
            scopes,
            slabs,
            runs,
            ..
        } = batch;
        let scopes = self.intern(resources, scopes);
        let slabs: Vec<u32> = slabs
            .into_iter()
            .map(|slab| {
                self.load.bytes += slab.len() + SLAB_COST;
                self.slabs.put(slab)
            })
            .collect();
        for run in runs {
            let piece = Piece {
                slab: slabs[run.slab as usize],
                offset: run.offset,
                len: run.len,
                spans: run.spans,
                scope: scopes[run.scope as usize],
            };
            self.slabs.hold(piece.slab);
            self.scopes.hold(piece.scope);
            self.load.spans += piece.spans as usize;
            self.append(run.trace, run.hash, piece);
        }
        let most = limits.traces.min(MOST);
        while self.traces.len() > most || self.load.spans > limits.spans || self.load.bytes > limits.bytes {
            self.evict();
        }
    }

    /// How much is on the shelf now.
    pub(super) fn load(&self) -> Load {
        Load {
            traces: self.traces.len(),
            ..self.load
        }
    }

    /// A trace's spans in the order of their arrival.
    pub(super) fn trace(&self, id: &[u8; 16], hash: IdHash) -> Option<Vec<View>> {
        let front = self.front as u32;
        let place = |number: u32| number.wrapping_sub(front) as usize;
        let number = self
            .index
            .find(hash, |number| self.traces[place(number)].id == *id)?;
        let trace = &self.traces[place(number)];
        Some(trace.pieces().map(|piece| self.view(piece)).collect())
    }

    /// The number above the trace that was first seen last: where a search begins.
    pub(super) fn end(&self) -> u64 {
        self.front + self.traces.len() as u64
    }

    /// Some traces below a number, with their spans of one service, or of all.
    pub(super) fn page(&self, below: u64, service: Option<&str>) -> Page {
        let mut traces = Vec::new();
        let mut seen = 0;
        for number in (self.front..below).rev() {
            let Some(trace) = self.traces.get((number - self.front) as usize) else {
                continue;
            };
            let wanted = trace.pieces().filter(|piece| {
                let resource = self.scopes.get(piece.scope).resource;
                service.is_none_or(|service| *self.resources.get(resource).service == *service)
            });
            let views: Vec<View> = wanted.map(|piece| self.view(piece)).collect();
            if !views.is_empty() {
                traces.push((trace.id, views));
            }
            seen += 1 + trace.more.len();
            if seen >= PAGE {
                return Page {
                    traces,
                    below: Some(number),
                };
            }
        }
        Page { traces, below: None }
    }

    fn view(&self, piece: &Piece) -> View {
        let scope = self.scopes.get(piece.scope).clone();
        let spans = self.slabs.get(piece.slab);
        let spans = spans.slice(piece.offset as usize..(piece.offset + piece.len) as usize);
        View {
            resource: self.resources.get(scope.resource).clone(),
            scope,
            spans,
        }
    }

    fn intern(&mut self, resources: Vec<Resource>, scopes: Vec<(u32, Box<[u8]>)>) -> Vec<u32> {
        let mut numbers = Vec::with_capacity(resources.len());
        for resource in resources {
            let cost = resource.encoded.len() + resource.service.len() + SHARED_COST;
            let (number, new) = self.resources.intern(resource);
            self.load.bytes += if new { cost } else { 0 };
            numbers.push(number);
        }
        let intern = |(resource, encoded): (u32, Box<[u8]>)| {
            let cost = encoded.len() + SHARED_COST;
            let resource = numbers[resource as usize];
            let (number, new) = self.scopes.intern(Scope { resource, encoded });
            if new {
                self.load.bytes += cost;
                self.resources.hold(resource);
            }
            number
        };
        scopes.into_iter().map(intern).collect()
    }

    fn append(&mut self, id: [u8; 16], hash: IdHash, piece: Piece) {
        let (front, traces) = (self.front as u32, &self.traces);
        let is_it = |number: u32| traces[number.wrapping_sub(front) as usize].id == id;
        let next = front.wrapping_add(traces.len() as u32);
        if let Some(number) = self.index.find_or_put(hash, next, is_it) {
            let more = &mut self.traces[number.wrapping_sub(front) as usize].more;
            let before = more.capacity();
            more.push(piece);
            self.load.bytes += (more.capacity() - before) * RUN_COST;
        } else {
            let more = Vec::new();
            self.traces.push_back(Trace {
                id,
                hash,
                first: piece,
                more,
            });
            self.load.bytes += TRACE_COST;
        }
    }

    fn evict(&mut self) {
        let Some(trace) = self.traces.pop_front() else {
            return;
        };
        self.index.remove(trace.hash, self.front as u32);
        self.front += 1;
        self.load.evicted_traces += 1;
        self.load.bytes -= TRACE_COST + trace.more.capacity() * RUN_COST;
        for piece in trace.pieces() {
            self.load.spans -= piece.spans as usize;
            self.load.evicted_spans += u64::from(piece.spans);
            if let Some(slab) = self.slabs.release(piece.slab) {
                self.load.bytes -= slab.len() + SLAB_COST;
            }
            if let Some(scope) = self.scopes.release(piece.scope) {
                self.load.bytes -= scope.encoded.len() + SHARED_COST;
                if let Some(resource) = self.resources.release(scope.resource) {
                    self.load.bytes -= resource.encoded.len() + resource.service.len() + SHARED_COST;
                }
            }
        }
    }
}
