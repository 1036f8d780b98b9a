//! What can go wrong on the real thing while a run uses a kept cluster: each is told with its cause and what to do, has its exit
//! code, and leaves the machine and the cluster as they were.

use std::path::PathBuf;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::bed::{Bed, KEPT, NEXT, RUN};
use crate::machine::{Daemon, PREFIX, output};
use crate::program::{Finished, INTERCEPTED, json_lines, processes_of};

/// What must not be found in evidence.
const PLANTED: &str = "hunter2-planted";

/// What happens, and the test of it.
type BadEnd = (&'static str, fn(&Bed));

/// In this order: the last one costs the cluster.
pub(crate) const BAD_ENDS: [BadEnd; 12] = [
    ("Docker that is down", docker_is_down),
    ("an image that is nowhere", an_image_is_nowhere),
    ("a connection that somebody else has", somebody_else_is_connected),
    ("two runs at once", two_runs_at_once),
    ("the workstation's port that is taken", the_port_is_taken),
    ("a daemon that died with its run", the_daemon_dies_with_the_run),
    ("two pods that are intercepted", two_pods_are_intercepted),
    ("an agent whose image is lost", the_agents_image_is_lost),
    ("secrets in the evidence", evidence_has_no_secrets),
    ("a webhook that can't be reached", the_webhook_is_unreachable),
    ("a node whose disk is full", the_node_is_full),
    ("a cluster that is deleted", the_cluster_is_deleted),
];

/// The run told this, and ended with this code.
#[track_caller]
fn expect_told(finished: Finished, code: i32, words: &[&str]) {
    let finished = finished.expect_code(code);
    let all = format!("{}\n{}", finished.stdout, finished.stderr);
    eprintln!("--- told:\n{}", finished.stderr);
    for word in words {
        assert!(all.contains(word), "`{word}` in:\n{all}");
    }
}

fn docker_is_down(bed: &Bed) {
    let world = bed.world_with("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    let finished = world.run(&RUN);
    expect_told(
        finished,
        13,
        &["Docker", "unix:///nonexistent/docker.sock", "hint: "],
    );
    bed.expect_clean("no Docker");
}

fn an_image_is_nowhere(bed: &Bed) {
    let pin = ["--pin", "jaeger=registry.invalid/jaeger:0.0.1"];
    let args = [RUN.as_slice(), &pin].concat();
    let words = [
        "the image registry.invalid/jaeger:0.0.1 is not in the local Docker",
        "docker pull registry.invalid/jaeger:0.0.1",
    ];
    expect_told(bed.world.run(&args), 13, &words);
    bed.expect_clean("no image");
}

fn somebody_else_is_connected(bed: &Bed) {
    let home = bed.folder("home");
    let kubeconfig = home.join("kubeconfig");
    let cluster = bed.kept();
    std::fs::write(
        &kubeconfig,
        output("kind", ["get", "kubeconfig", "--name", &cluster]),
    )
    .expect("a file");
    let daemon = Daemon::connect(&home, &kubeconfig);
    let before = daemon.status();
    let world = bed.world_with("HOME", &home);
    let finished = world.run(&KEPT);
    let fact = format!(
        "there is a Telepresence connection to kind-{cluster} (namespace demo) that this run did not make"
    );
    expect_told(finished, 13, &[&fact, "telepresence quit -s"]);
    assert_eq!(daemon.status(), before, "it is still there, and the same");
    daemon.quit();
    bed.expect_clean("not connected");
}

/// The scenario with two pods, on the cluster that stays.
fn with_two_pods() -> [&'static str; 7] {
    let scenario = "an_intercept_takes_the_requests_to_both_replicas";
    KEPT.map(|arg| if arg == INTERCEPTED { scenario } else { arg })
}

/// It does not end badly with this version; with an earlier one it would hang. Whoever intercepts has to know what it means.
fn two_pods_are_intercepted(bed: &Bed) {
    let events = bed.play(&with_two_pods());
    let told = |event: &Value| {
        let text = event["text"].as_str().unwrap_or_default();
        text.starts_with("order-service has 2 pods: the intercept takes the requests to all of them")
    };
    assert!(events.iter().any(told), "{events:#?}");
}

fn two_runs_at_once(bed: &Bed) {
    let mut first = bed.world.start(&KEPT);
    let run = first.run_id();
    first.until("the connection", |event| {
        event["event"] == "step_finished" && event["step"] == "telepresence connected"
    });
    let begun = Instant::now();
    let holder = format!("the machine's Telepresence connection is in use by run {run} (pid ");
    expect_told(bed.world.run(&RUN), 13, &[&holder, "wait for that run"]);
    eprintln!("refused after {:.2} s", begun.elapsed().as_secs_f64());
    first.finish().expect_code(0);
    bed.expect_clean(&run);
}

fn the_port_is_taken(bed: &Bed) {
    let taken = || std::net::TcpListener::bind(("127.0.0.1", 8080)).expect("the port is free");
    let listener = taken();
    let me = format!("(pid {})", std::process::id());
    let words = [
        "port 8080 of the workstation is taken by ",
        &me,
        "sudo ss -ltnp 'sport = :8080'",
    ];
    expect_told(bed.world.run(&KEPT), 13, &words);
    drop(listener);
    // Taken when all that was looked at before was well.
    let mut running = bed.world.start(&KEPT);
    let run = running.run_id();
    running.until("the connection", |event| {
        event["event"] == "step_started" && event["step"] == "telepresence connected"
    });
    let listener = taken();
    expect_told(running.finish(), 10, &["Address already in use", "8080"]);
    drop(listener);
    bed.expect_clean(&run);
}

fn the_daemon_dies_with_the_run(bed: &Bed) {
    let mut running = bed.world.start(&KEPT);
    let run = running.run_id();
    running.until("the intercept", |event| {
        event["event"] == "step_finished" && event["step"] == "intercept"
    });
    let daemons: Vec<Pid> = processes_of(&run)
        .into_iter()
        .filter(|pid| {
            let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split('\0').any(|word| word == "userd")
        })
        .filter_map(|pid| Pid::from_raw(pid.cast_signed()))
        .collect();
    assert!(!daemons.is_empty());
    running.signal(Signal::KILL);
    for daemon in daemons {
        kill_process(daemon, Signal::KILL).expect("it is there");
    }
    let killed = Instant::now();
    assert_eq!(running.finish().code, None);
    bed.world.run(&NEXT).expect_code(0);
    bed.expect_clean(&run);
    let events = bed.play(&KEPT);
    let step = events
        .iter()
        .find(|event| event["event"] == "step_finished" && event["step"] == "a dead client's intercept");
    let detail = step.and_then(|step| step["detail"].as_str()).unwrap_or_default();
    eprintln!(
        "{detail}; the next run ended {:.1} s after the kill",
        killed.elapsed().as_secs_f64()
    );
    let revoked = detail.starts_with("revoked ") && detail.ends_with(":order-service");
    assert!(revoked, "{events:#?}");
}

/// The server refuses pods with an agent in the words it has for one without an image, until the run gives the workload up and
/// makes it anew: as when the traffic manager has lost the image, which can't be had at will.
fn the_agents_image_is_lost(bed: &Bed) {
    const POLICY: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": "lost-image"},
            "spec": {
                "matchConstraints": {"resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                ]},
                "validations": [{
                    "expression": "!object.spec.containers.exists(c, c.name == 'traffic-agent')",
                    "message": "spec.containers[1].image: Required value"
                }]
            }
        },
        {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": "lost-image"},
            "spec": {"policyName": "lost-image", "validationActions": ["Deny"]}
        }
    ]}"#;
    let file = bed.folder("policy").join("lost-image.json");
    std::fs::write(&file, POLICY).expect("a file");
    let there = "/kind/lost-image.json";
    let node = format!("{}:{there}", bed.node());
    output("docker", ["cp", file.to_str().expect("UTF-8"), &node]);
    bed.kubectl(&format!("create -f {there}"));
    let mut running = bed.world.start(&with_two_pods());
    let run = running.run_id();
    running.until("the loss", |event| {
        let text = event["text"].as_str().unwrap_or_default();
        text.starts_with("order-service: the traffic manager has lost its agent's image")
    });
    bed.kubectl(&format!("delete -f {there}"));
    running.finish().expect_code(0);
    bed.expect_clean(&run);
}

