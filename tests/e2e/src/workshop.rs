//! The workshop at the terminal: its steps as the pages in `docs/workshop` have them, and whether a participant's runs have
//! shown what a step is about.

mod notes;
mod page;
mod played;

pub use notes::{Notes, NotesError};
pub use page::{Step, step, steps};
pub use played::{Ended, Played, newest};
