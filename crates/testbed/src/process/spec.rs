//! What to start, and how.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::processes;
use crate::run_dir::RunDir;
use crate::run_id::RunId;
use crate::text::shell;

/// The environment variable that names the run in every child, and in whatever the child starts.
pub const RUN_VARIABLE: &str = "THROUGHLINE_RUN";
/// The environment variable that holds the run's directory in every child: two checkouts may have a run of the same name.
pub const RUN_DIR_VARIABLE: &str = "THROUGHLINE_RUN_DIR";

/// The environment variable that holds a supervised process's own name.
pub const PROCESS_VARIABLE: &str = "THROUGHLINE_PROCESS";

/// What every child gets of our own environment; everything else is stated.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "TMPDIR", "LANG"];

/// A process to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSpec {
    pub(crate) name: String,
    program: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    dir: Option<PathBuf>,
    pub(crate) told: bool,
    pub(crate) grace: Duration,
}

impl ProcessSpec {
    /// How long a process has after SIGTERM unless told otherwise: the services flush their spans in that time.
    pub const GRACE: Duration = Duration::from_secs(5);

    /// A process with a name for people and the program that it runs, looked up on `PATH` unless it has a slash.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            dir: None,
            told: false,
            grace: Self::GRACE,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(key.into(), value.into());
        self
    }

    /// Sets variables of its environment.
    #[must_use]
    pub fn envs<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        env: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.env
            .extend(env.into_iter().map(|(key, value)| (key.into(), value.into())));
        self
    }

    /// Starts it in this folder instead of ours.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Tells each line that it prints as an event, besides logging it.
    #[must_use]
    pub const fn told(mut self) -> Self {
        self.told = true;
        self
    }

    /// How long it has after SIGTERM when the run undoes it.
    #[must_use]
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The command line, ready to be pasted into a shell, without its environment.
    #[must_use]
    pub fn command_line(&self) -> String {
        shell(self.program.as_os_str(), &self.args)
    }

    /// The folder it starts in, when it is not ours.
    pub(crate) fn start_dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// The child-to-be: a process group of its own, no stdin, both outputs piped, nothing inherited but the few.
    pub(crate) fn command(&self, mark: Option<&Mark>) -> Command {
        use std::os::unix::process::CommandExt;
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that makes children"
        )]
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear();
        let inherited = PASSED_ON
            .iter()
            .filter_map(|key| Some((OsStr::new(key), std::env::var_os(key)?)));
        command.envs(inherited).envs(&self.env);
        if let Some(mark) = mark {
            command
                .env(RUN_VARIABLE, mark.run.as_str())
                .env(RUN_DIR_VARIABLE, &mark.dir);
            command.env(PROCESS_VARIABLE, &self.name);
        }
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// What tells a run's processes from everybody else's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Mark {
    pub(crate) run: RunId,
    pub(crate) dir: PathBuf,
}

impl Mark {
    pub(crate) fn new(run: &RunId, dir: &RunDir) -> Self {
        Self {
            run: run.clone(),
            dir: dir.path().to_owned(),
        }
    }

    /// The marks that any process carries now.
    pub(crate) fn carried() -> HashSet<Self> {
        processes::all().into_iter().filter_map(Self::of).collect()
    }

    fn of(pid: i32) -> Option<Self> {
        let mut environment = processes::environment(pid)?;
        let run = String::from_utf8(environment.remove(RUN_VARIABLE.as_bytes())?).ok()?;
        let dir = OsString::from_vec(environment.remove(RUN_DIR_VARIABLE.as_bytes())?);
        Some(Self {
            run: run.parse().ok()?,
            dir: dir.into(),
        })
    }
}
