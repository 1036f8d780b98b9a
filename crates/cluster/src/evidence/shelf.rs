//! The folder of the run directory that pieces of evidence are put into, each without its secrets.

use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use testbed::{Collected, redact};

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

/// Copies every file below a folder without its secrets: what is in `to` was never there with them. What is no text is left out,
/// since secrets could not be found in it: of what kind exports that is systemd's journal, which it exports as text too. So are
/// links: they lead to a file that is copied itself, or out of the folder.
///
/// A file that can't be copied does not keep the others from it; the first error is returned.
pub(super) fn redacted_copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    let mut first = Ok(());
    for entry in std::fs::read_dir(from)? {
        let copied = entry.and_then(|entry| {
            let (kind, to) = (entry.file_type()?, to.join(entry.file_name()));
            if kind.is_dir() {
                redacted_copy(&entry.path(), &to)
            } else if kind.is_file() {
                redacted_file(&entry.path(), &to)
            } else {
                Ok(())
            }
        });
        first = first.and(copied);
    }
    first
}

fn redacted_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = BufReader::new(std::fs::File::open(from)?);
    if !is_text(from.fill_buf()?) {
        return Ok(());
    }
    let mut to = BufWriter::new(std::fs::File::create(to)?);
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
    to.flush()
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
        let (raw, kept) = (folder.path().join("raw"), folder.path().join("kept"));
        std::fs::create_dir(&raw).unwrap();
        let journal = b"LPKSHHRH\0\0password=hunter2\n";
        std::fs::write(raw.join("system.journal"), journal).unwrap();
        redacted_copy(&raw, &kept).unwrap();
        assert_eq!(std::fs::read_dir(kept).unwrap().count(), 0);
    }

    #[test]
    fn files_are_copied_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let (raw, kept) = (folder.path().join("raw"), folder.path().join("kept"));
        std::fs::create_dir_all(raw.join("pods/a")).unwrap();
        std::fs::write(
            raw.join("pods/a/0.log"),
            b"listening\npassword=hunter2\n\xff\n-----BEGIN PRIVATE KEY-----\nMII",
        )
        .unwrap();
        std::os::unix::fs::symlink("/etc/hostname", raw.join("link")).unwrap();
        redacted_copy(&raw, &kept).unwrap();
        let text = std::fs::read_to_string(kept.join("pods/a/0.log")).unwrap();
        assert_eq!(
            text,
            "listening\npassword=[redacted]\n\u{fffd}\n[redacted]\n[redacted]"
        );
        assert!(!kept.join("link").exists());
    }

    #[test]
    fn a_file_that_can_t_be_copied_leaves_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let (raw, kept) = (folder.path().join("raw"), folder.path().join("kept"));
        std::fs::create_dir_all(&raw).unwrap();
        // A folder is in the way of the first.
        std::fs::create_dir_all(kept.join("a.log")).unwrap();
        for name in ["a.log", "b.log"] {
            std::fs::write(raw.join(name), "token=hunter2\n").unwrap();
        }
        redacted_copy(&raw, &kept).unwrap_err();
        assert_eq!(
            std::fs::read_to_string(kept.join("b.log")).unwrap(),
            "token=[redacted]\n"
        );
    }
}
