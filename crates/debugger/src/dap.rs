//! `lldb-dap`: the Debug Adapter Protocol over stdio.
//!
//! The order of a session is the protocol's: `initialize`, `launch` or `attach`, the event `initialized`, breakpoints,
//! `configurationDone`; only then the program runs. Adapters differ in when they answer `launch`, so its answer is not
//! waited for.

mod frame;
mod message;
mod values;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testbed::{Deadline, Process, ProcessSpec, Run, RunDir};

use crate::adapter::{Adapter, GRACE};
use crate::error::DebugError;
use crate::lines::Lines;
use crate::target::{Breakpoint, Launch, Stop};
use crate::tool::Tool;
use message::{BreakpointsBody, ExitedBody, Message, OutputBody, ProcessBody, StackBody, StoppedBody};

/// A session with `lldb-dap`.
#[derive(Debug)]
pub(crate) struct Dap {
    adapter: Adapter<Message>,
    /// Where LLDB keeps what it has found out about binaries.
    index: PathBuf,
    sequence: i64,
    /// The request to initialize.
    greeted: i64,
    /// The request to launch or attach, until it is answered.
    begun: Option<i64>,
    initialized: bool,
    pid: Option<u32>,
    stops: VecDeque<StoppedBody>,
    /// How the program ended.
    ended: Option<String>,
    lines: Lines,
    breakpoints: BTreeMap<PathBuf, Vec<Breakpoint>>,
}

impl Dap {
    /// Starts it and greets it; its answer is waited for when there is something to do.
    pub(crate) async fn start(
        run: &Run,
        tool: &Tool,
        name: &str,
        deadline: &Deadline,
    ) -> Result<Self, DebugError> {
        let spec = ProcessSpec::new(name, tool.program());
        let mut session = Self {
            adapter: Adapter::start(run, tool.to_string(), spec, frame::read)?,
            index: run.dir().path().with_file_name(RunDir::CACHE).join("lldb-index"),
            sequence: 0,
            greeted: 0,
            begun: None,
            initialized: false,
            pid: None,
            stops: VecDeque::new(),
            ended: None,
            lines: Lines::default(),
            breakpoints: BTreeMap::new(),
        };
        let hello = json!({
            "clientID": "throughline",
            "adapterID": "lldb-dap",
            "linesStartAt1": true,
            "columnsStartAt1": true,
            "pathFormat": "path",
        });
        session.greeted = session.send("initialize", hello, "begin", deadline).await?;
        Ok(session)
    }

    pub(crate) async fn launch(&mut self, launch: &Launch, deadline: &Deadline) -> Result<(), DebugError> {
        // `lldb-dap` 19 passes over an object in silence; a list is right for newer ones too.
        let env: Vec<String> = launch
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut arguments = json!({
            "program": launch.program,
            "args": launch.args,
            "env": env,
            "stopOnEntry": false,
            // To switch it off takes a system call that containers forbid, and nothing here needs fixed addresses.
            "disableASLR": false,
        });
        if let Some(dir) = &launch.dir {
            arguments["cwd"] = json!(dir);
        }
        self.begin("launch", arguments, deadline).await
    }

    pub(crate) async fn attach(&mut self, pid: u32, deadline: &Deadline) -> Result<(), DebugError> {
        let arguments = json!({ "pid": pid, "stopOnEntry": false });
        self.begin("attach", arguments, deadline).await?;
        self.pid = Some(pid);
        Ok(())
    }

    async fn begin(
        &mut self,
        command: &str,
        mut arguments: Value,
        deadline: &Deadline,
    ) -> Result<(), DebugError> {
        let _: Value = self.answer(self.greeted, "initialize", "begin", deadline).await?;
        // What LLDB has found out about a binary is kept beside the runs: half of a start is looking for it.
        let index = self.index.display();
        arguments["initCommands"] = json!([
            "settings set symbols.enable-lldb-index-cache true",
            format!("settings set symbols.lldb-index-cache-path \"{index}\""),
            // Only the program's own lines and variables are asked for. LLDB would read all symbols of everything it loads, and look
            // on this machine for what the system's libraries were stripped of, which is the other half.
            "settings set target.preload-symbols false",
            "settings set symbols.enable-external-lookup false",
        ]);
        self.begun = Some(self.send(command, arguments, command, deadline).await?);
        while !self.initialized {
            self.hear(command, deadline).await?;
        }
        Ok(())
    }

