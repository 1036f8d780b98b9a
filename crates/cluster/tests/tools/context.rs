//! A cluster that is there already: what people are told before anything is made, against a fake API server.

use std::path::Path;

use cluster::binaries::Binaries;
use cluster::manifest::Profile;
use cluster::{ContextOptions, KindEnvironment, KindOptions, Pins, Plan};
use serde_json::{Value, json};
use testbed::{Environment, Explain};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::environment::shown;
use crate::fakes::{Fakes, run, told};
use crate::telepresence_bed::fake;

/// An API server of an empty cluster, whose user may do everything that is not in this list of verbs and resources.
pub(crate) async fn server(forbidden: &'static [(&'static str, &'static str)]) -> MockServer {
    let server = MockServer::start().await;
    let version = json!({"major": "1", "minor": "34", "gitVersion": "v1.34.4", "gitCommit": "", "gitTreeState": "",
        "buildDate": "", "goVersion": "", "compiler": "", "platform": ""});
    answer(&server, "/version", &version).await;
    let review = move |request: &Request| {
        let mut review: Value = serde_json::from_slice(&request.body).unwrap();
        let asked = &review["spec"]["resourceAttributes"];
        let lacks = forbidden
            .iter()
            .any(|(verb, resource)| asked["verb"] == *verb && asked["resource"] == *resource);
        review["status"] = json!({"allowed": !lacks});
        ResponseTemplate::new(201).set_body_json(review)
    };
    Mock::given(method("POST"))
        .and(path("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"))
        .respond_with(review)
        .mount(&server)
        .await;
    let nobody = json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "items": []});
    answer(&server, "/apis/apps/v1/deployments", &nobody).await;
    server
}

/// The last word on everything that nothing else was said of.
pub(crate) async fn nothing_else(server: &MockServer) {
    let absent = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
        "message": "not found", "metadata": {}, "details": {}});
    Mock::given(method("GET"))
        .and(path_regex("^/api"))
        .respond_with(ResponseTemplate::new(404).set_body_json(absent))
        .mount(server)
        .await;
}

async fn answer(server: &MockServer, at: &str, value: &Value) {
    Mock::given(method("GET"))
        .and(path(at))
        .respond_with(ResponseTemplate::new(200).set_body_json(value))
        .mount(server)
        .await;
}

fn metadata(name: &str, labels: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": {"name": name, "labels": labels}})
}

pub(crate) fn kubeconfig(folder: &Path, name: &str, server: &str) {
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "production",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}}],
    });
    std::fs::write(folder.join("kubeconfig"), text.to_string()).unwrap();
}

pub(crate) fn environment(fakes: &Fakes, context: &str, by_name: bool) -> KindEnvironment {
    let folder = fakes.folder();
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
    let tools = fakes.path();
    KindEnvironment::new(KindOptions {
        tools,
        program: None,
        plan,
    })
    .on(shown(folder))
    .in_context(ContextOptions {
        context: context.into(),
        kubeconfigs: vec![folder.join("kubeconfig")],
        use_namespaces: Vec::new(),
        service_images: by_name.then(|| "registry.example.com/team:1.0".parse().unwrap()),
        withdraw: "/bin/false".into(),
    })
}

/// From now on the namespace `demo` is there for whoever looks for it or wants to create it.
pub(crate) async fn taken(server: &MockServer) {
    let taken = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "AlreadyExists", "code": 409,
        "message": "namespaces \"demo\" already exists", "metadata": {}, "details": {}});
    answer(server, "/api/v1/namespaces/demo", &metadata("demo", &json!({}))).await;
    Mock::given(method("POST"))
        .and(path("/api/v1/namespaces"))
        .respond_with(ResponseTemplate::new(409).set_body_json(taken))
        .mount(server)
        .await;
}

async fn missing(environment: &KindEnvironment, fakes: &Fakes) -> String {
    let missing = environment.preflight().await;
    let lines: Vec<String> = missing
        .iter()
        .map(|one| format!("{}\n  {}", one.fact, one.cure))
        .collect();
    lines
        .join("\n")
        .replace(&fakes.folder().display().to_string(), "[folder]")
}

