//! kind: clusters made, found, deleted and looked into, by its command line.

mod error;

use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::{Answer, Deadline, Deed, Leased, Run, UndoId};

pub use error::KindError;

use crate::docker::QUESTION;
use crate::reference::Version;
use crate::tool::Tool;

/// How long deleting a cluster may take: a second usually, and much more on a machine that is out of memory.
const DELETION: Duration = Duration::from_secs(60);

/// Waits out a node that Docker is still making for a kind that was killed, and removes it: Docker goes on with what it was asked
/// for, and such a node is in no list yet. Its name is taken already, though, so whoever gets the name knows that nobody is making
/// it any more. `$1` is the cluster, `$2` an image that is there, `$3` the kubeconfig, which kind writes when all is made.
const LATE_NODE: &str = r#"
[ -s "$3" ] && exit 0
node=$1-control-plane
until said=$(docker create --pull never --name "$node" "$2" 2>&1); do
  case $said in *"is already in use"*) ;; *) exit 0 ;; esac
  docker rm -f -v "$node" >/dev/null 2>&1
  sleep 0.1 || exit 1
done
docker rm -f -v "$node" >/dev/null
"#;

/// kind's command line.
#[derive(Debug, Clone)]
pub struct Kind {
    tool: Tool,
}

/// A cluster to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSpec {
    /// Its name.
    pub name: String,
    /// Its configuration: see [`kind_config::render`](crate::kind_config::render).
    pub config: String,
    /// The image of its node.
    pub image: String,
    /// Where kind writes the kubeconfig. Never the user's own.
    pub kubeconfig: PathBuf,
    /// The lease on it, when it may stay and be used by other runs: they must be through with it before it is deleted.
    pub leased: Option<Leased>,
}

impl Kind {
    /// kind as it was found.
    #[must_use]
    pub const fn new(tool: Tool) -> Self {
        Self { tool }
    }

    /// Its version.
    ///
    /// # Errors
    /// It does not tell.
    pub async fn version(&self, deadline: &Deadline) -> Result<Version, KindError> {
        let answer = self.ask(&["version"], deadline).await?;
        let text = answer.text();
        // `kind v0.32.0 go1.24.6 linux/amd64`
        let version = text
            .split_whitespace()
            .find_map(|word| word.strip_prefix('v')?.parse().ok());
        version.ok_or(KindError::Odd {
            command: answer.command,
            answer: text,
        })
    }

    /// The names of all clusters on this machine, whoever made them.
    ///
    /// # Errors
    /// Docker can't be reached.
    pub async fn clusters(&self, deadline: &Deadline) -> Result<Vec<String>, KindError> {
        // `No kind clusters found.` goes to stderr.
        let answer = self.ask(&["get", "clusters"], deadline).await?;
        Ok(answer
            .text()
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect())
    }

    /// The containers of a cluster's nodes; empty when there is no such cluster.
    ///
    /// # Errors
    /// Docker can't be reached.
    pub async fn nodes(&self, name: &str, deadline: &Deadline) -> Result<Vec<String>, KindError> {
        // `No kind nodes found for cluster "x".` goes to stderr.
        let answer = self.ask(&["get", "nodes", "--name", name], deadline).await?;
        let nodes = answer
            .text()
            .lines()
            .map(|line| line.trim().to_owned())
            .collect::<Vec<_>>();
        Ok(nodes.into_iter().filter(|line| !line.is_empty()).collect())
    }

    /// Makes a cluster. Its deletion is on the run's undo stack before, and stays there. kind itself is supervised: it
    /// goes on creating when it outlives a killed runner.
    ///
    /// # Errors
    /// Nothing usable was made; what is left of it is on the undo stack.
    pub async fn create(
        &self,
        run: &Run,
        spec: &ClusterSpec,
        deadline: &Deadline,
    ) -> Result<UndoId, KindError> {
        let config = run.dir().file("kind.json");
        std::fs::write(&config, &spec.config).map_err(|source| KindError::Write {
            path: config.clone(),
            source,
        })?;
        let push = |name: String, deed: Deed| match spec.leased.clone() {
            Some(leased) => run.undo().push_leased(name, deed, leased),
            None => run.undo().push(name, deed),
        };
        push(
            "a node that Docker was still making".to_owned(),
            self.late_node(spec),
        );
        let undo = push(
            format!("kind cluster {}", spec.name),
            self.deletion(&spec.name, &spec.kubeconfig),
        );
        let (config, kubeconfig) = (config.to_string_lossy(), spec.kubeconfig.to_string_lossy());
        let args = [
            "create",
            "cluster",
            "--config",
            &config,
            "--kubeconfig",
            &kubeconfig,
        ];
        let process = run.supervise(self.tool.process("kind", args).grace(Duration::ZERO))?;
        let exit = process.ended(deadline).await?;
        // Takes it off the undo stack again: it has ended.
        process.stop(Duration::ZERO).await?;
        if exit.success() {
            return Ok(undo);
        }
        Err(KindError::of(&process.tail(), Some(process.log())))
    }

    /// What deletes a cluster, also from another process. Deleting what is not there is fine.
    #[must_use]
    pub fn deletion(&self, name: &str, kubeconfig: &Path) -> Deed {
        let kubeconfig = kubeconfig.to_string_lossy().into_owned();
        let args = ["delete", "cluster", "--name", name, "--kubeconfig", &kubeconfig];
        self.deed(self.tool.program(), args)
    }

    /// What removes a node that came after kind was killed and the cluster deleted.
    fn late_node(&self, spec: &ClusterSpec) -> Deed {
        let kubeconfig = spec.kubeconfig.to_string_lossy();
        let args = ["-c", LATE_NODE, "sh", &spec.name, &spec.image, &kubeconfig];
        self.deed(Path::new("/bin/sh"), args)
    }

    /// A command in the environment of kind.
    fn deed<const N: usize>(&self, program: &Path, args: [&str; N]) -> Deed {
        let text = |(key, value): (&std::ffi::OsString, &std::ffi::OsString)| {
            (
                key.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        };
        Deed::Command {
            program: program.to_owned(),
            args: args.map(ToOwned::to_owned).to_vec(),
            env: self.tool.env().iter().map(text).collect(),
            limit: DELETION,
        }
    }

    /// Deletes a cluster; fine when there is none.
    ///
    /// # Errors
    /// Docker can't be reached.
    pub async fn delete(&self, name: &str, kubeconfig: &Path, deadline: &Deadline) -> Result<(), KindError> {
        let kubeconfig = kubeconfig.to_string_lossy();
        let args = ["delete", "cluster", "--name", name, "--kubeconfig", &kubeconfig];
        self.answered(self.tool.call(args).run(&deadline.within(DELETION)).await?)
            .map(drop)
    }

    /// Copies the logs of the node and of everything in it into a folder.
    ///
    /// # Errors
    /// There is no such cluster.
    pub async fn export_logs(&self, name: &str, into: &Path, deadline: &Deadline) -> Result<(), KindError> {
        let into = into.to_string_lossy();
        let call = self.tool.call(["export", "logs", &into, "--name", name]);
        self.answered(call.run(deadline).await?).map(drop)
    }

    async fn ask(&self, args: &[&str], deadline: &Deadline) -> Result<Answer, KindError> {
        self.answered(self.tool.call(args).run(&deadline.within(QUESTION)).await?)
    }

    fn answered(&self, answer: Answer) -> Result<Answer, KindError> {
        if answer.exit.success() {
            return Ok(answer);
        }
        let lines: Vec<String> = answer.stderr.lines().map(ToOwned::to_owned).collect();
        Err(KindError::of(&lines, None))
    }
}
