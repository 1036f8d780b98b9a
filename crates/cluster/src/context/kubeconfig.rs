//! The one context that was named, out of the user's kubeconfig: with its cluster and its user and nothing else.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kube::config::{Kubeconfig, NamedExtension};
use serde_json::json;

use super::ContextError;

/// The name under which Telepresence looks for its settings in a cluster's entry.
const TELEPRESENCE: &str = "telepresence.io";

/// The files that kubectl would read: those of `KUBECONFIG`, otherwise `~/.kube/config`.
pub fn usual_files(lookup: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let named: Vec<PathBuf> = lookup("KUBECONFIG")
        .iter()
        .flat_map(|paths| std::env::split_paths(paths).collect::<Vec<_>>())
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if !named.is_empty() {
        return named;
    }
    let home = lookup("HOME").filter(|home| !home.is_empty());
    home.map(|home| Path::new(&home).join(".kube/config"))
        .into_iter()
        .collect()
}

/// Reads one context out of these files. Paths in it are made absolute. Files that are not there are passed over, as
/// kubectl does.
///
/// # Errors
/// No file is there, one can't be read, or none has the context with its cluster and user.
pub(super) fn of_context(files: &[PathBuf], name: &str) -> Result<Kubeconfig, ContextError> {
    let mut all = Kubeconfig::default();
    let mut found = false;
    for file in files.iter().filter(|file| file.exists()) {
        let unusable = |error: kube::config::KubeconfigError| ContextError::Kubeconfig {
            path: file.clone(),
            reason: testbed::explain::chain(&error),
        };
        let next = Kubeconfig::read_from(file).map_err(unusable)?;
        all = all.merge(next).map_err(unusable)?;
        found = true;
    }
    if !found {
        return Err(ContextError::NoKubeconfig {
            looked: files.to_vec(),
        });
    }
    let known = || all.contexts.iter().map(|one| one.name.clone()).collect();
    let missing = || ContextError::NoContext {
        context: name.to_owned(),
        known: known(),
    };
    let named = all.contexts.iter().find(|one| one.name == name);
    let named = named.ok_or_else(missing)?.clone();
    let context = named.context.clone().ok_or_else(missing)?;
    let broken = |what: String| ContextError::Dangling {
        context: name.to_owned(),
        what,
    };
    let cluster = all.clusters.iter().find(|one| one.name == context.cluster);
    let cluster = cluster.ok_or_else(|| broken(format!("cluster {:?}", context.cluster)))?;
    let mut users = Vec::new();
    if let Some(user) = &context.user {
        let found = all.auth_infos.iter().find(|one| one.name == *user);
        users.push(found.ok_or_else(|| broken(format!("user {user:?}")))?.clone());
    }
    Ok(Kubeconfig {
        clusters: vec![cluster.clone()],
        auth_infos: users,
        contexts: vec![named],
        current_context: Some(name.to_owned()),
        kind: Some("Config".into()),
        api_version: Some("v1".into()),
        ..Kubeconfig::default()
    })
}

/// Tells Telepresence in which namespace its traffic manager is.
pub(super) fn with_manager(mut config: Kubeconfig, namespace: &str) -> Kubeconfig {
    for cluster in config.clusters.iter_mut().filter_map(|one| one.cluster.as_mut()) {
        let extensions = cluster.extensions.get_or_insert_with(Vec::new);
        extensions.retain(|one| one.name != TELEPRESENCE);
        extensions.push(NamedExtension {
            name: TELEPRESENCE.into(),
            extension: json!({"manager": {"namespace": namespace}}),
        });
    }
    config
}

/// The API server's address.
pub(super) fn server(config: &Kubeconfig) -> Option<&str> {
    config.clusters.first()?.cluster.as_ref()?.server.as_deref()
}

