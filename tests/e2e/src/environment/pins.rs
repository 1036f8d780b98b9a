//! Versions and images as the command line, variables and a file have them.

use upstream::{PinError, PinFlag, Pins};

use super::ChoiceError;
use crate::cli::KindArgs;

/// Decides every pin.
///
/// # Errors
/// A pin, or the file with pins, can't be used.
pub(super) fn pins(args: &KindArgs) -> Result<Pins, ChoiceError> {
    let usage = |error: &dyn std::error::Error| ChoiceError::Usage(testbed::explain::chain(error));
    let flags: Vec<PinFlag> = args
        .pin
        .iter()
        .map(|text| text.parse())
        .collect::<Result<_, _>>()
        .map_err(|error: PinError| usage(&error))?;
    let text = match &args.pins {
        Some(path) => Some(
            std::fs::read_to_string(path)
                .map_err(|error| ChoiceError::Usage(format!("{} can't be read: {error}", path.display())))?,
        ),
        None => None,
    };
    let file = args.pins.as_deref().zip(text.as_deref());
    Pins::decide(&flags, |name| std::env::var(name).ok(), file).map_err(|error| usage(&error))
}
