//! A run of the test bed for a measurement: children and containers are gone when it is over, however it ends.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use testbed::{Call, Deed, EnvironmentName, Process, ProcessSpec, Run, RunOptions, Signals};

/// How long a Docker command may take; starting a container includes setting up its network.
const DOCKER: Duration = Duration::from_secs(60);

/// Runs a measurement and undoes whatever it started.
pub(crate) async fn run<F, T>(root: PathBuf, measurement: impl FnOnce(Run) -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let signals = Signals::arm().context("cannot listen for signals")?;
    let options = RunOptions {
        root,
        environment: EnvironmentName::Embedded,
        keep: false,
        signals,
    };
    let (run, _events) = Run::begin(options)?;
    let result = measurement(run.clone()).await;
    let report = run.finish().await;
    if !report.complete() {
        bail!("something is left: `cargo xtask down` ends it ({report:?})");
    }
    result
}

/// This program once more, with other arguments, as a child.
pub(crate) fn ourselves(run: &Run, name: &str, args: &[&str]) -> Result<Process> {
    let program = std::env::current_exe().context("cannot find this program")?;
    Ok(run.supervise(ProcessSpec::new(name, program).args(args.iter().copied()))?)
}

/// A container of this run.
#[derive(Debug)]
pub(crate) struct Container {
    id: String,
    /// Its first process, as this machine numbers it.
    pub(crate) pid: u32,
}

impl Container {
    /// Starts a container and publishes ports on loopback; `None` when there is no Docker or not that image.
    pub(crate) async fn start(
        run: &Run,
        image: &str,
        options: &[String],
        args: &[&str],
    ) -> Result<Option<Self>> {
        if docker(run, &["image", "inspect", "--format", "{{.Id}}", image])
            .await
            .is_err()
        {
            return Ok(None);
        }
        // The name is known before the container exists, so that its removal can be on the stack before.
        let name = format!("throughline-bench-{}-{}", run.id(), run.undo().names().len());
        let removal = ["rm", "--force", &name].map(str::to_owned);
        run.undo().push(
            format!("container {name}"),
            Deed::command("docker", removal, DOCKER),
        );
        let mut command = vec!["run", "--detach", "--name", &name];
        command.extend(options.iter().map(String::as_str));
        command.push(image);
        command.extend(args);
        let id = docker(run, &command).await?;
        let pid = docker(run, &["inspect", "--format", "{{.State.Pid}}", &id]).await?;
        Ok(Some(Self {
            pid: pid
                .parse()
                .with_context(|| format!("container {id} has pid {pid:?}"))?,
            id,
        }))
    }

    /// Where a published port is on loopback.
    pub(crate) async fn port(&self, run: &Run, inside: u16) -> Result<String> {
        let ports = docker(run, &["port", &self.id, &format!("{inside}/tcp")]).await?;
        let first = ports
            .lines()
            .next()
            .with_context(|| format!("port {inside} is not published"))?;
        Ok(first.trim().to_owned())
    }

    /// Ends it now; what is on the undo stack tolerates that.
    pub(crate) async fn stop(self, run: &Run) -> Result<()> {
        docker(run, &["rm", "--force", "--volumes", &self.id])
            .await
            .map(drop)
    }
}

/// What a Docker command prints.
async fn docker(run: &Run, args: &[&str]) -> Result<String> {
    let call = Call::new(ProcessSpec::new("docker", "docker").args(args.iter().copied()));
    let answer = run.call(&call, &run.deadline(DOCKER)).await?.success()?;
    Ok(answer.text())
}
