//! The kind environment before and during its start: everything missing told at once, a failed step undone.

use std::path::Path;
use std::time::{Duration, Instant};

use cluster::binaries::Binaries;
use cluster::machine::Machine;
use cluster::manifest::Profile;
use cluster::tool::ToolPath;
use cluster::{KindEnvironment, KindOptions, Pins, Plan};
use rstest::{Context, rstest};
use serde_json::{Value, json};
use testbed::Environment;

use crate::fakes::{Fakes, always, run, told};

pub(crate) fn options(tools: ToolPath, folder: &Path) -> KindOptions {
    let plan = Plan {
        pins: Pins::built_in().unwrap(),
        binaries: Binaries::Folder(folder.join("binaries")),
        profile: Profile::Synchronous,
        download: false,
        telepresence: true,
        reuse: false,
        prefix: "tl".into(),
        workstation_port: cluster::WORKSTATION_PORT,
        locks: folder.into(),
        machine_locks: folder.into(),
        saved_images: folder.join("images"),
    };
    KindOptions {
        tools,
        program: None,
        plan,
    }
}

/// A machine whose kernel shows what is in this folder.
pub(crate) fn shown(folder: &Path) -> Machine {
    let (proc, tun) = (folder.join("proc"), folder.join("tun"));
    std::fs::create_dir_all(proc.join("net")).unwrap();
    std::fs::write(&tun, "").unwrap();
    Machine {
        proc,
        tun,
        dockerenv: folder.join("dockerenv"),
        root: true,
    }
}

pub(crate) fn engine(memory: u64) -> Value {
    let info = json!({"ServerVersion": "28.1", "NCPU": 2, "MemTotal": memory, "Architecture": "x86_64"});
    json!({"when": ["info"], "stdout": info.to_string()})
}

pub(crate) fn images(present: &[&str], code: u8) -> Value {
    let found: Vec<Value> = present
        .iter()
        .map(|image| json!({"RepoTags": [image], "RepoDigests": []}))
        .collect();
    let stderr = if code == 0 {
        ""
    } else {
        "Error: No such image: x\n"
    };
    json!({"when": ["inspect"], "stdout": json!(found).to_string(), "stderr": stderr, "code": code})
}

pub(crate) const ALL: [&str; 4] = [
    "kindest/node:v1.34.4",
    "jaegertracing/jaeger:2.13.0",
    "otel/opentelemetry-collector-k8s:0.160.0",
    "ghcr.io/telepresenceio/tel2:2.31.2",
];

pub(crate) fn machine(docker: Value, kind: &str, telepresence: &str) -> Fakes {
    Fakes::new()
        .tool("docker", docker)
        .tool("kind", always(json!({"stdout": kind})))
        .tool(
            "telepresence",
            json!([{"when": ["version"], "stdout": telepresence}, {"when": ["status"], "stdout": "{}"}]),
        )
}

pub(crate) const TELEPRESENCE: &str = "OSS Client         : v2.31.2\nOSS Root Daemon    : not running\n";

#[rstest]
#[case::nothing(Fakes::new())]
#[case::everything_wrong(machine(json!([engine(1 << 30), images(&ALL[..2], 1)]), "kind v0.20.0 go1.20 linux/amd64", "OSS Client : v2.20.1"))]
#[case::docker_down(machine(json!([{"stderr": "Cannot connect to the Docker daemon at unix:///fake.sock. Is the docker daemon running?\n", "code": 1}]), "kind v0.32.0 go1.24 linux/amd64", TELEPRESENCE))]
#[tokio::test]
async fn everything_missing_is_told_at_once(#[case] fakes: Fakes, #[context] context: Context) {
    let environment = KindEnvironment::new(options(fakes.path(), fakes.folder())).on(shown(fakes.folder()));
    let missing = environment.preflight().await;
    let lines: Vec<String> = missing
        .iter()
        .map(|missing| format!("{}\n  {}", missing.fact, missing.cure))
        .collect();
    insta::assert_snapshot!(
        format!("missing_{}", context.description.unwrap()),
        lines.join("\n")
    );
}

