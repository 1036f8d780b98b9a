//! What the expectations taken together say about the way of the request: who comes after whom, and where.

use crate::expect::{At, Expectation};
use crate::site::Site;
use crate::span::ServiceName;

/// The places that were expected, in the order of the paths.
pub(super) struct Plan<'x> {
    paths: Vec<&'x [At]>,
    /// Places that only selectors name.
    others: Vec<At>,
}

/// Who is expected to have called a place.
pub(super) enum Before<'x> {
    /// The caller of the whole request.
    Caller,
    /// The place before it on a path.
    Place(&'x [At]),
    /// No path names it.
    Unknown,
}

impl<'x> Plan<'x> {
    pub(super) fn new(expected: &'x [Expectation]) -> Self {
        let mut plan = Self {
            paths: Vec::new(),
            others: Vec::new(),
        };
        for expectation in expected {
            match expectation {
                Expectation::Path(path) => plan.paths.push(path),
                Expectation::Attributes { select, .. }
                | Expectation::Error { select }
                | Expectation::Duration { select, .. } => plan.others.extend(select.place()),
                Expectation::Count { select, count } if *count > 0 => plan.others.extend(select.place()),
                _ => {}
            }
        }
        plan
    }

    /// All places, those of paths first.
    pub(super) fn places(&self) -> impl Iterator<Item = &At> {
        self.paths.iter().copied().flatten().chain(&self.others)
    }

    /// A place whose site was left open, with the site at which the expectations name its service; the first one counts.
    pub(super) fn settled(&self, place: &At) -> At {
        let same = |other: &&At| other.service == place.service && other.site.is_some();
        match place.site {
            None => self.places().find(same).unwrap_or(place).clone(),
            Some(_) => place.clone(),
        }
    }

    /// The places of the path before this one, the nearest last. An exact mention counts before one that leaves the site open,
    /// and that before one at another site.
    pub(super) fn before(&self, place: &At) -> Before<'x> {
        let exact = |step: &At| step == place;
        let open = |step: &At| step.service == place.service && (step.site.is_none() || place.site.is_none());
        let service = |step: &At| step.service == place.service;
        match self
            .mention(exact)
            .or_else(|| self.mention(open))
            .or_else(|| self.mention(service))
        {
            None => Before::Unknown,
            Some([]) => Before::Caller,
            Some(before) => Before::Place(before),
        }
    }

    /// What comes before the first mention of a place.
    fn mention(&self, meant: impl Fn(&At) -> bool) -> Option<&'x [At]> {
        self.paths
            .iter()
            .find_map(|path| path.iter().position(&meant).map(|step| &path[..step]))
    }

    /// The places of the path after this one, the nearest first.
    pub(super) fn beyond(&self, place: &At) -> &'x [At] {
        let after = self.paths.iter().find_map(|path| {
            let step = path.iter().position(|step| step == place)?;
            Some(&path[step + 1..])
        });
        after.unwrap_or_default()
    }

    /// The service that a path names after this one.
    pub(super) fn after(&self, service: &ServiceName) -> Option<&'x ServiceName> {
        self.paths.iter().find_map(|path| {
            let step = path.iter().position(|step| step.service == *service)?;
            path.get(step + 1).map(|next| &next.service)
        })
    }

    /// How far down the way a service comes; what no path names comes last.
    pub(super) fn position(&self, service: &ServiceName) -> usize {
        let steps = self
            .paths
            .iter()
            .filter_map(|path| path.iter().position(|step| step.service == *service));
        steps.min().unwrap_or(usize::MAX)
    }

    /// The site at which a service is expected when that is not the given one.
    pub(super) fn other_site(&self, service: &ServiceName, site: Site) -> Option<Site> {
        let wanted: Vec<Site> = self
            .places()
            .filter(|place| place.service == *service)
            .filter_map(|place| place.site)
            .collect();
        if wanted.contains(&site) {
            None
        } else {
            wanted.first().copied()
        }
    }
}
