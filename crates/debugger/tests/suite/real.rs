//! The real debuggers, as far as they are on this machine; what is not there is said on stderr.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use debugger::{Breakpoint, DebugError, Launch, Session, Tool, tool};
use rstest::rstest;
use testbed::{Process, ProcessSpec};

use crate::bed::{Bed, alive, generous};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Lldb,
    Gdb,
}

impl Kind {
    /// The debugger of this kind; says so when there is none.
    fn find(self) -> Option<Tool> {
        let names: &[&str] = match self {
            Self::Lldb => &[
                "lldb-dap",
                "lldb-dap-22",
                "lldb-dap-21",
                "lldb-dap-20",
                "lldb-dap-19",
                "lldb-dap-18",
            ],
            Self::Gdb => &["gdb"],
        };
        let found = names.iter().find_map(|name| {
            Tool::find(|key| match key {
                tool::VARIABLE => Some(name.into()),
                _ => std::env::var_os(key),
            })
            .ok()
        });
        if found.is_none() {
            // Not through `eprintln!`, which a passing test keeps to itself.
            let _ = writeln!(
                std::io::stderr(),
                "NOT TRIED: there is no {self:?} on this machine"
            );
        }
        found
    }
}

fn here() -> Breakpoint {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("test-helpers/debuggee.rs");
    Breakpoint::at_marker(&file, "// breakpoint: here").unwrap()
}

struct Work {
    folder: PathBuf,
}

impl Work {
    fn launch(&self) -> Launch {
        Launch {
            args: vec!["one".to_owned(), "two words".to_owned()],
            dir: Some(self.folder.clone()),
            env: [
                ("DEBUGGEE_NAME", "by-the-book".to_owned()),
                ("DEBUGGEE_WORK", self.folder.display().to_string()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            ..Launch::new(env!("CARGO_BIN_EXE_debuggee"))
        }
    }

    /// Hands the program a line and takes its answer, on a thread of its own.
    fn send(&self, line: &str) -> tokio::task::JoinHandle<std::io::Result<String>> {
        let (path, line) = (self.folder.join("work"), line.to_owned());
        tokio::task::spawn_blocking(move || {
            let mut stream = UnixStream::connect(path)?;
            writeln!(stream, "{line}")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer.trim().to_owned())
        })
    }
}

/// What the program says once it can be sent work.
fn ready(line: &str) -> Option<String> {
    line.strip_prefix("ready ").map(str::to_owned)
}

async fn started(bed: &Bed, tool: &Tool) -> (Session, Work, u32) {
    let folder = bed.folder.path().canonicalize().unwrap();
    let work = Work { folder };
    let mut session = Session::launch(&bed.run, tool, "debugger", &work.launch(), &generous())
        .await
        .unwrap();
    session.break_at(&here(), &generous()).await.unwrap();
    let pid = session.go(&generous()).await.unwrap();
    let told = session.line(&generous(), ready).await.unwrap();
    assert_eq!(
        told,
        format!("by-the-book one|two words {}", work.folder.display())
    );
    (session, work, pid)
}

#[rstest]
#[case(Kind::Lldb)]
#[case(Kind::Gdb)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_launched_program_stops_shows_its_variables_and_goes_on(#[case] kind: Kind) {
    let Some(tool) = kind.find() else { return };
    let bed = Bed::new();
    let (mut session, work, pid) = started(&bed, &tool).await;
    let answer = work.send("größe-42");
    let stop = session.stopped(&generous()).await.unwrap();
    assert_eq!(stop.line, here().line);
    assert_eq!(stop.file, here().file);
    assert!(stop.function.contains("work"), "{}", stop.function);
    assert_eq!(
        session.text(&stop, "customer_id", &generous()).await.unwrap(),
        "größe-42"
    );
    assert_eq!(session.integer(&stop, "quantity", &generous()).await.unwrap(), 3);
    for nonsense in ["no_such_variable", "1 +"] {
        assert!(
            session.integer(&stop, nonsense, &generous()).await.is_err(),
            "{nonsense}"
        );
    }
    assert!(session.text(&stop, "quantity", &generous()).await.is_err());
    assert!(!answer.is_finished());
    session.clear(&generous()).await.unwrap();
    session.resume(&stop, &generous()).await.unwrap();
    assert_eq!(answer.await.unwrap().unwrap(), "größe-42 6");
    // Without a breakpoint nothing stops any more.
    assert_eq!(work.send("again").await.unwrap().unwrap(), "again 6");
    session.kill(&generous()).await.unwrap();
    assert!(!alive(pid));
    assert!(bed.run.finish().await.complete());
}

