//! Real signals to a real runner.

use std::convert::Infallible;

use rstest::rstest;
use rustix::process::Signal;
use testbed::wait::{self, Probe};
use testbed::{Exit, Process, ProcessSpec};

use crate::bed::{Bed, alive, generous, gone, pids, told};

/// A runner of its own with its children.
pub(crate) struct Runner {
    pub(crate) process: Process,
    /// The id of its run.
    pub(crate) run: String,
    /// Child and grandchild that stop when asked.
    pub(crate) polite: Vec<i32>,
    /// Child and grandchild of which the first ignores SIGTERM and has ten minutes of grace.
    pub(crate) stubborn: Vec<i32>,
}

impl Runner {
    /// Starts one in the bed's root. It is ready, and waits for a signal.
    pub(crate) async fn start(bed: &Bed, mode: &str) -> Self {
        let spec = ProcessSpec::new(format!("runner {mode}"), env!("CARGO_BIN_EXE_testbed-runner"));
        let process = bed.run.supervise(spec.arg(mode).arg(bed.root())).unwrap();
        told(&process, "ready").await;
        let run = told(&process, "run ").await;
        let polite = pids(&process, "polite ").await;
        let stubborn = pids(&process, "stubborn ").await;
        Self {
            process,
            run,
            polite,
            stubborn,
        }
    }

    pub(crate) fn children(&self) -> Vec<i32> {
        [self.polite.clone(), self.stubborn.clone()].concat()
    }

    /// What it said that begins with this word.
    fn said(&self, word: &str) -> Vec<String> {
        self.process
            .tail()
            .iter()
            .filter_map(|line| Some(line.strip_prefix(word)?.trim().to_owned()))
            .collect()
    }
}

#[rstest]
#[case::interrupt(Signal::INT)]
#[case::terminate(Signal::TERM)]
#[case::hangup(Signal::HUP)]
#[tokio::test]
async fn the_first_signal_undoes_and_the_second_skips_grace(#[case] signal: Signal) {
    let bed = Bed::new();
    let runner = Runner::start(&bed, "run").await;
    runner.process.signal(signal).unwrap();
    told(&runner.process, "interrupted").await;
    assert!(alive(runner.stubborn[0]), "it has ten minutes of grace");
    runner.process.signal(signal).unwrap();
    assert_eq!(runner.process.ended(&generous()).await.unwrap(), Exit::Code(130));
    assert_eq!(runner.said("done "), ["stubborn", "polite", "the command"]);
    assert_eq!(runner.said("left "), [""; 0]);
    gone(&runner.children()).await;
    assert!(bed.root().join(&runner.run).join("undone").exists());
    bed.run.finish().await;
}

#[tokio::test]
async fn the_third_signal_leaves_at_once_and_prints_what_is_left() {
    let bed = Bed::new();
    let runner = Runner::start(&bed, "hang").await;
    runner.process.signal(Signal::INT).unwrap();
    told(&runner.process, "interrupted").await;
    runner.process.signal(Signal::INT).unwrap();
    let command = bed.root().join(&runner.run).join("undone");
    let trying = || async {
        match command.exists() {
            true => Probe::<(), Infallible>::Ready(()),
            false => Probe::not_yet("not begun"),
        }
    };
    wait::until(&generous(), "the command that hangs", trying)
        .await
        .unwrap();
    runner.process.signal(Signal::INT).unwrap();
    assert_eq!(runner.process.ended(&generous()).await.unwrap(), Exit::Code(130));
    let left = runner.said("left ");
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(
        left[0].starts_with("the command: sh -c 'echo trying > "),
        "{left:?}"
    );
    gone(&runner.children()).await;
    bed.run.finish().await;
}

#[cfg(target_os = "linux")] // elsewhere it cannot be seen without unsafe code
#[tokio::test]
async fn a_runner_under_nohup_does_not_mind_the_end_of_its_terminal() {
    let bed = Bed::new();
    let script = r#"trap '' HUP; exec "$0" run "$1""#;
    let spec = ProcessSpec::new("nohup", "sh").args(["-c", script, env!("CARGO_BIN_EXE_testbed-runner")]);
    let process = bed.run.supervise(spec.arg(bed.root())).unwrap();
    told(&process, "ready").await;
    process.signal(Signal::HUP).unwrap();
    process.signal(Signal::HUP).unwrap();
    process.signal(Signal::INT).unwrap();
    told(&process, "interrupted").await;
    // One signal was heard: what is stubborn has its grace.
    let stubborn = pids(&process, "stubborn ").await;
    told(&process, "interrupted").await;
    assert!(alive(stubborn[0]));
    process.signal(Signal::TERM).unwrap();
    assert_eq!(process.ended(&generous()).await.unwrap(), Exit::Code(130));
    bed.run.finish().await;
}
