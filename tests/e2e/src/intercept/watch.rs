//! Changes of watched files, gathered: an editor writes a file in several steps, and a branch switch writes many.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use testbed::{Class, Deadline, Explain};
use tokio::sync::mpsc;

/// A change is over when nothing has changed for this long.
const QUIET: Duration = Duration::from_millis(200);
/// Folders of tools, not of people.
const NOT_SOURCES: [&str; 2] = ["target", "node_modules"];

/// Files can't be watched.
#[derive(Debug, thiserror::Error)]
#[error("{} can't be watched", path.display())]
pub(super) struct WatchError {
    path: PathBuf,
    source: notify::Error,
}

impl Explain for WatchError {
    fn hint(&self) -> Option<String> {
        match self.source.kind {
            notify::ErrorKind::MaxFilesWatch => {
                Some("`sudo sysctl fs.inotify.max_user_watches=524288`".to_owned())
            }
            _ => Some("`--watch-path` names a file or folder that is there".to_owned()),
        }
    }

    fn class(&self) -> Class {
        Class::Prerequisite
    }
}

/// Changes of files as they come.
pub(super) struct Changes {
    path_rx: mpsc::UnboundedReceiver<PathBuf>,
    // Watches as long as it lives.
    _watcher: RecommendedWatcher,
}

impl Changes {
    /// Watches files and folders, with everything below.
    pub(super) fn of(paths: &[PathBuf]) -> Result<Self, WatchError> {
        let (path_tx, path_rx) = mpsc::unbounded_channel();
        let roots: Vec<PathBuf> = paths.to_vec();
        let failed = |path: &Path, source| WatchError {
            path: path.to_owned(),
            source,
        };
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if !changes(event.kind) {
                return;
            }
            for path in event.paths {
                if is_source(&path, &roots) {
                    // Nobody waits any more: the session is over.
                    let _ = path_tx.send(path);
                }
            }
        })
        .map_err(|source| failed(Path::new("files"), source))?;
        for path in paths {
            watcher
                .watch(path, RecursiveMode::Recursive)
                .map_err(|source| failed(path, source))?;
        }
        Ok(Self {
            path_rx,
            _watcher: watcher,
        })
    }

    /// Waits for a change and until it is over; the file that changed first, by its name.
    pub(super) async fn next(&mut self) -> String {
        let Some(first) = self.path_rx.recv().await else {
            return std::future::pending().await;
        };
        while let Ok(Some(_)) = Deadline::after(QUIET).bound(self.path_rx.recv()).await {}
        let name = first.file_name().unwrap_or(first.as_os_str());
        name.to_string_lossy().into_owned()
    }
}

/// Reading a file is no change, and neither is its time of access.
fn changes(kind: EventKind) -> bool {
    use notify::event::ModifyKind;
    match kind {
        EventKind::Create(_) | EventKind::Remove(_) => true,
        EventKind::Modify(what) => !matches!(what, ModifyKind::Metadata(_)),
        EventKind::Access(_) | EventKind::Any | EventKind::Other => false,
    }
}

/// Hidden files, backups and swap files of editors, and folders of tools are no sources.
fn is_source(path: &Path, roots: &[PathBuf]) -> bool {
    let below = roots
        .iter()
        .filter_map(|root| {
            let root = std::path::absolute(root).ok()?;
            path.strip_prefix(root).ok()
        })
        .min_by_key(|below| below.components().count())
        .unwrap_or(path);
    let hidden = below.components().any(|part| {
        let part = part.as_os_str().to_string_lossy();
        part.starts_with('.') || NOT_SOURCES.contains(&part.as_ref())
    });
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Vim tries whether it can write with a file of this name.
    !hidden && !name.ends_with('~') && name != "4913"
}

#[cfg(test)]
mod tests {
    use testbed::wait::{self, Probe};

    use super::*;

    #[test]
    fn what_tools_write_is_no_source() {
        let roots = [PathBuf::from("/opt/.hidden/services")];
        let is = |below: &str| is_source(&roots[0].join(below), &roots);
        assert!(is("order/src/main.rs") && is("order/Cargo.toml"));
        for below in [
            "order/.main.rs.swp",
            ".git/index",
            "target/debug/x",
            "order/main.rs~",
            "order/4913",
        ] {
            assert!(!is(below), "{below}");
        }
    }

    #[tokio::test]
    async fn several_writes_are_one_change_and_reading_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (first, second) = (root.join("a.rs"), root.join("b.rs"));
        std::fs::write(&first, "1").unwrap();
        let mut changes = Changes::of(std::slice::from_ref(&root)).unwrap();
        let _ = std::fs::read(&first).unwrap();
        std::fs::write(&second, "1").unwrap();
        std::fs::write(&first, "2").unwrap();
        let generous = Deadline::after(Duration::from_secs(60));
        assert_eq!(generous.bound(changes.next()).await.unwrap(), "b.rs");
        let mut nothing = std::pin::pin!(changes.next());
        let look = || {
            let more = futures_util::FutureExt::now_or_never(nothing.as_mut());
            std::future::ready(match more {
                None => Probe::<(), std::convert::Infallible>::Ready(()),
                Some(file) => panic!("{file} did not change"),
            })
        };
        wait::until(&generous, "nothing more", look).await.unwrap();
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = Changes::of(&[PathBuf::from("/no/such/folder")]).err().unwrap();
        assert_eq!(error.to_string(), "/no/such/folder can't be watched");
    }
}
