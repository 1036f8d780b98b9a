//! Running other programs: the only place in this crate that starts one.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use anyhow::Context;

/// A program with its arguments, as it is echoed and run.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    program: OsString,
    args: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    folder: Option<PathBuf>,
}

impl Invocation {
    pub(crate) fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
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

    /// Sets a variable unless the caller's environment has it: what a person says wins.
    pub(crate) fn default_variable(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        if std::env::var_os(name).is_none() {
            self.variables.push((name, value.into()));
        }
        self
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

    /// Echoes the command and runs it; `on_line` sees each line of its standard output before it is passed on.
    pub(crate) fn run_reading(&self, mut on_line: impl FnMut(&str)) -> anyhow::Result<Outcome> {
        self.echo();
        let mut child = self.spawn(Stdio::piped(), Stdio::inherit())?;
        let output = child
            .stdout
            .take()
            .context("standard output was asked for and is not there")?;
        each_line(output, |line| {
            on_line(&String::from_utf8_lossy(line));
            print(line)
        })?;
        Ok(Outcome::of(child.wait()?))
    }

    /// Runs it and gives back its standard output. Echo and standard error appear only once there is something to
    /// say: standard error up to the first line that `is_news` is held back.
    pub(crate) fn run_quietly(
        &self,
        is_news: impl Fn(&str) -> bool + Send,
    ) -> anyhow::Result<(Outcome, Vec<u8>)> {
        let mut child = self.spawn(Stdio::piped(), Stdio::piped())?;
        let errors = child
            .stderr
            .take()
            .context("standard error was asked for and is not there")?;
        let mut output = child
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
        Ok((Outcome::of(child.wait()?), collected))
    }

    fn echo(&self) {
        say(&format!("$ {self}"));
    }

    fn spawn(&self, output: Stdio, errors: Stdio) -> anyhow::Result<Child> {
        self.command()
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("could not start `{self}`"))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of xtask that starts programs"
    )]
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

/// The command in a form that can be pasted into a shell.
impl fmt::Display for Invocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cargo = std::env::var_os("CARGO").is_some_and(|cargo| cargo == self.program);
        let program = if cargo { OsStr::new("cargo") } else { &self.program };
        for (name, value) in &self.variables {
            write!(formatter, "{name}={} ", quoted(value))?;
        }
        write!(formatter, "{}", quoted(program))?;
        for argument in &self.args {
            write!(formatter, " {}", quoted(argument))?;
        }
        Ok(())
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
    /// What was asked for makes no sense.
    pub(crate) const USAGE: Self = Self(2);

    pub(crate) fn is_success(self) -> bool {
        self == Self::SUCCESS
    }

    fn of(status: ExitStatus) -> Self {
        let code = status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal))
            .unwrap_or(1);
        Self(u8::try_from(code).unwrap_or(1))
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

/// Writes a result to standard output.
pub(crate) fn print(bytes: &[u8]) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(bytes)?;
    output.flush()
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
        let invocation = Invocation::new("cargo").args(["test", "it's one", "", "--env=x"]);
        assert_eq!(invocation.to_string(), r"cargo test 'it'\''s one' '' --env=x");
    }

    #[test]
    fn an_exit_code_is_passed_on_exactly() {
        let outcome = shell("exit 13").run_reading(|_| ()).expect("sh runs");
        assert_eq!(outcome, Outcome(13));
    }

    #[test]
    fn death_by_signal_is_shown_as_a_shell_would() {
        let outcome = shell("kill -TERM $$").run_reading(|_| ()).expect("sh runs");
        assert_eq!(outcome, Outcome(128 + 15));
    }

    #[test]
    fn standard_output_is_collected_while_standard_error_is_full() {
        let script = "i=0; while [ $i -lt 3000 ]; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx >&2; i=$((i+1)); done; echo done";
        let (outcome, output) = shell(script).run_quietly(|_| false).expect("sh runs");
        assert_eq!(
            (outcome, output.as_slice()),
            (Outcome::SUCCESS, b"done\n".as_slice())
        );
    }
}
