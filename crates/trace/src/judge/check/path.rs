//! The way of a request from place to place.

use crate::expect::{At, Expectation};
use crate::judge::miss::{Checked, Clue, miss};
use crate::judge::scene::Scene;
use crate::route::Place;
use crate::span::SpanKind;
use crate::tree::{NodeIndex, Tree};

/// Whether some chain of spans goes through all places, in their order and through no other.
pub(super) fn is_there(path: &[At], scene: &Scene<'_>) -> Checked {
    let Some(first) = path.first() else {
        return miss("a path without places matches nothing", None, Clue::None);
    };
    let Some(tree) = &scene.tree else {
        return miss(scene.ways(), None, Clue::Absent(first.clone()));
    };
    let progress = Progress::along(path, tree);
    match progress.furthest {
        Some((last, ..)) if last + 1 == path.len() => Ok(Expectation::Path(path.to_vec()).to_string()),
        Some((last, ..)) => {
            let at = progress.at().map(|node| tree.span(node));
            miss(scene.ways(), at, Clue::Absent(path[last + 1].clone()))
        }
        None => miss(scene.ways(), None, Clue::Absent(first.clone())),
    }
}

/// How far a trace follows a path.
#[derive(Default)]
struct Progress {
    /// The place reached, whether by a call that nobody answered, and the span: the first of those that came furthest, calls first.
    furthest: Option<(usize, bool, NodeIndex)>,
    /// The place after which the path was left for another one, and the span that is there instead.
    instead: Option<(usize, NodeIndex)>,
}

impl Progress {
    /// Marks, for every span, which places of the path its ancestors and itself have come to without leaving the path.
    fn along(path: &[At], tree: &Tree<'_>) -> Self {
        let mut progress = Self::default();
        let mut reached: Vec<Vec<bool>> = vec![Vec::new(); tree.len()];
        for visit in tree.walk() {
            let span = tree.span(visit.node);
            let parent = tree.parent(visit.node);
            let above = parent.map(|parent| &reached[parent.get()]);
            let at = |place: usize| above.is_some_and(|above| above.get(place).copied().unwrap_or(false));
            let mut here = Vec::new();
            for (place, wanted) in path.iter().enumerate() {
                if wanted.matches(span) && (place == 0 || at(place) || at(place - 1)) {
                    here.resize(place, false);
                    here.push(true);
                }
            }
            let open_call = span.kind == SpanKind::Client && tree.children(visit.node).is_empty();
            if let Some(last) = here.len().checked_sub(1)
                && progress
                    .furthest
                    .is_none_or(|(most, open, _)| (last, open_call) > (most, open))
            {
                progress.furthest = Some((last, open_call, visit.node));
            }
            if let Some(parent) = parent
                && let Some(left) = reached[parent.get()].len().checked_sub(1)
                && here.len() <= left
                && Place::of(span) != Place::of(tree.span(parent))
                && progress.instead.is_none_or(|(most, _)| left > most)
            {
                progress.instead = Some((left, visit.node));
            }
            reached[visit.node.get()] = here;
        }
        progress
    }

    /// Where to look: at the call that nobody answered, else at what is there instead, else at the last span that was right.
    fn at(&self) -> Option<NodeIndex> {
        let (last, open_call, node) = self.furthest?;
        let other = self.instead.filter(|(left, _)| *left == last && !open_call);
        Some(other.map_or(node, |(_, instead)| instead))
    }
}