#[tokio::test]
async fn a_cluster_in_which_all_is_well_is_left_in_peace() {
    let (fakes, server) = (fake("2.31.2", &[]), server(&[]).await);
    nothing_else(&server).await;
    kubeconfig(fakes.folder(), "staging", &server.uri());
    assert_eq!(missing(&environment(&fakes, "staging", true), &fakes).await, "");
    let written = server.received_requests().await.unwrap();
    let asks = |request: &Request| request.url.path().ends_with("/selfsubjectaccessreviews");
    let other = written
        .iter()
        .filter(|request| !asks(request) && request.method != "GET");
    assert_eq!(other.count(), 0, "nothing is written before a run");
}

#[tokio::test]
async fn everything_that_is_in_the_way_is_told_at_once() {
    let fakes = fake("2.31.2", &[]);
    let server = server(&[
        ("create", "namespaces"),
        ("create", "clusterroles"),
        ("delete", "clusterroles"),
    ])
    .await;
    answer(
        &server,
        "/api/v1/namespaces/demo",
        &metadata("demo", &json!({"team": "shop"})),
    )
    .await;
    let left = json!({"throughline.dev/run": "7f3a-00112233"});
    answer(
        &server,
        "/api/v1/namespaces/observability",
        &metadata("observability", &left),
    )
    .await;
    nothing_else(&server).await;
    kubeconfig(fakes.folder(), "staging", &server.uri());
    insta::assert_snapshot!(
        "context_in_the_way",
        missing(&environment(&fakes, "staging", false), &fakes).await
    );
}

#[tokio::test]
async fn a_context_named_like_a_kind_cluster_that_leads_elsewhere_gets_no_images() {
    let fakes = fake("2.31.2", &[])
        .tool(
            "kind",
            json!([{"when": ["nodes"], "stdout": "mine-control-plane\n"}]),
        )
        .tool("docker", json!([{"when": ["port"], "stdout": "127.0.0.1:1\n"}]));
    let server = server(&[]).await;
    nothing_else(&server).await;
    kubeconfig(fakes.folder(), "kind-mine", &server.uri());
    let told = missing(&environment(&fakes, "kind-mine", false), &fakes).await;
    insta::assert_snapshot!("context_not_that_kind", told.replace(&server.uri(), "[server]"));
    assert!(
        !fakes.calls().iter().any(|call| call.contains("import")),
        "{:?}",
        fakes.calls()
    );
}

#[tokio::test]
async fn an_absent_context_and_a_silent_server_are_named() {
    let fakes = fake("2.31.2", &[]);
    // Nobody listens on port 1.
    kubeconfig(fakes.folder(), "staging", "http://127.0.0.1:1");
    let absent = missing(&environment(&fakes, "stagging", true), &fakes).await;
    let silent = missing(&environment(&fakes, "staging", true), &fakes).await;
    insta::assert_snapshot!("context_absent_and_silent", format!("{absent}\n\n{silent}"));
}

#[tokio::test]
async fn a_run_that_can_not_begin_leaves_neither_credentials_nor_anything_else() {
    let fakes = fake("2.31.2", &[]);
    kubeconfig(fakes.folder(), "staging", "http://127.0.0.1:1");
    let (run, _events) = run(fakes.folder());
    let mut environment = environment(&fakes, "staging", true);
    let signals = run.signals().clone();
    let (failed, ()) = tokio::join!(environment.up(&run), async {
        // The server is waited for; the user has seen enough.
        signals.raise();
    });
    assert!(failed.is_err());
    assert!(
        run.dir().file("kubeconfig").exists(),
        "the copy is there until the undo"
    );
    assert!(run.finish().await.complete());
    assert!(!run.dir().file("kubeconfig").exists());
}

#[tokio::test]
async fn what_somebody_made_meanwhile_is_not_taken() {
    let (fakes, server) = (fake("2.31.2", &[]), server(&[]).await);
    // The look found nothing; the creation finds it.
    taken(&server).await;
    nothing_else(&server).await;
    kubeconfig(fakes.folder(), "staging", &server.uri());
    let (run, _events) = run(fakes.folder());
    let error = environment(&fakes, "staging", true).up(&run).await.unwrap_err();
    let error: &dyn Explain = &*error;
    let told = told(error);
    assert!(
        told.contains("already exists") && told.contains("left alone"),
        "{told}"
    );
    let posts = server.received_requests().await.unwrap();
    let created = posts.iter().filter(|request| request.method != "GET").count();
    assert!(created <= 3, "only namespaces were tried: {created}");
}