fn evidence_has_no_secrets(bed: &Bed) {
    let image = bed.kubectl(
        "get -n demo deployment/order-service -o jsonpath={.spec.template.spec.containers[0].image}",
    );
    bed.kubectl(&format!(
        "create -n demo secret generic planted --from-literal=password={PLANTED}"
    ));
    bed.kubectl(&format!(
        "set env -n demo deployment/inventory-service DB_PASSWORD={PLANTED}"
    ));
    // What it does not understand it repeats: a log with a secret in it.
    bed.kubectl(&format!(
        "run -n demo planted --restart=Never --image-pull-policy=Never --image={image} -- --password={PLANTED}"
    ));
    let mut running = bed.world.start(&KEPT);
    let run = running.run_id();
    running.finish().expect_code(0);
    bed.kubectl("delete -n demo pod planted --now");
    bed.kubectl("delete -n demo secret planted");
    bed.kubectl("set env -n demo deployment/inventory-service DB_PASSWORD-");
    let folder = bed.directory(&run);
    let text = everything(folder.join("evidence"));
    assert!(!text.contains(PLANTED), "a planted secret was kept");
    for part in [
        "DB_PASSWORD",
        "[redacted]",
        "\"status\": \"Connected\"",
        "TELEPRESENCE_DNS",
        "nameserver ",
    ] {
        assert!(text.contains(part), "{part}");
    }
    let page = std::fs::read_to_string(folder.join("report.html")).expect("a page");
    for link in [
        "evidence/demo/pods.json",
        "evidence/demo/events.txt",
        "/traffic-agent.log",
        "/planted.log",
        "/jaeger.log",
        "/otel-collector.log",
        "/traffic-manager.log",
        "evidence/telepresence/status.json",
        "evidence/telepresence/logs",
        "evidence/workstation/network.txt",
    ] {
        assert!(page.contains(link), "{link} on the page");
    }
    for file in ["kubeconfig", "missing.txt"] {
        assert!(!folder.join("evidence").join(file).exists(), "{file}");
    }
    bed.expect_clean(&run);
}

