//! The built `xtask` as a whole, in front of a cargo that is a script: what it runs, and how it ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Held while a script is written and while a process starts: a process that starts in between would inherit the open
/// script for a moment, and a script that is open for writing can't be run.
static STARTING: Mutex<()> = Mutex::new(());

/// A workspace with nothing in it but what `xtask` looks for, and programs that are scripts.
struct Door {
    folder: TempDir,
}

impl Door {
    /// `build` answers with the path of a `throughline`; everything else is decided by `cargo`, a script that finds
    /// the verb of cargo in `$1`.
    fn new(cargo: &str, throughline: &str) -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let door = Self { folder };
        fs::create_dir_all(door.path("xtask")).expect("a folder");
        fs::write(door.path("xtask/Cargo.toml"), "").expect("a manifest");
        door.script("throughline", throughline);
        let message = format!(
            r#"{{"reason":"compiler-artifact","target":{{"name":"throughline"}},"executable":"{}"}}"#,
            door.path("throughline").display()
        );
        door.script(
            "cargo",
            &format!(
                "if [ \"$1\" = build ]; then echo '{message}'; echo '    Finished' >&2; exit 0; fi\n{cargo}"
            ),
        );
        door
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn script(&self, name: &str, body: &str) {
        let path = self.path(name);
        let _alone = STARTING.lock();
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable script");
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the program under test is started as a user would"
    )]
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(args)
            .current_dir(self.folder.path())
            // Whatever this machine has: the door builds the everyday set.
            .env("THROUGHLINE_ENV", "embedded")
            .env("CARGO", self.path("cargo"))
            .env("CARGO_MANIFEST_DIR", self.path("xtask"))
            .stdin(Stdio::null());
        command
    }

    fn spawn(&self, args: &[&str], errors: Stdio) -> Child {
        let mut command = self.command(args);
        let _alone = STARTING.lock();
        command
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .expect("xtask runs")
    }

    fn run(&self, args: &[&str]) -> Output {
        self.spawn(args, Stdio::piped())
            .wait_with_output()
            .expect("xtask ends")
    }

    /// Starts it and comes back once its standard output has said `ready`.
    fn start(&self, args: &[&str]) -> Child {
        let mut child = self.spawn(args, Stdio::null());
        let mut lines = BufReader::new(child.stdout.as_mut().expect("it is a pipe")).lines();
        assert!(
            lines.any(|line| line.expect("text") == "ready"),
            "xtask ended before it was ready"
        );
        child
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_child(child);
    kill_process(pid, signal).expect("it is running");
}

#[test]
fn without_a_verb_it_shows_its_help_and_succeeds() {
    let output = Door::new("exit 9", "exit 9").run(&[]);
    assert!(output.status.success());
    for verb in [
        "e2e", "parity", "test", "check", "tidy", "down", "doctor", "bench", "ci",
    ] {
        assert!(
            text(&output.stdout).contains(&format!("\n  {verb} ")),
            "{verb} is missing"
        );
    }
}

#[test]
fn an_unknown_verb_is_a_usage_error() {
    assert_eq!(
        Door::new("exit 9", "exit 9").run(&["dance"]).status.code(),
        Some(2)
    );
}

#[test]
fn the_program_gets_its_arguments_untouched_and_its_exit_code_comes_back() {
    let door = Door::new("exit 9", "for word in \"$@\"; do echo \"<$word>\"; done; exit 11");
    let output = door.run(&["e2e", "--scenario", "a b", "--help", "-v", "--", "*"]);
    assert_eq!(
        text(&output.stdout),
        "<e2e>\n<--scenario>\n<a b>\n<--help>\n<-v>\n<-->\n<*>\n"
    );
    assert_eq!(output.status.code(), Some(11));
}

#[test]
fn nothing_is_said_about_a_build_that_had_nothing_to_do() {
    let output = Door::new("exit 9", "exit 0").run(&["down"]);
    assert_eq!(text(&output.stderr), "$ throughline down\n");
}

#[test]
fn a_build_that_fails_is_shown_and_its_exit_code_comes_back() {
    let door = Door::new("exit 9", "exit 0");
    door.script("cargo", "echo 'error: no luck' >&2; exit 101");
    let output = door.run(&["down"]);
    assert_eq!(output.status.code(), Some(101));
    let story = text(&output.stderr);
    assert!(story.starts_with("$ cargo build -p storefront"), "{story}");
    assert!(story.contains("error: no luck"), "{story}");
}

