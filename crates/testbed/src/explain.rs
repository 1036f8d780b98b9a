//! Errors that carry facts, and the hint that goes with them.

use std::convert::Infallible;
use std::error::Error;
use std::io;

/// An error that may know what to do next. The message states facts; the hint states an action.
pub trait Explain: Error + Send + Sync + 'static {
    /// One action for the user, with commands in backticks; `None` when nothing better than the facts is known.
    /// Unless said otherwise, the hint of the nearest cause that has one.
    fn hint(&self) -> Option<String> {
        causes(self.source()).find_map(|cause| known(cause)?.hint())
    }

    /// Whose turn it is now, for the exit code. Unless said otherwise, what the nearest cause says.
    fn class(&self) -> Class {
        causes(self.source())
            .find_map(known)
            .map_or(Class::Unexpected, Explain::class)
    }
}

/// What kind of trouble an error means for whoever started the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Class {
    /// Nothing is known beyond the facts: what was attempted decides the exit code.
    #[default]
    Unexpected,
    /// The machine lacks something that must be there before a run.
    Prerequisite,
    /// The user interrupted.
    Interrupted,
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
    for cause in causes(error.source()) {
        let next = cause.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
    }
    text
}

fn causes<'a>(first: Option<&'a (dyn Error + 'static)>) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(first, |&error| error.source())
}

/// A cause is only known as an error; these are the ones that can explain themselves wherever they are wrapped.
fn known<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a dyn Explain> {
    fn as_is<'a, E: Explain>(error: &'a (dyn Error + 'static)) -> Option<&'a dyn Explain> {
        error.downcast_ref::<E>().map(|error| error as &dyn Explain)
    }
    (error.downcast_ref::<BoxError>().map(|error| &**error))
        .or_else(|| as_is::<crate::run::StepError>(error))
        .or_else(|| as_is::<crate::run::RunError>(error))
        .or_else(|| as_is::<crate::wait::WaitError>(error))
        .or_else(|| as_is::<crate::process::ProcessError>(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::StepError;
    use crate::wait::WaitError;

    #[derive(Debug, thiserror::Error)]
    #[error("order-service did not come up")]
    struct Wrapped(#[source] StepError);
    impl Explain for Wrapped {}

    #[derive(Debug, thiserror::Error)]
    #[error("kind not found on PATH")]
    struct Missing;
    impl Explain for Missing {
        fn hint(&self) -> Option<String> {
            Some("`cargo xtask doctor`".to_owned())
        }
        fn class(&self) -> Class {
            Class::Prerequisite
        }
    }

    fn wrapped(source: impl Into<BoxError>) -> Wrapped {
        Wrapped(StepError::Failed {
            step: "up".to_owned(),
            source: source.into(),
        })
    }

    #[test]
    fn hint_and_class_of_a_cause_reach_the_top() {
        let error = wrapped(Missing);
        assert_eq!(error.hint().as_deref(), Some("`cargo xtask doctor`"));
        assert_eq!(error.class(), Class::Prerequisite);
        let boxed: BoxError = error.into();
        assert_eq!(boxed.class(), Class::Prerequisite);
    }

    #[test]
    fn an_interrupt_deep_inside_is_still_an_interrupt() {
        let cancelled = WaitError::Cancelled {
            what: "order".to_owned(),
            waited: std::time::Duration::ZERO,
            last: None,
        };
        assert_eq!(wrapped(cancelled).class(), Class::Interrupted);
    }

    #[test]
    fn an_error_that_knows_nothing_says_nothing() {
        let error = wrapped(io::Error::other("odd"));
        assert_eq!((error.hint(), error.class()), (None, Class::Unexpected));
    }

    #[test]
    fn the_chain_names_every_cause_once() {
        assert_eq!(
            chain(&wrapped(Missing)),
            "order-service did not come up: up: kind not found on PATH"
        );
    }
}
