//! Planted secrets are gone, and what explains a failure is still there.

use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::names::{ENDS, NAMED, NAMES};
use super::shapes::{PREFIXES, SCHEMES, is_worth_a_look};
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

/// What people meet in the logs of a cluster: each is a form of the same secret.
#[rstest]
#[case::json_in_json(
    r#""last-applied-configuration": "{\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"hunter2\"},{\"name\":\"A\",\"value\":\"b\"}]}""#,
    r#""last-applied-configuration": "{\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"[redacted]\"},{\"name\":\"A\",\"value\":\"b\"}]}""#
)]
#[case::json_twice_in_json(
    r#"{\\\"name\\\":\\\"DB_PASSWORD\\\",\\\"value\\\":\\\"hunter2\\\"}"#,
    r#"{\\\"name\\\":\\\"DB_PASSWORD\\\",\\\"value\\\":\\\"[redacted]\\\"}"#
)]
#[case::quotation_marks_inside(
    r#"{"password":"a\"hunter2","port":1}"#,
    r#"{"password":"[redacted]","port":1}"#
)]
#[case::go(
    "env EnvVar{Name:DB_PASSWORD,Value:hunter2,x,ValueFrom:nil,},EnvVar{Name:A,Value:b,ValueFrom:nil,},",
    "env EnvVar{Name:DB_PASSWORD,Value:[redacted],ValueFrom:nil,},EnvVar{Name:A,Value:b,ValueFrom:nil,},"
)]
#[case::go_with_spaces(
    "{Name:DB_PASSWORD Value:hunter2 ValueFrom:nil}",
    "{Name:DB_PASSWORD Value:[redacted] ValueFrom:nil}"
)]
#[case::containerd(
    "Envs:[]*KeyValue{&KeyValue{Key:DB_PASSWORD,Value:hunter2,},}",
    "Envs:[]*KeyValue{&KeyValue{Key:DB_PASSWORD,Value:[redacted],},}"
)]
#[case::protobuf(r#"name:"X_TOKEN" value:"hunter2""#, r#"name:"X_TOKEN" value:"[redacted]""#)]
#[case::yaml(
    "- name: X_TOKEN\n  value: hunter2\n- name: A\n  value: b",
    "- name: X_TOKEN\n  value: [redacted]\n- name: A\n  value: b"
)]
#[case::pretty_json(
    "{\n  \"name\": \"X_TOKEN\",\n  \"value\": \"hunter2\"\n}",
    "{\n  \"name\": \"X_TOKEN\",\n  \"value\": \"[redacted]\"\n}"
)]
#[case::yaml_block(
    "password: |\n  hunter2\n  hunter2\nport: 1",
    "password: |\n[redacted]\n[redacted]\nport: 1"
)]
#[case::cookies("> Cookie: a=hunter2; session=hunter2", "> Cookie: [redacted]")]
#[case::set_cookie("Set-Cookie: s=hunter2; Path=/; HttpOnly", "Set-Cookie: [redacted]")]
#[case::cookies_in_quotes(
    "curl -H 'Cookie: a=hunter2; b=hunter2' http://host/",
    "curl -H 'Cookie: [redacted]' http://host/"
)]
#[case::any_scheme("Authorization: Token hunter2", "Authorization: [redacted]")]
#[case::api_key("Authorization: ApiKey hunter2", "Authorization: [redacted]")]
#[case::basic("Authorization: Basic aHVudGVyMg==", "Authorization: [redacted]")]
#[case::digest(
    r#"Authorization: Digest username="hunter2", response="hunter2""#,
    "Authorization: [redacted]"
)]
#[case::go_headers(
    "Headers=map[Accept:[*/*] Authorization:[Bearer hunter2 hunter2] X-A:[b]]",
    "Headers=map[Accept:[*/*] Authorization:[redacted] X-A:[b]]"
)]
#[case::header_in_json(
    r#"{"msg":"sent Authorization: Token hunter2\r\nHost: a","code":1}"#,
    r#"{"msg":"sent Authorization: [redacted]\r\nHost: a","code":1}"#
)]
#[case::rust_debug(
    r#"Config { token: Some("hunter2"), port: 1 }"#,
    "Config { token: [redacted], port: 1 }"
)]
#[case::key(
    "SIGNING_KEY=hunter2 SESSION_KEY=hunter2 A=b",
    "SIGNING_KEY=[redacted] SESSION_KEY=[redacted] A=b"
)]
#[case::arguments(
    r#"args=["--password", "hunter2", "-v"]"#,
    r#"args=["--password", "[redacted]", "-v"]"#
)]
#[case::tight_arguments(r#"["--password","hunter2","-v"]"#, r#"["--password","[redacted]","-v"]"#)]
#[case::arguments_below_each_other(
    "  \"--password\",\n  \"hunter2\",\n  \"-v\"",
    "  \"--password\",\n  \"[redacted]\",\n  \"-v\""
)]
#[case::yaml_arguments("- --token\n- hunter2\n- -v", "- --token\n- [redacted]\n- -v")]
#[case::command_line(
    "run --password hunter2 --token=hunter2 -v",
    "run --password [redacted] --token=[redacted] -v"
)]
#[case::user_info(
    "HTTP_PROXY=http://user:hunter2@proxy:3128",
    "HTTP_PROXY=http://[redacted]@proxy:3128"
)]
#[case::odd_user_info("http://user:hunter2/x@proxy:3128/a", "http://[redacted]@proxy:3128/a")]
#[case::only_a_token("https://hunter2hunter2@host/a", "https://[redacted]@host/a")]
#[case::no_scheme("https_proxy=user:hunter2@proxy:3128", "https_proxy=[redacted]@proxy:3128")]
#[case::pem(
    "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\na",
    "[redacted]\n[redacted]\n[redacted]\na"
)]
#[case::pem_in_base64("data LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVk end", "data [redacted] end")]
fn every_form_of_a_secret_is_gone(#[case] before: &str, #[case] after: &str) {
    assert_eq!(text(before), after);
    assert_eq!(text(after), after, "once more changes nothing");
    assert!(!text(before).contains("hunter2"));
}

