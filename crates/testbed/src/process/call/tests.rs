//! Programs that answer, fail, babble, hang and leave others behind.

use super::*;
use crate::process::ProcessSpec;

fn sh(script: &str) -> ProcessSpec {
    ProcessSpec::new("script", "sh").args(["-c", script])
}

fn generous() -> Deadline {
    Deadline::after(Duration::from_secs(30))
}

#[tokio::test]
async fn both_outputs_and_the_code_come_back() {
    let answer = Call::new(sh("echo out; echo err >&2; exit 3"))
        .run(&generous())
        .await
        .unwrap();
    assert_eq!(
        (answer.text().as_str(), answer.stderr.as_str(), answer.exit),
        ("out", "err\n", Exit::Code(3))
    );
    let error = answer.success().unwrap_err();
    assert!(
        matches!(&error, ProcessError::Failed { tail, .. } if tail == &["err"]),
        "{error}"
    );
}

#[tokio::test]
async fn what_a_discreet_program_prints_is_kept_only_when_it_fails() {
    let kept = async |script: &str| {
        let call = Call::new(sh(script)).discreet();
        let answer = call.run(&generous()).await.unwrap();
        assert_eq!(answer.text(), "secret", "whoever called it hears it");
        call.to_be_kept(&answer).len()
    };
    assert_eq!(kept("echo secret").await, 0);
    assert_eq!(kept("echo secret; exit 1").await, "secret\n".len());
}

#[tokio::test]
async fn bytes_go_in_and_come_out_whole() {
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| n.to_le_bytes()[0]).collect();
    let answer = Call::new(ProcessSpec::new("cat", "cat"))
        .input(bytes.clone())
        .run(&generous())
        .await
        .unwrap();
    assert!(
        answer.stdout == bytes,
        "{} of {} bytes",
        answer.stdout.len(),
        bytes.len()
    );
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_is_no_trouble() {
    let call = Call::new(sh("exit 0")).input(vec![0; 3_000_000]);
    assert!(call.run(&generous()).await.unwrap().exit.success());
}

#[tokio::test]
async fn one_program_feeds_another() {
    let call = Call::new(sh("tr a-z A-Z")).input_from(sh("echo hello"));
    assert_eq!(call.run(&generous()).await.unwrap().text(), "HELLO");
    assert_eq!(call.command_line(), "sh -c 'echo hello' | sh -c 'tr a-z A-Z'");
}

#[tokio::test]
async fn the_feeder_is_blamed_when_it_fails() {
    let call = Call::new(sh("cat; exit 1")).input_from(sh("echo no such image >&2; exit 1"));
    let error = call.run(&generous()).await.unwrap_err();
    assert!(
        matches!(&error, ProcessError::Failed { tail, .. } if tail == &["no such image"]),
        "{error}"
    );
}

#[tokio::test]
async fn the_eater_is_blamed_when_the_feeder_only_lost_its_pipe() {
    let call = Call::new(sh("echo broken >&2; exit 4")).input_from(sh("exec yes"));
    let answer = call.run(&generous()).await.unwrap();
    assert_eq!((answer.exit, answer.stderr.as_str()), (Exit::Code(4), "broken\n"));
}

#[tokio::test]
async fn nothing_is_left_of_a_call_that_took_too_long() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("sleep 600 & echo $! > {}; mv {0} {0}.done; wait", pid.display());
    let done = pid.with_extension("done");
    let deadline = Deadline::new(
        &crate::clock::Clock::start(),
        Duration::from_secs(30),
        Default::default(),
    );
    let call = Call::new(sh(&script));
    let short = async {
        while !done.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = call.run(&deadline) => panic!("{answer:?}"),
        () = short => {}
    }
    let grandchild: i32 = std::fs::read_to_string(&done).unwrap().trim().parse().unwrap();
    crate::wait::until(&generous(), "the grandchild's end", || async {
        match crate::processes::Stat::read(grandchild) {
            Some(stat) if stat.alive => {
                crate::wait::Probe::<(), std::convert::Infallible>::not_yet("it runs")
            }
            _ => crate::wait::Probe::Ready(()),
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn the_limit_is_told() {
    let error = Call::new(sh("exec sleep 600"))
        .run(&Deadline::after(Duration::from_millis(20)))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, ProcessError::TookTooLong { command, .. } if command.contains("sleep 600")),
        "{error}"
    );
}

#[tokio::test]
async fn a_daemon_that_holds_the_pipe_does_not_hold_the_call() {
    let answer = Call::new(sh("sleep 600 & echo $!"))
        .run(&generous())
        .await
        .unwrap();
    let daemon = Pid::from_raw(answer.text().parse().unwrap()).unwrap();
    assert!(answer.took < Duration::from_secs(20), "{:?}", answer.took);
    rustix::process::kill_process(daemon, Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let call = Call::new(ProcessSpec::new("kind", "no-such-program-here"));
    let error = call.run(&generous()).await.unwrap_err();
    assert!(matches!(error, ProcessError::NotFound { .. }), "{error}");
}
