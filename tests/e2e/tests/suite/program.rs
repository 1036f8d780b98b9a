//! Starts `throughline` and watches it from outside.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// The shortest run that intercepts.
pub(crate) const INTERCEPTED: &str = "intercepted_order_is_one_trace";
/// The shortest run of all.
pub(crate) const BASELINE: &str = "baseline_stays_in_the_cluster";

/// A world of its own: a folder for runs, and one for binaries where a test replaces some.
pub(crate) struct World {
    pub(crate) folder: PathBuf,
    /// Set for every program that is started.
    pub(crate) variables: Vec<(&'static str, OsString)>,
    /// The folder, when it is gone with the world.
    pub(crate) _temporary: Option<TempDir>,
}

/// A finished program.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running program whose events are read as they come.
pub(crate) struct Running {
    child: Child,
    lines: Option<std::io::Lines<BufReader<ChildStdout>>>,
    pub(crate) seen: Vec<Value>,
}

impl World {
    pub(crate) fn new() -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        Self {
            folder: temporary.path().to_owned(),
            variables: Vec::new(),
            _temporary: Some(temporary),
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join("runs")
    }

    /// The folder of the real binaries, beside the program under test.
    pub(crate) fn real_binaries() -> PathBuf {
        let folder = program().parent().expect("a program is in a folder").to_owned();
        for name in ["storefront", "order-service", "inventory-service"] {
            let file = folder.join(name);
            assert!(
                file.exists(),
                "{} is not built: run the tests with `cargo xtask test`",
                file.display()
            );
        }
        folder
    }

    /// A folder in which one service is a shell script, and the others are the real ones. `{real}` stands for the real binary.
    pub(crate) fn with_script(&self, service: &str, script: &str) -> PathBuf {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let real = Self::real_binaries();
        let folder = self.folder.join("bin");
        std::fs::create_dir_all(&folder).expect("a folder");
        for name in ["storefront", "order-service", "inventory-service"] {
            if name != service {
                symlink(real.join(name), folder.join(name)).expect("a link");
            }
        }
        let script = script.replace("{real}", &real.join(service).display().to_string());
        let file = folder.join(service);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("executable");
        folder
    }

    /// A folder of binaries in which only the process on the workstation drops the header: the one inside the cluster works.
    pub(crate) fn losing_the_header(&self) -> PathBuf {
        self.with_script(
            "order-service",
            "[ \"$THROUGHLINE_SITE\" = workstation ] && export THROUGHLINE_FAULT=drop-traceparent\nexec {real} \"$@\"",
        )
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Finished {
        self.run_with(args, &[])
    }

    /// Runs the program to its end, with variables on top of its own.
    pub(crate) fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Finished {
        Self::finished(self.spawn(args, variables), "")
    }

    /// Runs the program to its end with this on its standard input, which ends then.
    pub(crate) fn run_typing(&self, args: &[&str], input: &str) -> Finished {
        Self::finished(self.spawn(args, &[]), input)
    }

    fn finished(mut child: Child, input: &str) -> Finished {
        let mut stdin = child.stdin.take().expect("piped");
        // A program that refuses its arguments reads nothing.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let mut stdout = String::new();
        let mut stderr = String::new();
        let mut err = child.stderr.take().expect("piped");
        let reader = std::thread::spawn(move || {
            err.read_to_string(&mut stderr).expect("UTF-8");
            stderr
        });
        child
            .stdout
            .take()
            .expect("piped")
            .read_to_string(&mut stdout)
            .expect("UTF-8");
        let status = child.wait().expect("it can be waited for");
        Finished {
            code: status.code(),
            stdout,
            stderr: reader.join().expect("read"),
        }
    }

    /// Starts the program with `--format json`.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        let mut all = args.to_vec();
        all.extend(["--format", "json"]);
        let mut child = self.spawn(&all, &[]);
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Running {
            child,
            lines: Some(lines),
            seen: Vec::new(),
        }
    }

    /// As [`World::start`], with a command after `--`.
    pub(crate) fn start_command(&self, args: &[&str], command: &[&str]) -> Running {
        let all = [args, &["--format", "json", "--"], command].concat();
        let mut child = self.spawn(&all, &[]);
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Running {
            child,
            lines: Some(lines),
            seen: Vec::new(),
        }
    }

    fn spawn(&self, args: &[&str], variables: &[(&str, &str)]) -> Child {
        self.command(args)
            .env("NO_COLOR", "1")
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts")
    }

