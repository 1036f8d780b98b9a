//! One expectation against the evidence: a line that shows that it holds, or what is there instead.

use std::collections::BTreeSet;
use std::time::Duration;

use super::scene::Scene;
use crate::evidence::Answer;
use crate::expect::{At, Expectation, Matcher, SpanSelector, attribute};
use crate::id::SpanId;
use crate::route::Place;
use crate::site::Site;
use crate::span::Span;
use crate::tree::{NodeIndex, Parent};
use crate::words;

/// What is there instead of what was expected.
#[derive(Debug)]
pub(super) struct Miss {
    pub(super) found: String,
    pub(super) at: Option<SpanId>,
    pub(super) clue: Clue,
}

/// What a miss says about where to look for its cause.
#[derive(Debug)]
pub(super) enum Clue {
    /// Nothing beyond what was found.
    None,
    /// A place has no span where it should have some.
    Absent(At),
    /// A site has no span.
    AbsentSite(Site),
    /// A span names a parent that is not there.
    Orphan(NodeIndex),
    /// A span is there that should be elsewhere, or not at all.
    Surplus(SpanId),
    /// The process is the right one, its version is not.
    Version {
        process: At,
        expected: String,
        found: String,
    },
    /// An answer or a span tells of a failure.
    Failure,
    /// Another trace carries the request id.
    Stray,
    /// A place handled the request more than once.
    Repeated { process: At, times: usize },
}

type Checked = Result<String, Miss>;

/// Checks one expectation.
pub(super) fn check(expectation: &Expectation, scene: &Scene<'_>) -> Checked {
    match expectation {
        Expectation::Status(status) => answered(*status, scene),
        Expectation::Path(path) => follows(path, scene),
        Expectation::Sites(sites) => from_sites(sites, scene),
        Expectation::Connected => connected(scene),
        Expectation::NoStray => no_stray(scene),
        Expectation::Attributes { select, attributes } => has_attributes(select, attributes, scene),
        Expectation::Count { select, count } => counts(select, *count, scene),
        Expectation::Error { select } => has_error(select, scene),
        Expectation::NoError => no_error(scene),
        Expectation::Duration { select, min, max } => takes(select, *min, *max, scene),
        Expectation::Absent { select } => absent(select, scene),
    }
}

fn miss(found: impl Into<String>, at: Option<&Span>, clue: Clue) -> Checked {
    Err(Miss {
        found: found.into(),
        at: at.map(|span| span.span_id),
        clue,
    })
}

fn answered(expected: u16, scene: &Scene<'_>) -> Checked {
    match &scene.evidence.answer {
        Answer::Response { status, .. } if *status == expected => Ok(format!("status {status}")),
        Answer::Response { status, body } => {
            let body = words::clip(words::clean(body.trim()).trim(), 160);
            let body = if body.is_empty() {
                String::new()
            } else {
                format!(": {body}")
            };
            miss(format!("status {status}{body}"), None, Clue::Failure)
        }
        Answer::Failed(error) => miss(
            format!("no answer: {}", words::clip(&words::clean(error), 160)),
            None,
            Clue::Failure,
        ),
    }
}

/// Marks, for every span, up to which places of the path its ancestors and itself have come without leaving the path.
fn follows(path: &[At], scene: &Scene<'_>) -> Checked {
    let Some(first) = path.first() else {
        return miss("a path without places matches nothing", None, Clue::None);
    };
    let Some(tree) = &scene.tree else {
        return miss(scene.ways(), None, Clue::Absent(first.clone()));
    };
    let mut reached: Vec<Vec<bool>> = vec![Vec::new(); tree.len()];
    let mut furthest: Option<(usize, NodeIndex)> = None;
    for visit in tree.walk() {
        let span = tree.span(visit.node);
        let above = tree.parent(visit.node).map(|parent| &reached[parent.get()]);
        let at = |place: usize| above.is_some_and(|above| above.get(place).copied().unwrap_or(false));
        let mut here = Vec::new();
        for (place, wanted) in path.iter().enumerate() {
            if wanted.matches(span) && (place == 0 || at(place) || at(place - 1)) {
                here.resize(place, false);
                here.push(true);
            }
        }
        if let Some(last) = here.len().checked_sub(1)
            && furthest.is_none_or(|(most, _)| last > most)
        {
            furthest = Some((last, visit.node));
        }
        reached[visit.node.get()] = here;
    }
    match furthest {
        Some((last, _)) if last + 1 == path.len() => Ok(Expectation::Path(path.to_vec()).to_string()),
        Some((last, node)) => miss(
            scene.ways(),
            Some(tree.span(node)),
            Clue::Absent(path[last + 1].clone()),
        ),
        None => miss(scene.ways(), None, Clue::Absent(first.clone())),
    }
}

