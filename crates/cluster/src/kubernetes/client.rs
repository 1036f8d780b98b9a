//! Clients, always from a kubeconfig that was named: the ambient one is the user's and leads to who knows where.

use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use testbed::Deadline;

use super::error::{KubernetesError, persist, request};

/// A client for the cluster of a kubeconfig file; `context` picks one of several.
///
/// # Errors
/// The file can't be read, or has no such context.
pub async fn connect(kubeconfig: &Path, context: Option<&str>) -> Result<Client, KubernetesError> {
    let failed = |reason: String| KubernetesError::Kubeconfig {
        path: kubeconfig.to_owned(),
        reason,
    };
    let file = Kubeconfig::read_from(kubeconfig).map_err(|error| failed(testbed::explain::chain(&error)))?;
    from(file, context).await.map_err(failed)
}

/// A client for the current context of a kubeconfig that was read already.
pub(crate) async fn of(kubeconfig: Kubeconfig) -> Result<Client, String> {
    from(kubeconfig, None).await
}

async fn from(kubeconfig: Kubeconfig, context: Option<&str>) -> Result<Client, String> {
    let options = KubeConfigOptions {
        context: context.map(ToOwned::to_owned),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| testbed::explain::chain(&error))?;
    config.connect_timeout = Some(Duration::from_secs(3));
    // Callers that may repeat a request say so: see `persist`.
    config.default_retry = false;
    Client::try_from(config).map_err(|error| testbed::explain::chain(&error))
}

/// Waits until the API server answers at all, and says which version it is.
///
/// # Errors
/// It does not before the deadline, or refuses us.
pub async fn answers(client: &Client, deadline: &Deadline) -> Result<String, KubernetesError> {
    let what = "the API server's version";
    let ask = || request(what, deadline, client.apiserver_version());
    Ok(persist(what, deadline, KubernetesError::passes, ask)
        .await?
        .git_version)
}

/// Turns the kubeconfig that kubeadm leaves in the node into one for this machine, as kind does at its very end: the
/// server's published address, and the names that kind gives cluster, user and context (`kind-NAME`).
///
/// # Errors
/// The text is no kubeconfig.
pub fn for_this_machine(text: &str, cluster: &str, server: SocketAddr) -> Result<String, String> {
    let mut config: Value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    let name = format!("kind-{cluster}");
    let mut set = |path: &str, value: String| match config.pointer_mut(path) {
        Some(place) => {
            *place = value.into();
            Ok(())
        }
        None => Err(format!("{path} is missing")),
    };
    set("/clusters/0/cluster/server", format!("https://{server}"))?;
    for path in ["/clusters/0/name", "/users/0/name", "/contexts/0/name"] {
        set(path, name.clone())?;
    }
    for path in [
        "/contexts/0/context/cluster",
        "/contexts/0/context/user",
        "/current-context",
    ] {
        set(path, name.clone())?;
    }
    // JSON is YAML.
    Ok(config.to_string())
}

/// Writes a file that only its owner may read, as kubeconfigs hold a private key. In one go: whoever reads it meanwhile
/// sees the old one or the new one.
///
/// # Errors
/// The operating system's.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const FROM_KUBEADM: &str = "\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Y2E=
    server: https://tl-control-plane:6443
  name: tl
contexts:
- context: {cluster: tl, user: kubernetes-super-admin}
  name: kubernetes-super-admin@tl
current-context: kubernetes-super-admin@tl
kind: Config
users:
- name: kubernetes-super-admin
  user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}
";

    #[tokio::test]
    async fn a_client_is_made_of_what_kubeadm_left() {
        let text = for_this_machine(FROM_KUBEADM, "tl", "127.0.0.1:40001".parse().unwrap()).unwrap();
        let config = Kubeconfig::from_yaml(&text).unwrap();
        assert_eq!(config.current_context.as_deref(), Some("kind-tl"));
        let options = KubeConfigOptions {
            context: Some("kind-tl".into()),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(config, &options).await.unwrap();
        assert_eq!(config.cluster_url.to_string(), "https://127.0.0.1:40001/");
    }

    #[test]
    fn what_is_no_kubeconfig_is_refused() {
        let server = "127.0.0.1:1".parse().unwrap();
        assert!(
            for_this_machine("apiVersion: v1\nclusters: []\n", "tl", server)
                .unwrap_err()
                .contains("server")
        );
        assert!(for_this_machine("{", "tl", server).is_err());
    }

    #[test]
    fn nobody_else_can_read_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        write_private(&path, "first and longer").unwrap();
        write_private(&path, "second").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[tokio::test]
    async fn a_missing_kubeconfig_is_named_and_no_other_one_is_taken() {
        let error = connect(Path::new("/nowhere/kubeconfig"), None)
            .await
            .err()
            .unwrap();
        assert!(
            matches!(&error, KubernetesError::Kubeconfig { path, .. } if path.ends_with("kubeconfig")),
            "{error}"
        );
    }
}
