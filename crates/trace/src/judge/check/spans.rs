//! Expectations on the spans that a selector picks.

use std::time::Duration;

use crate::expect::{Matcher, SpanSelector, attribute};
use crate::judge::miss::{Checked, Clue, error, kind_and_name, miss, name, short, value};
use crate::judge::scene::Scene;
use crate::names;
use crate::route::Place;
use crate::span::{Span, SpanKind};
use crate::tree::Tree;
use crate::words;

pub(super) fn have_attributes(
    select: &SpanSelector,
    wanted: &[(String, Matcher)],
    scene: &Scene<'_>,
) -> Checked {
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
        if name == names::SERVICE_VERSION {
            return Clue::Version {
                process: Place::of(span).to_at(),
                expected: wanted.to_string(),
                found: found.to_string(),
            };
        }
        if name == names::SITE {
            return Clue::Surplus {
                span: span.span_id,
                elsewhere: true,
            };
        }
    }
    Clue::None
}

pub(super) fn are_counted(select: &SpanSelector, expected: usize, scene: &Scene<'_>) -> Checked {
    let selected: Vec<&Span> = scene.spans().filter(|span| select.matches(span)).collect();
    if selected.len() == expected {
        return Ok(select.amount(expected));
    }
    let told = select.amount(selected.len());
    if selected.is_empty() {
        return nothing_selected(select, scene);
    }
    let last = selected.last().copied();
    let served: Vec<&Span> = selected
        .iter()
        .copied()
        .filter(|span| span.kind == SpanKind::Server)
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

pub(super) fn have_error(select: &SpanSelector, scene: &Scene<'_>) -> Checked {
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

pub(super) fn take(
    select: &SpanSelector,
    min: Option<Duration>,
    max: Option<Duration>,
    scene: &Scene<'_>,
) -> Checked {
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

pub(super) fn are_absent(select: &SpanSelector, scene: &Scene<'_>) -> Checked {
    let here: Vec<&Span> = scene.spans().filter(|span| select.matches(span)).collect();
    let strays = scene.strays.iter().flat_map(Tree::spans);
    let there: Vec<&Span> = strays.filter(|span| select.matches(span)).collect();
    let Some(first) = here.first().or(there.first()) else {
        return Ok(select.amount(0));
    };
    let mut told = select.amount(here.len() + there.len());
    if select.name.is_none() {
        let names = here
            .iter()
            .chain(&there)
            .map(|span| format!("`{}`", short(&span.name)));
        told.push_str(&format!(": {}", words::some(names, 3)));
    }
    if here.is_empty() {
        told.push_str(&format!(" under trace {}", first.trace_id.short()));
    }
    miss(
        told,
        Some(first),
        Clue::Surplus {
            span: first.span_id,
            elsewhere: select.site.is_some(),
        },
    )
}

/// What to say when a selector picks nothing: the nearest thing that is there.
fn nothing_selected(select: &SpanSelector, scene: &Scene<'_>) -> Checked {
    let Some(place) = select.place() else {
        let clue = select.site.map_or(Clue::NoTrace, Clue::AbsentSite);
        return miss(select.amount(0), None, clue);
    };
    let there: Vec<&Span> = scene.spans().filter(|span| place.matches(span)).collect();
    let Some(&first) = there.first() else {
        return miss(format!("no span of {place}"), None, Clue::Absent(place));
    };
    if let Some(expected) = &select.version
        && !there
            .iter()
            .any(|span| span.resource.version().as_ref() == Some(expected))
    {
        let found = first.resource.version().unwrap_or_else(|| "unknown".to_owned());
        let told = format!("{place} with version {found}");
        let process = Place::of(first).to_at();
        return miss(
            told,
            Some(first),
            Clue::Version {
                process,
                expected: expected.clone(),
                found,
            },
        );
    }
    let mut names: Vec<String> = there.iter().map(|span| kind_and_name(span)).collect();
    names.sort();
    names.dedup();
    miss(
        format!("of {place} only {}", words::some(&names, 5)),
        Some(first),
        Clue::None,
    )
}
