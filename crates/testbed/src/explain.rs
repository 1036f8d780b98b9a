//! Errors that carry facts, and the hint that goes with them.

/// An error that may know what to do next. The message states facts; the hint states an action.
pub trait Explain: std::error::Error + Send + Sync + 'static {
    /// One action for the user, with commands in backticks; `None` when nothing better than the facts is known.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// An error behind the [`Environment`](crate::Environment) trait.
pub type BoxError = Box<dyn Explain>;

impl<E: Explain> From<E> for BoxError {
    fn from(error: E) -> Self {
        Box::new(error)
    }
}
