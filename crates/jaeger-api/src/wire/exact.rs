//! Writing as Jaeger does: what is left out, and what is a text.

use std::fmt;

use serde::Serializer;

/// Whether a field has the value that it has when it is left out.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A number as text.
pub(crate) fn text<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