#[tokio::test]
async fn nothing_is_missing_on_a_machine_that_has_everything() {
    let fakes = machine(
        json!([engine(8 << 30), images(&ALL, 0)]),
        "kind v0.32.0 go1.24 linux/amd64",
        TELEPRESENCE,
    );
    assert_eq!(
        KindEnvironment::new(options(fakes.path(), fakes.folder()))
            .on(shown(fakes.folder()))
            .preflight()
            .await,
        []
    );
}

#[tokio::test]
async fn images_need_not_be_there_when_they_may_be_downloaded() {
    let fakes = machine(
        json!([engine(8 << 30)]),
        "kind v0.32.0 go1.24 linux/amd64",
        TELEPRESENCE,
    );
    let mut options = options(fakes.path(), fakes.folder());
    options.plan.download = true;
    let environment = KindEnvironment::new(options).on(shown(fakes.folder()));
    assert_eq!(environment.preflight().await, []);
}

#[tokio::test]
async fn an_acknowledged_span_is_a_stored_one_unless_the_collector_batches() {
    let fakes = Fakes::new();
    let visible = |profile| {
        let mut options = options(fakes.path(), fakes.folder());
        options.plan.profile = profile;
        KindEnvironment::new(options).visible_within()
    };
    assert_eq!(visible(Profile::Synchronous), Duration::ZERO);
    assert!(visible(Profile::Batched) > Duration::ZERO);
}

#[tokio::test]
async fn what_a_killed_telepresence_left_and_a_port_in_use_are_told_beside_the_rest() {
    let fakes = machine(
        json!([engine(8 << 30), images(&ALL, 0)]),
        "kind v0.32.0 go1.24 linux/amd64",
        TELEPRESENCE,
    )
    .tool(
        "iptables",
        always(json!({"stdout": "-P OUTPUT ACCEPT\n-N TELEPRESENCE_DNS\n-A OUTPUT -j TELEPRESENCE_DNS\n"})),
    )
    .tool(
        "ip",
        always(json!({"stdout": "0:\tfrom all lookup local\n32765:\tfrom all lookup 771\n"})),
    );
    let machine = shown(fakes.folder());
    std::fs::write(machine.proc.join("meminfo"), "MemAvailable:   1048576 kB\n").unwrap();
    let row = "0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 4711 1\n";
    std::fs::write(machine.proc.join("net/tcp"), format!("sl local_address\n{row}")).unwrap();
    let environment = KindEnvironment::new(options(fakes.path(), fakes.folder())).on(machine);
    let missing = environment.preflight().await;
    let lines: Vec<String> = missing
        .iter()
        .map(|missing| format!("{}\n  {}", missing.fact, missing.cure))
        .collect();
    insta::assert_snapshot!("missing_leftovers", lines.join("\n"));
}

#[tokio::test]
async fn tools_for_the_network_that_fail_are_nothing_to_complain_of() {
    let failing = || always(json!({"stderr": "no such table\n", "code": 1}));
    let fakes = machine(
        json!([engine(8 << 30), images(&ALL, 0)]),
        "kind v0.32.0 go1.24 linux/amd64",
        TELEPRESENCE,
    )
    .tool("iptables", failing())
    .tool("ip", failing());
    let environment = KindEnvironment::new(options(fakes.path(), fakes.folder())).on(shown(fakes.folder()));
    assert_eq!(environment.preflight().await, []);
}

/// Services that are enough of an executable to be packed.
pub(crate) fn binaries(folder: &Path) {
    let folder = folder.join("binaries");
    std::fs::create_dir(&folder).unwrap();
    let mut header = vec![0; 64];
    header[..6].copy_from_slice(b"\x7fELF\x02\x01");
    header[18] = 62;
    for service in cluster::manifest::SERVICES {
        std::fs::write(folder.join(service), &header).unwrap();
    }
}

