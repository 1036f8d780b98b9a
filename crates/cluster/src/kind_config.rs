//! `kind-config.yaml`, made ready for one cluster.

use std::path::PathBuf;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::pins::Pins;
use crate::reference::ImageRef;
use crate::telepresence::MANAGER_SETTINGS;

/// The text of `kind-config.yaml`.
pub const TEXT: &str = include_str!("../../../kind-config.yaml");
/// The node port of the storefront.
pub const STOREFRONT_PORT: u16 = 30080;
/// The node port of Jaeger's query API.
pub const JAEGER_PORT: u16 = 30686;
/// The node port of the Collector's OTLP/HTTP receiver.
pub const OTLP_HTTP_PORT: u16 = 30318;

/// A folder that the node sees and can't write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Its absolute path on this machine.
    pub here: PathBuf,
    /// Its path in the node.
    pub there: &'static str,
}

/// The configuration for `kind create cluster --config -`: the file's shape with this name and this node image, and a folder of
/// this machine that the node sees. JSON, which is YAML.
///
/// # Errors
/// None in a build whose tests pass: the file is part of it.
pub fn render(name: &str, node: &ImageRef, seen: Option<&Mount>) -> Result<String, serde_saphyr::Error> {
    let mut config: Value = serde_saphyr::from_str(TEXT)?;
    config["name"] = name.into();
    for node_config in config["nodes"].as_array_mut().into_iter().flatten() {
        node_config["image"] = node.to_string().into();
        if let Some(Mount { here, there }) = seen {
            node_config["extraMounts"] =
                json!([{ "hostPath": here, "containerPath": there, "readOnly": true }]);
        }
    }
    Ok(config.to_string())
}

/// Eight hexadecimal digits that change with whatever makes a kept cluster unfit for another run: the shape, the node
/// image, the kind that made it, and its traffic manager with how it was set up, which no later run changes: its agents are in the
/// pods. The images of what is applied anew don't count.
#[must_use]
pub fn fingerprint(pins: &Pins) -> String {
    let settings = MANAGER_SETTINGS.join(",");
    let Pins {
        node,
        kind,
        traffic_manager,
        ..
    } = pins;
    let digest = Sha256::digest(format!("{TEXT}\0{node}\0{kind}\0{traffic_manager}\0{settings}"));
    const_hex::encode(&digest[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_name_and_image_and_keeps_the_shape() {
        let node = "registry.example.com/node:v1.34.4".parse().unwrap();
        let config: Value = serde_json::from_str(&render("tl-7f3a", &node, None).unwrap()).unwrap();
        assert_eq!(config["name"], "tl-7f3a");
        assert_eq!(config["nodes"][0]["image"], "registry.example.com/node:v1.34.4");
        let ports = config["nodes"][0]["extraPortMappings"].as_array().unwrap();
        for port in [STOREFRONT_PORT, JAEGER_PORT, OTLP_HTTP_PORT] {
            let mapping = ports
                .iter()
                .find(|mapping| mapping["containerPort"] == port)
                .unwrap();
            assert_eq!(
                (&mapping["hostPort"], &mapping["listenAddress"]),
                (&0.into(), &"127.0.0.1".into())
            );
        }
        assert_eq!(ports.len(), 3, "nothing else is published");
    }

    #[test]
    fn a_folder_is_seen_in_the_node_and_not_written_to() {
        let seen = Mount {
            here: "/project/target/images".into(),
            there: "/images",
        };
        let with = |seen| {
            let config = render("tl", &"a/b:1".parse().unwrap(), seen).unwrap();
            serde_json::from_str::<Value>(&config).unwrap()["nodes"][0]["extraMounts"].clone()
        };
        assert_eq!(
            with(Some(&seen)),
            json!([{"hostPath": "/project/target/images", "containerPath": "/images", "readOnly": true}])
        );
        assert_eq!(with(None), Value::Null);
    }

    #[test]
    fn its_patches_are_yaml_and_keep_what_kind_skips_itself() {
        let config: Value =
            serde_json::from_str(&render("tl", &"a/b:1".parse().unwrap(), None).unwrap()).unwrap();
        let patches = config["nodes"][0]["kubeadmConfigPatches"].as_array().unwrap();
        let patches: Vec<Value> = patches
            .iter()
            .map(|patch| serde_saphyr::from_str(patch.as_str().unwrap()).unwrap())
            .collect();
        let of = |kind: &str| patches.iter().find(|patch| patch["kind"] == kind).unwrap();
        // A list in a patch replaces the one of kind.
        assert_eq!(
            of("InitConfiguration")["skipPhases"],
            json!(["preflight", "kubelet-finalize"])
        );
        assert_eq!(of("KubeProxyConfiguration")["iptables"]["minSyncPeriod"], "100ms");
        // A file that the node's container does not see would keep the control plane from coming up.
        for part in ["controllerManager", "scheduler"] {
            let part = &of("ClusterConfiguration")[part];
            let used = &part["extraArgs"]["kubeconfig"];
            assert_eq!(used, &part["extraVolumes"][0]["mountPath"]);
        }
    }

    #[test]
    fn node_ports_are_those_of_the_manifests() {
        let manifests: String = crate::manifest::FILES.iter().map(|file| file.text).collect();
        for port in [STOREFRONT_PORT, JAEGER_PORT, OTLP_HTTP_PORT] {
            assert_eq!(
                manifests.matches(&format!("nodePort: {port}")).count(),
                1,
                "{port}"
            );
        }
        assert_eq!(manifests.matches("nodePort:").count(), 3);
    }

    #[test]
    fn the_file_names_the_pinned_node() {
        assert!(TEXT.contains(&format!("image: {}\n", Pins::built_in().unwrap().node)));
    }

    #[test]
    fn another_node_kind_or_traffic_manager_is_another_cluster_and_another_jaeger_is_not() {
        let with = |flag: &str| fingerprint(&Pins::decide(&[flag.parse().unwrap()], |_| None, None).unwrap());
        let built_in = fingerprint(&Pins::built_in().unwrap());
        assert_eq!(with("jaeger=x/jaeger:1"), built_in);
        assert_ne!(with("node=x/node:1"), built_in);
        assert_ne!(with("traffic-manager=x/tel2:1"), built_in);
        assert_ne!(with("kind=0.99.0"), built_in);
    }
}
