//! The configuration of the Collector and of Jaeger: what `manifests/` has, fitted to a place without Kubernetes.

use serde_json::Value;

use crate::error::ContainersError;

/// The port on which both take OTLP over gRPC.
pub const OTLP_GRPC: u16 = 4317;
/// The port on which the Collector takes OTLP over HTTP.
pub const OTLP_HTTP: u16 = 4318;
/// The port on which both say whether they are ready.
pub const HEALTH: u16 = 13133;
/// The port of Jaeger's query API.
pub const QUERY: u16 = 16686;

const JAEGER: &str = include_str!("../../../manifests/10-jaeger.yaml");
const SYNCHRONOUS: &str = include_str!("../../../manifests/20-collector.yaml");
const BATCHED: &str = include_str!("../../../manifests/profiles/collector-batched.yaml");

/// What only works where there is an API server to ask.
const NEEDS_KUBERNETES: &str = "k8s_attributes";
/// The Collector's way to Jaeger.
const EXPORTER: &str = "otlp_grpc/jaeger";

/// How the Collector treats what it receives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// An acknowledged export is stored in Jaeger: for proofs.
    #[default]
    Synchronous,
    /// Batches, queues and repetitions, as in production.
    Batched,
}

/// Jaeger's configuration, exactly as in the manifests.
///
/// # Errors
/// The manifest has none; not in a build whose tests pass.
pub fn jaeger() -> Result<String, ContainersError> {
    mounted(JAEGER, "jaeger")
}

/// The Collector's configuration. What differs from the manifests: `k8s_attributes` is left out, and Jaeger is found under
/// `jaeger`, the name of its container. It is JSON, which the Collector reads as the YAML that it is.
///
/// # Errors
/// The manifest has none, or one without the exporter; not in a build whose tests pass.
pub fn collector(profile: Profile, jaeger: &str) -> Result<String, ContainersError> {
    let text = match profile {
        Profile::Synchronous => SYNCHRONOUS,
        Profile::Batched => BATCHED,
    };
    let unusable = |reason: String| ContainersError::Configuration {
        of: "otel-collector",
        reason,
    };
    let mut config: Value = serde_saphyr::from_str(&mounted(text, "otel-collector")?)
        .map_err(|error| unusable(error.to_string()))?;
    if let Some(processors) = config.get_mut("processors").and_then(Value::as_object_mut) {
        processors.remove(NEEDS_KUBERNETES);
    }
    let pipelines = config
        .pointer_mut("/service/pipelines")
        .and_then(Value::as_object_mut);
    for pipeline in pipelines.into_iter().flat_map(|pipelines| pipelines.values_mut()) {
        if let Some(processors) = pipeline.get_mut("processors").and_then(Value::as_array_mut) {
            processors.retain(|name| name != NEEDS_KUBERNETES);
        }
    }
    let endpoint = config
        .get_mut("exporters")
        .and_then(|exporters| exporters.get_mut(EXPORTER)?.get_mut("endpoint"))
        .ok_or_else(|| unusable(format!("no exporter {EXPORTER}")))?;
    *endpoint = Value::from(format!("{jaeger}:{OTLP_GRPC}"));
    Ok(config.to_string())
}

/// `config.yaml` of the ConfigMap with this name, in a file of several documents.
fn mounted(file: &str, name: &'static str) -> Result<String, ContainersError> {
    let unusable = |reason: String| ContainersError::Configuration { of: name, reason };
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(file).map_err(|error| unusable(error.to_string()))?;
    let map = documents
        .iter()
        .find(|it| it["kind"] == "ConfigMap" && it["metadata"]["name"] == name);
    let text = map.and_then(|map| map["data"]["config.yaml"].as_str());
    text.map(str::to_owned)
        .ok_or_else(|| unusable("the manifest has no such ConfigMap".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(yaml: &str) -> Value {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn the_collectors_configuration_differs_from_the_manifest_in_what_needs_kubernetes_and_nothing_else() {
        for (profile, file) in [(Profile::Synchronous, SYNCHRONOUS), (Profile::Batched, BATCHED)] {
            let mut manifest = value(&mounted(file, "otel-collector").unwrap());
            let here = value(&collector(profile, "jaeger-7f3a").unwrap());
            assert_eq!(here["exporters"][EXPORTER]["endpoint"], "jaeger-7f3a:4317");
            assert!(!here.to_string().contains(NEEDS_KUBERNETES), "{here:#}");
            assert!(
                manifest.to_string().contains(NEEDS_KUBERNETES),
                "the manifest has it"
            );
            assert!(
                here["service"]["pipelines"]["traces"]["processors"]
                    .as_array()
                    .is_some_and(|left| !left.is_empty())
            );
            // The differences undone, nothing differs.
            manifest["processors"]
                .as_object_mut()
                .unwrap()
                .remove(NEEDS_KUBERNETES);
            manifest["service"]["pipelines"]["traces"]["processors"] =
                here["service"]["pipelines"]["traces"]["processors"].clone();
            manifest["exporters"][EXPORTER]["endpoint"] = here["exporters"][EXPORTER]["endpoint"].clone();
            assert_eq!(here, manifest);
        }
    }

    #[test]
    fn everything_listens_where_it_is_published() {
        let jaeger = value(&jaeger().unwrap());
        assert_eq!(
            jaeger["extensions"]["jaeger_query"]["http"]["endpoint"],
            format!("0.0.0.0:{QUERY}")
        );
        assert_eq!(
            jaeger["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"],
            format!("0.0.0.0:{OTLP_GRPC}")
        );
        let collector = value(&collector(Profile::Synchronous, "j").unwrap());
        assert_eq!(
            collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"],
            format!("0.0.0.0:{OTLP_HTTP}")
        );
        assert_eq!(
            collector["extensions"]["health_check"]["endpoint"],
            format!("0.0.0.0:{HEALTH}")
        );
    }

    #[test]
    fn a_manifest_without_the_configuration_is_an_error_that_names_it() {
        let error = mounted("kind: Service\n", "jaeger").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the configuration of jaeger can't be used: the manifest has no such ConfigMap"
        );
    }
}