fn from_sites(expected: &BTreeSet<Site>, scene: &Scene<'_>) -> Checked {
    let mut found = BTreeSet::new();
    let mut nowhere: Option<&Span> = None;
    let mut wrong: Option<&Span> = None;
    for span in scene.spans() {
        match span.site() {
            Some(site) => {
                found.insert(site);
                if !expected.contains(&site) {
                    wrong = wrong.or(Some(span));
                }
            }
            None => nowhere = nowhere.or(Some(span)),
        }
    }
    let mut told = match found.len() {
        0 => "no span from a known site".to_owned(),
        1 => format!("spans from the {} only", words::list(&found)),
        _ => format!("spans from {}", words::list(&found)),
    };
    if let Some(span) = nowhere {
        told.push_str(&format!(", and from {} without a site", span.service()));
    }
    if expected.is_empty() {
        return miss(told, None, Clue::None);
    }
    if let Some(missing) = expected.iter().find(|site| !found.contains(site)) {
        told.push_str(&scene.elsewhere());
        return miss(told, None, Clue::AbsentSite(*missing));
    }
    match (wrong, nowhere) {
        (Some(span), _) => miss(told, Some(span), Clue::Surplus(span.span_id)),
        (None, Some(span)) => miss(told, Some(span), Clue::None),
        (None, None) => Ok(told),
    }
}

fn connected(scene: &Scene<'_>) -> Checked {
    let Some(tree) = &scene.tree else {
        return miss(scene.ways(), None, Clue::Absent(At::anywhere("")));
    };
    let mut faults = Vec::new();
    let mut at = None;
    let mut clue = Clue::None;
    let orphans: Vec<NodeIndex> = tree.orphans().collect();
    if let Some(&first) = orphans.first() {
        let span = tree.span(first);
        let parent = span.parent.map(|parent| parent.to_string()).unwrap_or_default();
        faults.push(match orphans.len() {
            1 => format!("{} has a parent that is missing ({parent})", name(span)),
            all => format!(
                "{all} spans have a parent that is missing, first {} ({parent})",
                name(span)
            ),
        });
        at = Some(span);
        clue = Clue::Orphan(first);
    }
    if let Some(circle) = tree.circles().next() {
        let span = tree.span(circle);
        faults.push(format!("{} is among its own ancestors", name(span)));
        at = at.or(Some(span));
    }
    if let Some(id) = tree.conflicts().first() {
        let all: Vec<String> = tree
            .spans()
            .filter(|span| span.span_id == *id)
            .map(name)
            .collect();
        faults.push(format!(
            "different spans share the id {id}: {}",
            words::some(&all, 3)
        ));
        at = at.or_else(|| tree.find(*id).map(|node| tree.span(node)));
    }
    let roots: Vec<NodeIndex> = tree.roots().collect();
    let below_caller = roots
        .iter()
        .any(|&root| matches!(tree.node(root).parent, Parent::Caller(_)));
    let own: Vec<&Span> = roots
        .iter()
        .filter(|&&root| tree.node(root).parent == Parent::None)
        .map(|&root| tree.span(root))
        .collect();
    match usize::from(below_caller) + own.len() {
        1 => {}
        0 => faults.insert(0, "no root".to_owned()),
        all => {
            let names: Vec<String> = own.iter().map(|span| name(span)).collect();
            let caller = if below_caller {
                " beside what the caller reached"
            } else {
                ""
            };
            faults.push(format!("{all} roots: {}{caller}", words::some(&names, 3)));
            at = at.or_else(|| own.last().copied());
        }
    }
    if faults.is_empty() {
        return Ok(format!(
            "one tree of {} under trace {}",
            words::amount(tree.len(), "span"),
            scene.evidence.trace_id
        ));
    }
    miss(faults.join("; "), at, clue)
}

