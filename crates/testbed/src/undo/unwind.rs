//! Undoing one entry of the stack.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::UndoId;
use super::deed::Deed;
use super::error::UndoError;
use super::perform::Scene;
use super::report::{LeftBecause, UndoLeft};
use crate::event::{Event, Outcome};
use crate::explain::{BoxError, chain};
use crate::process::Group;

/// An entry of the stack.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: UndoId,
    pub(super) name: String,
    pub(super) action: Action,
    /// Earlier entries, by number, that must not be undone before this one is.
    pub(super) needs: Vec<u64>,
    pub(super) kept: bool,
}

/// What undoes something inside this process.
pub(super) type InProcess = Box<dyn FnOnce() -> BoxFuture<'static, Result<(), BoxError>> + Send>;

/// How an entry is undone.
pub(super) enum Action {
    Deed(Deed),
    /// A child whose deed is in the journal too.
    Group(Arc<Group>),
    InProcess {
        undo: InProcess,
        limit: Duration,
    },
}

/// What became of an entry.
#[derive(Debug)]
pub(super) struct Undone {
    pub(super) result: Result<Completeness, BoxError>,
    took: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    Whole,
    /// Ends with this process instead.
    Skipped,
}

impl Entry {
    /// Undoes it. Everything in it is bounded.
    pub(super) async fn undo(self, scene: &Scene) -> Undone {
        let begun = Instant::now();
        let hurry = &scene.place.hurry;
        let result = match self.action {
            Action::Deed(deed) => scene
                .perform(&self.name, deed, None)
                .await
                .map(|()| Completeness::Whole),
            Action::Group(group) => match group.stop(group.grace, hurry).await {
                Ok(_) => Ok(Completeness::Whole),
                Err(error) => Err(error.into()),
            },
            Action::InProcess { undo, limit } => in_process(undo, limit, hurry).await,
        };
        Undone {
            result,
            took: begun.elapsed(),
        }
    }

    /// What remains to be done by hand; nothing for what ends with this process.
    pub(super) fn left(&self, because: LeftBecause) -> Option<UndoLeft> {
        let by_hand = match &self.action {
            Action::Deed(deed) => deed.to_string(),
            Action::Group(group) => format!("kill -- -{}", group.pid()),
            Action::InProcess { .. } => return None,
        };
        Some(UndoLeft {
            name: self.name.clone(),
            by_hand,
            because,
        })
    }
}

impl Undone {
    pub(super) fn outcome(&self) -> Outcome {
        match &self.result {
            Ok(Completeness::Whole) => Outcome::Ok,
            Ok(Completeness::Skipped) => Outcome::Interrupted,
            Err(error) => Outcome::Failed {
                error: chain(error),
                hint: error.hint(),
            },
        }
    }

    pub(super) fn event(&self, name: &str) -> Event {
        Event::UndoFinished {
            name: name.to_owned(),
            took: self.took,
            outcome: self.outcome(),
        }
    }
}

async fn in_process(
    undo: InProcess,
    limit: Duration,
    hurry: &CancellationToken,
) -> Result<Completeness, BoxError> {
    // A panic in one entry must not keep the others from being undone.
    let undoing = AssertUnwindSafe(async move { undo().await }).catch_unwind();
    let undone = tokio::select! {
        biased;
        () = hurry.cancelled() => return Ok(Completeness::Skipped),
        undone = tokio::time::timeout(limit, undoing) => undone,
    };
    match undone {
        Ok(Ok(result)) => result.map(|()| Completeness::Whole),
        Ok(Err(panic)) => Err(UndoError::Panicked {
            message: message(&*panic),
        }
        .into()),
        Err(_) => Err(UndoError::TookTooLong { limit }.into()),
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deed(deed) => f.debug_tuple("Deed").field(deed).finish(),
            Self::Group(group) => f.debug_tuple("Group").field(group).finish(),
            Self::InProcess { limit, .. } => f.debug_tuple("InProcess").field(limit).finish(),
        }
    }
}
