//! An entry of the undo stack that was not tried, on the console: why, and what a person does about it.

use testbed::LeftBecause;

use super::{OK, OPEN};

/// The line of an entry that was left.
pub(super) fn line(name: &str, by_hand: &str, because: &LeftBecause) -> String {
    let what = match because {
        LeftBecause::Kept => "kept; `cargo xtask down` takes it down".to_owned(),
        LeftBecause::NoTime => format!("there was no time; by hand: `{by_hand}`"),
        // By hand, what needs them comes first.
        LeftBecause::Needed { .. } | LeftBecause::InUse { .. } => because.to_string(),
    };
    let (style, word) = if because.on_purpose() {
        (OK, "stay")
    } else {
        (OPEN, "left")
    };
    format!("  {style}{word}{style:#}  {name}: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_and_what_is_left_can_be_told_apart_and_says_what_to_do() {
        let by = "run 8888 (pid 43)".to_owned();
        let whole = [
            LeftBecause::Kept,
            LeftBecause::InUse { by },
            LeftBecause::NoTime,
            LeftBecause::Needed {
                by: "objects in staging".to_owned(),
            },
        ]
        .map(|because| line("kind cluster tl", "kind delete cluster --name tl", &because))
        .join("\n");
        insta::assert_snapshot!(anstream::adapter::strip_str(&whole), @r"
          stay  kind cluster tl: kept; `cargo xtask down` takes it down
          stay  kind cluster tl: in use by run 8888 (pid 43)
          left  kind cluster tl: there was no time; by hand: `kind delete cluster --name tl`
          left  kind cluster tl: needed by objects in staging, which is not undone
        ");
    }
}
