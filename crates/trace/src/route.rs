//! The ways a request took from place to place: a tree with its spans of one place folded together.

use std::collections::HashMap;
use std::fmt;

use crate::expect::At;
use crate::id::SpanId;
use crate::site::Site;
use crate::span::{ServiceName, Span};
use crate::tree::{NodeIndex, Parent, Tree};

/// Where a span was produced: printed `order-service@workstation`, or `order-service@?` when it does not tell its site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place<'t> {
    /// The service.
    pub service: &'t ServiceName,
    /// The site, when the process told it.
    pub site: Option<Site>,
}

impl<'t> Place<'t> {
    /// The place of a span.
    #[must_use]
    pub fn of(span: &'t Span) -> Self {
        Self {
            service: span.service(),
            site: span.site(),
        }
    }

    /// The same as an owned value.
    #[must_use]
    pub fn to_at(self) -> At {
        At {
            service: self.service.clone(),
            site: self.site,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.site {
            Some(site) => write!(f, "{}@{site}", self.service),
            None => write!(f, "{}@?", self.service),
        }
    }
}

/// All routes of a tree, each from a top to a place from which no other place was reached.
#[derive(Debug, Clone)]
pub struct Routes<'t> {
    stops: Vec<Stop<'t>>,
    ends: Vec<usize>,
}

#[derive(Debug, Clone)]
struct Stop<'t> {
    place: Place<'t>,
    before: Option<usize>,
    goes_on: bool,
    start: Start,
}

/// How a route begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Start {
    /// At a root.
    Root,
    /// At a span whose parent is not in the trace.
    Orphan(SpanId),
    /// At a span that is among its own ancestors.
    Circle(SpanId),
}

/// One way through the places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route<'t> {
    /// How it begins.
    pub start: Start,
    /// The places in order; neighbours differ.
    pub places: Vec<Place<'t>>,
}

impl<'t> Routes<'t> {
    /// Folds a tree.
    #[must_use]
    pub fn new(tree: &Tree<'t>) -> Self {
        let mut stops: Vec<Stop<'t>> = Vec::new();
        let mut known: HashMap<(Option<usize>, Start, Place<'t>), usize> = HashMap::new();
        let mut stop_of: Vec<usize> = vec![usize::MAX; tree.len()];
        for visit in tree.walk() {
            let place = Place::of(tree.span(visit.node));
            let before = tree.parent(visit.node).map(|parent| stop_of[parent.get()]);
            let stop = match before {
                Some(stop) if stops[stop].place == place => stop,
                _ => {
                    let start = before.map_or_else(|| start(tree, visit.node), |stop| stops[stop].start);
                    *known.entry((before, start, place)).or_insert_with(|| {
                        stops.push(Stop {
                            place,
                            before,
                            goes_on: false,
                            start,
                        });
                        stops.len() - 1
                    })
                }
            };
            if let Some(before) = before.filter(|before| *before != stop) {
                stops[before].goes_on = true;
            }
            stop_of[visit.node.get()] = stop;
        }
        let ends = (0..stops.len()).filter(|&stop| !stops[stop].goes_on).collect();
        Self { stops, ends }
    }

    /// How many routes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the tree has no span.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The routes in the order in which the tree is walked.
    pub fn iter(&self) -> impl Iterator<Item = Route<'t>> {
        self.ends.iter().map(|&end| {
            let back = std::iter::successors(Some(end), |&stop| self.stops[stop].before);
            let mut places: Vec<Place<'t>> = back.map(|stop| self.stops[stop].place).collect();
            places.reverse();
            Route {
                start: self.stops[end].start,
                places,
            }
        })
    }
}

fn start(tree: &Tree<'_>, top: NodeIndex) -> Start {
    match tree.node(top).parent {
        Parent::None | Parent::Caller(_) | Parent::Span(_) => Start::Root,
        Parent::Missing(parent) => Start::Orphan(parent),
        Parent::Circle(parent) => Start::Circle(parent),
    }
}

impl fmt::Display for Route<'_> {
    /// `storefront@cluster → order-service@workstation`, the middle left out when it is long, and how it begins when
    /// that is not at a root.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEAD: usize = 7;
        const TAIL: usize = 2;
        let arrow =
            |f: &mut fmt::Formatter<'_>, place: usize| f.write_str(if place > 0 { " → " } else { "" });
        let long = self.places.len() > HEAD + TAIL + 1;
        for (number, place) in self.places.iter().enumerate() {
            if long && number == HEAD {
                write!(f, " → … {} more", self.places.len() - HEAD - TAIL)?;
            }
            if !long || number < HEAD || number >= self.places.len() - TAIL {
                arrow(f, number)?;
                write!(f, "{place}")?;
            }
        }
        match self.start {
            Start::Root => Ok(()),
            Start::Orphan(parent) => write!(f, " below span {parent}, which is missing"),
            Start::Circle(parent) => write!(f, " in a circle through span {parent}"),
        }
    }
}
