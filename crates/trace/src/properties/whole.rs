//! Random traces with nothing wrong in them, and all that can be expected of them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::expect::{At, Expectation, SpanSelector};
use crate::route::{Place, Routes};
use crate::site::Site;
use crate::span::{Resource, ServiceName, Span, SpanKind};
use crate::testing::{Recording, resource};

/// How to record a whole trace. Its services are distinct from place to place, as in a call tree without returns.
#[derive(Debug, Clone)]
pub(super) struct Whole {
    pub(super) number: u64,
    root: Site,
    steps: Vec<Step>,
}

#[derive(Debug, Clone)]
struct Step {
    /// Below which earlier server or internal span, modulo their number.
    below: usize,
    what: What,
    fails: bool,
}

#[derive(Debug, Clone)]
enum What {
    Work,
    Call(Site),
}

pub(super) fn whole() -> impl Strategy<Value = Whole> {
    let site = || prop::sample::select(vec![Site::Cluster, Site::Workstation]);
    let what = prop_oneof![Just(What::Work), site().prop_map(What::Call)];
    let step = (any::<usize>(), what, prop::bool::weighted(0.1)).prop_map(|(below, what, fails)| Step {
        below,
        what,
        fails,
    });
    (1u64..1000, site(), prop::collection::vec(step, 1..12)).prop_map(|(number, root, steps)| Whole {
        number,
        root,
        steps,
    })
}

impl Whole {
    pub(super) fn recording(&self) -> Recording {
        let mut recording = Recording::new(self.number);
        let root = At {
            service: ServiceName::new("service-0"),
            site: Some(self.root),
        };
        let mut open = vec![(recording.span(None, &root, SpanKind::Server, "span-0"), root)];
        for (number, step) in (1..).zip(&self.steps) {
            let (parent, at) = open[step.below % open.len()].clone();
            let (id, at) = match step.what {
                What::Work => (
                    recording.span(Some(parent), &at, SpanKind::Internal, &format!("span-{number}")),
                    at,
                ),
                What::Call(site) => {
                    let to = At {
                        service: ServiceName::new(format!("service-{number}")),
                        site: Some(site),
                    };
                    (recording.call(parent, &at, &to, &format!("span-{number}")), to)
                }
            };
            recording.attribute(id, "n", number);
            if step.fails {
                recording.fail(id, "failed on purpose");
            }
            open.push((id, at));
        }
        recording
    }

    /// Everything that this trace shows and a broken one does not.
    pub(super) fn expected(&self) -> Vec<Expectation> {
        let evidence = self.recording().evidence();
        let trace = evidence.trace.expect("a recording has spans");
        let tree = trace.tree(Some(evidence.caller_span));
        let mut expected = vec![
            Expectation::Status(201),
            Expectation::Connected,
            Expectation::NoStray,
        ];
        let sites: BTreeSet<Site> = tree.spans().filter_map(Span::site).collect();
        expected.push(Expectation::Sites(sites));
        for route in Routes::new(&tree).iter() {
            expected.push(Expectation::Path(
                route.places.into_iter().map(Place::to_at).collect(),
            ));
        }
        let mut counts: BTreeMap<(At, SpanKind, String), usize> = BTreeMap::new();
        for span in tree.spans() {
            *counts
                .entry((Place::of(span).to_at(), span.kind, span.name.clone()))
                .or_default() += 1;
        }
        for ((at, kind, name), count) in counts {
            expected.push(Expectation::Count {
                select: SpanSelector::at(&at).kind(kind).named(name),
                count,
            });
        }
        expected.push(Expectation::Count {
            select: SpanSelector::default(),
            count: tree.len(),
        });
        for span in tree.spans().filter(|span| span.status.is_error()) {
            let select = SpanSelector::at(&Place::of(span).to_at())
                .named(&span.name)
                .kind(span.kind);
            expected.push(Expectation::Error { select });
        }
        if !tree.spans().any(|span| span.status.is_error()) {
            expected.push(Expectation::NoError);
        }
        expected
    }
}

/// The span's process at the other site.
pub(super) fn moved(span: &Span) -> Resource {
    let other = match span.site() {
        Some(Site::Cluster) => Site::Workstation,
        _ => Site::Cluster,
    };
    resource(&At {
        service: span.service().clone(),
        site: Some(other),
    })
}
