//! gdb over its machine interface (`-i=mi3`), in all-stop mode with asynchronous commands.

mod record;

use std::collections::VecDeque;

use testbed::{Deadline, Process, ProcessSpec, Run};

use crate::adapter::{Adapter, GRACE};
use crate::error::DebugError;
use crate::lines::Lines;
use crate::target::{Breakpoint, Launch, Stop};
use crate::tool::Tool;
use record::{Record, Tuple, text};

/// Settings of every session. Some are younger than some gdb: who does not know one has no need of it.
const SETTINGS: [&str; 5] = [
    "mi-async on",
    "confirm off",
    "pagination off",
    // To switch it off takes a system call that containers forbid.
    "disable-randomization off",
    "debuginfod enabled off",
];

/// A session with gdb.
#[derive(Debug)]
pub(crate) struct Mi {
    adapter: Adapter<Record>,
    token: u64,
    launched: bool,
    running: bool,
    pid: Option<u32>,
    stops: VecDeque<Tuple>,
    ended: Option<String>,
    lines: Lines,
    breakpoints: Vec<String>,
}

impl Mi {
    pub(crate) async fn launch(
        run: &Run,
        tool: &Tool,
        name: &str,
        launch: &Launch,
        deadline: &Deadline,
    ) -> Result<Self, DebugError> {
        // What gdb runs has gdb's environment.
        let spec = ProcessSpec::new(name, tool.program()).envs(&launch.env);
        let mut session = Self::begin(run, tool, spec, deadline).await?;
        session.launched = true;
        let doing = "load the program";
        let program = record::quote(&launch.program.to_string_lossy());
        let load = format!("-file-exec-and-symbols {program}");
        session.ask(&load, doing, deadline).await?;
        if let Some(dir) = &launch.dir {
            let dir = record::quote(&dir.to_string_lossy());
            session
                .ask(&format!("-environment-cd {dir}"), doing, deadline)
                .await?;
        }
        if !launch.args.is_empty() {
            // gdb starts the program through a shell, which turns into it.
            let args: Vec<String> = launch
                .args
                .iter()
                .map(|arg| testbed::text::quote(arg.as_ref()))
                .collect();
            let arguments = format!("-exec-arguments {}", args.join(" "));
            session.ask(&arguments, doing, deadline).await?;
        }
        Ok(session)
    }

    pub(crate) async fn attach(
        run: &Run,
        tool: &Tool,
        name: &str,
        pid: u32,
        deadline: &Deadline,
    ) -> Result<Self, DebugError> {
        let mut session = Self::begin(run, tool, ProcessSpec::new(name, tool.program()), deadline).await?;
        let attach = format!("-target-attach {pid}");
        session.ask(&attach, "attach", deadline).await?;
        session.pid = Some(pid);
        Ok(session)
    }

