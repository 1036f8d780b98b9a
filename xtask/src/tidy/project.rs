//! Licence, changelog, and crates that must not come in.

use super::{Material, Problem};

const LICENCE: &str = "Apache-2.0";

/// The text is there, and the workspace and every crate name it.
pub(super) fn licence(material: &Material) -> Vec<Problem> {
    let mut problems = Vec::new();
    let text = material.tree.get("LICENSE").unwrap_or_default();
    if !text.contains("Apache License") || !text.contains("Version 2.0") || !text.contains("END OF TERMS") {
        problems.push(Problem::file("LICENSE", "does not hold the Apache License 2.0"));
    }
    let manifest = material.tree.get("Cargo.toml").unwrap_or_default();
    if !manifest
        .lines()
        .any(|line| line == format!("license = \"{LICENCE}\""))
    {
        problems.push(Problem::file("Cargo.toml", format!("does not name {LICENCE}")));
    }
    let others = material
        .packages
        .members
        .iter()
        .filter(|package| package.licence.as_deref() != Some(LICENCE));
    problems.extend(others.map(|package| {
        Problem::file(
            format!("{}/Cargo.toml", package.folder),
            "needs `license.workspace = true`",
        )
    }));
    problems
}

/// Nothing that `deny.toml` bans is in any build; so the bans hold for those, too, who do not have `cargo deny`.
pub(super) fn bans(material: &Material) -> Vec<Problem> {
    let rules = material.tree.get("deny.toml").unwrap_or_default();
    let mut banned = rules
        .lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let name = line
                .trim_start()
                .strip_prefix("{ crate = \"")?
                .split('"')
                .next()?;
            Some((index, name))
        })
        .peekable();
    if banned.peek().is_none() {
        return vec![Problem::file("deny.toml", "bans nothing")];
    }
    let found = banned.filter(|(_, name)| material.packages.names.contains(*name));
    found
        .map(|(index, name)| {
            Problem::line(
                "deny.toml",
                index,
                format!("`{name}` has come in; see `cargo tree -i {name}`"),
            )
        })
        .collect()
}

/// Somebody who changes what a user sees finds the place to say so.
pub(super) fn changelog(material: &Material) -> Vec<Problem> {
    let text = material.tree.get("CHANGELOG.md").unwrap_or_default();
    if text.lines().any(|line| line == "## [Unreleased]") {
        return Vec::new();
    }
    vec![Problem::file("CHANGELOG.md", "has no section `## [Unreleased]`")]
}

#[cfg(test)]
mod tests {
    use super::super::dependencies::Package;
    use super::*;

    const TEXT: &str = "Apache License\nVersion 2.0\nEND OF TERMS AND CONDITIONS\n";

    #[test]
    fn a_licence_that_is_stated_everywhere_passes() {
        let mut material = Material::from([("LICENSE", TEXT), ("Cargo.toml", "license = \"Apache-2.0\"\n")]);
        material.packages.members = vec![Package::planted("trace", "crates/trace", &[])];
        assert_eq!(licence(&material), []);
    }

    #[test]
    fn a_cut_licence_and_silent_manifests_are_reported() {
        let mut material = Material::from([("LICENSE", "Apache License\nVersion 2.0\n"), ("Cargo.toml", "")]);
        let mut silent = Package::planted("trace", "crates/trace", &[]);
        silent.licence = None;
        material.packages.members = vec![silent];
        assert_eq!(licence(&material).len(), 3);
    }

    #[test]
    fn a_banned_crate_is_reported() {
        let rules = "deny = [\n    { crate = \"cmake\", reason = \"x\" },\n]\n";
        let mut material = Material::from([("deny.toml", rules)]);
        assert_eq!(bans(&material), []);
        material.packages.names.insert("cmake".to_owned());
        assert_eq!(bans(&material)[0].line, Some(2));
        assert_eq!(bans(&Material::default()).len(), 1, "no rules are no protection");
    }

    #[test]
    fn a_changelog_without_a_place_is_reported() {
        assert_eq!(changelog(&Material::default()).len(), 1);
        assert_eq!(
            changelog(&Material::from([(
                "CHANGELOG.md",
                "# Changelog\n\n## [Unreleased]\n"
            )])),
            []
        );
    }
}
