//! Flags and variables of the real binary: what is refused, what is ignored, what they change.

use http::{HeaderMap, HeaderValue};
use rstest::rstest;

use crate::process::{Inventory, Service, run};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[rstest]
#[case::unknown_flag(&["--lisen", "127.0.0.1:0"], &[], "unexpected argument '--lisen'")]
#[case::bad_address(&["--listen", "everywhere"], &[], "'--listen <ADDRESS>'")]
#[case::bad_url(&["--inventory-url", "inventory:8080"], &[], "expected a URL such as")]
#[case::bad_duration(&["--upstream-timeout", "2"], &[], "expected a duration such as `2s`")]
#[case::no_time_at_all(&["--upstream-timeout", "0s"], &[], "a time limit cannot be zero")]
#[case::bad_site(&["--site", "moon"], &[], "[possible values: cluster, workstation]")]
#[case::bad_fault_by_variable(&[], &[("THROUGHLINE_FAULT", "mischief")], "drop-traceparent")]
#[case::tls(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4317")], "the scheme has to be `http`")]
#[case::bad_filter(&[], &[("RUST_LOG", "order_service=loud")], "RUST_LOG=order_service=loud")]
#[tokio::test]
async fn settings_that_cannot_be_used_are_told(
    #[case] args: &[&str],
    #[case] variables: &[(&str, &str)],
    #[case] told: &str,
) {
    let ended = run(args, variables).await;
    assert_eq!(ended.status.code(), Some(2), "{:#?}", ended.stderr);
    assert!(ended.stderr.join("\n").contains(told), "{:#?}", ended.stderr);
    assert!(ended.stdout.is_empty());
}

#[rstest]
#[case(("OTEL_BSP_SCHEDULE_DELAY", "10ms"), "OTEL_BSP_SCHEDULE_DELAY=10ms is ignored")]
#[case(("OTEL_RESOURCE_ATTRIBUTES", "no-pair"), "OTEL_RESOURCE_ATTRIBUTES=no-pair is ignored")]
#[case(("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"), "Ignoring value 'gzip'")]
#[case(("OTEL_TRACES_SAMPLER", "sometimes"), "OTEL_TRACES_SAMPLER=sometimes is ignored")]
#[case(("OTEL_PROPAGATORS", "jaeger"), "OTEL_PROPAGATORS=jaeger is ignored")]
#[tokio::test]
async fn settings_that_are_ignored_are_told(#[case] variable: (&str, &str), #[case] told: &str) {
    let mut service = Service::start(&[], &[variable]).await;
    service.says(&["WARN", told]).await;
}

#[tokio::test]
async fn help_shows_examples_and_variables() {
    let ended = run(&["--help"], &[]).await;
    assert_eq!(ended.status.code(), Some(0));
    let help = ended.stdout.join("\n");
    let parts = [
        "Examples:",
        "THROUGHLINE_LISTEN",
        "INVENTORY_URL",
        "UPSTREAM_TIMEOUT",
        "OTEL_*",
        "drop-traceparent",
    ];
    for part in parts {
        assert!(help.contains(part), "{part} is not in {help}");
    }
    let version = run(&["--version"], &[]).await;
    assert_eq!(
        version.stdout,
        [concat!("order-service ", env!("CARGO_PKG_VERSION"))]
    );
}

#[tokio::test]
async fn a_variable_does_what_the_flag_does() {
    let mut inventory = Inventory::start().await;
    let variables = [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("INVENTORY_URL", inventory.url.as_str()),
    ];
    let service = Service::start(&[], &variables).await;
    assert_eq!(service.order().await, 201);
    inventory.question().await;
}

#[tokio::test]
async fn a_fault_is_announced_loudly_and_breaks_what_it_says() {
    let mut inventory = Inventory::start().await;
    let args = ["--fault", "drop-traceparent", "--inventory-url", &inventory.url];
    let mut service = Service::start(&args, &[("OTEL_TRACES_EXPORTER", "none")]).await;
    service
        .says(&["WARN", "MISBEHAVING ON PURPOSE", "drop-traceparent"])
        .await;
    service.order_with(&caller()).await;
    let question = inventory.question().await;
    assert_eq!(question.get("traceparent"), None);
    assert_eq!(question["x-request-id"], "r-81");
}

