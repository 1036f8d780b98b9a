//! The folder of the run directory that pieces of evidence are put into, each without its secrets.

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use testbed::Collected;

use super::redact;
use crate::kubernetes::KubernetesError;

/// One piece, or why it can't be had.
pub(super) type Piece = Result<Collected, String>;

/// The folder that pieces are put into.
pub(super) struct Shelf {
    pub(super) folder: PathBuf,
    pub(super) run_dir: PathBuf,
}

impl Shelf {
    /// Keeps what the API server told, or why it did not.
    pub(super) fn keep_result(&self, what: &str, name: &str, text: Result<String, KubernetesError>) -> Piece {
        self.keep(what, name, &text.map_err(|error| error.to_string())?)
    }

    /// Keeps a text.
    pub(super) fn keep(&self, what: &str, name: &str, text: &str) -> Piece {
        let path = self.folder.join(name);
        let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        written
            .and_then(|()| std::fs::write(&path, redact::text(text)))
            .map_err(|error| format!("{what}: {error}"))?;
        Ok(self.collected(what, &path))
    }

    /// A file or folder that is there already.
    pub(super) fn collected(&self, what: &str, path: &Path) -> Collected {
        let path = path.strip_prefix(&self.run_dir).unwrap_or(path).to_owned();
        Collected {
            what: what.to_owned(),
            path,
        }
    }
}

/// Rewrites every file below a folder without its secrets. What is no text goes, since secrets could not be found in it: of what
/// kind exports that is systemd's journal, which it exports as text too.
pub(super) fn redact_folder(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            redact_folder(&entry.path())?;
        } else if kind.is_file() {
            redact_file(&entry.path())?;
        } else {
            // A link leads to a file that is redacted itself, or out of the folder.
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn redact_file(path: &Path) -> io::Result<()> {
    let fresh = path.with_extension("redacting");
    let mut from = BufReader::new(std::fs::File::open(path)?);
    if !is_text(from.fill_buf()?) {
        return std::fs::remove_file(path);
    }
    let mut to = BufWriter::new(std::fs::File::create(&fresh)?);
    let mut redactor = redact::Redactor::default();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        let end = line.last() == Some(&b'\n');
        let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line));
        to.write_all(redactor.line(&text).as_bytes())?;
        if end {
            to.write_all(b"\n")?;
        }
        line.clear();
    }
    to.flush()?;
    std::fs::rename(fresh, path)
}

/// As `git` and `grep` tell: no text has a NUL in its first kilobytes.
fn is_text(begin: &[u8]) -> bool {
    !begin.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("system.journal");
        std::fs::write(&journal, b"LPKSHHRH\0\0password=hunter2\n").unwrap();
        redact_folder(folder.path()).unwrap();
        assert!(!journal.exists());
    }

    #[test]
    fn exported_files_are_rewritten_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("pods/a");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(
            deep.join("0.log"),
            b"listening\npassword=hunter2\n\xff\n-----BEGIN PRIVATE KEY-----\nMII",
        )
        .unwrap();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("link")).unwrap();
        redact_folder(folder.path()).unwrap();
        let text = std::fs::read_to_string(deep.join("0.log")).unwrap();
        assert_eq!(
            text,
            "listening\npassword=[redacted]\n\u{fffd}\n[redacted]\n[redacted]"
        );
        assert!(!folder.path().join("link").exists());
        assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 1);
    }
}
