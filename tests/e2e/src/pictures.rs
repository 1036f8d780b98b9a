//! The pictures of the README: who calls whom, and the waterfall of an intercepted order, both of one run.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use trace::render::{self, Waterfall};

/// The scenarios that are drawn: an order without the intercept, and one with it.
pub const SCENARIOS: [&str; 2] = ["baseline_stays_in_the_cluster", "intercepted_order_is_one_trace"];

/// A picture.
#[derive(Debug)]
pub struct Drawn {
    /// Its file's name.
    pub name: &'static str,
    /// The drawing.
    pub content: String,
    /// Whether times are in it, which differ from run to run.
    timed: bool,
}

/// Why nothing can be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// There is no report.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The report's file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not one.
    #[error("{} is not a run's report: {source}", path.display())]
    Malformed {
        /// The report's file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A scenario is not in it, or has no trace.
    #[error("the run has no trace of {0}")]
    NoTrace(&'static str),
}

/// What is drawn of a report.
#[derive(Debug, Deserialize)]
struct Report {
    scenarios: Vec<Scenario>,
}

#[derive(Debug, Deserialize)]
struct Scenario {
    name: String,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    picture: Option<Picture>,
}

#[derive(Debug, Deserialize)]
struct Picture {
    path: String,
    waterfall: Waterfall,
}

/// Draws the pictures from the report in a run's directory.
///
/// # Errors
/// There is no report, or a scenario's trace is not in it.
pub fn of(directory: &Path) -> Result<[Drawn; 2], PictureError> {
    let path = directory.join("report.json");
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(PictureError::Unreadable { path, source }),
    };
    let report: Report =
        serde_json::from_slice(&text).map_err(|source| PictureError::Malformed { path, source })?;
    let first = |name: &'static str| {
        report
            .scenarios
            .iter()
            .filter(|scenario| scenario.name == name)
            .flat_map(|scenario| &scenario.cases)
            .find_map(|case| case.picture.as_ref())
            .ok_or(PictureError::NoTrace(name))
    };
    let [plain, intercepted] = SCENARIOS.map(first);
    let (plain, intercepted) = (plain?, intercepted?);
    Ok([
        Drawn {
            name: "topology.svg",
            content: render::topology(
                [&plain.waterfall, &intercepted.waterfall],
                "Who calls whom: an order with the intercept, and without",
            ),
            timed: false,
        },
        Drawn {
            name: "waterfall.svg",
            content: render::waterfall_svg(&intercepted.waterfall, &intercepted.path),
            timed: true,
        },
    ])
}

impl Drawn {
    /// What this picture has that the one that is there has not, or the other way round. Times don't count, nor what
    /// depends on them: how long a bar is, and where it begins.
    #[must_use]
    pub fn differs_from(&self, there: &str) -> Option<String> {
        if there.is_empty() {
            return Some("it is not there".to_owned());
        }
        let lines = |drawing: &str| -> Vec<String> {
            let drawing = if self.timed {
                timeless(drawing)
            } else {
                drawing.to_owned()
            };
            drawing.replace("><", ">\n<").lines().map(str::to_owned).collect()
        };
        let (ours, theirs) = (lines(&self.content), lines(there));
        let differing =
            (0..ours.len().max(theirs.len())).find(|&index| ours.get(index) != theirs.get(index))?;
        let told = |lines: &[String]| lines.get(differing).map_or("its end", String::as_str).to_owned();
        Some(format!("`{}` instead of `{}`", told(&theirs), told(&ours)))
    }
}

/// A drawing without its numbers. Colours are told in the style, which keeps its own.
fn timeless(drawing: &str) -> String {
    let (style, body) = drawing.split_once("</style>").unwrap_or(("", drawing));
    let mut plain = String::with_capacity(body.len());
    for character in body.chars() {
        match character {
            digit if digit.is_ascii_digit() => {
                if !plain.ends_with('#') {
                    plain.push('#');
                }
            }
            // The point within a number.
            '.' if plain.ends_with('#') => {}
            other => plain.push(other),
        }
    }
    for unit in ["ns", "µs", "ms", "s"] {
        plain = plain.replace(&format!("# {unit}<"), "# time<");
    }
    format!("{style}</style>{plain}")
}

#[cfg(test)]
mod tests {
    use trace::render::waterfall;
    use trace::testing::Recording;

    use super::*;

    fn drawn(recording: &Recording) -> Drawn {
        Drawn {
            name: "waterfall.svg",
            content: render::waterfall_svg(&waterfall(&recording.evidence(), 100), "an order"),
            timed: true,
        }
    }

    #[test]
    fn other_times_are_no_difference() {
        let mut slower = Recording::checkout();
        slower.edit_service("inventory-service", |span| {
            span.start.0 += 7_000;
            span.end.0 += 1_500_000;
        });
        let picture = drawn(&Recording::checkout());
        let other = drawn(&slower);
        assert_ne!(picture.content, other.content);
        assert_eq!(picture.differs_from(&other.content), None);
    }

    #[test]
    fn another_span_name_or_place_is_a_difference_and_is_shown() {
        let picture = drawn(&Recording::checkout());
        let mut renamed = Recording::checkout();
        renamed.edit_service("inventory-service", |span| span.name = "GET /stock".to_owned());
        let difference = picture
            .differs_from(&drawn(&renamed).content)
            .expect("another name");
        assert!(difference.contains("GET /stock"), "{difference}");
        let mut fewer = Recording::checkout();
        fewer.drop_spans(|span| span.service().as_str() == "inventory-service");
        assert!(picture.differs_from(&drawn(&fewer).content).is_some());
        assert!(picture.differs_from("").is_some());
    }

    #[test]
    fn a_run_without_the_scenario_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("report.json"), r#"{"scenarios":[]}"#).unwrap();
        assert!(matches!(
            of(folder.path()),
            Err(PictureError::NoTrace("baseline_stays_in_the_cluster"))
        ));
        assert!(matches!(
            of(&folder.path().join("nowhere")),
            Err(PictureError::Unreadable { .. })
        ));
    }
}
