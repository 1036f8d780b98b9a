//! The part of Telepresence that needs root. For root it is within the user's daemon; for everybody else it is a process of its own,
//! started by `sudo`, which takes away our marks from it: it is known by its command line, where the cache of the run stands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::{Deadline, Deed};

use super::TelepresenceError;
use crate::machine::Machine;
use crate::tool::ToolPath;

/// How long ending it may take: usually far less than a second.
const LIMIT: Duration = Duration::from_secs(20);

/// Ends the daemons of one cache. `$1` is the cache, `$2` the folder of processes, `$3` for how many tenths of a second they may put
/// their things in order before they are killed.
const SCRIPT: &str = r#"
cache=$1; proc=$2; patience=$3
daemons() {
  for one in $(grep -lzxF -- "$cache" "$proc"/[0-9]*/cmdline 2>/dev/null); do
    grep -qzxE 'rootd|daemon-foreground' "$one" 2>/dev/null && expr "$one" : '.*/\([0-9]*\)/cmdline'
  done
}
within() {
  turns=$1
  while [ -n "$(daemons)" ]; do
    [ "$turns" -gt 0 ] || return 1
    turns=$((turns - 1))
    sleep 0.1
  done
}
[ -n "$(daemons)" ] || exit 0
if [ "$patience" -gt 0 ]; then
  sudo -n kill -TERM $(daemons)
  within "$patience" && exit 0
fi
sudo -n kill -KILL $(daemons)
within 100
"#;

/// How its end is brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It may take its rules and its device away, and is killed when it does not end.
    Asked,
    /// As by `kill -9`.
    Killed,
}

/// What ends the one that works with this cache, also from another process; fine when there is none. For root there never is one.
pub(super) fn deed(tools: &ToolPath, machine: &Machine, cache: &Path) -> Option<Deed> {
    (!machine.root).then(|| Deed::Command {
        program: PathBuf::from("/bin/sh"),
        args: args(machine, cache, End::Asked),
        env: BTreeMap::from([("PATH".to_owned(), tools.path().to_string_lossy().into_owned())]),
        limit: LIMIT,
    })
}

/// Kills it, as `kill -9` does.
///
/// # Errors
/// It is still there, for instance because `sudo` wants a password.
pub(super) async fn kill(
    tools: &ToolPath,
    machine: &Machine,
    cache: &Path,
    deadline: &Deadline,
) -> Result<(), TelepresenceError> {
    if machine.root {
        return Ok(());
    }
    let shell = tools.find("sh", "kill Telepresence's root daemon")?;
    let answer = shell
        .call(args(machine, cache, End::Killed))
        .run(deadline)
        .await?;
    answer.success()?;
    Ok(())
}

fn args(machine: &Machine, cache: &Path, end: End) -> Vec<String> {
    let patience = match end {
        End::Asked => "50",
        End::Killed => "0",
    };
    let [cache, proc] = [cache, &machine.proc].map(|path| path.display().to_string());
    ["-c", SCRIPT, "sh", &cache, &proc, patience]
        .map(str::to_owned)
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{executable, run, tools_in};

    /// A machine with two root daemons and a user's one, and a `sudo` that notes what it is called with. A process is gone once it
    /// got the signal that ends it here.
    struct Bed {
        folder: tempfile::TempDir,
        tools: ToolPath,
        machine: Machine,
        cache: PathBuf,
    }

    impl Bed {
        fn new(ended_by: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let proc = folder.path().join("proc");
            let cache = folder.path().join("cache");
            let process = |pid: u32, line: String| {
                std::fs::create_dir_all(proc.join(pid.to_string())).unwrap();
                std::fs::write(proc.join(format!("{pid}/cmdline")), line).unwrap();
            };
            let cache_text = cache.display();
            process(
                41,
                format!("telepresence\0rootd\0--cache\0{cache_text}\0--address\0:1\0"),
            );
            process(
                42,
                format!("telepresence\0rootd\0--cache\0{cache_text}-of-another\0"),
            );
            process(43, format!("sh\0-c\0about rootd\0{cache_text}\0"));
            let script = format!(
                "echo \"$*\" >>{log}\n[ \"$3\" = {ended_by} ] || exit 0\n\
                 shift 3; for pid; do rm {proc}/$pid/cmdline; done",
                log = folder.path().join("calls").display(),
                proc = proc.display(),
            );
            executable(&folder.path().join("sudo"), &script);
            let tools = tools_in(folder.path());
            let machine = Machine {
                proc,
                root: false,
                ..Machine::this()
            };
            Self {
                folder,
                tools,
                machine,
                cache,
            }
        }

        async fn kill(&self) -> Result<(), TelepresenceError> {
            let deadline = Deadline::after(Duration::from_secs(60));
            kill(&self.tools, &self.machine, &self.cache, &deadline).await
        }

        fn calls(&self) -> String {
            std::fs::read_to_string(self.folder.path().join("calls")).unwrap_or_default()
        }
    }

    #[tokio::test]
    async fn only_the_one_of_our_cache_is_killed_and_at_once() {
        let bed = Bed::new("-KILL");
        bed.kill().await.unwrap();
        assert_eq!(bed.calls(), "-n kill -KILL 41\n");
        bed.kill().await.unwrap();
        assert_eq!(bed.calls().lines().count(), 1, "nothing is left to kill");
    }

    #[tokio::test]
    async fn the_undo_asks_it_first() {
        let bed = Bed::new("-TERM");
        let deed = deed(&bed.tools, &bed.machine, &bed.cache).unwrap();
        let (run, _events) = run(bed.folder.path());
        run.undo().push("root daemon", deed);
        let report = run.finish().await;
        assert!(report.complete(), "{report:?}");
        assert_eq!(bed.calls(), "-n kill -TERM 41\n");
    }

    #[tokio::test]
    async fn root_has_none() {
        let mut bed = Bed::new("-KILL");
        bed.machine.root = true;
        bed.kill().await.unwrap();
        assert!(deed(&bed.tools, &bed.machine, &bed.cache).is_none());
        assert_eq!(bed.calls(), "");
    }
}
