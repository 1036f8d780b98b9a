//! Errors that carry facts, and the hint that goes with them.

use std::convert::Infallible;
use std::error::Error;
use std::io;

/// An error that may know what to do next. The message states facts; the hint states an action.
pub trait Explain: Error + Send + Sync + 'static {
    /// One action for the user, with commands in backticks; `None` when nothing better than the facts is known.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// An error behind the [`Environment`](crate::Environment) trait. It is an [`Error`] itself, so that it can be the
/// `#[source]` of another one.
pub type BoxError = Box<dyn Explain>;

impl<E: Explain> From<E> for BoxError {
    fn from(error: E) -> Self {
        Box::new(error)
    }
}

impl Error for BoxError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        (**self).source()
    }
}

impl Explain for io::Error {}

impl Explain for Infallible {}

/// The error and its causes in one line, `a: b: c`; a cause that the message before it already ends with is left out.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
