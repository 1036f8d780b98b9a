//! What has to stay because something that is not undone needs it.

use std::collections::HashMap;

use super::report::LeftBecause;

/// Entries that others need which are not done, by the numbers that they have in the journal.
#[derive(Debug, Default)]
pub(crate) struct Needed {
    because: HashMap<u64, LeftBecause>,
}

impl Needed {
    /// An entry is not done for this reason: what it needs is not touched either.
    pub(crate) fn hold(&mut self, needs: &[u64], because: &LeftBecause) {
        for need in needs {
            self.because.entry(*need).or_insert_with(|| because.clone());
        }
    }

    /// Why an entry has to be left; `None` when nobody needs it.
    pub(crate) fn because(&self, seq: u64) -> Option<LeftBecause> {
        self.because.get(&seq).cloned()
    }
}
