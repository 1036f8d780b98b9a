//! What explains a failure besides the processes' logs: what the containers wrote, and what the Services counted.

use std::path::Path;

use testbed::{Collected, redact};

use crate::engine::Engine;

/// Writes the logs of containers into a folder of the run directory. A log that can't be had is left out.
pub(crate) async fn collect(
    engine: &Engine,
    containers: &[&str],
    into: &Path,
    run_dir: &Path,
) -> Vec<Collected> {
    let mut collected = Vec::new();
    for name in containers {
        if let Ok(log) = engine.log(name, None).await {
            collected.extend(keep(name, &log, into, run_dir).await);
        }
    }
    collected
}

/// Keeps a log without its secrets: the Collector tells of headers and addresses that it was configured with.
async fn keep(name: &str, log: &str, into: &Path, run_dir: &Path) -> Option<Collected> {
    let path = into.join(format!("{name}.log"));
    tokio::fs::create_dir_all(into).await.ok()?;
    tokio::fs::write(&path, redact::text(log)).await.ok()?;
    Some(Collected {
        what: format!("log of the container {name}"),
        path: path.strip_prefix(run_dir).unwrap_or(&path).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_is_kept_without_its_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let log = "ready\nAuthorization: Token hunter2\n";
        let kept = keep("jaeger", log, &folder.path().join("evidence"), folder.path()).await;
        let path = kept.unwrap().path;
        assert_eq!(path, Path::new("evidence/jaeger.log"));
        let text = std::fs::read_to_string(folder.path().join(path)).unwrap();
        assert_eq!(text, "ready\nAuthorization: [redacted]\n");
    }
}