/// The text of a kubeconfig. JSON, which is YAML.
pub(super) fn text(config: &Kubeconfig) -> Result<String, ContextError> {
    serde_json::to_string(config).map_err(|error| ContextError::Kubeconfig {
        path: "kubeconfig".into(),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "\
apiVersion: v1
kind: Config
current-context: production
clusters:
- {name: production, cluster: {server: 'https://production.example.com'}}
- {name: staging, cluster: {server: 'https://staging.example.com', certificate-authority: ca.crt}}
contexts:
- {name: production, context: {cluster: production, user: admin}}
- {name: staging, context: {cluster: staging, user: me, namespace: elsewhere}}
- {name: dangling, context: {cluster: nowhere, user: me}}
users:
- {name: admin, user: {token: production-secret}}
- {name: me, user: {token: staging-secret}}
";

    fn files(texts: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let write = |(index, text): (usize, &&str)| {
            let path = folder.path().join(format!("config-{index}"));
            std::fs::write(&path, text).unwrap();
            path
        };
        let files = texts.iter().enumerate().map(write).collect();
        (folder, files)
    }

    #[test]
    fn only_the_named_context_is_taken_whatever_the_current_one_is() {
        let (folder, files) = files(&[ONE]);
        let text = text(&of_context(&files, "staging").unwrap()).unwrap();
        assert!(
            text.contains("staging-secret") && text.contains("\"current-context\":\"staging\""),
            "{text}"
        );
        assert!(!text.contains("production"), "{text}");
        let certificate = folder.path().join("ca.crt").display().to_string();
        assert!(text.contains(&certificate), "paths are absolute: {text}");
        assert_eq!(
            std::fs::read_to_string(&files[0]).unwrap(),
            ONE,
            "the user's file is as it was"
        );
    }

    #[test]
    fn several_files_are_one_and_the_first_wins() {
        let other = "apiVersion: v1\nkind: Config\nclusters:\n- {name: staging, cluster: {server: 'https://other.example.com'}}\n\
                     - {name: third, cluster: {server: 'https://third.example.com'}}\n\
                     contexts:\n- {name: third, context: {cluster: third}}\n";
        let (folder, mut files) = files(&[ONE, other]);
        files.insert(0, folder.path().join("absent"));
        assert_eq!(
            server(&of_context(&files, "staging").unwrap()),
            Some("https://staging.example.com")
        );
        assert_eq!(
            server(&of_context(&files, "third").unwrap()),
            Some("https://third.example.com")
        );
    }

    #[test]
    fn what_can_not_be_used_is_named() {
        use testbed::Explain;
        let (folder, files) = files(&[ONE]);
        let told = |files: &[PathBuf], name: &str| {
            let error = of_context(files, name).unwrap_err();
            let hint = error.hint().unwrap_or_default();
            format!("{error}\n  {hint}").replace(&folder.path().display().to_string(), "[folder]")
        };
        let absent = [folder.path().join("absent")];
        let texts = [
            told(&absent, "staging"),
            told(&files, "stagging"),
            told(&files, "dangling"),
            told(&[], "staging"),
        ];
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn the_usual_files_are_kubectls() {
        let of = |kubeconfig: Option<&str>| {
            usual_files(|key| match key {
                "KUBECONFIG" => kubeconfig.map(OsString::from),
                "HOME" => Some("/users/me".into()),
                _ => None,
            })
        };
        assert_eq!(of(None), [PathBuf::from("/users/me/.kube/config")]);
        assert_eq!(of(Some("")), [PathBuf::from("/users/me/.kube/config")]);
        assert_eq!(of(Some("/a::/b")), [PathBuf::from("/a"), PathBuf::from("/b")]);
    }

    #[test]
    fn a_manager_elsewhere_is_told_where_telepresence_looks() {
        let (_folder, files) = files(&[ONE]);
        let config = with_manager(of_context(&files, "staging").unwrap(), "tools");
        let value: serde_json::Value = serde_json::from_str(&text(&config).unwrap()).unwrap();
        assert_eq!(
            value["clusters"][0]["cluster"]["extensions"],
            json!([{"name": "telepresence.io", "extension": {"manager": {"namespace": "tools"}}}])
        );
    }
}
