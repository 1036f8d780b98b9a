//! Versions of foreign programs: decided in one file (`pins.yaml`), repeated faithfully elsewhere.

use super::{Material, Problem};

/// Files that people read or apply. Rust tests may name other versions on purpose.
const READ: &[&str] = &[".md", ".yaml", ".yml", ".toml", ".ci/run"];

/// A program and its version as `pins.yaml` has them: `jaegertracing/jaeger` and `2.13.0`, or `kind` and `0.32.0`.
struct Pin<'a> {
    subject: &'a str,
    version: &'a str,
}

fn pins_in(text: &str) -> impl Iterator<Item = Pin<'_>> {
    text.lines()
        .filter(|line| !line.starts_with([' ', '#']))
        .filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let value = value.split(" #").next()?.trim();
            Some(match image(value) {
                Some((subject, version)) => Pin { subject, version },
                None => Pin {
                    subject: name,
                    version: value,
                },
            })
        })
}

/// Name and tag of an image reference.
fn image(word: &str) -> Option<(&str, &str)> {
    let (reference, _) = word.split_once('@').unwrap_or((word, ""));
    let (name, tag) = reference.rsplit_once(':')?;
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
    };
    let (_, last) = name.rsplit_once('/')?;
    (plain(name) && !last.is_empty() && plain(tag) && !tag.contains('/')).then_some((name, tag))
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || "`'\"(),;|=[]<>".contains(c))
        .map(|word| word.trim_end_matches('.'))
}

/// Every mention of something pinned has the pinned version.
pub(super) fn one_version(material: &Material) -> Vec<Problem> {
    let pins: Vec<Pin<'_>> = material
        .tree
        .files()
        .filter(|(path, _)| path.rsplit('/').next() == Some("pins.yaml"))
        .flat_map(|(_, text)| pins_in(text))
        .collect();
    let mut problems = Vec::new();
    for (path, text) in material.tree.ending(READ) {
        for (index, line) in text.lines().enumerate() {
            let mut before = "";
            for word in words(line) {
                let (subject, version) = image(word).unwrap_or((before, word.trim_start_matches('v')));
                before = if word.is_empty() { before } else { word };
                let pinned = pins.iter().find(|pin| pin.subject.eq_ignore_ascii_case(subject));
                if let Some(pin) = pinned
                    && version != pin.version
                    && (image(word).is_some() || is_exact(version))
                {
                    let what = format!("{subject} {version} here, {} in pins.yaml", pin.version);
                    problems.push(Problem::line(path, index, what));
                }
            }
        }
    }
    problems
}

/// `1.2.3`: a claim about one version, unlike `2.29` or later.
fn is_exact(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    parts.len() == 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()))
}

/// No image whose content changes under its name: `latest`, or no tag at all in a manifest.
pub(super) fn moving_tags(material: &Material) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in material.tree.ending(READ) {
        for (index, line) in text.lines().enumerate() {
            if words(line).filter_map(image).any(|(_, tag)| tag == "latest") {
                problems.push(Problem::line(
                    path,
                    index,
                    "the tag `latest` moves; pin a version",
                ));
            }
            let key = line.trim_start().trim_start_matches("- ").strip_prefix("image: ");
            if let Some(value) = key.map(|value| value.split(" #").next().unwrap_or(value).trim())
                && !value.contains(':')
            {
                problems.push(Problem::line(
                    path,
                    index,
                    format!("the image `{value}` has no tag"),
                ));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const PINS: &str =
        "# why\nkind: 0.32.0\njaeger: jaegertracing/jaeger:2.13.0\ntelepresence: 2.31.2 # client\n";

    fn check(document: &str) -> Vec<String> {
        let material = Material::from([("crates/cluster/pins.yaml", PINS), ("docs/A.md", document)]);
        one_version(&material)
            .into_iter()
            .map(|problem| problem.what)
            .collect()
    }

    #[test]
    fn mentions_of_the_pinned_version_pass() {
        let document = "kind 0.32.0 and Telepresence v2.31.2, 2.29 or later; `jaegertracing/jaeger:2.13.0`. Other 1.2.3.\n";
        assert_eq!(check(document), [""; 0]);
    }

    #[test]
    fn another_version_of_something_pinned_is_reported() {
        assert_eq!(
            check("use jaegertracing/jaeger:2.14.0\n"),
            ["jaegertracing/jaeger 2.14.0 here, 2.13.0 in pins.yaml"]
        );
        assert_eq!(
            check("Telepresence 2.30.0.\n"),
            ["Telepresence 2.30.0 here, 2.31.2 in pins.yaml"]
        );
        assert_eq!(check("| kind | v0.31.0 |\n").len(), 1);
    }

    #[test]
    fn moving_and_missing_tags_are_reported() {
        let manifest = "image: registry.example/a:latest\n  - image: a\nimage: b:1\n  image: x/y # none\n";
        let lines: Vec<_> = moving_tags(&Material::from([("m.yaml", manifest)]))
            .iter()
            .map(|problem| problem.line)
            .collect();
        assert_eq!(lines, [Some(1), Some(2), Some(4)]);
    }
}
