//! Where a program comes from, as a pin states it.

use std::fmt;
use std::str::FromStr;

use crate::reference::InvalidReference;

/// What an address has in place of the version.
const VERSION: &str = "{version}";

/// An address, and the checksum of what is there: `https://…/kind-linux-amd64@sha256:…`. The checksum may be left out, and
/// then nothing is downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    template: String,
    sha256: Option<String>,
}

impl Source {
    /// The address of a version.
    #[must_use]
    pub fn url(&self, version: &str) -> String {
        self.template.replace(VERSION, version)
    }

    /// The SHA-256 of the file, in lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> Option<&str> {
        self.sha256.as_deref()
    }

    /// The same address, where the checksum does not hold.
    pub(crate) fn without_checksum(self) -> Self {
        Self { sha256: None, ..self }
    }
}

impl FromStr for Source {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let invalid = |reason| InvalidReference {
            text: text.to_owned(),
            wanted: "an address to download from",
            reason,
        };
        let (template, sha256) = match text.rsplit_once("@sha256:") {
            Some((template, sum)) => (template, Some(sum.to_ascii_lowercase())),
            None => (text, None),
        };
        if !["https://", "http://"]
            .iter()
            .any(|scheme| template.starts_with(scheme))
        {
            return Err(invalid(
                "it begins with `https://`, or `http://` for a mirror nearby",
            ));
        }
        if template.contains(char::is_whitespace) {
            return Err(invalid("it has a space in it"));
        }
        let is_sum = |sum: &String| sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
        if sha256.as_ref().is_some_and(|sum| !is_sum(sum)) {
            return Err(invalid("a checksum is `sha256:` and 64 hexadecimal digits"));
        }
        Ok(Self {
            template: template.to_owned(),
            sha256,
        })
    }
}

/// A platform in the words of Go, in which both programs are written: `linux-amd64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    system: String,
    architecture: String,
}

impl Platform {
    /// The one that this runs on.
    #[must_use]
    pub fn this() -> Self {
        Self::new(std::env::consts::OS, std::env::consts::ARCH)
    }

    /// One in Rust's words: `linux`, `x86_64`.
    #[must_use]
    pub fn new(system: &str, architecture: &str) -> Self {
        let architecture = match architecture {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        Self {
            system: system.to_owned(),
            architecture: architecture.to_owned(),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.system, self.architecture)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn an_address_may_have_a_checksum_and_the_version_in_it() {
        let sum = "AB".repeat(32);
        let source: Source = format!("https://mirror.example.com/{{version}}/kind@sha256:{sum}")
            .parse()
            .unwrap();
        assert_eq!(source.url("0.1.2"), "https://mirror.example.com/0.1.2/kind");
        assert_eq!(source.sha256(), Some(sum.to_lowercase().as_str()));
        let bare: Source = "http://me@mirror.example.com/kind".parse().unwrap();
        assert_eq!(
            (bare.url("1"), bare.sha256()),
            ("http://me@mirror.example.com/kind".into(), None)
        );
    }

    #[rstest]
    #[case("kind")]
    #[case("ftp://mirror.example.com/kind")]
    #[case("https://mirror.example.com/a b")]
    #[case("https://mirror.example.com/kind@sha256:")]
    #[case("https://mirror.example.com/kind@sha256:xyz")]
    fn what_can_not_be_downloaded_from_is_refused(#[case] text: &str) {
        text.parse::<Source>().unwrap_err();
    }

    #[test]
    fn platforms_have_the_names_of_releases() {
        assert_eq!(Platform::new("linux", "x86_64").to_string(), "linux-amd64");
        assert_eq!(Platform::new("linux", "aarch64").to_string(), "linux-arm64");
    }
}
