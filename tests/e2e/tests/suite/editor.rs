//! The files for editors: they are read as an editor reads them, and a debug adapter is driven with exactly their fields.

#![expect(clippy::unwrap_used, reason = "the shared parts of a test fail like the test")]

mod jsonc;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use debugger::{Breakpoint, Launch, Session};
use e2e::breakpoint::{self, in_process_order};
use serde_json::Value;
use testbed::{Capability, Deadline, EnvironmentName, ProcessSpec, Run, RunOptions, Signals};

use crate::program::World;

/// What CodeLLDB knows of the fields used here, and VS Code's own. A misspelt field would be passed over in silence.
const FIELDS: [&str; 12] = [
    "name",
    "type",
    "request",
    "program",
    "args",
    "cwd",
    "envFile",
    "env",
    "sourceLanguages",
    "pid",
    "preLaunchTask",
    "postDebugTask",
];

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn read(name: &str) -> Value {
    let path = checkout().join(".vscode").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    serde_json::from_str(&jsonc::strict(&text)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The configuration with this request.
fn configuration(request: &str) -> Value {
    let configurations = read("launch.json")["configurations"].as_array().unwrap().clone();
    let mut found = configurations.into_iter().filter(|one| one["request"] == request);
    found
        .next()
        .unwrap_or_else(|| panic!("no configuration to {request}"))
}

/// A folder that looks like the workspace to the file: binaries, and the variables of an intercept.
fn workspace(variables: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("target/throughline")).unwrap();
    std::os::unix::fs::symlink(World::real_binaries(), folder.path().join("target/debug")).unwrap();
    std::fs::write(
        folder.path().join("target/throughline/order-service.env"),
        variables,
    )
    .unwrap();
    folder
}

/// What an editor makes of a configuration to launch: variables put in, the file of variables read, `env` on top of it.
fn launch(configuration: &Value, workspace: &Path) -> Launch {
    let text = |value: &Value| {
        let text = value.as_str().unwrap();
        text.replace("${workspaceFolder}", workspace.to_str().unwrap())
    };
    // With what CodeLLDB reads it with.
    let file = dotenvy::from_path_iter(text(&configuration["envFile"])).unwrap();
    let mut env: BTreeMap<String, String> = file.collect::<Result<_, _>>().unwrap();
    for (name, value) in configuration["env"].as_object().unwrap() {
        env.insert(name.clone(), text(value));
    }
    Launch {
        program: text(&configuration["program"]).into(),
        args: configuration["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(text)
            .collect(),
        dir: Some(text(&configuration["cwd"]).into()),
        env,
    }
}

struct Bed {
    run: Run,
    _folder: tempfile::TempDir,
}

impl Bed {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (run, _events) = Run::begin(RunOptions {
            root: folder.path().to_owned(),
            environment: EnvironmentName::Embedded,
            keep: false,
            signals: Signals::manual(),
        })
        .unwrap();
        Self { run, _folder: folder }
    }
}

fn generous() -> Deadline {
    Deadline::after(Duration::from_secs(120))
}

/// Whether this machine can do it; says aloud when it can't.
fn tried(capability: Capability) -> bool {
    match breakpoint::lacking(capability) {
        None => true,
        Some(reason) => {
            use std::io::Write as _;
            // Not through `eprintln!`, which a passing test keeps to itself.
            let _ = writeln!(std::io::stderr(), "NOT TRIED: {reason}");
            false
        }
    }
}

const VARIABLES: &str = "THROUGHLINE_LISTEN=127.0.0.1:0\nTHROUGHLINE_SITE=workstation\nOTEL_TRACES_EXPORTER=none\n\
                         OTEL_RESOURCE_ATTRIBUTES=service.version=local-debug\nRUST_LOG=off\n";

#[test]
fn every_field_is_one_that_the_editor_knows() {
    for configuration in read("launch.json")["configurations"].as_array().unwrap() {
        for field in configuration.as_object().unwrap().keys() {
            assert!(FIELDS.contains(&field.as_str()), "{field}");
        }
        assert_eq!(configuration["type"], "lldb");
    }
    let recommended = read("extensions.json")["recommendations"]
        .as_array()
        .unwrap()
        .clone();
    assert!(recommended.contains(&"vadimcn.vscode-lldb".into()));
}

#[test]
fn the_tasks_around_a_launch_are_there() {
    let tasks = read("tasks.json")["tasks"].as_array().unwrap().clone();
    let labelled = |label: &Value| tasks.iter().find(|task| task["label"] == *label).cloned();
    let configuration = configuration("launch");
    let before = labelled(&configuration["preLaunchTask"]).expect("a task before");
    assert_eq!(before["command"], "cargo");
    assert_eq!(before["args"], serde_json::json!(["xtask", "intercept"]));
    // The editor goes on when the task says that it is ready: it must not wait for its end.
    assert_eq!(before["isBackground"], true);
    let after = labelled(&configuration["postDebugTask"]).expect("a task after");
    let input = read("tasks.json")["inputs"][0].clone();
    assert_eq!(
        after["args"][0],
        format!("${{input:{}}}", input["id"].as_str().unwrap())
    );
    assert_eq!(input["args"], before["label"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_to_launch_starts_the_service_as_it_says() {
    if !tried(Capability::Debugger) {
        return;
    }
    let (bed, workspace) = (Bed::new(), workspace(VARIABLES));
    let folder = workspace.path().canonicalize().unwrap();
    let launch = launch(&configuration("launch"), &folder);
    let tool = breakpoint::debugger().unwrap();
    let mut session = Session::launch(&bed.run, &tool, "debugger", &launch, &generous())
        .await
        .unwrap();
    let there: Breakpoint = in_process_order().unwrap();
    session.break_at(&there, &generous()).await.unwrap();
    let pid = session.go(&generous()).await.unwrap();
    let listens = session
        .line(&generous(), |line| {
            line.strip_prefix("listening ").map(str::to_owned)
        })
        .await;
    assert!(listens.unwrap().starts_with("http://127.0.0.1:"));
    let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
    let environ = String::from_utf8(environ).unwrap();
    let has = |pair: &str| environ.split('\0').any(|found| found == pair);
    assert!(
        has("THROUGHLINE_SITE=workstation") && has("OTEL_RESOURCE_ATTRIBUTES=service.version=local-debug")
    );
    // `env` wins over the file.
    assert!(has("RUST_LOG=info") && !has("RUST_LOG=off"), "{environ}");
    assert_eq!(std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), folder);
    session.kill(&generous()).await.unwrap();
    assert!(bed.run.finish().await.complete());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_configuration_to_attach_takes_a_running_service() {
    if !tried(Capability::Debugger) || !tried(Capability::AttachDebugger) {
        return;
    }
    let configuration = configuration("attach");
    assert_eq!(configuration["pid"], "${command:pickMyProcess}");
    let bed = Bed::new();
    let variables = VARIABLES.lines().filter_map(|line| line.split_once('='));
    let service =
        ProcessSpec::new("order-service", World::real_binaries().join("order-service")).envs(variables);
    let service = bed.run.supervise(service).unwrap();
    let listens = |line: &str| line.starts_with("listening ").then_some(());
    service.line(&generous(), listens).await.unwrap();
    let tool = breakpoint::debugger().unwrap();
    let mut session = Session::attach(&bed.run, &tool, "debugger", service.pid(), &generous())
        .await
        .unwrap();
    session
        .break_at(&in_process_order().unwrap(), &generous())
        .await
        .unwrap();
    assert_eq!(session.go(&generous()).await.unwrap(), service.pid());
    session.detach(&generous()).await.unwrap();
    assert_eq!(service.exited(), None);
    assert!(bed.run.finish().await.complete());
}