/// All text below a folder.
fn everything(folder: PathBuf) -> String {
    let mut text = String::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                text += &String::from_utf8_lossy(&std::fs::read(&path).expect("a file"));
            }
        }
    }
    text
}

fn the_node_is_full(bed: &Bed) {
    let ingest = "/var/lib/containerd/io.containerd.content.v1.content/ingest";
    let images = bed.in_node("ctr -n k8s.io images ls -q");
    let image = images
        .lines()
        .find(|image| image.contains("throughline/storefront:"))
        .expect("it is in the node");
    bed.in_node(&format!("ctr -n k8s.io images rm --sync {image}"));
    bed.in_node(&format!("mount -t tmpfs -o size=1m tmpfs {ingest}"));
    let mut running = bed.world.start(&KEPT);
    let run = running.run_id();
    let finished = running.finish();
    bed.in_node(&format!("umount {ingest}"));
    let words = [
        "service images in the node",
        "no space left on the device",
        "\"hint\":\"free space",
    ];
    expect_told(finished, 12, &words);
    bed.expect_clean(&run);
    bed.play(&KEPT);
}

fn the_webhook_is_unreachable(bed: &Bed) {
    // A connection that the API server has already would outlive a Service without pods.
    let call = |service: &str| {
        let patch = format!(
            r#"[{{"op":"replace","path":"/webhooks/0/clientConfig/service/name","value":"{service}"}}]"#
        );
        let webhook = bed.kubectl("get mutatingwebhookconfigurations -o name");
        let webhook = webhook
            .lines()
            .find(|name| name.contains("agent-injector"))
            .expect("the webhook");
        bed.kubectl(&format!("patch {webhook} --type=json -p {patch}"));
    };
    call("nobody");
    // The next pod comes up without an agent.
    bed.kubectl("delete -n demo pod -l app.kubernetes.io/name=order-service --now");
    bed.kubectl("rollout status -n demo deployment/order-service");
    let mut running = bed.world.start(&KEPT);
    let run = running.run_id();
    let finished = running.finish();
    call("agent-injector");
    expect_told(
        finished,
        10,
        &[
            "the traffic agent did not arrive in the pod",
            "no pod is behind the Service ambassador/nobody",
        ],
    );
    bed.expect_clean(&run);
    bed.play(&KEPT);
}

fn the_cluster_is_deleted(bed: &Bed) {
    let cluster = bed.kept();
    let mut running = bed.world.start(&KEPT);
    let run = running.run_id();
    running.until("the intercept", |event| {
        event["event"] == "step_started" && event["step"] == "intercept"
    });
    assert!(cluster.starts_with(PREFIX));
    let kubeconfig = bed.folder("nobody's").join("kubeconfig");
    output(
        "kind",
        [
            "delete",
            "cluster",
            "--name",
            &cluster,
            "--kubeconfig",
            kubeconfig.to_str().expect("UTF-8"),
        ],
    );
    let fact = format!("kind cluster {cluster} was ");
    expect_told(running.finish(), 12, &[&fact, "\"hint\":\"run again"]);
    let events = json_lines(&bed.directory(&run).join("events.jsonl"));
    assert!(
        events.iter().all(|event| event["outcome"] != "timed_out"),
        "no step waits for its limit: {events:#?}"
    );
    let missing =
        std::fs::read_to_string(bed.directory(&run).join("evidence/missing.txt")).expect("evidence");
    assert!(missing.contains("kind's logs: "), "{missing}");
}
