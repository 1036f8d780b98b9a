//! References to images and versions of programs, as pins state them.

use std::fmt;
use std::str::FromStr;

/// Why a text is not a usable image reference or version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}: {reason}")]
pub struct InvalidReference {
    /// The text as it was given.
    pub text: String,
    /// What it should have been, with its article.
    pub wanted: &'static str,
    /// The rule that it breaks.
    pub reason: &'static str,
}

/// An image with a tag and, where upstream publishes one, a digest: `[registry/]path:tag[@sha256:…]`.
///
/// The grammar is the one of the OCI distribution specification, with Docker's short forms: `jaegertracing/jaeger` is
/// `docker.io/jaegertracing/jaeger`, and `busybox` is `docker.io/library/busybox`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageRef {
    name: String,
    tag: String,
    digest: Option<String>,
}

impl ImageRef {
    /// Registry and path as they were written, without tag and digest.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The digest of the manifest, `sha256:…`.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// `name:tag`: what Docker and a pod are asked for. An image that was loaded into a node from an archive is known
    /// there by its tag alone, so a digest in a pod would send the node to a registry.
    #[must_use]
    pub fn tagged(&self) -> String {
        format!("{}:{}", self.name, self.tag)
    }

    /// `name:tag` with the registry spelt out: the name under which containerd keeps it.
    #[must_use]
    pub fn canonical(&self) -> String {
        let has_registry = self
            .name
            .split_once('/')
            .is_some_and(|(first, _)| is_registry(first));
        match (has_registry, self.name.contains('/')) {
            (true, _) => self.tagged(),
            (false, true) => format!("docker.io/{}", self.tagged()),
            (false, false) => format!("docker.io/library/{}", self.tagged()),
        }
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

impl FromStr for ImageRef {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let invalid = |reason| InvalidReference {
            text: text.to_owned(),
            wanted: "an image reference",
            reason,
        };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash belongs to the registry's port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => return Err(invalid("no tag")),
        };
        if !is_tag(tag) {
            return Err(invalid("a tag has 1 to 128 letters, digits, `_`, `.` or `-`"));
        }
        if let Some(digest) = digest
            && !digest
                .strip_prefix("sha256:")
                .is_some_and(|hex| hex.len() == 64 && is_lower_hex(hex))
        {
            return Err(invalid(
                "a digest is `sha256:` and 64 hexadecimal digits in lower case",
            ));
        }
        let (registry, path) = match name.split_once('/') {
            Some((first, path)) if is_registry(first) => (Some(first), path),
            _ => (None, name),
        };
        if registry.is_some_and(str::is_empty) || !path.split('/').all(is_path_component) {
            return Err(invalid(
                "a name has components of lower-case letters, digits, `_`, `.` or `-`",
            ));
        }
        Ok(Self {
            name: name.to_owned(),
            tag: tag.to_owned(),
            digest: digest.map(ToOwned::to_owned),
        })
    }
}

/// Three numbers, compared as numbers: `0.32.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Incompatible changes.
    pub major: u32,
    /// New features.
    pub minor: u32,
    /// Corrections.
    pub patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for Version {
    type Err = InvalidReference;

    /// Reads `0.32.0` and `v0.32.0`; whatever follows a `-` or `+` is left out.
    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let invalid = || InvalidReference {
            text: text.to_owned(),
            wanted: "a version",
            reason: "expected three numbers with dots between them",
        };
        let numbers = text.strip_prefix('v').unwrap_or(text);
        let numbers = numbers.split(['-', '+']).next().unwrap_or(numbers);
        let mut parts = numbers.split('.').map(|part| part.parse::<u32>().ok());
        let mut next = || parts.next().flatten().ok_or_else(invalid);
        let version = Self {
            major: next()?,
            minor: next()?,
            patch: next()?,
        };
        if parts.next().is_some() {
            Err(invalid())
        } else {
            Ok(version)
        }
    }
}

fn is_registry(component: &str) -> bool {
    component == "localhost" || component.contains(['.', ':'])
}

fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
        && tag.bytes().next().is_some_and(word)
}

fn is_path_component(component: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    component
        .bytes()
        .all(|byte| plain(byte) || matches!(byte, b'_' | b'.' | b'-'))
        && component.bytes().next().is_some_and(plain)
        && component.bytes().last().is_some_and(plain)
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("busybox:1", "docker.io/library/busybox:1")]
    #[case("jaegertracing/jaeger:2.13.0", "docker.io/jaegertracing/jaeger:2.13.0")]
    #[case("ghcr.io/telepresenceio/tel2:2.31.2", "ghcr.io/telepresenceio/tel2:2.31.2")]
    #[case("localhost:5000/a/b:x", "localhost:5000/a/b:x")]
    #[case("localhost/b:x", "localhost/b:x")]
    fn names_the_registry_that_is_meant(#[case] text: &str, #[case] canonical: &str) {
        assert_eq!(text.parse::<ImageRef>().unwrap().canonical(), canonical);
    }

    #[rstest]
    #[case("jaeger", "no tag")]
    #[case("localhost:5000/jaeger", "no tag")]
    #[case("jaeger:", "a tag has")]
    #[case("jaeger:-x", "a tag has")]
    #[case("Jaeger:1", "a name has")]
    #[case("a//b:1", "a name has")]
    #[case("jaeger:1@sha256:abc", "a digest is")]
    #[case(
        "jaeger@sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "no tag"
    )]
    fn says_what_is_wrong_with_a_reference(#[case] text: &str, #[case] reason: &str) {
        let error = text.parse::<ImageRef>().unwrap_err();
        assert!(error.reason.starts_with(reason), "{error}");
    }

    #[test]
    fn keeps_the_digest_for_people_and_out_of_pods() {
        let text = format!(
            "registry.example.com:5000/mirror/jaeger:2.13.0@sha256:{}",
            "a".repeat(64)
        );
        let image: ImageRef = text.parse().unwrap();
        assert_eq!(image.to_string(), text);
        assert_eq!(image.tagged(), "registry.example.com:5000/mirror/jaeger:2.13.0");
    }

    #[rstest]
    #[case("0.32.0", "0.9.12")]
    #[case("v2.31.2", "2.31.1")]
    #[case("1.0.0-rc.1", "0.99.99")]
    fn compares_versions_as_numbers(#[case] newer: Version, #[case] older: Version) {
        assert!(newer > older);
    }

    #[rstest]
    #[case("")]
    #[case("1.2")]
    #[case("1.2.3.4")]
    #[case("1.x.3")]
    fn refuses_what_is_not_a_version(#[case] text: &str) {
        assert!(text.parse::<Version>().is_err());
    }

    proptest! {
        #[test]
        fn never_panics_and_prints_what_it_read(text in "[a-zA-Z0-9:/@._-]{0,80}") {
            if let Ok(image) = text.parse::<ImageRef>() {
                prop_assert_eq!(&image.to_string(), &text);
            }
            let _ = text.parse::<Version>();
        }
    }
}