#[tokio::test]
async fn who_speaks_b3_only_hears_and_says_b3_only() {
    let mut inventory = Inventory::start().await;
    let args = ["--inventory-url", &inventory.url];
    let variables = [("OTEL_TRACES_EXPORTER", "none"), ("OTEL_PROPAGATORS", "b3")];
    let service = Service::start(&args, &variables).await;
    service.order_with(&caller()).await;
    let question = inventory.question().await;
    assert_eq!(question.get("traceparent"), None);
    let b3 = question["b3"].to_str().unwrap();
    assert!(!b3.starts_with(&PARENT[3..35]), "a trace of its own: {b3}");
    assert_eq!(service.whoami().await.telemetry.propagators, ["b3"]);
}

#[tokio::test]
async fn what_is_sampled_out_is_counted_and_told_to_the_next_service() {
    let mut inventory = Inventory::start().await;
    let args = ["--inventory-url", &inventory.url];
    let variables = [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ];
    let service = Service::start(&args, &variables).await;
    service.order_with(&caller()).await;
    let question = inventory.question().await;
    let parent = question["traceparent"].to_str().unwrap();
    assert!(
        parent.starts_with(&PARENT[..35]) && parent.ends_with("-00"),
        "{parent}"
    );
    let account = service.whoami().await.telemetry;
    assert_eq!(
        (account.sampler.as_str(), account.sampled_out, account.started),
        ("always_off", 4, 0)
    );
}

fn caller() -> HeaderMap {
    let pairs = [
        ("traceparent", PARENT),
        ("x-request-id", "r-81"),
        ("x-debug", "me"),
        ("baggage", "tier=gold"),
    ];
    pairs
        .into_iter()
        .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
        .collect()
}

#[tokio::test]
async fn without_telemetry_the_context_travels_on_untouched() {
    let mut inventory = Inventory::start().await;
    let service = Service::start(
        &["--inventory-url", &inventory.url],
        &[("OTEL_SDK_DISABLED", "true")],
    )
    .await;
    assert_eq!(service.order_with(&caller()).await, 201);
    let question = inventory.question().await;
    for (name, value) in caller() {
        let name = name.unwrap();
        assert_eq!(question.get(&name), Some(&value), "{name}");
    }
    let account = service.whoami().await.telemetry;
    assert_eq!((account.exporter.as_str(), account.started), ("disabled", 0));
}

#[tokio::test]
async fn a_sampler_that_says_no_leaves_only_the_headers() {
    let mut inventory = Inventory::start().await;
    let service = Service::start(
        &["--inventory-url", &inventory.url],
        &[("OTEL_TRACES_SAMPLER", "always_off")],
    )
    .await;
    assert_eq!(service.order_with(&caller()).await, 201);
    let question = inventory.question().await;
    let traceparent = question["traceparent"].to_str().unwrap();
    assert!(
        traceparent.starts_with(&PARENT[..36]) && traceparent.ends_with("-00"),
        "{traceparent}"
    );
    assert_eq!(question["x-request-id"], "r-81");
    assert_eq!(service.whoami().await.telemetry.started, 0);
}

#[tokio::test]
async fn without_propagators_the_request_id_still_travels() {
    let mut inventory = Inventory::start().await;
    let variables = [("OTEL_PROPAGATORS", "none"), ("OTEL_TRACES_EXPORTER", "none")];
    let service = Service::start(&["--inventory-url", &inventory.url], &variables).await;
    assert_eq!(service.order_with(&caller()).await, 201);
    let question = inventory.question().await;
    assert_eq!(
        (question.get("traceparent"), question.get("baggage")),
        (None, None)
    );
    assert_eq!(question["x-request-id"], "r-81");
    assert_eq!(question["x-debug"], "me");
}

#[tokio::test]
async fn logs_tell_the_request_and_the_trace_without_colours() {
    let inventory = Inventory::start().await;
    let service = Service::start(
        &["--inventory-url", &inventory.url],
        &[("OTEL_TRACES_EXPORTER", "none")],
    )
    .await;
    service.order_with(&caller()).await;
    let lines = service.stop().await.stderr;
    let told = lines
        .iter()
        .find(|line| line.contains("POST /api/orders 201"))
        .unwrap();
    assert!(
        told.ends_with(" request=r-81 trace=0af7651916cd43dd8448eb211c80319c"),
        "{told}"
    );
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:#?}");
}