#[rstest]
#[case("automountServiceAccountToken: false")]
#[case("secretName: tls")]
#[case("expirationSeconds: 3607, tokenExpirationSeconds: 3607")]
#[case("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
#[case("the token was not accepted by http://host:8080/a")]
#[case("basic health check passed")]
#[case("image jaegertracing/jaeger:2.13.0@sha256:0123456789abcdef")]
#[case("throughline.dev/key=value, key=value, key: zone")]
#[case(r#"{"name":"order-service","value":"8080"}"#)]
#[case("EnvVar{Name:ORDER_URL,Value:http://order-service:8080,ValueFrom:nil,}")]
#[case("- name: ORDER_URL\n  value: http://order-service:8080")]
#[case("- name: X_TOKEN\n  valueFrom:\n    secretKeyRef:\n      name: a\n- name: A\n  value: b")]
#[case("--authorization-mode=Node,RBAC --kubelet-client-key=/etc/kubernetes/pki/client.key")]
#[case("HTTP_PROXY=http://proxy:3128 NO_PROXY=localhost,10.0.0.0/8")]
#[case("http://host:8080/users/a@b?x=y@z and ssh://git@host/a")]
#[case("Accept: */*; q=0.1")]
#[case("rejected: no authorization, and cookies are off")]
#[case(r#"{"password":"","token":null,"port":1}"#)]
#[case("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----")]
#[case(r#"I1201 09:00:00.000001 1 main.go:1] "Started" pod="demo/order-service-5d4" containers=["order"]"#)]
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
fn json_inside_of_json_is_looked_into() {
    let applied = r#"{"env":[{"name":"DB_PASSWORD","value":"hunter2"}],"kind":"Pod"}"#;
    let secret = r#"{"kind":"Secret","data":{"a":"aHVudGVyMg=="}}"#;
    let harmless = r#"{ "kind": "Pod" }"#;
    let mut object = json!({"annotations": {"a": applied, "b": secret, "c": harmless}});
    value(&mut object);
    let text = object.to_string();
    assert!(
        !text.contains("hunter2") && !text.contains("aHVudGVyMg"),
        "{text}"
    );
    assert_eq!(object["annotations"]["c"], harmless);
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
        assert!(is_worth_a_look(part), "{part}");
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
    fn never_panics_on_what_is_nearly_a_format(parts in proptest::collection::vec(proptest::sample::select(vec![
        "password", "Authorization", "cookie", "--token", "name", "value", "Value:", ",ValueFrom:", "HTTP_PROXY", "x", "é",
        ":", "=", " ", ",", "\"", "'", "\\", "[", "]", "{", "}", "(", ")", "|", "\n", "- ", "Bearer ", "://", "@", "/",
        "-----BEGIN PRIVATE KEY-----", "-----END ", "-----", "[redacted]",
    ]), 0..24)) {
        let _ = text(&parts.concat());
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
