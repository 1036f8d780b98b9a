//! Planted secrets are gone, and what explains a failure is still there.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::*;

#[rstest]
#[case("password: hunter2", "password: [redacted]")]
#[case("DB_PASSWORD=hunter2 PORT=1", "DB_PASSWORD=[redacted] PORT=1")]
#[case(r#"{"apiKey":"k-123","port":8080}"#, r#"{"apiKey":"[redacted]","port":8080}"#)]
#[case(
    r#"{\"client_secret\":\"k-123\",\"a\":1}"#,
    r#"{\"client_secret\":\"[redacted]\",\"a\":1}"#
)]
#[case(
    "curl --token abcdef.0123456789abcdef --user me",
    "curl --token [redacted] --user me"
)]
#[case(
    "kubeadm join x:6443 --token=abcdef.0123456789abcdef",
    "kubeadm join x:6443 --token=[redacted]"
)]
#[case("Authorization: Bearer abcdefghijkl", "Authorization: [redacted]")]
#[case("sent 'Bearer abcdefghijkl' to x", "sent 'Bearer [redacted]' to x")]
#[case("    client-key-data: LS0tLS1CRUdJTg==", "    client-key-data: [redacted]")]
#[case(
    "GET http://me:pw@host/x?y http://host/z",
    "GET http://[redacted]@host/x?y http://host/z"
)]
#[case("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln end", "jwt [redacted] end")]
#[case("push with ghp_0123456789abcdefghij", "push with [redacted]")]
fn planted_secrets_are_gone(#[case] line: &str, #[case] expected: &str) {
    assert_eq!(text(line), expected);
}

#[rstest]
#[case("automountServiceAccountToken: false")]
#[case("secretName: tls")]
#[case("expirationSeconds: 3607, tokenExpirationSeconds: 3607")]
#[case("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
#[case("the token was not accepted by http://host:8080/a")]
#[case("basic health check passed")]
#[case("image jaegertracing/jaeger:2.13.0@sha256:0123456789abcdef")]
fn what_is_no_secret_stays(#[case] line: &str) {
    assert_eq!(text(line), line);
}

#[test]
fn private_keys_are_gone_on_one_line_and_on_many() {
    let many = "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----\nb\n";
    assert_eq!(
        text(many),
        "a\n[redacted]\n[redacted]\n[redacted]\n[redacted]\nb\n"
    );
    let one = r#"{"key":"-----BEGIN PRIVATE KEY-----\nMIIEow\n-----END PRIVATE KEY-----\n","x":1}"#;
    assert_eq!(text(one), r#"{"key":"[redacted]\n","x":1}"#);
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n";
    assert_eq!(text(certificate), certificate);
}

#[test]
fn objects_lose_the_values_of_secret_names_and_keep_their_shape() {
    let mut pod = json!({
        "kind": "Pod",
        "spec": {"containers": [{"name": "order", "env": [
            {"name": "DB_PASSWORD", "value": "hunter2"},
            {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}},
            {"name": "ORDER_URL", "value": "http://user:pw@order-service:8080"},
        ], "args": ["--password", "--token=abc"]}]},
    });
    value(&mut pod);
    let env = &pod["spec"]["containers"][0]["env"];
    assert_eq!(env[0], json!({"name": "DB_PASSWORD", "value": REDACTED}));
    assert_eq!(env[1]["valueFrom"]["secretKeyRef"]["name"], "api");
    assert_eq!(env[2]["value"], "http://[redacted]@order-service:8080");
    assert_eq!(pod["spec"]["containers"][0]["args"][1], "--token=[redacted]");
    let mut secret = json!({"kind": "Secret", "data": {"user": "bWU=", "pin": 1234}});
    value(&mut secret);
    assert_eq!(
        secret,
        json!({"kind": "Secret", "data": {"user": REDACTED, "pin": REDACTED}})
    );
}

#[test]
fn a_secret_may_be_the_next_word_of_a_command_line() {
    let mut args = json!([
        "--password",
        "hunter2",
        "--verbose",
        "--token",
        "--dry-run",
        "plain"
    ]);
    value(&mut args);
    assert_eq!(
        args,
        json!([
            "--password",
            REDACTED,
            "--verbose",
            "--token",
            "--dry-run",
            "plain"
        ])
    );
}

#[test]
fn short_names_count_at_the_end_of_a_name_only() {
    for line in ["DB_PASS=hunter2", "MYSQL_PWD=hunter2", "set-cookie: hunter2"] {
        assert!(!text(line).contains("hunter2"), "{}", text(line));
    }
    for line in ["PWD=/var/lib", "OLDPWD=/", "bypass=yes"] {
        assert_eq!(text(line), line);
    }
}

#[test]
fn the_quick_look_passes_over_no_name_and_no_shape() {
    for part in NAMES.iter().chain(&ENDS) {
        assert!(NAMED.iter().any(|named| part.contains(named)), "{part}");
    }
    for part in PREFIXES.iter().chain(&SCHEMES).chain(&["eyJ", "://"]) {
        assert!(SHAPED.contains(&part.to_ascii_lowercase().as_str()), "{part}");
    }
    assert!(NAMED.iter().any(|named| "private key".contains(named)));
}

proptest! {
    #[test]
    fn never_panics_and_redacting_twice_changes_nothing(line in "\\PC{0,120}") {
        let once = text(&line);
        prop_assert_eq!(text(&once), once);
    }

    #[test]
    fn a_named_secret_is_gone_whatever_surrounds_it(
        before in "[a-z ]{0,12}",
        separator in prop_oneof!["=", ": ", "\": \"", "='"],
        secret in "[A-Za-z0-9]{10,30}",
        after in "[ ,;&\"'}][a-z ]{0,12}",
    ) {
        let line = format!("{before} my_password{separator}{secret}{after}");
        prop_assert!(!text(&line).contains(&secret), "{}", text(&line));
    }
}
