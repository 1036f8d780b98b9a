//! Pictures that stand on their own in a document: a waterfall, and who calls whom. No script, no font, nothing to load.
//!
//! They bring their own background and follow the reader's colour scheme, so that they can be read on any page, and they
//! differ by pattern and by words besides colour.

mod topology;
mod waterfall;

use maud::{Markup, PreEscaped, html};

use crate::site::Site;
use crate::words;

pub use topology::topology;
pub use waterfall::waterfall as waterfall_svg;

/// Colours of both schemes; the classes `c`, `w` and `u` are a site's, as on the page of a run.
const STYLE: &str = include_str!("svg/style.css");

/// A drawing of this size around its parts. `title` is what is read aloud.
fn drawing(width: u32, height: u32, title: &str, parts: &Markup) -> String {
    let title = words::clean(title);
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="img" aria-labelledby="title" {
            title id="title" { (title) }
            style { (PreEscaped(STYLE)) }
            defs {
                pattern id="stripes" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect class="stripe-1" width="8" height="8" {}
                    rect class="stripe-2" width="3" height="8" {}
                }
                @for site in ["c", "w", "u"] {
                    marker id={ "arrow-" (site) } viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto" markerUnits="userSpaceOnUse" {
                        path class={ "head " (site) } d="M0 0 10 5 0 10z" {}
                    }
                }
            }
            rect class="page" x="0.5" y="0.5" width=(width - 1) height=(height - 1) rx="8" {}
            (parts)
        }
    }
    .into_string()
        + "\n"
}

/// The class of a site.
const fn class(site: Option<Site>) -> &'static str {
    match site {
        Some(Site::Cluster) => "c",
        Some(Site::Workstation) => "w",
        None => "u",
    }
}

/// The name of a site.
fn site(site: Option<Site>) -> &'static str {
    site.map_or("unknown site", Site::as_str)
}

/// Text at a place.
fn text(class: &str, x: u32, y: u32, words: &str) -> Markup {
    html! { text class=(class) x=(x) y=(y) { (words) } }
}

#[cfg(test)]
mod tests;