#[rstest]
#[case(Kind::Lldb)]
#[case(Kind::Gdb)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_condition_lets_other_work_pass(#[case] kind: Kind) {
    let Some(tool) = kind.find() else { return };
    let bed = Bed::new();
    let folder = bed.folder.path().canonicalize().unwrap();
    let work = Work { folder };
    let mut session = Session::launch(&bed.run, &tool, "debugger", &work.launch(), &generous())
        .await
        .unwrap();
    session
        .break_at(&here().when("quantity > 5"), &generous())
        .await
        .unwrap();
    session.go(&generous()).await.unwrap();
    session.line(&generous(), ready).await.unwrap();
    let (limit, mut answer) = (generous(), work.send("customer-42"));
    tokio::select! {
        stop = session.stopped(&limit) => panic!("{stop:?}"),
        answer = &mut answer => assert_eq!(answer.unwrap().unwrap(), "customer-42 6"),
    }
    session.kill(&generous()).await.unwrap();
}

#[rstest]
#[case(Kind::Lldb)]
#[case(Kind::Gdb)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_runs_already_is_stopped_and_left_alive(#[case] kind: Kind) {
    let Some(tool) = kind.find() else { return };
    if let Some(reason) = tool::cannot_attach() {
        let _ = writeln!(std::io::stderr(), "NOT TRIED: {reason}");
        return;
    }
    let bed = Bed::new();
    let folder = bed.folder.path().canonicalize().unwrap();
    let work = Work { folder };
    let program: Process = bed
        .run
        .supervise(
            ProcessSpec::new("program", env!("CARGO_BIN_EXE_debuggee"))
                .env("DEBUGGEE_WORK", work.folder.as_os_str()),
        )
        .unwrap();
    program.line(&generous(), ready).await.unwrap();
    let mut session = Session::attach(&bed.run, &tool, "debugger", program.pid(), &generous())
        .await
        .unwrap();
    session.break_at(&here(), &generous()).await.unwrap();
    assert_eq!(session.go(&generous()).await.unwrap(), program.pid());
    let answer = work.send("customer-42");
    let stop = session.stopped(&generous()).await.unwrap();
    assert_eq!(
        session.text(&stop, "customer_id", &generous()).await.unwrap(),
        "customer-42"
    );
    session.clear(&generous()).await.unwrap();
    session.resume(&stop, &generous()).await.unwrap();
    assert_eq!(answer.await.unwrap().unwrap(), "customer-42 6");
    session.detach(&generous()).await.unwrap();
    assert_eq!(program.exited(), None);
    assert_eq!(work.send("again").await.unwrap().unwrap(), "again 6");
    assert!(bed.run.finish().await.complete());
}

#[rstest]
#[case(Kind::Lldb)]
#[case(Kind::Gdb)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_debugger_that_is_killed_is_a_named_state_and_leaves_nobody_stopped(#[case] kind: Kind) {
    let Some(tool) = kind.find() else { return };
    let bed = Bed::new();
    let (mut session, work, pid) = started(&bed, &tool).await;
    let answer = work.send("customer-42");
    let stop = session.stopped(&generous()).await.unwrap();
    session.process().stop(std::time::Duration::ZERO).await.unwrap();
    let error = session.resume(&stop, &generous()).await.unwrap_err();
    assert!(matches!(error, DebugError::Gone { .. }), "{error}");
    bed.run
        .stop_strays("debugger", std::time::Duration::ZERO)
        .await
        .unwrap();
    assert!(!alive(pid));
    // The program is gone in the midst of its work: whoever waits for it is told so.
    assert!(answer.await.unwrap().is_ok_and(|answer| answer.is_empty()));
    assert!(bed.run.finish().await.complete());
}

#[rstest]
#[case(Kind::Lldb)]
#[case(Kind::Gdb)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_without_code_and_a_program_that_is_not_there_are_told(#[case] kind: Kind) {
    let Some(tool) = kind.find() else { return };
    let bed = Bed::new();
    let program = Launch::new(env!("CARGO_BIN_EXE_debuggee"));
    let mut session = Session::launch(&bed.run, &tool, "debugger", &program, &generous())
        .await
        .unwrap();
    let nowhere = Breakpoint {
        file: PathBuf::from("/nowhere/at_all.rs"),
        ..here()
    };
    let error = session.break_at(&nowhere, &generous()).await.unwrap_err();
    assert!(matches!(error, DebugError::NotPlaced { .. }), "{error}");
    session.kill(&generous()).await.unwrap();

    let absent = Launch::new("/nowhere/program");
    let error = Session::launch(&bed.run, &tool, "absent", &absent, &generous())
        .await
        .unwrap_err();
    assert!(matches!(error, DebugError::Refused { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lldb_knows_of_a_binary_is_kept_beside_the_runs() {
    let Some(tool) = Kind::Lldb.find() else { return };
    let bed = Bed::new();
    let (session, ..) = started(&bed, &tool).await;
    session.kill(&generous()).await.unwrap();
    assert!(bed.run.finish().await.complete());
    let index = std::fs::read_dir(bed.folder.path().join("runs/cache/lldb-index")).unwrap();
    let names: Vec<_> = index.map(|entry| entry.unwrap().file_name()).collect();
    let of_debuggee = |name: &std::ffi::OsString| name.to_string_lossy().contains("debuggee");
    assert!(names.iter().any(of_debuggee), "{names:?}");
}
