//! Checks on every text file.

use super::{Material, Problem};

/// Files that hold what programs wrote, byte by byte: snapshots, recorded answers, locks.
fn is_recorded(path: &str) -> bool {
    path.ends_with(".snap")
        || path.ends_with(".lock")
        || (path.contains("/tests/") && path.ends_with(".json"))
}

/// No tab, no trailing white space, no carriage return, one line end at the end.
pub(super) fn white_space(material: &Material) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in material.tree.files().filter(|(path, _)| !is_recorded(path)) {
        for (index, line) in text.split('\n').enumerate() {
            let complaint = if line.ends_with('\r') {
                "a carriage return at the end of the line"
            } else if line.contains('\t') {
                "a tab; indent with spaces"
            } else if line.ends_with(' ') {
                "white space at the end of the line"
            } else {
                continue;
            };
            problems.push(Problem::line(path, index, complaint));
        }
        if !text.is_empty() && !text.ends_with('\n') {
            problems.push(Problem::file(path, "the last line does not end"));
        }
        if text.ends_with("\n\n") {
            problems.push(Problem::file(path, "an empty line at the end"));
        }
    }
    problems
}

/// No path that exists on one machine only.
pub(super) fn machine_paths(material: &Material) -> Vec<Problem> {
    // Put together here, so that this file has none itself.
    let forbidden = ["root", "work", "home", "Users"].map(|folder| format!("/{folder}/"));
    let mut problems = Vec::new();
    for (path, text) in material.tree.files() {
        for (index, line) in text.lines().enumerate() {
            let found = forbidden.iter().find(|folder| starts_a_path(line, folder));
            problems.extend(found.map(|folder| Problem::line(path, index, format!("a path below {folder}"))));
        }
    }
    problems
}

/// Whether an absolute path in the line starts with this folder: not after a letter, a digit, a dot or a placeholder,
/// as in a URL or in a relative path.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && !"._-}>)$~*".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_passes() {
        let material = Material::from([
            ("a.rs", "fn a() {}\n"),
            ("empty", ""),
            ("b.snap", "kept\t \r\n\n"),
        ]);
        assert_eq!(white_space(&material), []);
    }

    #[test]
    fn every_kind_of_stray_white_space_is_reported() {
        let text = "tab\there\nspace \nreturn\r\nend";
        let found = white_space(&Material::from([("a.md", text)]));
        let lines: Vec<_> = found.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [Some(1), Some(2), Some(3), None]);
        assert_eq!(white_space(&Material::from([("a.md", "x\n\n")])).len(), 1);
    }

    #[test]
    fn a_machine_path_is_reported_and_a_url_is_not() {
        let planted = ["see /", "home/someone/x\n"].concat();
        assert_eq!(
            machine_paths(&Material::from([("a.md", planted.as_str())])).len(),
            1
        );
        let url = ["https://example.com/", "home/x and $HOME/", "work/y\n"].concat();
        assert_eq!(machine_paths(&Material::from([("a.md", url.as_str())])), []);
    }
}