    async fn begin(
        run: &Run,
        tool: &Tool,
        spec: ProcessSpec,
        deadline: &Deadline,
    ) -> Result<Self, DebugError> {
        let spec = spec.args(["-q", "-nx", "-i=mi3"]);
        let mut session = Self {
            adapter: Adapter::start(run, tool.to_string(), spec, record::read)?,
            token: 0,
            launched: false,
            running: false,
            pid: None,
            stops: VecDeque::new(),
            ended: None,
            lines: Lines::default(),
            breakpoints: Vec::new(),
        };
        for setting in SETTINGS {
            let set = format!("-gdb-set {setting}");
            match session.ask(&set, "begin", deadline).await {
                Ok(_) | Err(DebugError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(session)
    }

    pub(crate) async fn break_at(
        &mut self,
        breakpoint: &Breakpoint,
        deadline: &Deadline,
    ) -> Result<(), DebugError> {
        let condition = breakpoint.condition.as_ref();
        let condition = condition.map_or_else(String::new, |condition| {
            format!("-c {} ", record::quote(condition))
        });
        let place = record::quote(&format!("{}:{}", breakpoint.file.display(), breakpoint.line));
        let insert = format!("-break-insert {condition}{place}");
        let placed = match self.ask(&insert, "set a breakpoint", deadline).await {
            Ok(placed) => placed,
            Err(DebugError::Refused { message, .. }) => {
                return Err(DebugError::NotPlaced {
                    file: breakpoint.file.clone(),
                    line: breakpoint.line,
                    message: Some(message),
                });
            }
            Err(error) => return Err(error),
        };
        if let Some(number) = text(&placed, &["bkpt", "number"]) {
            self.breakpoints.push(number.to_owned());
        }
        let line = text(&placed, &["bkpt", "line"]).and_then(|line| line.parse().ok());
        match line {
            Some(got) if got != breakpoint.line => Err(DebugError::Moved {
                file: breakpoint.file.clone(),
                asked: breakpoint.line,
                got,
            }),
            _ => Ok(()),
        }
    }

    pub(crate) async fn go(&mut self, deadline: &Deadline) -> Result<u32, DebugError> {
        let doing = "let the program run";
        // To attach is a stop as well, and not one that somebody waits for.
        self.stops.clear();
        let command = if self.launched {
            "-exec-run"
        } else {
            "-exec-continue"
        };
        self.ask(command, doing, deadline).await?;
        loop {
            if let Some(pid) = self.pid {
                return Ok(pid);
            }
            self.hear("tell the program's pid", deadline).await?;
        }
    }

    pub(crate) async fn line<T>(
        &mut self,
        deadline: &Deadline,
        matches: &mut impl FnMut(&str) -> Option<T>,
    ) -> Result<T, DebugError> {
        let doing = "pass on the expected line";
        loop {
            if let Some(found) = self.lines.find(matches) {
                return Ok(found);
            }
            self.unless_ended(doing)?;
            self.hear(doing, deadline).await?;
        }
    }

    pub(crate) async fn stopped(&mut self, deadline: &Deadline) -> Result<Stop, DebugError> {
        let doing = "stop at the breakpoint";
        let stopped = loop {
            if let Some(stopped) = self.stops.pop_front() {
                break stopped;
            }
            self.unless_ended(doing)?;
            self.hear(doing, deadline).await?;
        };
        let reason = text(&stopped, &["reason"]).unwrap_or_default();
        if reason != "breakpoint-hit" {
            let signal = text(&stopped, &["signal-name"]).unwrap_or_default();
            return Err(DebugError::OtherStop {
                reason: format!("{reason} {signal}").trim().to_owned(),
            });
        }
        let number = |path: &[&str]| text(&stopped, path).and_then(|number| number.parse::<i64>().ok());
        let Some(thread) = number(&["thread-id"]) else {
            return Err(self.adapter.babble("a stop without a thread"));
        };
        let line = text(&stopped, &["frame", "line"]).and_then(|line| line.parse().ok());
        Ok(Stop {
            thread,
            frame: 0,
            function: text(&stopped, &["frame", "func"]).unwrap_or_default().to_owned(),
            file: text(&stopped, &["frame", "fullname"]).unwrap_or_default().into(),
            line: line.unwrap_or(0),
        })
    }

    pub(crate) async fn integer(
        &mut self,
        stop: &Stop,
        expression: &str,
        deadline: &Deadline,
    ) -> Result<i64, DebugError> {
        let found = self.evaluate(stop, expression, deadline).await?;
        found.parse().map_err(|_| DebugError::Value {
            expression: expression.to_owned(),
            wanted: "a whole number",
            found,
        })
    }

    pub(crate) async fn text(
        &mut self,
        stop: &Stop,
        name: &str,
        deadline: &Deadline,
    ) -> Result<String, DebugError> {
        let found = self.evaluate(stop, name, deadline).await?;
        match record::unquote(&found) {
            Some((text, "")) => Ok(text),
            _ => Err(DebugError::Value {
                expression: name.to_owned(),
                wanted: "a text",
                found,
            }),
        }
    }

    async fn evaluate(
        &mut self,
        stop: &Stop,
        expression: &str,
        deadline: &Deadline,
    ) -> Result<String, DebugError> {
        let (thread, frame) = (stop.thread, stop.frame);
        let quoted = record::quote(expression);
        let command = format!("-data-evaluate-expression --thread {thread} --frame {frame} {quoted}");
        let doing = format!("evaluate `{expression}`");
        let answer = self.ask(&command, &doing, deadline).await?;
        Ok(text(&answer, &["value"]).unwrap_or_default().to_owned())
    }

    pub(crate) async fn clear(&mut self, deadline: &Deadline) -> Result<(), DebugError> {
        for number in std::mem::take(&mut self.breakpoints) {
            let delete = format!("-break-delete {number}");
            self.ask(&delete, "take breakpoints away", deadline).await?;
        }
        Ok(())
    }

    pub(crate) async fn resume(&mut self, _: &Stop, deadline: &Deadline) -> Result<(), DebugError> {
        let doing = "let the program go on";
        self.ask("-exec-continue", doing, deadline).await.map(drop)
    }

    pub(crate) async fn end(&mut self, kill: bool, deadline: &Deadline) -> Result<(), DebugError> {
        let left = self.leave(kill, deadline).await;
        self.adapter.end(GRACE).await?;
        left
    }

    async fn leave(&mut self, kill: bool, deadline: &Deadline) -> Result<(), DebugError> {
        let doing = if kill {
            "end the program"
        } else {
            "let go of the program"
        };
        if self.pid.is_some() && self.ended.is_none() {
            // Neither is possible while it runs.
            if self.running {
                self.ask("-exec-interrupt --all", doing, deadline).await?;
                while self.running && self.ended.is_none() {
                    self.hear(doing, deadline).await?;
                }
            }
            let command = if kill {
                "-interpreter-exec console kill"
            } else {
                "-target-detach"
            };
            self.ask(command, doing, deadline).await?;
        }
        self.ask("-gdb-exit", doing, deadline).await.map(drop)
    }

    pub(crate) const fn process(&self) -> &Process {
        self.adapter.process()
    }

    /// Gives a command and waits for its answer.
    async fn ask(&mut self, command: &str, doing: &str, deadline: &Deadline) -> Result<Tuple, DebugError> {
        self.token += 1;
        let own = self.token;
        let line = format!("{own}{command}\n");
        self.adapter.say(line.as_bytes(), doing, deadline).await?;
        loop {
            let Some((token, class, values)) = self.hear(doing, deadline).await? else {
                continue;
            };
            if token != Some(own) {
                continue;
            }
            return match class.as_str() {
                "error" => Err(self
                    .adapter
                    .refused(doing, text(&values, &["msg"]).map(str::to_owned))),
                _ => Ok(values),
            };
        }
    }

    /// Takes in the next record: what happened is remembered, an answer is returned.
    async fn hear(
        &mut self,
        doing: &str,
        deadline: &Deadline,
    ) -> Result<Option<(Option<u64>, String, Tuple)>, DebugError> {
        match self.adapter.hear(doing, deadline).await? {
            Record::Result { token, class, values } => return Ok(Some((token, class, values))),
            Record::Async { class, values } => self.note(&class, values),
            Record::Output(line) => self.lines.take(&format!("{line}\n")),
            Record::Stream => {}
        }
        Ok(None)
    }

    fn note(&mut self, class: &str, values: Tuple) {
        match class {
            "running" => self.running = true,
            "stopped" => {
                self.running = false;
                let reason = text(&values, &["reason"]).unwrap_or_default();
                if reason.starts_with("exited") {
                    let code = text(&values, &["exit-code"]).map(|code| format!(" with code {code} (octal)"));
                    let signal = text(&values, &["signal-name"]).map(|signal| format!(" by {signal}"));
                    let more = code.or(signal).unwrap_or_default();
                    self.ended = Some(format!("{reason}{more}"));
                } else if !reason.is_empty() {
                    // Without a reason it is an attach or an interrupt that we asked for.
                    self.stops.push_back(values);
                }
            }
            "thread-group-started" => {
                let pid = text(&values, &["pid"]).and_then(|pid| pid.parse().ok());
                self.pid = pid.or(self.pid);
            }
            _ => {}
        }
    }

    fn unless_ended(&self, doing: &str) -> Result<(), DebugError> {
        match &self.ended {
            None => Ok(()),
            Some(how) => Err(DebugError::Ended {
                how: how.clone(),
                doing: doing.to_owned(),
            }),
        }
    }
}
