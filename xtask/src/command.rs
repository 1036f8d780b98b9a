//! Running other programs: the only place in this crate that starts one.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::Context;

use crate::interrupt::{self, Relayed};

/// A program with its arguments, as it is echoed and run.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    program: OsString,
    args: Vec<OsString>,
    unseen: Vec<&'static str>,
    variables: Vec<(&'static str, OsString)>,
    folder: Option<PathBuf>,
}

impl Invocation {
    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        let program = program.into();
        Self {
            program,
            args: Vec::new(),
            unseen: Vec::new(),
            variables: Vec::new(),
            folder: None,
        }
    }

    /// The cargo that runs this program, so that a chosen toolchain stays chosen.
    pub(crate) fn cargo() -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    pub(crate) fn args<I>(mut self, args: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// An argument that changes how the program talks to us and not what it does; it is left out of the echo.
    pub(crate) fn unseen(mut self, argument: &'static str) -> Self {
        self.unseen.push(argument);
        self
    }

    /// Sets a variable.
    pub(crate) fn variable(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Sets a variable unless the caller's environment has it: what a person says wins.
    pub(crate) fn default_variable(self, name: &'static str, value: impl Into<OsString>) -> Self {
        if std::env::var_os(name).is_some() {
            self
        } else {
            self.variable(name, value)
        }
    }

    /// Runs in this folder instead of the caller's.
    pub(crate) fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Echoes the command and replaces this process by it, so that its signals and its exit code are the caller's
    /// own business. Comes back only when the program could not be started.
    pub(crate) fn exec(&self) -> anyhow::Error {
        self.echo();
        anyhow::Error::new(self.command().exec()).context(format!("could not start `{self}`"))
    }

    /// Echoes the command, runs it and lets it speak for itself.
    pub(crate) fn run(&self) -> anyhow::Result<Outcome> {
        self.echo();
        let mut running = self.spawn(Stdio::inherit(), Stdio::inherit())?;
        Ok(Outcome::of(running.child.wait()?))
    }

    /// Echoes the command and runs it; `on_line` sees each line of its standard output before it is passed on.
    pub(crate) fn run_reading(&self, mut on_line: impl FnMut(&str)) -> anyhow::Result<Outcome> {
        self.echo();
        let mut running = self.spawn(Stdio::piped(), Stdio::inherit())?;
        let output = running
            .child
            .stdout
            .take()
            .context("standard output was asked for and is not there")?;
        each_line(output, |line| {
            on_line(&String::from_utf8_lossy(line));
            print(line)
        })?;
        Ok(Outcome::of(running.child.wait()?))
    }

    /// Runs it and gives back its standard output. Echo and standard error appear only once there is something to
    /// say: standard error up to the first line that `is_news` is held back.
    pub(crate) fn run_quietly(
        &self,
        is_news: impl Fn(&str) -> bool + Send,
    ) -> anyhow::Result<(Outcome, Vec<u8>)> {
        let mut running = self.spawn(Stdio::piped(), Stdio::piped())?;
        let errors = running
            .child
            .stderr
            .take()
            .context("standard error was asked for and is not there")?;
        let mut output = running
            .child
            .stdout
            .take()
            .context("standard output was asked for and is not there")?;
        let mut collected = Vec::new();
        std::thread::scope(|scope| {
            let story = scope.spawn(move || {
                let mut quiet = true;
                each_line(errors, |line| {
                    if quiet && is_news(&String::from_utf8_lossy(line)) {
                        quiet = false;
                        self.echo();
                    }
                    if quiet {
                        Ok(())
                    } else {
                        std::io::stderr().write_all(line)
                    }
                })
            });
            output.read_to_end(&mut collected)?;
            story
                .join()
                .map_err(|_| anyhow::anyhow!("the reader of standard error panicked"))??;
            anyhow::Ok(())
        })?;
        Ok((Outcome::of(running.child.wait()?), collected))
    }

    /// Runs it without an echo and gives back its standard output when it succeeds.
    pub(crate) fn capture(&self) -> anyhow::Result<Vec<u8>> {
        let output = self
            .command()
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("could not start `{self}`"))?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "`{self}` failed: {}", complaint.trim());
        Ok(output.stdout)
    }

    fn echo(&self) {
        say(&format!("$ {self}"));
    }

    /// Starts it without standard input: it is not in the terminal's foreground group and would be stopped for reading.
    fn spawn(&self, output: Stdio, errors: Stdio) -> anyhow::Result<Relayed> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        interrupt::spawn(&mut command).with_context(|| format!("could not start `{self}`"))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of xtask that starts programs"
    )]
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).args(&self.unseen);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

