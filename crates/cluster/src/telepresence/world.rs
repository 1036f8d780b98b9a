//! A world of its own for each run: configuration, cache and logs in the run directory, the kubeconfig of the run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::TelepresenceError;

/// Telepresence's settings for a run. Usage is not reported. Calls from the workstation go through the cluster and the traffic
/// agent: the shortcut that is on by default would answer them locally, whatever filter an intercept has. A question of DNS whose
/// packet is lost in the cluster is asked again there after five seconds: by default nobody waits for that, and what was not
/// answered is remembered as a name that there is not. Its log has every question for a name and every connection: when a call from
/// the workstation hangs, nothing else shows where. Its other limits are raised above what a busy two-core machine needs; ours
/// are outside of them.
const SETTINGS: &str = "\
usage:
  enabled: false
logLevels:
  userDaemon: debug
  rootDaemon: debug
intercept:
  localShortcut: false
dns:
  lookupTimeout: 12s
timeouts:
  helm: 120s
  intercept: 60s
  clusterConnect: 30s
  trafficManagerAPI: 60s
  trafficManagerConnect: 60s
";

/// Where everything of one run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct World {
    config: PathBuf,
    cache: PathBuf,
    kubeconfig: PathBuf,
}

impl World {
    /// Makes the folders below `folder` and writes the settings.
    pub(super) fn make(folder: &Path, kubeconfig: &Path) -> Result<Self, TelepresenceError> {
        let world = Self {
            config: folder.join("config"),
            cache: folder.join("cache"),
            kubeconfig: kubeconfig.to_owned(),
        };
        let settings = world.config.join("telepresence/config.yml");
        let write = |path: &Path, text: &str| {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(path, text)
        };
        write(&settings, SETTINGS).map_err(|source| TelepresenceError::Write {
            path: settings.clone(),
            source,
        })?;
        std::fs::create_dir_all(&world.cache).map_err(|source| TelepresenceError::Write {
            path: world.cache.clone(),
            source,
        })?;
        Ok(world)
    }

    /// The variables that put a call into this world. They must be the same for every call of a run: the session is taken up from
    /// the cache.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let text = |path: &Path| path.display().to_string();
        BTreeMap::from([
            ("XDG_CONFIG_HOME".to_owned(), text(&self.config)),
            ("XDG_CACHE_HOME".to_owned(), text(&self.cache)),
            ("KUBECONFIG".to_owned(), text(&self.kubeconfig)),
        ])
    }

    /// Telepresence's folder in the cache. The command line of its daemon for root has it.
    pub(super) fn daemons_cache(&self) -> PathBuf {
        self.cache.join("telepresence")
    }

    /// Removes the files by which daemons are found. Killed ones leave them, and count as running until these are some seconds old;
    /// the session is in another file, and is taken up from there.
    pub(super) fn forget_daemons(&self) -> Result<(), TelepresenceError> {
        for kind in ["userd", "rootd"] {
            let path = self.daemons_cache().join(kind).join("daemon.json");
            match std::fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(TelepresenceError::Write { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The folder of the logs of a world in this folder.
pub(super) fn logs(folder: &Path) -> PathBuf {
    folder.join("cache/telepresence/logs")
}
