//! What became of the undo stack.

use crate::explain::BoxError;

/// What became of the undo stack of a run.
#[derive(Debug, Default)]
pub struct UndoReport {
    /// Entries that were undone, in the order in which that happened.
    pub done: Vec<String>,
    /// Entries whose undoing failed or took too long.
    pub failed: Vec<UndoFailure>,
    /// Entries that were not tried.
    pub left: Vec<UndoLeft>,
}

/// An entry that could not be undone.
#[derive(Debug)]
pub struct UndoFailure {
    /// Its name.
    pub name: String,
    /// Why.
    pub error: BoxError,
}

/// An entry that was not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoLeft {
    /// Its name.
    pub name: String,
    /// What a person would do by hand.
    pub by_hand: String,
    /// Whether it was left on purpose, see [`Undo::keep`](crate::Undo::keep); otherwise there was no time.
    pub kept: bool,
}

impl UndoReport {
    /// Whether everything is undone that was not kept on purpose.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.failed.is_empty() && self.left.iter().all(|left| left.kept)
    }
}
