//! Checks on Rust files.

use super::{Material, Problem};

/// Above this a file has more than one reason to change.
const LONGEST: usize = 400;

/// Names that own nothing.
const DRAWERS: [&str; 6] = ["util", "utils", "helper", "helpers", "common", "misc"];

fn rust(material: &Material) -> impl Iterator<Item = (&str, &str)> {
    material.tree.ending(&[".rs"])
}

/// The first line says what the file is for.
pub(super) fn purpose(material: &Material) -> Vec<Problem> {
    rust(material)
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| Problem::file(path, "does not start with a `//!` line that says what it is for"))
        .collect()
}

/// No file is longer than [`LONGEST`] lines.
pub(super) fn length(material: &Material) -> Vec<Problem> {
    rust(material)
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| Problem::file(path, format!("{lines} lines; split it below {LONGEST}")))
        .collect()
}

/// `foo.rs` beside `foo/`, never `foo/mod.rs`.
pub(super) fn module_files(material: &Material) -> Vec<Problem> {
    rust(material)
        .filter_map(|(path, _)| Some((path, path.strip_suffix("/mod.rs")?)))
        .map(|(path, module)| Problem::file(path, format!("call it {module}.rs")))
        .collect()
}

/// No file or folder that would take anything.
pub(super) fn drawers(material: &Material) -> Vec<Problem> {
    rust(material)
        .filter_map(|(path, _)| {
            let mut parts = path.trim_end_matches(".rs").split('/');
            let drawer = parts.find(|part| DRAWERS.contains(part))?;
            Some(Problem::file(
                path,
                format!("`{drawer}` owns nothing; name it after what it holds"),
            ))
        })
        .collect()
}

/// `#[expect(…, reason = …)]` instead of `allow`, and no skipped test.
pub(super) fn attributes(material: &Material) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in rust(material) {
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_start();
            let inner = line.strip_prefix("#![").or_else(|| line.strip_prefix("#["));
            match inner.map(|inner| inner.split(['(', ']', ' ']).next().unwrap_or_default()) {
                Some("allow") => {
                    problems.push(Problem::line(path, index, "use `#[expect(…, reason = \"…\")]`"));
                }
                Some("ignore") => {
                    problems.push(Problem::line(
                        path,
                        index,
                        "a test that is skipped proves nothing",
                    ));
                }
                _ => {}
            }
        }
    }
    problems
}

/// No macro that says "later".
pub(super) fn unfinished(material: &Material) -> Vec<Problem> {
    // Put together here, so that this file has none itself.
    let later = ["todo", "unimplemented"].map(|name| format!("{name}!("));
    let mut problems = Vec::new();
    for (path, text) in rust(material) {
        for (index, line) in text.lines().enumerate() {
            let found = later.iter().find(|name| line.contains(name.as_str()));
            problems
                .extend(found.map(|name| Problem::line(path, index, format!("{name}…) is not finished"))));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_order_passes_everything() {
        let material = Material::from([(
            "crates/trace/src/tree.rs",
            "//! The tree.\n\n#[expect(dead_code, reason = \"x\")]\nfn a() {}\n",
        )]);
        for check in [purpose, length, module_files, drawers, attributes, unfinished] {
            assert_eq!(check(&material), []);
        }
    }

    #[test]
    fn a_file_without_a_purpose_is_reported() {
        assert_eq!(purpose(&Material::from([("a.rs", "use std::fmt;\n")])).len(), 1);
        assert_eq!(
            purpose(&Material::from([("a.rs", "//!\nuse std::fmt;\n")])).len(),
            1,
            "an empty one is none"
        );
    }

    #[test]
    fn a_long_file_is_reported_with_its_length() {
        let text = "//! Long.\n".repeat(LONGEST + 1);
        let found = length(&Material::from([("a.rs", text.as_str())]));
        assert!(found[0].what.starts_with("401 lines"), "{found:?}");
        let text = "//! Long.\n".repeat(LONGEST);
        assert_eq!(length(&Material::from([("a.rs", text.as_str())])), []);
    }

    #[test]
    fn a_module_file_is_reported_with_its_better_name() {
        let found = module_files(&Material::from([("src/store/mod.rs", "")]));
        assert_eq!(found, [Problem::file("src/store/mod.rs", "call it src/store.rs")]);
    }

    #[test]
    fn drawers_are_reported_as_files_and_as_folders() {
        let material = Material::from([
            ("src/utils.rs", ""),
            ("tests/common/a.rs", ""),
            ("src/commonality.rs", ""),
        ]);
        let files: Vec<_> = drawers(&material)
            .into_iter()
            .map(|problem| problem.file)
            .collect();
        assert_eq!(files, ["src/utils.rs", "tests/common/a.rs"]);
    }

    #[test]
    fn switched_off_lints_and_skipped_tests_are_reported() {
        let text =
            "//! A.\n#![allow(dead_code)]\n    #[ignore = \"flaky\"]\n#[ignore]\n// #[ignore]\n#[ignored]\n";
        let lines: Vec<_> = attributes(&Material::from([("a.rs", text)]))
            .iter()
            .map(|found| found.line)
            .collect();
        assert_eq!(lines, [Some(2), Some(3), Some(4)]);
    }

    #[test]
    fn unfinished_code_is_reported() {
        let text = ["//! A.\nfn a() { to", "do!() }\n"].concat();
        assert_eq!(unfinished(&Material::from([("a.rs", text.as_str())])).len(), 1);
    }
}
