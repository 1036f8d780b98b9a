//! A runner that tests can interrupt and kill.
//!
//! `testbed-runner run <root>` begins a run, starts a child that stops when asked and one that does not, puts a command
//! on the undo stack, says `ready`, and waits for a signal. `testbed-runner hang <root>` does the same with a command
//! that takes ten minutes. `testbed-runner bind <address>` is a server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use testbed::{BoxError, Deed, EnvironmentName, ProcessSpec, Run, RunOptions, Signals};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode, BoxError> {
    let mut args = std::env::args().skip(1);
    let (mode, argument) = (args.next().unwrap_or_default(), args.next().unwrap_or_default());
    if mode == "bind" {
        let listener = std::net::TcpListener::bind(argument)?;
        say(&format!("listening {}", listener.local_addr()?));
        return Ok(ExitCode::SUCCESS);
    }
    begin(PathBuf::from(argument), mode == "hang").await
}

async fn begin(root: PathBuf, hang: bool) -> Result<ExitCode, BoxError> {
    let signals = Signals::arm()?;
    let options = RunOptions {
        root,
        environment: EnvironmentName::Embedded,
        keep: false,
        signals,
    };
    let (run, _events) = Run::begin(options)?;
    say(&format!("run {}", run.id()));

    let undone = run.dir().file("undone");
    let script = if hang {
        r#"echo trying > "$1"; exec sleep 600"#
    } else {
        r#"echo undone >> "$1""#
    };
    let args = [
        "-c".into(),
        script.into(),
        "sh".into(),
        undone.to_string_lossy().into_owned(),
    ];
    run.undo()
        .push("the command", Deed::command("sh", args, Duration::from_secs(600)));

    let deadline = run.deadline(Duration::from_secs(60));
    let polite = shell("polite", "sleep 600 & echo grandchild $!; wait");
    let stubborn = shell(
        "stubborn",
        "trap '' TERM; sleep 600 & echo grandchild $!; while :; do sleep 1; done",
    );
    for spec in [polite, stubborn.grace(Duration::from_secs(600))] {
        let name = spec.name().to_owned();
        let child = run.supervise(spec)?;
        let grandchild = child
            .line(&deadline, |line| {
                line.strip_prefix("grandchild ").map(str::to_owned)
            })
            .await?;
        say(&format!("{name} {} {grandchild}", child.pid()));
    }
    say("ready");

    run.interrupted().cancelled().await;
    say("interrupted");
    let report = run.finish().await;
    for name in report.done {
        say(&format!("done {name}"));
    }
    for failure in report.failed {
        say(&format!("failed {}: {}", failure.name, failure.error));
    }
    for left in report.left {
        say(&format!("left {}: {}", left.name, left.by_hand));
    }
    Ok(ExitCode::from(130))
}

fn shell(name: &str, script: &str) -> ProcessSpec {
    ProcessSpec::new(name, "sh").args(["-c", script])
}

#[expect(clippy::print_stdout, reason = "this is how the test hears of us")]
fn say(line: &str) {
    println!("{line}");
}
