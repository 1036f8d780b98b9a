//! What is not in order after the undo of a run whose runner was killed, for people.

use testbed::explain::chain;
use testbed::sweep::SweptRun;
use testbed::{LeftBecause, RunDir};

/// Something that is not undone, or not known to be, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// What.
    pub(super) fact: String,
    /// What to do.
    pub(super) hint: Option<String>,
}

/// Everything that is not in order; nothing when the undo is complete.
pub(super) fn troubles(swept: &SweptRun) -> Vec<Trouble> {
    let failed = swept.undo.failed.iter().map(|failure| Trouble {
        fact: format!("{}: {}", failure.name, chain(&failure.error)),
        hint: failure.error.hint(),
    });
    let left = swept.undo.left.iter().filter(|left| !left.on_purpose());
    let left = left.map(|left| Trouble {
        fact: format!("{}: not tried: {}", left.name, left.because),
        // By hand, what needs it would have to be undone first.
        hint: (left.because == LeftBecause::NoTime).then(|| format!("by hand: `{}`", left.by_hand)),
    });
    let journal = swept.dir.join(RunDir::JOURNAL);
    let damage = swept.damage.iter().map(|damage| Trouble {
        fact: format!("journal line {}: {}", damage.line, damage.problem),
        hint: Some(format!(
            "what it announced is not known: look at `{}`; when nothing of it is there, remove the run's directory",
            journal.display()
        )),
    });
    failed.chain(left).chain(damage).collect()
}
