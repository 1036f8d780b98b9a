//! What became of the undo stack.

use std::fmt;

use serde::Serialize;

use crate::event::Event;
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
    /// Why it was left.
    pub because: LeftBecause,
}

/// Why an entry was not tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum LeftBecause {
    /// It, or what needs it, stays on purpose: see [`Undo::keep`](crate::Undo::keep).
    Kept,
    /// There was no time.
    NoTime,
    /// What needs it could not be undone, and can be tried again only as long as this is there: see
    /// [`Undo::push_needing`](crate::Undo::push_needing).
    Needed {
        /// The name of that entry.
        by: String,
    },
    /// Another run is using it: see [`Undo::push_leased`](crate::Undo::push_leased).
    InUse {
        /// Who, as it was written down by the holder of the lease.
        by: String,
    },
}

impl fmt::Display for LeftBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kept => f.write_str("kept"),
            Self::NoTime => f.write_str("there was no time"),
            Self::Needed { by } => write!(f, "needed by {by}, which is not undone"),
            Self::InUse { by } => write!(f, "in use by {by}"),
        }
    }
}

impl UndoReport {
    /// Whether everything is undone that was not left on purpose.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.failed.is_empty() && self.left.iter().all(UndoLeft::on_purpose)
    }
}

impl UndoLeft {
    /// Whether it is right that it was left: see [`LeftBecause::on_purpose`].
    #[must_use]
    pub const fn on_purpose(&self) -> bool {
        self.because.on_purpose()
    }

    /// What consumers of events hear of it.
    pub(crate) fn event(&self) -> Event {
        Event::UndoLeft {
            name: self.name.clone(),
            by_hand: self.by_hand.clone(),
            because: self.because.clone(),
        }
    }
}

impl LeftBecause {
    /// Whether it is right that the entry was left: it was kept, or somebody is using it.
    #[must_use]
    pub const fn on_purpose(&self) -> bool {
        matches!(self, Self::Kept | Self::InUse { .. })
    }
}