#[tokio::test]
async fn the_first_failure_ends_everything_at_once_and_is_undone() {
    let complaint =
        "ERROR: failed to create cluster: node(s) already exist for a cluster with the name \"x\"\n";
    let fakes = machine(
        json!([{"when": ["exec"], "stderr": "Error: No such container: x\n", "code": 1}]),
        "",
        TELEPRESENCE,
    )
    .tool(
        "kind",
        json!([{"when": ["create"], "stderr": complaint, "code": 1}, {"when": ["delete"]}]),
    );
    binaries(fakes.folder());
    let (run, _events) = run(fakes.folder());
    let mut environment = KindEnvironment::new(options(fakes.path(), fakes.folder()));
    let begun = Instant::now();
    let error = environment.up(&run).await.unwrap_err();
    // Far below the limits of what was waiting for the node.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    assert!(
        told(&*error).contains("there is a kind cluster \"x\" already"),
        "{}",
        told(&*error)
    );
    assert!(
        told(&*error).contains("hint: if nobody needs it"),
        "{}",
        told(&*error)
    );
    let evidence = environment.collect(&run.dir().file("evidence")).await;
    let whats: Vec<&str> = evidence.iter().map(|piece| piece.what.as_str()).collect();
    assert_eq!(whats, ["routes and DNS of this machine", "what could not be had"]);
    let report = run.finish().await;
    assert!(report.complete(), "{report:?}");
    let deleted = |call: &String| call.starts_with("kind delete cluster --name tl-");
    assert!(fakes.calls().iter().any(deleted), "{:?}", fakes.calls());
}

#[rstest]
#[case::lacking_and_allowed(&[], true, &["docker pull --quiet kindest/node:v1.34.4"])]
#[case::lacking_and_not_allowed(&[], false, &[])]
#[case::there(&ALL, true, &[])]
#[tokio::test]
async fn the_node_s_image_is_there_before_kind_is_asked(
    #[case] present: &[&str],
    #[case] download: bool,
    #[case] pulled: &[&str],
) {
    let fakes = machine(
        json!([
            images(present, 0),
            {"when": ["pull"]},
            {"when": ["exec"], "stderr": "Error: No such container: x\n", "code": 1},
        ]),
        "",
        TELEPRESENCE,
    )
    .tool(
        "kind",
        json!([{"when": ["create"], "code": 1}, {"when": ["delete"]}]),
    );
    binaries(fakes.folder());
    let (run, _events) = run(fakes.folder());
    let mut options = options(fakes.path(), fakes.folder());
    options.plan.download = download;
    KindEnvironment::new(options).up(&run).await.unwrap_err();
    let calls = fakes.calls();
    let before = calls.iter().take_while(|call| !call.starts_with("kind create"));
    let pulls: Vec<&String> = before.filter(|call| call.contains("kindest/node")).collect();
    let pulls: Vec<&String> = pulls.into_iter().filter(|call| call.contains(" pull ")).collect();
    assert_eq!(pulls, pulled, "{calls:?}");
    assert!(run.finish().await.complete());
}

#[tokio::test]
async fn a_binary_that_was_not_built_is_told_with_the_command_that_builds_it() {
    let fakes = machine(
        json!([{"when": ["exec"], "stderr": "Error: No such container: x\n", "code": 1}]),
        "",
        TELEPRESENCE,
    )
    .tool(
        "kind",
        json!([{"when": ["create"], "hang": true}, {"when": ["delete"]}]),
    );
    let (run, _events) = run(fakes.folder());
    let mut environment = KindEnvironment::new(options(fakes.path(), fakes.folder()));
    let error = environment.up(&run).await.unwrap_err();
    let folder = fakes.folder().display().to_string();
    insta::assert_snapshot!("unbuilt", told(&*error).replace(&folder, "[folder]"));
    assert!(run.finish().await.complete());
}
