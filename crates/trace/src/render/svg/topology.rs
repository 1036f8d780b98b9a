//! Who calls whom, and where each of them runs: made of the spans themselves, not of anybody's intention.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::{class, drawing, site, text};
use crate::render::waterfall::Waterfall;
use crate::site::Site;
use crate::words;

const WIDTH: u32 = 760;
const MARGIN: u32 = 24;
const HEAD: u32 = 60;
/// A box with its name and place.
const BOX: (u32, u32) = (220, 52);
/// From one rank to the next.
const STEP: u32 = 104;
/// The space of a site around its boxes.
const PADDING: u32 = 40;

/// A service at a site.
type Place = (String, Option<Site>);

/// Draws the calls between places in these traces, ranked from the first caller down, each site a ground of its own.
///
/// Calls to and from a workstation are solid, calls within the cluster dashed.
#[must_use]
pub fn topology<'w>(traces: impl IntoIterator<Item = &'w Waterfall>, title: &str) -> String {
    let calls = Calls::of(traces);
    let ranks = calls.ranks();
    let plan = Plan::new(&ranks);
    let deepest = ranks.values().max().copied().unwrap_or(0);
    let ground = (HEAD, PADDING * 2 + 20 + BOX.1 + STEP * deepest);
    let height = ground.0 + ground.1 + 48;
    let parts = html! {
        (text("title", MARGIN, 36, &words::clean(title)))
        @for (column, one) in (0..).zip(&plan.sites) {
            @let x = plan.left(column);
            rect class={ "ground " (class(*one)) } x=(x) y=(ground.0) width=(plan.width()) height=(ground.1) rx="8" {}
            (text(&format!("faint site {}", class(*one)), x + 14, ground.0 + 22, site(*one)))
        }
        @for (from, to) in &calls.between { (call(&plan, &ranks, from, to)) }
        @for (place, rank) in &ranks { (boxed(&plan, place, *rank)) }
        (legend(&calls, height - 20))
    };
    drawing(WIDTH, height, title, &parts)
}

/// Calls from place to place, and everybody who takes part.
#[derive(Debug, Default)]
struct Calls {
    places: BTreeSet<Place>,
    between: BTreeSet<(Place, Place)>,
}

impl Calls {
    /// A call is where a span runs in another place than the span above it.
    fn of<'w>(traces: impl IntoIterator<Item = &'w Waterfall>) -> Self {
        let mut calls = Self::default();
        for section in traces.into_iter().flat_map(|trace| &trace.sections) {
            let mut above: Vec<Place> = Vec::new();
            for row in &section.rows {
                let place = (words::clean(row.service.as_str()), row.site);
                above.truncate(row.depth);
                if let Some(caller) = above.last()
                    && *caller != place
                {
                    calls.between.insert((caller.clone(), place.clone()));
                }
                above.resize(row.depth, place.clone());
                above.push(place.clone());
                calls.places.insert(place);
            }
        }
        calls
    }

    /// How many calls lead to each place, the longest way counted; a circle ends where it began.
    fn ranks(&self) -> BTreeMap<Place, u32> {
        let mut ranks: BTreeMap<Place, u32> = self.places.iter().map(|place| (place.clone(), 0)).collect();
        for _ in 1..self.places.len() {
            for (from, to) in &self.between {
                let below = ranks.get(from).map_or(0, |rank| rank + 1);
                let most = u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX);
                if let Some(rank) = ranks.get_mut(to) {
                    *rank = (*rank).max(below).min(most);
                }
            }
        }
        ranks
    }
}

/// Where sites and boxes are.
struct Plan {
    sites: Vec<Option<Site>>,
    /// Which of those with its site and rank a place is, and how many there are.
    seats: BTreeMap<Place, (u32, u32)>,
}

impl Plan {
    fn new(ranks: &BTreeMap<Place, u32>) -> Self {
        let sites = [Some(Site::Cluster), Some(Site::Workstation), None]
            .into_iter()
            .filter(|site| ranks.keys().any(|(_, at)| at == site))
            .collect();
        let mut seats = BTreeMap::new();
        for (place, rank) in ranks {
            let beside: Vec<&Place> = ranks
                .iter()
                .filter(|(other, of)| other.1 == place.1 && *of == rank)
                .map(|(other, _)| other)
                .collect();
            let number = beside.iter().position(|other| *other == place).unwrap_or(0);
            let seat = [number, beside.len()].map(|count| u32::try_from(count).unwrap_or(1));
            seats.insert(place.clone(), (seat[0], seat[1]));
        }
        Self { sites, seats }
    }

