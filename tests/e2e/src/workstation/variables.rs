//! The variables of the process on the workstation: those of the container that it stands in for, but for what must differ.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use testbed::{Endpoints, Selection};
use trace::{Site, names};

/// Variables that say who and where the container is, what its own image needs, or what other tools put into it: none of that is
/// true of the process on the workstation.
const ITS_OWN: [&str; 11] = [
    "PATH",
    "HOME",
    "HOSTNAME",
    "PWD",
    "SHLVL",
    "TERM",
    "LANG",
    "USER",
    "THROUGHLINE_RUN",
    "THROUGHLINE_RUN_DIR",
    "THROUGHLINE_PROCESS",
];
/// The same by how they begin.
const ITS_OWN_KIND: [&str; 3] = ["KUBERNETES_", "TELEPRESENCE_", "POD_"];

/// An option of glibc's resolver (resolv.conf(5)): the addresses of both families of a name are asked for one after the other.
/// Telepresence 2.31.2 puts what it learns with one answer into the entry of the other question (`resolveThruCache`) while that
/// may be read: asked at once, its daemon ends now and then by a nil pointer, and with it every intercept.
const ONE_QUESTION_AT_A_TIME: &str = "single-request";

/// What the process on the workstation is told when an intercept takes only requests with a header: to close each connection.
/// Telepresence's agent opens one for each caller's and leaves it open, and its client has room for 256 of them: the next request
/// would hang.
#[must_use]
pub const fn under(selection: &Selection) -> Option<(&'static str, &'static str)> {
    match selection {
        Selection::All => None,
        Selection::Header { .. } => Some(("THROUGHLINE_CONNECTIONS", "close")),
    }
}

/// The variables for a process that listens on `listen` and stands in for a container that has the variables `container`. The debug
/// identity replaces the container's resource attributes.
#[must_use]
pub fn variables(
    endpoints: &Endpoints,
    listen: SocketAddr,
    container: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let of_the_container = |name: &String| {
        !ITS_OWN.contains(&name.as_str()) && !ITS_OWN_KIND.iter().any(|kind| name.starts_with(kind))
    };
    let mut variables: BTreeMap<String, String> = container
        .iter()
        .filter(|(name, _)| of_the_container(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let identity = format!(
        "{}={},{}={}",
        names::SERVICE_VERSION,
        names::LOCAL_DEBUG,
        names::DEPLOYMENT_ENVIRONMENT,
        names::DEBUG
    );
    let differs = [
        ("THROUGHLINE_LISTEN", listen.to_string()),
        ("THROUGHLINE_SITE", Site::Workstation.to_string()),
        ("INVENTORY_URL", endpoints.workstation_inventory.clone()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoints.workstation_otlp.clone()),
        ("OTEL_RESOURCE_ATTRIBUTES", identity),
        // Milliseconds. The default of five seconds would be most of what anybody waits for.
        ("OTEL_BSP_SCHEDULE_DELAY", "10".to_owned()),
        ("RES_OPTIONS", ONE_QUESTION_AT_A_TIME.to_owned()),
    ];
    variables.extend(differs.map(|(name, value)| (name.to_owned(), value)));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_s_settings_stay_and_what_says_who_it_is_goes() {
        let endpoints = Endpoints {
            storefront: "http://127.0.0.1:1".into(),
            jaeger: "http://127.0.0.1:2".into(),
            otlp_http: "http://127.0.0.1:3".into(),
            workstation_otlp: "http://otel-collector:4317".into(),
            workstation_inventory: "http://inventory-service:8080".into(),
            workstation_order: "http://order-service:8080".into(),
            workstation_listen: ([127, 0, 0, 1], 8080).into(),
        };
        let container = [
            ("FEATURE_GIFTS", "on"),
            ("INVENTORY_SERVICE_SERVICE_HOST", "10.96.0.7"),
            ("PATH", "/bin"),
            ("KUBERNETES_SERVICE_HOST", "10.96.0.1"),
            ("TELEPRESENCE_ROOT", ""),
            ("POD_UID", "2f"),
            ("THROUGHLINE_LISTEN", "0.0.0.0:8080"),
            ("THROUGHLINE_SITE", "cluster"),
            ("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.uid=2f"),
        ];
        let container = container.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let variables = variables(
            &endpoints,
            ([127, 0, 0, 1], 8081).into(),
            &BTreeMap::from(container),
        );
        insta::assert_debug_snapshot!(variables);
    }
}