#[test]
fn the_program_takes_the_place_of_the_door() {
    let door = Door::new("exit 9", "echo $$ >pid; echo ready; kill -KILL $$");
    let mut child = door.start(&["e2e"]);
    let status = child.wait().expect("it ends");
    assert_eq!(status.signal(), Some(9), "no shell and no xtask in between");
    let pid = fs::read_to_string(door.path("pid")).expect("it was written");
    assert_eq!(pid.trim(), child.id().to_string());
}

/// What cargo prints for one test binary.
const RESULTS: &str = "echo 'running 3 tests'
echo 'test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s'";

#[test]
fn tests_close_with_the_sum_of_all_binaries() {
    let output = Door::new(&format!("{RESULTS}\n{RESULTS}\nexit 101"), "exit 9").run(&["test"]);
    assert!(
        text(&output.stdout).ends_with("\n2 passed, 2 failed, 2 skipped\n"),
        "{}",
        text(&output.stdout)
    );
    assert_eq!(output.status.code(), Some(101));
}

#[test]
fn arguments_of_cargo_test_are_passed_on() {
    let output = Door::new("echo \"$@\" >said; exit 0", "exit 9").run(&[
        "test",
        "-p",
        "trace",
        "judge",
        "--",
        "--nocapture",
    ]);
    assert_eq!(output.status.code(), Some(2), "no test ran");
    assert!(text(&output.stderr).contains("error: no test ran"));
}

#[test]
fn packages_are_the_whole_workspace_unless_they_are_named() {
    let door = Door::new("echo \"$@\"", "exit 9");
    assert!(
        text(&door.run(&["test", "judge"]).stdout).starts_with("test --no-fail-fast --workspace judge\n")
    );
    assert!(text(&door.run(&["test", "-p", "trace"]).stdout).starts_with("test --no-fail-fast -p trace\n"));
}

#[test]
fn a_check_goes_on_after_a_failure_and_reports_every_one() {
    let door = Door::new(
        "echo \"$1\" >>ran; case \"$1\" in fmt) exit 1;; clippy) exit 101;; esac",
        "exit 0",
    );
    let output = door.run(&["check"]);
    assert_eq!(output.status.code(), Some(1));
    let ran = fs::read_to_string(door.path("ran")).expect("cargo ran");
    for verb in ["fmt", "clippy", "test", "doc"] {
        assert!(ran.lines().any(|line| line == verb), "{verb} did not run");
    }
    let report = text(&output.stdout);
    for line in [
        "FAIL  format",
        "FAIL  tidy",
        "FAIL  lint",
        "ok    test",
        "ok    documentation",
    ] {
        assert!(report.contains(line), "{line} is missing in {report}");
    }
}

#[test]
fn a_pipeline_fails_when_only_the_scenarios_do_and_closes_with_the_counts() {
    let output = Door::new(RESULTS, "exit 10").run(&["ci", "--lane", "embedded"]);
    let report = text(&output.stdout);
    assert!(
        report.contains("FAIL  e2e") && report.contains("exit code 10"),
        "{report}"
    );
    let last = report.lines().last().expect("a line");
    assert!(last.ends_with("skipped") && last.contains(" failed, "), "{last}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn without_docker_the_lane_on_kind_is_skipped_aloud_and_is_an_error_where_it_was_asked_for() {
    let door = Door::new(RESULTS, "exit 10");
    let bare = |args: &[&str]| {
        let mut command = door.command(args);
        command.env("PATH", door.path("nothing")).stderr(Stdio::piped());
        let _alone = STARTING.lock();
        command.output().expect("xtask ends")
    };
    let output = bare(&["ci"]);
    let skipped = text(&output.stderr)
        .lines()
        .filter(|line| *line == "skipped: docker is not on PATH")
        .count();
    assert_eq!(skipped, 2, "{}", text(&output.stderr));
    let output = bare(&["ci", "--lane", "kind"]);
    let report = text(&output.stdout);
    for section in ["e2e kind", "parity"] {
        let line = report
            .lines()
            .find(|line| line.contains(section))
            .expect("its line");
        assert!(
            line.starts_with("FAIL") && line.contains("docker is not on PATH"),
            "{line}"
        );
    }
}

#[test]
fn it_waits_for_the_undo_of_its_child_after_a_signal() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let script = "trap 'echo undone >>undo; exit 130' INT TERM
            echo ready
            i=0; while [ $i -lt 600 ]; do sleep 0.05; i=$((i+1)); done";
        let door = Door::new(&format!("if [ \"$1\" = fmt ]; then\n{script}\nfi"), "exit 9");
        let mut child = door.start(&["check"]);
        send(&child, signal);
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(code));
        assert_eq!(undone(&door.path("undo")), 1, "the signal arrived once");
    }
}

fn undone(path: &Path) -> usize {
    fs::read_to_string(path).expect("the undo ran").lines().count()
}
