//! Links between documents.

use std::collections::BTreeSet;

use super::scan;
use super::{Material, Problem};

/// Every relative link leads to a file, a folder or a heading that is there.
pub(super) fn links(material: &Material) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, document) in material.tree.ending(&[".md"]) {
        for (index, line) in scan::prose(document) {
            for target in targets(line) {
                if let Some(what) = broken(material, path, target) {
                    problems.push(Problem::line(path, index, what));
                }
            }
        }
    }
    problems
}

fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next())
}

fn broken(material: &Material, from: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, heading) = target
        .split_once('#')
        .map_or((target, None), |(file, heading)| (file, Some(heading)));
    let path = if file.is_empty() {
        Some(from.to_owned())
    } else {
        resolve(from, file)
    };
    let Some(path) = path.filter(|path| material.tree.has(path)) else {
        return Some(format!("the link to `{target}` leads nowhere"));
    };
    let heading = heading?;
    let document = material.tree.get(&path)?;
    let known = headings(document).contains(heading);
    (!known).then(|| format!("{path} has no heading `#{heading}`"))
}

/// A path relative to a document, from the root. None when it leaves the repository.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The anchors that a forge makes of headings: lower case, words joined by dashes, punctuation dropped.
fn headings(document: &str) -> BTreeSet<String> {
    let headings = scan::prose(document).filter(|(_, line)| line.starts_with('#'));
    let anchor = |(_, line): (usize, &str)| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text
            .chars()
            .filter(|kept| kept.is_alphanumeric() || matches!(kept, ' ' | '-' | '_'));
        kept.map(|kept| if kept == ' ' { '-' } else { kept }).collect()
    };
    headings.map(anchor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Vec<Problem> {
        let guide = "# Guide\n## How it works, in 5 steps\n";
        links(&Material::from([
            ("docs/GUIDE.md", guide),
            ("LICENSE", ""),
            ("docs/x/NOTE.md", text),
        ]))
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let text =
            "[a](../GUIDE.md) [b](../../LICENSE) [c](../GUIDE.md#how-it-works-in-5-steps) [d](https://x.y/z)
[e](..) [f](#here)\n# Here\n```\n[g](nowhere)\n```\n";
        assert_eq!(check(text), []);
    }

    #[test]
    fn links_that_lead_nowhere_are_reported() {
        for text in [
            "[a](GUIDE.md)",
            "[a](../../../LICENSE)",
            "[a](../GUIDE.md#steps)",
            "[a](#there)",
        ] {
            assert_eq!(check(text).len(), 1, "{text}");
        }
    }
}
