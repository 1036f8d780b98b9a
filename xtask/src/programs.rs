//! The programs that the environment on Kubernetes drives, and whether they are there: on `PATH`, downloaded by an earlier run, or
//! allowed to be downloaded.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// All of them, with those that can be downloaded told apart.
const FOR_KIND: [(&str, bool); 3] = [("docker", false), ("kind", true), ("telepresence", true)];

/// Where they are looked for.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    path: OsString,
    /// Where the harness puts what it downloads, and finds it again.
    tools: PathBuf,
    may_download: bool,
}

impl Programs {
    /// Those of this machine, for a command with these arguments.
    pub(crate) fn here(args: &[OsString]) -> Self {
        let executable = std::env::current_exe().unwrap_or_default();
        Self::of(args, |name| std::env::var_os(name), &executable)
    }

    /// The places are those of `throughline` itself: `tools` in the folder of the run directories, which is beside the folder that cargo
    /// puts this program in.
    fn of(args: &[OsString], lookup: impl Fn(&str) -> Option<OsString>, executable: &Path) -> Self {
        let root = value_of("--root", args)
            .map(PathBuf::from)
            .or_else(|| lookup("THROUGHLINE_ROOT").map(PathBuf::from));
        let target = executable.parent().and_then(Path::parent);
        let root = root.unwrap_or_else(|| target.unwrap_or(Path::new("target")).join("throughline"));
        Self {
            path: lookup("PATH").unwrap_or_default(),
            tools: root.join("tools"),
            may_download: ours(args).any(|arg| arg == "--download"),
        }
    }

    /// `PATH` with what was downloaded behind it, for those who look nowhere else. What is on `PATH` comes first, as it does for
    /// `throughline` itself.
    ///
    /// # Errors
    ///
    /// When the folder of the downloads has a name that `PATH` can't hold.
    pub(crate) fn search_path(&self) -> Result<OsString, std::env::JoinPathsError> {
        std::env::join_paths(std::env::split_paths(&self.path).chain([self.tools.clone()]))
    }

    /// The first that is not there and will not be.
    pub(crate) fn lacking(&self) -> Option<&'static str> {
        let there = |program: &str, can_be_downloaded: bool| {
            let downloaded = || self.may_download || self.tools.join(program).is_file();
            std::env::split_paths(&self.path).any(|folder| folder.join(program).is_file())
                || can_be_downloaded && downloaded()
        };
        let mut lacking = FOR_KIND.into_iter();
        lacking
            .find(|&(program, can_be_downloaded)| !there(program, can_be_downloaded))
            .map(|(program, _)| program)
    }
}

/// What follows a flag: `--env kind` or `--env=kind`.
pub(crate) fn value_of<'a>(flag: &str, args: &'a [OsString]) -> Option<&'a str> {
    ours(args).enumerate().find_map(|(index, arg)| {
        let arg = arg.to_str()?;
        if arg == flag {
            return args.get(index + 1)?.to_str();
        }
        arg.strip_prefix(flag)?.strip_prefix('=')
    })
}

/// What comes after `--` belongs to another program.
fn ours(args: &[OsString]) -> impl Iterator<Item = &OsStr> {
    args.iter()
        .map(OsString::as_os_str)
        .take_while(|arg| *arg != "--")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine with some programs on `PATH` and some that were downloaded into `target/throughline/tools`.
    struct Machine(tempfile::TempDir);

    impl Machine {
        fn with(on_path: &[&str], downloaded: &[&str]) -> Self {
            let machine = Self(tempfile::tempdir().unwrap());
            for (folder, programs) in [("bin", on_path), ("target/throughline/tools", downloaded)] {
                let folder = machine.0.path().join(folder);
                std::fs::create_dir_all(&folder).unwrap();
                for program in programs {
                    std::fs::write(folder.join(program), "").unwrap();
                }
            }
            machine
        }

        fn lacks(&self, args: &str, root: Option<&str>) -> Option<&'static str> {
            self.programs(args, root).lacking()
        }

        fn programs(&self, args: &str, root: Option<&str>) -> Programs {
            let args: Vec<OsString> = args.split_whitespace().map(OsString::from).collect();
            let lookup = |name: &str| match name {
                "PATH" => Some(self.0.path().join("bin").into_os_string()),
                "THROUGHLINE_ROOT" => root.map(|root| self.0.path().join(root).into_os_string()),
                _ => None,
            };
            Programs::of(&args, lookup, &self.0.path().join("target/debug/xtask"))
        }
    }

    #[test]
    fn a_program_is_there_on_path_or_when_it_was_downloaded_once() {
        let machine = Machine::with(&["docker", "kind", "telepresence"], &[]);
        assert_eq!(machine.lacks("", None), None);
        let machine = Machine::with(&["docker", "kind"], &["telepresence"]);
        assert_eq!(machine.lacks("", None), None);
        let machine = Machine::with(&["docker"], &["kind"]);
        assert_eq!(machine.lacks("", None), Some("telepresence"));
        let machine = Machine::with(&["docker"], &[]);
        assert_eq!(machine.lacks("", None), Some("kind"));
    }

    #[test]
    fn docker_is_not_downloaded() {
        let machine = Machine::with(&["kind", "telepresence"], &["docker"]);
        assert_eq!(machine.lacks("--download", None), Some("docker"));
    }

    #[test]
    fn what_may_be_downloaded_is_not_lacking() {
        let machine = Machine::with(&["docker"], &[]);
        assert_eq!(machine.lacks("--download", None), None);
        assert_eq!(machine.lacks("-- tool --download", None), Some("kind"));
    }

    #[test]
    fn downloads_are_looked_for_where_the_run_directories_are_said_to_be() {
        let machine = Machine::with(&["docker"], &["kind", "telepresence"]);
        assert_eq!(machine.lacks("", Some("elsewhere")), Some("kind"));
        let root = machine.0.path().join("target/throughline");
        let flag = format!("--root {}", root.display());
        assert_eq!(machine.lacks(&flag, Some("elsewhere")), None, "the flag wins");
    }

    #[test]
    fn those_who_look_on_path_alone_find_a_download_behind_what_is_there() {
        let machine = Machine::with(&["docker", "kind"], &["kind", "telepresence"]);
        let path = machine.programs("", None).search_path().unwrap();
        let found = |program: &str| {
            let at = std::env::split_paths(&path)
                .map(|folder| folder.join(program))
                .find(|at| at.is_file());
            at.unwrap().strip_prefix(machine.0.path()).unwrap().to_owned()
        };
        assert_eq!(found("kind"), Path::new("bin/kind"));
        assert_eq!(
            found("telepresence"),
            Path::new("target/throughline/tools/telepresence")
        );
    }
}