    pub(crate) async fn break_at(
        &mut self,
        breakpoint: &Breakpoint,
        deadline: &Deadline,
    ) -> Result<(), DebugError> {
        let here = self.breakpoints.entry(breakpoint.file.clone()).or_default();
        here.push(breakpoint.clone());
        let last = here.len() - 1;
        let placed = self.send_breakpoints(&breakpoint.file, deadline).await?;
        let Some(placed) = placed.breakpoints.into_iter().nth(last) else {
            return Err(self.adapter.babble("fewer breakpoints than were asked for"));
        };
        match placed.line {
            _ if !placed.verified => Err(DebugError::NotPlaced {
                file: breakpoint.file.clone(),
                line: breakpoint.line,
                message: placed.message,
            }),
            Some(got) if got != breakpoint.line => Err(DebugError::Moved {
                file: breakpoint.file.clone(),
                asked: breakpoint.line,
                got,
            }),
            _ => Ok(()),
        }
    }

    /// Tells the adapter all breakpoints of a file: each such request replaces the one before.
    async fn send_breakpoints(
        &mut self,
        file: &PathBuf,
        deadline: &Deadline,
    ) -> Result<BreakpointsBody, DebugError> {
        let of_file = self.breakpoints.get(file).into_iter().flatten();
        let list: Vec<Value> = of_file
            .map(|one| match &one.condition {
                Some(condition) => json!({ "line": one.line, "condition": condition }),
                None => json!({ "line": one.line }),
            })
            .collect();
        let arguments = json!({ "source": { "path": file }, "breakpoints": list });
        self.request("setBreakpoints", arguments, "set breakpoints", deadline)
            .await
    }

