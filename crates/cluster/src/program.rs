//! The programs that can be downloaded.

use upstream::source::Platform;

use crate::pins::{Pin, Pins};

/// A program that can be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// kind.
    Kind,
    /// Telepresence's client.
    Telepresence,
}

impl Program {
    /// Every one of them.
    pub const ALL: [Self; 2] = [Self::Kind, Self::Telepresence];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|program| program.name() == name)
    }

    /// Its name, also as a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Telepresence => "telepresence",
        }
    }

    /// Which version of it is pinned.
    pub(crate) fn version(self, pins: &Pins) -> String {
        match self {
            Self::Kind => pins.kind.to_string(),
            Self::Telepresence => pins.telepresence.to_string(),
        }
    }

    /// Where it comes from on this platform, if anybody publishes it there.
    pub(crate) fn pin(self, platform: &Platform) -> Option<Pin> {
        Pin::named(&format!("{}-{platform}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_has_a_pin_on_both_platforms() {
        let pins = Pins::decide(&[], |_| None, None).unwrap();
        for program in Program::ALL {
            for architecture in ["x86_64", "aarch64"] {
                let pin = program.pin(&Platform::new("linux", architecture)).unwrap();
                assert!(pins.downloads[&pin].url("1.2.3").contains("/v1.2.3/"), "{pin}");
            }
        }
    }

    #[test]
    fn a_program_is_known_by_its_name() {
        for program in Program::ALL {
            assert_eq!(Program::named(program.name()), Some(program));
        }
        assert_eq!(Program::named("docker"), None);
    }
}
