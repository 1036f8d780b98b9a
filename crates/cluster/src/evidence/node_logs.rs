//! What kind exports of its node: raw outside the evidence first, since secrets are in it, then without them.

use std::path::Path;

use testbed::{Deadline, Deed, Undo};

use super::shelf::{Piece, Shelf, redacted_copy};
use crate::kind::Kind;

/// The folder of the run directory that kind writes into.
const RAW: &str = "kind-export.raw";

/// A cluster that kind made, and the undo stack of the run that looks into it.
#[derive(Debug, Clone)]
pub struct NodeLogs {
    /// kind itself.
    pub kind: Kind,
    /// The cluster's name.
    pub cluster: String,
    /// Removes what kind wrote, when whoever collects is cut off or killed.
    pub undo: Undo,
}

/// Lets kind export, and keeps what came without its secrets: also when kind failed or took too long on the way.
pub(super) async fn collect(node: &NodeLogs, shelf: &Shelf, deadline: &Deadline) -> Vec<Piece> {
    let (raw, kept) = (shelf.run_dir.join(RAW), shelf.folder.join("kind"));
    let undo = node
        .undo
        .push("raw logs of the node", Deed::Remove { path: raw.clone() });
    let exported = match fresh(&raw) {
        Ok(()) => node.kind.export_logs(&node.cluster, &raw, deadline).await,
        Err(error) => return vec![Err(format!("kind's logs: {error}"))],
    };
    let exported = exported.map_err(|error| testbed::explain::chain(&error));
    let (from, to) = (raw.clone(), kept.clone());
    // Without the deadline: what is there is worth the moment that it takes, and is not kept raw instead.
    let redacting = tokio::task::spawn_blocking(move || {
        let copied = redacted_copy(&from, &to);
        (copied, std::fs::remove_dir_all(&from))
    });
    let (copied, removed) = match redacting.await {
        Ok((copied, removed)) => (copied, removed.map_err(|error| error.to_string())),
        Err(panic) => (Ok(()), Err(panic.to_string())),
    };
    // Otherwise it stays on the stack, to be tried again.
    if removed.is_ok() {
        node.undo.done(undo);
    }
    let reasons = [exported, copied.map_err(|error| error.to_string()), removed];
    // An empty folder explains nothing; it is as good as none.
    let any = kept.is_dir() && std::fs::remove_dir(&kept).is_err();
    let missing = if any {
        "a part of kind's logs"
    } else {
        "kind's logs"
    };
    let mut pieces: Vec<Piece> = reasons
        .into_iter()
        .filter_map(Result::err)
        .map(|reason| Err(format!("{missing}: {reason}")))
        .collect();
    if any {
        pieces.push(Ok(
            shelf.collected("logs of the node and of everything in it", &kept)
        ));
    }
    pieces
}

/// Makes a folder that only this user may look into, without what was left of an export that was cut off.
fn fresh(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::DirBuilder::new().mode(0o700).create(folder)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use testbed::{Probe, Run, wait};

    use super::*;
    use crate::testing::{executable, run, tools_in};

    /// A run whose kind writes a log with a secret and then does this.
    fn bed(folder: &Path, then: &str) -> (Run, NodeLogs, Shelf) {
        let log = r#"mkdir -p "$3/pods" && echo 'up with password=hunter2' >"$3/pods/0.log" || exit 9"#;
        executable(&folder.join("kind"), &format!("{log}\n{then}"));
        let tools = tools_in(folder);
        let (run, _events) = run(folder);
        let node = NodeLogs {
            kind: Kind::new(tools.find("kind", "test").unwrap()),
            cluster: "tl-7f3a".to_owned(),
            undo: run.undo().clone(),
        };
        let shelf = Shelf {
            folder: run.dir().file("evidence"),
            run_dir: run.dir().path().to_owned(),
        };
        (run, node, shelf)
    }

    /// The files below a folder that hold the secret.
    fn raw_below(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap();
        let found = entries.flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() {
                return raw_below(&path);
            }
            let text = std::fs::read(&path).unwrap_or_default();
            let raw = text.windows(7).any(|part| part == b"hunter2");
            raw.then_some(path).into_iter().collect()
        });
        found.collect()
    }

    fn told(pieces: &[Piece]) -> Vec<String> {
        let tell = |piece: &Piece| match piece {
            Ok(collected) => collected.path.display().to_string(),
            Err(reason) => reason.clone(),
        };
        pieces.iter().map(tell).collect()
    }

    async fn check(then: &str, limit: Duration, reason: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let (run, node, shelf) = bed(folder.path(), then);
        let told = told(&collect(&node, &shelf, &Deadline::after(limit)).await);
        assert_eq!(told.last().map(String::as_str), Some("evidence/kind"), "{told:?}");
        match reason {
            Some(reason) => {
                let told_so = told[0].starts_with("a part of kind's logs: ") && told[0].contains(reason);
                assert!(told.len() == 2 && told_so, "{told:?}");
            }
            None => assert_eq!(told.len(), 1, "{told:?}"),
        }
        let kept = std::fs::read_to_string(shelf.folder.join("kind/pods/0.log")).unwrap();
        assert_eq!(kept, "up with password=[redacted]\n");
        assert_eq!(raw_below(run.dir().path()), Vec::<PathBuf>::new());
        assert_eq!(run.undo().names(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn an_export_is_kept_without_secrets_however_it_ends() {
        let (generous, short) = (Duration::from_secs(60), Duration::from_millis(500));
        check("exit 0", generous, None).await;
        check("echo 'ERROR: no node' >&2; exit 1", generous, Some("no node")).await;
        check("exec sleep 600", short, Some("500 ms")).await;
    }

    #[tokio::test]
    async fn an_export_of_nothing_is_only_missing() {
        let folder = tempfile::tempdir().unwrap();
        let (_run, node, shelf) = bed(folder.path(), "rm -r \"$3/pods\"; exit 1");
        let pieces = collect(&node, &shelf, &Deadline::after(Duration::from_secs(60))).await;
        let told = told(&pieces);
        assert!(
            told.len() == 1 && told[0].starts_with("kind's logs: "),
            "{told:?}"
        );
        assert!(!shelf.folder.join("kind").exists());
    }

    #[tokio::test]
    async fn what_was_exported_when_the_collecting_was_cut_off_goes_with_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let (run, node, shelf) = bed(folder.path(), "exec sleep 600");
        let log = shelf.run_dir.join(RAW).join("pods/0.log");
        let deadline = Deadline::after(Duration::from_secs(60));
        let written = wait::until(&deadline, "the log", || async {
            match log.exists() {
                true => Probe::<(), std::convert::Infallible>::Ready(()),
                false => Probe::not_yet("not written"),
            }
        });
        tokio::select! {
            _ = collect(&node, &shelf, &deadline) => panic!("it hangs"),
            seen = written => seen.unwrap(),
        }
        assert_eq!(raw_below(&shelf.run_dir), [log]);
        assert!(run.finish().await.complete());
        assert_eq!(raw_below(&shelf.run_dir), Vec::<PathBuf>::new());
    }
}