/// The command in a form that can be pasted into a shell.
impl fmt::Display for Invocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            write!(formatter, "{name}={} ", quoted(value))?;
        }
        let is_cargo = std::env::var_os("CARGO").is_some_and(|cargo| cargo == self.program);
        let program = if is_cargo {
            Path::new("cargo")
        } else {
            Path::new(&self.program)
        };
        let here = std::env::current_dir().ok();
        let near = here.and_then(|here| program.strip_prefix(here).ok());
        write!(formatter, "{}", quoted(near.unwrap_or(program).as_os_str()))?;
        self.args
            .iter()
            .try_for_each(|argument| write!(formatter, " {}", quoted(argument)))
    }
}

/// A word as a POSIX shell takes it.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_=./:,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// How a program ended, as the exit code that a shell would show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome(u8);

impl Outcome {
    pub(crate) const SUCCESS: Self = Self(0);
    /// Something that was asked for did not hold.
    pub(crate) const FAILURE: Self = Self(1);
    /// What was asked for makes no sense.
    pub(crate) const USAGE: Self = Self(2);

    /// Ended by a signal, as a shell shows it.
    pub(crate) fn signal(signal: i32) -> Self {
        Self(u8::try_from(128 + signal).unwrap_or(1))
    }

    pub(crate) fn is_success(self) -> bool {
        self == Self::SUCCESS
    }

    fn of(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self(u8::try_from(code).unwrap_or(1)),
            (None, Some(signal)) => Self::signal(signal),
            (None, None) => Self::FAILURE,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "exit code {}", self.0)
    }
}

impl From<Outcome> for ExitCode {
    fn from(Outcome(code): Outcome) -> Self {
        Self::from(code)
    }
}

/// Tells the story on standard error; whoever closed it does not want to hear it.
pub(crate) fn say(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Whether colours may be used on standard error.
pub(crate) fn colours_wanted() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Writes a result to standard output. A reader that went away is no reason to stop what is running.
pub(crate) fn print(bytes: &[u8]) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn each_line(stream: impl Read, mut handle: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        handle(&line)?;
        line.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Invocation {
        Invocation::new("sh").args(["-c", script])
    }

    #[test]
    fn a_command_is_echoed_in_a_form_that_can_be_pasted() {
        let invocation = Invocation::new("cargo")
            .args(["test", "it's one", "", "--env=x"])
            .unseen("--machine");
        assert_eq!(invocation.to_string(), r"cargo test 'it'\''s one' '' --env=x");
        let invocation = Invocation::new("cargo")
            .variable("FLAGS", "-D warnings")
            .args(["doc"]);
        assert_eq!(invocation.to_string(), "FLAGS='-D warnings' cargo doc");
    }

    #[test]
    fn an_exit_code_is_passed_on_exactly() {
        assert_eq!(shell("exit 13").run().expect("sh runs"), Outcome(13));
    }

    #[test]
    fn death_by_signal_is_shown_as_a_shell_would() {
        assert_eq!(shell("kill -TERM $$").run().expect("sh runs"), Outcome(128 + 15));
    }

    #[test]
    fn a_program_that_does_not_exist_is_named() {
        let error = Invocation::new("no-such-program")
            .run()
            .expect_err("it does not exist");
        assert!(format!("{error:#}").contains("no-such-program"), "{error:#}");
    }

    #[test]
    fn a_failed_capture_carries_the_complaint() {
        let error = shell("echo no luck >&2; exit 3")
            .capture()
            .expect_err("it failed");
        assert!(error.to_string().contains("no luck"), "{error}");
    }

    #[test]
    fn standard_output_is_collected_while_standard_error_is_full() {
        let line = "x".repeat(64);
        let script = format!("i=0; while [ $i -lt 3000 ]; do echo {line} >&2; i=$((i+1)); done; echo done");
        let (outcome, output) = shell(&script).run_quietly(|_| false).expect("sh runs");
        assert_eq!(
            (outcome, output.as_slice()),
            (Outcome::SUCCESS, b"done\n".as_slice())
        );
    }

    #[test]
    fn a_child_has_no_standard_input_to_wait_for() {
        assert_eq!(shell("read line; exit $?").run().expect("sh runs"), Outcome(1));
    }
}
