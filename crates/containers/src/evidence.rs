//! What explains a failure besides the processes' logs: what the containers wrote, and what the Services counted.

use std::path::Path;

use testbed::Collected;

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
        let Ok(log) = engine.log(name, None).await else {
            continue;
        };
        let path = into.join(format!("{name}.log"));
        if tokio::fs::create_dir_all(into).await.is_err() || tokio::fs::write(&path, log).await.is_err() {
            continue;
        }
        collected.push(Collected {
            what: format!("log of the container {name}"),
            path: path.strip_prefix(run_dir).unwrap_or(&path).to_owned(),
        });
    }
    collected
}