fn no_stray(scene: &Scene<'_>) -> Checked {
    if scene.strays.is_empty() {
        return Ok(format!("no other trace of request {}", scene.evidence.request_id));
    }
    let told = scene.elsewhere();
    let first = scene.strays.first().and_then(|stray| stray.spans().next());
    miss(told.trim_start_matches(", and "), first, Clue::Stray)
}

fn has_attributes(select: &SpanSelector, wanted: &[(String, Matcher)], scene: &Scene<'_>) -> Checked {
    let mut best: Option<(&Span, Vec<&(String, Matcher)>)> = None;
    for span in scene.spans().filter(|span| select.matches(span)) {
        let failing: Vec<_> = wanted
            .iter()
            .filter(|(name, matcher)| !matcher.matches(attribute(span, name).as_ref()))
            .collect();
        if failing.is_empty() {
            let values = wanted.iter().map(|(name, _)| value(span, name));
            let values = if wanted.is_empty() {
                String::new()
            } else {
                format!(": {}", words::list(values))
            };
            return Ok(format!("{}{values}", name(span)));
        }
        if best.as_ref().is_none_or(|(_, least)| failing.len() < least.len()) {
            best = Some((span, failing));
        }
    }
    match best {
        None => nothing_selected(select, scene),
        Some((span, failing)) => {
            let values = failing.iter().map(|(name, _)| value(span, name));
            miss(
                format!("{} having {}", name(span), words::list(values)),
                Some(span),
                clue_of_attribute(span, &failing),
            )
        }
    }
}

/// A wrong version or site is more than a wrong attribute: it tells which process answered.
fn clue_of_attribute(span: &Span, failing: &[&(String, Matcher)]) -> Clue {
    for (name, matcher) in failing {
        let (Matcher::Equals(wanted), Some(found)) = (matcher, attribute(span, name)) else {
            continue;
        };
        if name == crate::names::SERVICE_VERSION {
            return Clue::Version {
                process: Place::of(span).to_at(),
                expected: wanted.to_string(),
                found: found.to_string(),
            };
        }
        if name == crate::names::SITE {
            return Clue::Surplus(span.span_id);
        }
    }
    Clue::None
}

/// What to say when a selector picks nothing: the nearest thing that is there.
fn nothing_selected(select: &SpanSelector, scene: &Scene<'_>) -> Checked {
    let Some(place) = select.place() else {
        let clue = select.site.map_or(Clue::None, Clue::AbsentSite);
        return miss(format!("no such span; {}", scene.ways()), None, clue);
    };
    let there: Vec<&Span> = scene.spans().filter(|span| place.matches(span)).collect();
    let Some(&first) = there.first() else {
        return miss(scene.ways(), None, Clue::Absent(place));
    };
    if let Some(expected) = &select.version
        && !there
            .iter()
            .any(|span| span.resource.version().as_ref() == Some(expected))
    {
        let found = first.resource.version().unwrap_or_else(|| "unknown".to_owned());
        let told = format!("{place} with version {found}");
        return miss(
            told,
            Some(first),
            Clue::Version {
                process: place,
                expected: expected.clone(),
                found,
            },
        );
    }
    let mut names: Vec<String> = there
        .iter()
        .map(|span| format!("{} `{}`", span.kind, words::clean(&span.name)))
        .collect();
    names.sort();
    names.dedup();
    miss(
        format!("of {place} only {}", words::some(&names, 5)),
        Some(first),
        Clue::None,
    )
}

fn counts(select: &SpanSelector, expected: usize, scene: &Scene<'_>) -> Checked {
    let selected: Vec<&Span> = scene.spans().filter(|span| select.matches(span)).collect();
    if selected.len() == expected {
        return Ok(select.amount(expected));
    }
    let told = select.amount(selected.len());
    if selected.is_empty() {
        return match nothing_selected(select, scene) {
            Err(nothing) => Err(Miss {
                found: format!("none; {}", nothing.found),
                ..nothing
            }),
            shown @ Ok(_) => shown,
        };
    }
    let last = selected.last().copied();
    let served: Vec<&Span> = selected
        .iter()
        .copied()
        .filter(|span| span.kind == crate::span::SpanKind::Server)
        .collect();
    match served.first() {
        Some(first) if selected.len() > expected && served.len() > 1 => {
            let process = Place::of(first).to_at();
            miss(
                told,
                last,
                Clue::Repeated {
                    process,
                    times: served.len(),
                },
            )
        }
        _ => miss(told, last, Clue::None),
    }
}

