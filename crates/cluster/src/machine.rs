//! The machine that a run stands on, as far as others have to know of it: where to look, its processes, Telepresence's among them,
//! and its routing rules.

pub(crate) mod rules;

use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::Deadline;

pub(crate) use rules::{Rule, rules};

use crate::tool::ToolPath;

/// How long a look at the kernel's tables may take; usually it is a few milliseconds.
const LIMIT: Duration = Duration::from_secs(2);

/// Where a machine is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its `/proc`.
    pub proc: PathBuf,
    /// Its `/dev/net/tun`.
    pub tun: PathBuf,
    /// Its `/.dockerenv`.
    pub dockerenv: PathBuf,
    /// Whether we are root on it.
    pub root: bool,
}

impl Machine {
    /// The machine that this runs on.
    #[must_use]
    pub fn this() -> Self {
        Self {
            proc: "/proc".into(),
            tun: "/dev/net/tun".into(),
            dockerenv: "/.dockerenv".into(),
            root: rustix::process::geteuid().is_root(),
        }
    }
}

/// The processes in this `/proc`, with their folders.
pub(crate) fn processes(proc: &Path) -> impl Iterator<Item = (u32, PathBuf)> {
    let entries = std::fs::read_dir(proc).into_iter().flatten().flatten();
    entries.filter_map(|one| Some((one.file_name().to_str()?.parse().ok()?, one.path())))
}

/// Whether this is one of Telepresence's daemons: `telepresence userd …`, and the names of others.
pub(crate) fn is_daemon(process: &Path) -> bool {
    let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line);
    let mut words = line.split('\0');
    let program = words
        .next()
        .and_then(|program| program.rsplit('/').next())
        .unwrap_or_default();
    let daemons = ["userd", "rootd", "connector-foreground", "daemon-foreground"];
    program.starts_with("telepresence") && words.any(|word| daemons.contains(&word))
}

/// How a tool is called that needs root: as it is by root, by others through `sudo`, which must not ask for a password.
pub(crate) fn with_rights<'a>(
    root: bool,
    tool: &'static str,
    args: impl IntoIterator<Item = &'a str>,
) -> (&'static str, Vec<&'a str>) {
    if root {
        (tool, args.into_iter().collect())
    } else {
        ("sudo", ["-n", tool].into_iter().chain(args).collect())
    }
}

/// What a tool says; `None` when it is not there, fails or takes too long.
pub(crate) async fn answer(tools: &ToolPath, tool: &'static str, args: &[&str]) -> Option<String> {
    let tool = tools.find(tool, "look at the network").ok()?;
    let answer = tool.call(args).run(&Deadline::after(LIMIT)).await.ok()?;
    Some(answer.success().ok()?.text())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/usr/local/bin/telepresence\0userd\0--embed-network\0", true)]
    #[case("telepresence\0daemon-foreground\0/var/log\0", true)]
    #[case("telepresence\0status\0", false)]
    #[case("vim\0userd\0", false)]
    #[case("", false)]
    fn daemons_are_known_by_their_command_line(#[case] line: &str, #[case] daemon: bool) {
        let process = tempfile::tempdir().unwrap();
        std::fs::write(process.path().join("cmdline"), line).unwrap();
        assert_eq!(is_daemon(process.path()), daemon);
    }
}
