//! The files of the repository as text.

use std::collections::BTreeMap;

use anyhow::Context;

use crate::command::Invocation;
use crate::workspace::Workspace;

/// Text files by their path from the root, with `/` between folders. Binary files are left out.
#[derive(Debug, Default)]
pub(super) struct Tree(BTreeMap<String, String>);

impl Tree {
    /// What git tracks or would track, as it is on disk now.
    pub(super) fn of(workspace: &Workspace) -> anyhow::Result<Self> {
        // A pipeline often checks out as one user and runs as another; reading file names is safe all the same.
        let listed = Invocation::new("git")
            .folder(workspace.root())
            .args([
                "-c",
                "safe.directory=*",
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .capture()?;
        let mut files = BTreeMap::new();
        for name in String::from_utf8_lossy(&listed).split_terminator('\0') {
            let path = workspace.root().join(name);
            if !path.is_file() {
                continue; // deleted and not committed yet, or a link to a folder
            }
            let bytes = std::fs::read(&path).with_context(|| format!("could not read {name}"))?;
            if let Ok(text) = String::from_utf8(bytes)
                && !text.contains('\0')
            {
                files.insert(name.to_owned(), text);
            }
        }
        Ok(Self(files))
    }

    /// The text of one file.
    pub(super) fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// Path and text of all files.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Path and text of the files whose name ends so.
    pub(super) fn ending<'a>(&'a self, ends: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files()
            .filter(move |(path, _)| ends.iter().any(|end| path.ends_with(end)))
    }

    /// Whether there is such a file, or a folder with files in it.
    pub(super) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let below = format!("{path}/");
        path.is_empty() || self.0.keys().any(|file| file == path || file.starts_with(&below))
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Tree {
    fn from(files: [(&str, &str); N]) -> Self {
        Self(
            files
                .map(|(path, text)| (path.to_owned(), text.to_owned()))
                .into(),
        )
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for super::Material {
    fn from(files: [(&str, &str); N]) -> Self {
        Self {
            tree: files.into(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_when_a_file_in_it_is() {
        let tree = Tree::from([("crates/trace/src/lib.rs", "")]);
        assert!(tree.has("crates/trace") && tree.has("crates/trace/") && tree.has("crates/trace/src/lib.rs"));
        assert!(!tree.has("crates/tr") && !tree.has("crates/trace/src/lib"));
    }

    #[test]
    fn this_file_is_in_the_repository() {
        let workspace = Workspace::find().expect("a workspace");
        let tree = Tree::of(&workspace).expect("git lists files");
        assert!(
            tree.get("xtask/src/tidy/tree.rs")
                .is_some_and(|text| text.contains("this_file_is_in"))
        );
        assert!(tree.files().all(|(path, _)| !path.starts_with("target/")));
    }
}
