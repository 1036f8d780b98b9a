//! Why something is not as expected, as far as the evidence shows it. Where it does not, there is no cause: guesses are worse.

mod account;
mod call;
mod header;
mod propagator;

use super::miss::Clue;
use super::plan::{Before, Plan};
use super::scene::Scene;
use crate::expect::At;
use crate::id::SpanId;
use crate::route::Place;
use crate::site::Site;
use crate::span::{Span, SpanKind};
use crate::tree::{NodeIndex, Parent, Tree};
use crate::verdict::Cause;
use call::Call;

/// Finds the cause of a miss.
pub(super) fn diagnose(clue: &Clue, scene: &Scene<'_>, plan: &Plan<'_>) -> Option<Cause> {
    let detective = Detective { scene, plan };
    match clue {
        Clue::None => None,
        Clue::NoTrace => detective.no_trace(),
        Clue::Absent(place) => detective.absent(place),
        Clue::AbsentSite(site) => detective.absent_site(*site),
        Clue::Orphan(node) => detective.orphan(*node),
        Clue::Surplus { span, elsewhere } => detective.surplus(*span, *elsewhere),
        Clue::Version {
            process,
            expected,
            found,
        } => Some(Cause::WrongVersion {
            process: process.clone(),
            expected: expected.clone(),
            found: found.clone(),
        }),
        Clue::Failure => detective.failed_call(),
        Clue::Stray => detective
            .scene
            .strays
            .first()
            .map(|stray| detective.broken_at(stray)),
        Clue::Repeated { process, times } => Some(Cause::HandledTwice {
            process: process.clone(),
            times: *times,
        }),
    }
}

/// How far upstream a cause lies: smaller is nearer to the caller, and at one place what happened earlier.
pub(super) fn rank(cause: &Cause, plan: &Plan<'_>) -> (usize, u8) {
    let (service, kind) = match cause {
        // Not the judge's: whoever holds the debugger names them, and nothing of the trace counts before that.
        Cause::NeverStopped { .. } | Cause::DebuggerGone { .. } => return (0, 0),
        Cause::Unreachable { to, .. } => (to, 0),
        Cause::NotCalled { to, .. } => (to, 1),
        Cause::HeaderLost { to, .. } | Cause::OtherPropagator { to, .. } => (&to.service, 2),
        Cause::WrongSite { service, .. } => (service, 3),
        Cause::WrongVersion { process, .. } => (&process.service, 4),
        Cause::ContextLost { process, .. } => (&process.service, 5),
        Cause::SampledOut { process, .. } => (&process.service, 6),
        Cause::NeverExported { process, .. } => (&process.service, 7),
        Cause::ExportRefused { process, .. } => (&process.service, 8),
        Cause::NotYetArrived { process, .. } => (&process.service, 9),
        Cause::LostAfterExport { process, .. } => (&process.service, 10),
        Cause::Silent { process } => (&process.service, 11),
        Cause::HandledTwice { process, .. } => (&process.service, 12),
    };
    (plan.position(service), kind)
}

struct Detective<'a, 'e, 'x> {
    scene: &'a Scene<'e>,
    plan: &'a Plan<'x>,
}