    pub(crate) async fn go(&mut self, deadline: &Deadline) -> Result<u32, DebugError> {
        let doing = "let the program run";
        let _: Value = self
            .request("configurationDone", json!({}), doing, deadline)
            .await?;
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
            if let Some(stopped) = self.stops.front() {
                break stopped;
            }
            self.unless_ended(doing)?;
            self.hear(doing, deadline).await?;
        };
        let (thread, reason) = (stopped.thread_id, stopped.reason.clone());
        if reason != "breakpoint" {
            let reason = stopped.description.clone().unwrap_or(reason);
            self.stops.pop_front();
            return Err(DebugError::OtherStop { reason });
        }
        let Some(thread) = thread else {
            return Err(self.adapter.babble("a stop without a thread"));
        };
        let arguments = json!({ "threadId": thread, "startFrame": 0, "levels": 1 });
        let stack: StackBody = self
            .request("stackTrace", arguments, "show the stack", deadline)
            .await?;
        // Only now is it told: a caller that was dropped on the way finds it again.
        self.stops.pop_front();
        let Some(top) = stack.stack_frames.into_iter().next() else {
            return Err(self.adapter.babble("a stop without a frame"));
        };
        let file = top.source.and_then(|source| source.path).unwrap_or_default();
        Ok(Stop {
            thread,
            frame: top.id,
            function: top.name,
            file: file.into(),
            line: top.line,
        })
    }

    pub(crate) async fn clear(&mut self, deadline: &Deadline) -> Result<(), DebugError> {
        let files: Vec<PathBuf> = std::mem::take(&mut self.breakpoints).into_keys().collect();
        for file in files {
            self.send_breakpoints(&file, deadline).await?;
        }
        Ok(())
    }

    pub(crate) async fn resume(&mut self, stop: &Stop, deadline: &Deadline) -> Result<(), DebugError> {
        let arguments = json!({ "threadId": stop.thread });
        let _: Value = self
            .request("continue", arguments, "let the program go on", deadline)
            .await?;
        Ok(())
    }

    pub(crate) async fn end(&mut self, kill: bool, deadline: &Deadline) -> Result<(), DebugError> {
        let arguments = json!({ "terminateDebuggee": kill });
        let doing = if kill {
            "end the program"
        } else {
            "let go of the program"
        };
        let asked: Result<Value, _> = self.request("disconnect", arguments, doing, deadline).await;
        // After a good farewell the program is gone, or let go of. LLDB 19 then aborts while its parts let go of each other, and looks
        // for a quarter of a second what the addresses on its own stack are called.
        let patience = if asked.is_ok() { Duration::ZERO } else { GRACE };
        self.adapter.end(patience).await?;
        asked.map(drop)
    }

    pub(crate) const fn process(&self) -> &Process {
        self.adapter.process()
    }

    /// Asks something and waits for the answer.
    async fn request<T: DeserializeOwned>(
        &mut self,
        command: &str,
        arguments: Value,
        doing: &str,
        deadline: &Deadline,
    ) -> Result<T, DebugError> {
        let sequence = self.send(command, arguments, doing, deadline).await?;
        self.answer(sequence, command, doing, deadline).await
    }

    /// Waits for the answer to the request with this number.
    async fn answer<T: DeserializeOwned>(
        &mut self,
        sequence: i64,
        command: &str,
        doing: &str,
        deadline: &Deadline,
    ) -> Result<T, DebugError> {
        loop {
            let Some((answered, body)) = self.hear(doing, deadline).await? else {
                continue;
            };
            if answered == sequence {
                return serde_json::from_value(body)
                    .map_err(|error| self.adapter.babble(format!("the answer to {command}: {error}")));
            }
        }
    }

    /// Asks something; the answer is known by the number that this returns.
    async fn send(
        &mut self,
        command: &str,
        arguments: Value,
        doing: &str,
        deadline: &Deadline,
    ) -> Result<i64, DebugError> {
        self.sequence += 1;
        let message = json!({
            "seq": self.sequence,
            "type": "request",
            "command": command,
            "arguments": arguments,
        });
        self.adapter
            .say(&frame::encode(&message), doing, deadline)
            .await?;
        Ok(self.sequence)
    }

    /// Takes in the next message: events are remembered, an answer is returned with the number of its request.
    async fn hear(&mut self, doing: &str, deadline: &Deadline) -> Result<Option<(i64, Value)>, DebugError> {
        match self.adapter.hear(doing, deadline).await? {
            Message::Response {
                request_seq,
                success,
                message,
                body,
            } => {
                let begun = self.begun.take_if(|begun| *begun == request_seq).is_some();
                if success {
                    // The answer to `launch` comes when it likes, and says nothing.
                    return Ok((!begun).then_some((request_seq, body)));
                }
                let said = body["error"]["format"].as_str().map(str::to_owned);
                Err(self.adapter.refused(doing, message.or(said)))
            }
            Message::Event { event, body } => {
                self.note(&event, body)?;
                Ok(None)
            }
            Message::Request {} => Ok(None),
        }
    }

    fn note(&mut self, event: &str, body: Value) -> Result<(), DebugError> {
        match event {
            "initialized" => self.initialized = true,
            "process" => {
                let body: ProcessBody = self.event(event, body)?;
                self.pid = body.system_process_id.or(self.pid);
            }
            "output" => {
                let body: OutputBody = self.event(event, body)?;
                if body.category.as_deref() == Some("stdout") {
                    self.lines.take(&body.output);
                }
            }
            "stopped" => {
                let body = self.event(event, body)?;
                self.stops.push_back(body);
            }
            "exited" => {
                let body: ExitedBody = self.event(event, body)?;
                self.ended = Some(format!("exit code {}", body.exit_code));
            }
            "terminated" => {
                self.ended.get_or_insert_with(|| "terminated".to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn event<T: for<'de> Deserialize<'de>>(&self, event: &str, body: Value) -> Result<T, DebugError> {
        serde_json::from_value(body)
            .map_err(|error| self.adapter.babble(format!("the event {event}: {error}")))
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
