//! Doing the deeds: for the run itself, and for whoever comes after it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::deed::{Deed, with_ours};
use super::error::UndoError;
use super::journal::Identity;
use crate::deadline::Deadline;
use crate::explain::BoxError;
use crate::process::{Call, Mark, Marked, Place, ProcessSpec, stop_recorded};
use crate::processes;

/// How long an entry without a limit of its own may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Where deeds are done: one run's directory and processes.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    pub(crate) place: Place,
    /// The folder for temporary files that holds the run's scratch folders.
    pub(crate) temp: PathBuf,
}

impl Scene {
    /// Does a deed. Everything in it is bounded.
    pub(crate) async fn perform(
        &self,
        name: &str,
        deed: Deed,
        process: Option<Identity>,
    ) -> Result<(), BoxError> {
        match deed {
            Deed::Process { run, name } => {
                let dir = self.place.dir.path().with_file_name(run.as_str());
                self.stop(&Mark { run, dir }, name, process)
                    .await
                    .map_err(Into::into)
            }
            Deed::Remove { path } => self.remove(path).await.map_err(Into::into),
            Deed::Command {
                program,
                args,
                env,
                limit,
            } => {
                let spec = ProcessSpec::new(format!("undo {name}"), program)
                    .args(args)
                    .envs(with_ours(env, |name| std::env::var(name).ok()));
                let deadline = Deadline::after(limit);
                let answer = self.place.call(&Call::new(spec), &deadline).await?;
                answer.success().map(drop).map_err(Into::into)
            }
        }
    }

    async fn stop(&self, mark: &Mark, name: String, process: Option<Identity>) -> Result<(), UndoError> {
        let grace = ProcessSpec::GRACE;
        let run = mark.run.clone();
        if let Err(pids) = (Marked {
            mark,
            name: Some(&name),
        })
        .stop(grace, &self.place.hurry)
        .await
        {
            return Err(UndoError::StillRunning { run, name, pids });
        }
        let Some(identity) = process else { return Ok(()) };
        if processes::VISIBLE {
            // One that changed or hides its environment, but not its number.
            let stopped = stop_recorded(identity, grace, &self.place.hurry).await;
            return stopped.map_err(|pids| UndoError::StillRunning { run, name, pids });
        }
        match processes::exists(identity.pid) {
            true => Err(UndoError::CannotTell {
                run,
                name,
                pid: identity.pid,
            }),
            false => Ok(()),
        }
    }

    async fn remove(&self, path: PathBuf) -> Result<(), UndoError> {
        let failed = |path: &Path, source| UndoError::Remove {
            path: path.to_owned(),
            source,
        };
        match self.is_ours(&path) {
            Ok(Some(true)) => {}
            // Gone already, or somebody else's by now.
            Ok(None) => return Ok(()),
            Ok(Some(false)) => return Err(UndoError::Outside { path }),
            // What it would be in is gone already.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(&path, error)),
        }
        let target = path.clone();
        let removing = tokio::task::spawn_blocking(move || remove(&target));
        match tokio::time::timeout(LIMIT, removing).await {
            Ok(Ok(result)) => result.map_err(|source| failed(&path, source)),
            Ok(Err(panic)) => Err(failed(&path, io::Error::other(panic))),
            Err(_) => Err(UndoError::TookTooLong { limit: LIMIT }),
        }
    }

    /// Whether a path lies inside the run's directory or one of its scratch folders, links on the way resolved; or is a link beside
    /// the directory that leads into it. `None` for a place of such a link that holds nothing, or another run's link.
    fn is_ours(&self, path: &Path) -> io::Result<Option<bool>> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(Some(false));
        };
        if !path.is_absolute() {
            return Ok(Some(false));
        }
        let path = fs::canonicalize(parent)?.join(name);
        if path.parent() == self.place.dir.path().parent() && path != self.place.dir.path() {
            return match fs::read_link(&path) {
                Ok(target) => {
                    let leads_here = path.with_file_name(target).starts_with(self.place.dir.path());
                    Ok(leads_here.then_some(true))
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                // No link.
                Err(_) => Ok(Some(false)),
            };
        }
        let inside_run = path.starts_with(self.place.dir.path()) && path != self.place.dir.path();
        let first = path
            .strip_prefix(&self.temp)
            .ok()
            .and_then(|rest| rest.components().next());
        let prefix = scratch_prefix(&self.place.mark);
        let scratch = first.is_some_and(|first| first.as_os_str().to_string_lossy().starts_with(&prefix));
        Ok(Some(inside_run || scratch))
    }
}

/// What the names of a run's scratch folders begin with.
pub(crate) fn scratch_prefix(mark: &Mark) -> String {
    format!("throughline-{}-", mark.run)
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