    /// The program with these arguments, in this world.
    #[expect(
        clippy::disallowed_methods,
        reason = "the program under test is started as a user starts it"
    )]
    pub(crate) fn command(&self, args: &[&str]) -> std::process::Command {
        Self::real_binaries();
        let mut command = std::process::Command::new(program());
        // What a person or a pipeline has set is not what is tested.
        for name in [
            "THROUGHLINE_ENV",
            "THROUGHLINE_BIN_DIR",
            "THROUGHLINE_CI",
            "THROUGHLINE_JUNIT",
            "CI",
            "GITHUB_ACTIONS",
            "GITHUB_STEP_SUMMARY",
            "NO_COLOR",
        ] {
            command.env_remove(name);
        }
        command
            .args(args)
            .env("THROUGHLINE_ROOT", self.root())
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The only run directory.
    pub(crate) fn run_directory(&self) -> PathBuf {
        let mut found: Vec<PathBuf> = std::fs::read_dir(self.root())
            .expect("the folder of runs")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| !path.is_symlink() && path.join("journal.jsonl").exists())
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.pop().expect("one")
    }

    /// Every line of the run's journal.
    pub(crate) fn journal(&self) -> Vec<Value> {
        json_lines(&self.run_directory().join("journal.jsonl"))
    }

    pub(crate) fn report(&self) -> Value {
        let text = std::fs::read_to_string(self.run_directory().join("report.json")).expect("a report");
        serde_json::from_str(&text).expect("JSON")
    }
}

impl Finished {
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

impl Drop for Running {
    /// A test that failed leaves its program no time to go on: `down` finishes the undo.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Reads events until one matches.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, matches: impl Fn(&Value) -> bool) -> Value {
        loop {
            let Some(line) = self.lines.as_mut().and_then(Iterator::next) else {
                panic!("ended before {what}; seen: {:#?}", self.seen)
            };
            let event: Value = serde_json::from_str(&line.expect("UTF-8")).expect("one event a line");
            self.seen.push(event.clone());
            if matches(&event) {
                return event;
            }
        }
    }

    /// Reads until the run says its id.
    pub(crate) fn run_id(&mut self) -> String {
        let event = self.until("the run's start", |event| event["event"] == "run_started");
        event["run"].as_str().expect("an id").to_owned()
    }

    /// Types lines; the input stays open.
    pub(crate) fn type_lines(&mut self, lines: &str) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        stdin.write_all(lines.as_bytes()).expect("it reads");
    }

    /// Ends the input.
    pub(crate) fn end_input(&mut self) {
        self.child.stdin = None;
    }

    /// Reads until a note begins with this, and answers the rest of it.
    #[track_caller]
    pub(crate) fn note(&mut self, beginning: &str) -> String {
        let event = self.until(beginning, |event| {
            event["event"] == "note"
                && event["text"]
                    .as_str()
                    .is_some_and(|text| text.starts_with(beginning))
        });
        event["text"].as_str().expect("a text")[beginning.len()..].to_owned()
    }

    /// Reads until a request was followed.
    #[track_caller]
    pub(crate) fn request(&mut self) -> Value {
        self.until("a request", |event| event["event"] == "request_seen")
    }

    /// Goes away as a reader: the next write of the program fails.
    pub(crate) fn close_stdout(&mut self) {
        self.lines = None;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it is there");
    }

    /// Reads the rest and waits for the end.
    pub(crate) fn finish(mut self) -> Finished {
        let mut err = self.child.stderr.take().expect("piped");
        let reader = std::thread::spawn(move || {
            let mut stderr = String::new();
            err.read_to_string(&mut stderr).expect("UTF-8");
            stderr
        });
        let stdout: Vec<String> = self
            .lines
            .take()
            .into_iter()
            .flatten()
            .map(|line| line.expect("UTF-8"))
            .collect();
        let status = self.child.wait().expect("it can be waited for");
        Finished {
            code: status.code(),
            stdout: stdout.join("\n"),
            stderr: reader.join().expect("read"),
        }
    }
}

/// The processes of a run, found by the variable that all of them carry.
pub(crate) fn processes_of(run: &str) -> Vec<u32> {
    let marker = format!("THROUGHLINE_RUN={run}");
    std::fs::read_dir("/proc")
        .expect("Linux")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == marker.as_bytes())
        })
        .collect()
}

/// Waits until no process of the run is left; a killed process is gone only when it was reaped.
#[track_caller]
pub(crate) fn expect_no_process_of(run: &str) {
    let limit = Instant::now() + Duration::from_secs(10);
    loop {
        let left = processes_of(run);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < limit, "still there: {left:?}");
        std::thread::yield_now();
    }
}

/// Posts JSON as somebody from outside does; the status of the answer.
pub(crate) fn post(url: &str, body: &str) -> u16 {
    let (host, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .expect("an http URL with a path");
    let mut stream = std::net::TcpStream::connect(host).expect("it listens");
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status line")
}

pub(crate) fn json_lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("a file");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_throughline"))
}
