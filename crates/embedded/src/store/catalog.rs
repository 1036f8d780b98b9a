//! Which services there are and what they do. Eviction takes nothing from it, as in Jaeger's memory store.

use std::collections::HashMap;

use trace::SpanKind;

use super::{Limits, Operation};

const KINDS: [SpanKind; 6] = [
    SpanKind::Unspecified,
    SpanKind::Internal,
    SpanKind::Server,
    SpanKind::Client,
    SpanKind::Producer,
    SpanKind::Consumer,
];

/// Services, their operations' names, and the kinds under each name as bits.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    services: HashMap<Box<str>, HashMap<Box<str>, u8>>,
    names: usize,
    bytes: usize,
    unlisted: u64,
}

impl Catalog {
    /// Lists an operation, unless the catalogue holds as many names, or as many bytes of them, as it may.
    pub(super) fn list(&mut self, service: &str, name: &str, kind: SpanKind, limits: &Limits) {
        let bit = 1u8 << KINDS.iter().position(|known| *known == kind).unwrap_or(0);
        if let Some(kinds) = self
            .services
            .get_mut(service)
            .and_then(|names| names.get_mut(name))
        {
            *kinds |= bit;
            return;
        }
        let bytes = service.len() + name.len();
        if self.names >= limits.operations || self.bytes + bytes > limits.bytes / 16 {
            self.unlisted += 1;
            return;
        }
        self.names += 1;
        self.bytes += bytes;
        self.services
            .entry(service.into())
            .or_default()
            .insert(name.into(), bit);
    }

    /// Names in name order.
    pub(super) fn services(&self) -> Vec<String> {
        let mut services: Vec<String> = self.services.keys().map(|name| name.to_string()).collect();
        services.sort_unstable();
        services
    }

    /// By name and then kind.
    pub(super) fn operations(&self, service: &str) -> Vec<Operation> {
        let mut operations = Vec::new();
        for (name, kinds) in self.services.get(service).into_iter().flatten() {
            let kinds = KINDS
                .iter()
                .enumerate()
                .filter(|(place, _)| kinds & (1 << place) != 0);
            operations.extend(kinds.map(|(_, kind)| Operation {
                name: name.to_string(),
                kind: *kind,
            }));
        }
        operations.sort_unstable_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
        operations
    }

    /// How often an operation could not be listed.
    pub(super) fn unlisted(&self) -> u64 {
        self.unlisted
    }
}