impl Detective<'_, '_, '_> {
    fn no_trace(&self) -> Option<Cause> {
        match self.plan.places().next() {
            Some(first) => self.absent(first),
            None => self.scene.strays.first().map(|stray| self.broken_at(stray)),
        }
    }

    /// Why a place has no span where it should have one.
    fn absent(&self, place: &At) -> Option<Cause> {
        let settled = self.plan.settled(place);
        // When the place before it is absent too, that is where to look; up to the first one that is there.
        let mut place = &settled;
        while let Before::Place(path) = self.plan.before(place)
            && let Some(before) = path.last()
            && !self.is_here(place)
            && self.stray_with(place).is_none()
            && !self.is_here(before)
        {
            place = before;
        }

        if let Some(here) = self.find(place) {
            let tree = self.scene.tree.as_ref()?;
            let top = tree.ancestors(here).last().unwrap_or(here);
            return matches!(tree.node(top).parent, Parent::Missing(_))
                .then(|| self.orphan(top))
                .flatten();
        }
        if let Some(stray) = self.stray_with(place) {
            return Some(self.broken_at(stray));
        }
        if let Some(expected) = place.site
            && let Some(found) = self
                .find(&place.without_site())
                .and_then(|node| self.span(node)?.site())
        {
            return Some(Cause::WrongSite {
                service: place.service.clone(),
                expected,
                found,
            });
        }
        if let Some(stray) = self.stray_with(&place.without_site()) {
            return Some(self.broken_at(stray));
        }

        let (from, call) = match self.plan.before(place) {
            Before::Caller => (None, self.callers_call(place)),
            Before::Place(path) => {
                let before = path.last()?;
                (Some(self.as_found(before)), self.call(Some(before), place))
            }
            Before::Unknown => (None, self.call(None, place)),
        };
        match call {
            // Whoever comes after it left spans, so it was reached; the failure is its own.
            Call::Failed { .. } if self.reached_beyond(place) => self.account_of(place, true),
            Call::Failed { from, error } => {
                let unreachable = || Cause::Unreachable {
                    from,
                    to: place.service.clone(),
                    error,
                };
                Some(self.owing(place).unwrap_or_else(unreachable))
            }
            Call::Answered => {
                let silent = || Cause::Silent {
                    process: place.clone(),
                };
                let known = self.accounts(place).next().is_some();
                self.account_of(place, true).or_else(|| (!known).then(silent))
            }
            Call::NotMade => {
                let caller_owes = from.as_ref().and_then(|from| self.account_of(from, false));
                caller_owes.or_else(|| self.account_of(place, false)).or_else(|| {
                    let from = from.filter(|from| self.is_here(from))?;
                    Some(Cause::NotCalled {
                        from,
                        to: place.service.clone(),
                    })
                })
            }
        }
    }

    fn absent_site(&self, site: Site) -> Option<Cause> {
        let expected = self
            .plan
            .places()
            .find(|place| place.site == Some(site) && !self.is_here(place));
        expected.and_then(|place| self.absent(place)).or_else(|| {
            let stray = self
                .scene
                .strays
                .iter()
                .find(|stray| stray.spans().any(|span| span.site() == Some(site)));
            stray.map(|stray| self.broken_at(stray))
        })
    }

    /// Why a span is there that should not be; `elsewhere` says that another site was meant.
    fn surplus(&self, id: SpanId, elsewhere: bool) -> Option<Cause> {
        let Some(tree) = self.scene.tree.as_ref().filter(|tree| tree.find(id).is_some()) else {
            let stray = self.scene.strays.iter().find(|stray| stray.find(id).is_some());
            return stray.map(|stray| self.broken_at(stray));
        };
        let span = tree.span(tree.find(id)?);
        let found = span.site()?;
        let other = match found {
            Site::Cluster => Site::Workstation,
            Site::Workstation => Site::Cluster,
        };
        let service = span.service();
        let expected = self
            .plan
            .other_site(service, found)
            .or(elsewhere.then_some(other))?;
        let served = |site: Site| {
            let served = tree
                .spans()
                .filter(|span| span.service() == service && span.site() == Some(site));
            served.filter(|span| span.kind == SpanKind::Server).count()
        };
        match (served(expected), served(found)) {
            (0, _) => Some(Cause::WrongSite {
                service: service.clone(),
                expected,
                found,
            }),
            (_, 0) => None,
            (there, here) => Some(Cause::HandledTwice {
                process: At::anywhere(service.as_str()),
                times: there + here,
            }),
        }
    }

    fn reached_beyond(&self, place: &At) -> bool {
        let beyond = self.plan.beyond(place);
        beyond
            .iter()
            .any(|later| self.is_here(later) || self.stray_with(later).is_some())
    }

    fn find(&self, place: &At) -> Option<NodeIndex> {
        let tree = self.scene.tree.as_ref()?;
        tree.nodes()
            .find(|(_, node)| place.matches(node.span))
            .map(|(index, _)| index)
    }

    fn is_here(&self, place: &At) -> bool {
        self.scene.spans().any(|span| place.matches(span))
    }

    fn span(&self, node: NodeIndex) -> Option<&Span> {
        self.scene.tree.as_ref().map(|tree| tree.span(node))
    }

    fn stray_with(&self, place: &At) -> Option<&Tree<'_>> {
        self.scene
            .strays
            .iter()
            .find(|stray| stray.spans().any(|span| place.matches(span)))
    }

    /// An expected place with the site at which its service really was.
    fn as_found(&self, place: &At) -> At {
        let spans = || {
            self.scene
                .spans()
                .chain(self.scene.strays.iter().flat_map(Tree::spans))
        };
        let exact = spans().find(|span| place.matches(span));
        exact
            .or_else(|| spans().find(|span| *span.service() == place.service))
            .map_or_else(|| place.clone(), |span| Place::of(span).to_at())
    }
}

fn the_caller() -> At {
    At::anywhere("the caller")
}