fn has_error(select: &SpanSelector, scene: &Scene<'_>) -> Checked {
    let selected: Vec<&Span> = scene.spans().filter(|span| select.matches(span)).collect();
    if let Some(span) = selected.iter().find(|span| span.status.is_error()) {
        return Ok(format!("error on {}: {}", name(span), error(span)));
    }
    match selected.first() {
        None => nothing_selected(select, scene),
        Some(first) => miss(
            format!("{} without an error", select.amount(selected.len())),
            Some(first),
            Clue::None,
        ),
    }
}

fn no_error(scene: &Scene<'_>) -> Checked {
    let Some(tree) = &scene.tree else {
        return miss(scene.ways(), None, Clue::Absent(At::anywhere("")));
    };
    let failed: Vec<NodeIndex> = tree
        .nodes()
        .filter(|(_, node)| node.span.status.is_error())
        .map(|(index, _)| index)
        .collect();
    // The span in which it began has no failed child; its callers only pass the failure on.
    let origin = failed.iter().copied().find(|&node| {
        !tree
            .children(node)
            .iter()
            .any(|&child| tree.span(child).status.is_error())
    });
    match origin.or_else(|| failed.first().copied()) {
        None => Ok(format!("no error on {}", words::amount(tree.len(), "span"))),
        Some(origin) => {
            let span = tree.span(origin);
            let others = match failed.len() {
                1 => String::new(),
                all => format!(", and on {}", words::amount(all - 1, "more span")),
            };
            miss(
                format!("error on {}: {}{others}", name(span), error(span)),
                Some(span),
                Clue::Failure,
            )
        }
    }
}

fn takes(select: &SpanSelector, min: Option<Duration>, max: Option<Duration>, scene: &Scene<'_>) -> Checked {
    let selected: Vec<&Span> = scene.spans().filter(|span| select.matches(span)).collect();
    if selected.is_empty() {
        return nothing_selected(select, scene);
    }
    let fits = |span: &Span| {
        min.is_none_or(|min| span.duration() >= min) && max.is_none_or(|max| span.duration() <= max)
    };
    match selected.iter().find(|span| !fits(span)) {
        Some(span) => miss(
            format!("{} took {}", name(span), words::duration(span.duration())),
            Some(span),
            Clue::None,
        ),
        None => {
            let took = selected.iter().map(|span| words::duration(span.duration()));
            Ok(format!(
                "{} took {}",
                select.amount(selected.len()),
                words::some(took, 5)
            ))
        }
    }
}

fn absent(select: &SpanSelector, scene: &Scene<'_>) -> Checked {
    let here: Vec<&Span> = scene.spans().filter(|span| select.matches(span)).collect();
    let strays = scene.strays.iter().flat_map(crate::tree::Tree::spans);
    let there: Vec<&Span> = strays.filter(|span| select.matches(span)).collect();
    let Some(first) = here.first().or(there.first()) else {
        return Ok(select.amount(0));
    };
    let mut told = select.amount(here.len() + there.len());
    if select.name.is_none() {
        told.push_str(&format!(", first {}", name(first)));
    }
    if here.is_empty() {
        told.push_str(&format!(" under trace {}", first.trace_id.short()));
    }
    miss(told, Some(first), Clue::Surplus(first.span_id))
}

/// `` `create-order` of order-service@workstation ``.
fn name(span: &Span) -> String {
    format!(
        "`{}` of {}",
        words::clip(&words::clean(&span.name), 60),
        Place::of(span)
    )
}

fn error(span: &Span) -> String {
    words::clip(&words::clean(&span.error().unwrap_or_default()), 160)
}

fn value(span: &Span, name: &str) -> String {
    match attribute(span, name) {
        None => format!("no {name}"),
        Some(crate::span::Value::String(text)) => format!("{name} = {:?}", words::clip(&text, 80)),
        Some(value) => format!("{name} = {}", words::clip(&words::clean(&value.to_string()), 80)),
    }
}