    fn columns(&self) -> u32 {
        u32::try_from(self.sites.len()).unwrap_or(1).max(1)
    }

    fn width(&self) -> u32 {
        (WIDTH - MARGIN - MARGIN * self.columns()) / self.columns()
    }

    fn left(&self, column: u32) -> u32 {
        MARGIN + (self.width() + MARGIN) * column
    }

    /// The left upper corner of a box, and its width.
    fn corner(&self, place: &Place, rank: u32) -> (u32, u32, u32) {
        let column = self.sites.iter().position(|site| *site == place.1).unwrap_or(0);
        let left = self.left(u32::try_from(column).unwrap_or(0));
        let (number, of) = self.seats.get(place).copied().unwrap_or((0, 1));
        let room = self.width() / of;
        let width = BOX.0.min(room.saturating_sub(12));
        let x = left + room * number + (room - width) / 2;
        (x, HEAD + PADDING + 10 + STEP * rank, width)
    }
}

fn boxed(plan: &Plan, place: &Place, rank: u32) -> Markup {
    let (x, y, width) = plan.corner(place, rank);
    let site = class(place.1);
    let room = width as usize / 9;
    html! {
        rect class={ "box " (site) } x=(x) y=(y) width=(width) height=(BOX.1) rx="6" {}
        (text("name middle", x + width / 2, y + 23, &words::clip(&place.0, room)))
        (text("faint middle", x + width / 2, y + 41, &format!("@{}", place.1.map_or("?", Site::as_str))))
    }
}

fn call(plan: &Plan, ranks: &BTreeMap<Place, u32>, from: &Place, to: &Place) -> Markup {
    let rank = |place| ranks.get(place).copied().unwrap_or(0);
    let (x1, y1, width1) = plan.corner(from, rank(from));
    let (x2, y2, width2) = plan.corner(to, rank(to));
    let middle = BOX.1 / 2;
    let way = if from.1 == to.1 && rank(to) == rank(from) + 1 {
        // Straight down.
        let (begin, end) = (x1 + width1 / 2, x2 + width2 / 2);
        format!("M{begin} {} L{end} {}", y1 + BOX.1, y2 - 2)
    } else if from.1 == to.1 {
        // Around what lies between.
        let out = x1.min(x2).saturating_sub(28);
        format!(
            "M{x1} {} C{out} {} {out} {} {} {}",
            y1 + middle,
            y1 + middle,
            y2 + middle,
            x2 - 2,
            y2 + middle
        )
    } else {
        // Who is called from there and calls back has room for both.
        let (out, into) = (y1 + BOX.1 * 2 / 3, y2 + BOX.1 / 3);
        let (begin, end) = if x1 < x2 {
            (x1 + width1, x2 - 2)
        } else {
            (x1, x2 + width2 + 2)
        };
        let bend = (begin + end) / 2;
        format!("M{begin} {out} C{bend} {out} {bend} {into} {end} {into}")
    };
    let kind = kind(from, to);
    html! { path class={ "call " (kind) } d=(way) marker-end={ "url(#arrow-" (kind) ")" } {} }
}

/// The class of a call.
fn kind((_, from): &Place, (_, to): &Place) -> &'static str {
    let workstation = Some(Site::Workstation);
    if *from == workstation || *to == workstation {
        "w"
    } else if from.is_none() || to.is_none() {
        "u"
    } else {
        "c"
    }
}

fn legend(calls: &Calls, y: u32) -> Markup {
    let kinds = [
        ("w", "by way of the workstation"),
        ("c", "within the cluster"),
        ("u", "unknown site"),
    ];
    let there = kinds
        .into_iter()
        .filter(|(one, _)| calls.between.iter().any(|(from, to)| kind(from, to) == *one));
    html! {
        @for (number, (one, words)) in (0..).zip(there) {
            @let x = MARGIN + 230 * number;
            path class={ "call " (one) } d={ "M" (x) " " (y - 4) " h34" } marker-end={ "url(#arrow-" (one) ")" } {}
            (text("faint", x + 44, y, words))
        }
    }
}
