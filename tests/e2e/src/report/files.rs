//! The files of a run: `report.json`, `report.html`, `junit.xml`, `summary.md`, and every trace as text and Mermaid.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::model::RunReport;
use super::{github, html, junit};

/// A file that could not be written. The run's verdict stands; the file is missing or cut off.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct WriteError {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Files that somebody wants outside of the run directory.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// A second `junit.xml`.
    pub junit: Option<PathBuf>,
    /// What the summary is appended to, within GitHub's limit.
    pub summary: Option<PathBuf>,
}

/// Writes all files into `directory`, and those wanted outside of it, each on its own: one that fails does not stop the
/// others.
pub(super) fn write(directory: &Path, outside: &Outside, report: &RunReport) -> Vec<WriteError> {
    let mut errors = Vec::new();
    let mut attempt = |name: &Path, content: &[u8]| {
        let path = directory.join(name);
        if let Err(source) = put(&path, content) {
            errors.push(WriteError { path, source });
        }
    };
    match serde_json::to_vec_pretty(report) {
        Ok(json) => attempt(Path::new("report.json"), &json),
        Err(error) => attempt(
            Path::new("report.json"),
            format!("{{\"error\":{:?}}}", error.to_string()).as_bytes(),
        ),
    }
    attempt(Path::new(super::PAGE), html::page(report).as_bytes());
    attempt(
        Path::new(super::SUMMARY),
        github::markdown(report, usize::MAX).as_bytes(),
    );
    for picture in report
        .scenarios
        .iter()
        .flat_map(|one| &one.cases)
        .filter_map(|case| case.picture.as_ref())
    {
        attempt(&picture.file.with_extension("txt"), picture.text.as_bytes());
        attempt(&picture.file.with_extension("mmd"), picture.mermaid.as_bytes());
    }
    let junit = junit::xml(report).map_err(io::Error::other);
    for path in std::iter::once(directory.join(super::JUNIT)).chain(outside.junit.clone()) {
        let written = match &junit {
            Ok(xml) => put(&path, xml.as_bytes()),
            Err(error) => Err(io::Error::other(error.to_string())),
        };
        if let Err(source) = written {
            errors.push(WriteError { path, source });
        }
    }
    if let Some(path) = &outside.summary
        && let Err(source) = github::append(path, report)
    {
        let path = path.clone();
        errors.push(WriteError { path, source });
    }
    errors
}

/// The processes' logs in the run directory, by name. A directory that cannot be read has none to show.
pub(super) fn logs(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.map(|entry| PathBuf::from(entry.file_name()));
    let mut logs: Vec<PathBuf> = names
        .filter(|name| name.extension().is_some_and(|end| end == "log"))
        .collect();
    logs.sort();
    logs
}

/// Writes a file and makes sure that a full disk is noticed now.
fn put(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::File::create(path)?;
    file.write_all(content)?;
    file.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_costs_one_file_and_says_which() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join("report.json")).unwrap();
        let errors = write(folder.path(), &Outside::default(), &RunReport::empty());
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].path, folder.path().join("report.json"));
        assert_eq!(errors[0].source.kind(), io::ErrorKind::StorageFull);
        assert!(folder.path().join(super::super::PAGE).metadata().unwrap().len() > 0);
    }

    #[test]
    fn a_folder_that_is_a_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join("taken");
        std::fs::write(&taken, "").unwrap();
        let errors = write(&taken, &Outside::default(), &RunReport::empty());
        assert_eq!(errors.len(), 4);
    }
}
