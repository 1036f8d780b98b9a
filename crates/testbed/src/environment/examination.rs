//! What a look at the machine found, for people who ask before they run.

use serde::Serialize;

use super::Missing;

/// What an environment needs: what of it is there, and what is not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// What is in order, as facts: `kind is 0.32.0`.
    pub fine: Vec<String>,
    /// Everything that is missing or unsuitable.
    pub missing: Vec<Missing>,
}

impl Examination {
    /// Something that is in order.
    pub fn fine(fact: impl Into<String>) -> Self {
        Self {
            fine: vec![fact.into()],
            missing: Vec::new(),
        }
    }

    /// Something that is not, or nothing at all.
    pub fn missing(missing: impl IntoIterator<Item = Missing>) -> Self {
        Self {
            fine: Vec::new(),
            missing: missing.into_iter().collect(),
        }
    }
}

impl FromIterator<Self> for Examination {
    fn from_iter<T: IntoIterator<Item = Self>>(parts: T) -> Self {
        parts.into_iter().fold(Self::default(), |mut all, part| {
            all.fine.extend(part.fine);
            all.missing.extend(part.missing);
            all
        })
    }
}
