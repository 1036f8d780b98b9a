//! From a cluster that is there to an environment that is proven to work in it. Nothing is made before its end is on the
//! undo stack, and nothing that is there is changed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use kube::Client;
use kube::config::Kubeconfig;
use testbed::{Deed, Endpoints, Run, UndoId};

use super::images::{self, Way};
use super::load::{self, Lacking};
use super::wanted::{Services, wanted};
use super::withdraw::Withdrawal;
use super::{ContextOptions, kubeconfig, manager};
use crate::bring_up::{self, Choice, Up, limits};
use crate::docker::Docker;
use crate::error::ClusterError;
use crate::image::ServiceImage;
use crate::kubernetes::forward::{Forward, Target as ForwardTarget};
use crate::kubernetes::unavailable::Workload;
use crate::kubernetes::{apply, client, rollout};
use crate::manifest::{self, APPLICATION, NAME_LABEL, OBSERVABILITY, Object};
use crate::node::Node;
use crate::options::KindOptions;
use crate::probe;
use crate::telepresence::{Serves, Target, Telepresence};

/// A cluster that is there, as a run's choice: with a kubeconfig of its own and a label that nobody else has.
///
/// # Errors
/// The context can't be used, or the run directory can't be written.
pub(crate) fn choose(run: &Run, context: &ContextOptions) -> Result<Choice, ClusterError> {
    let config = kubeconfig::of_context(&context.kubeconfigs, &context.context)?;
    let path = run.dir().file("kubeconfig");
    // It holds the user's credentials, which should not outlive what the run made with them.
    let credentials = run
        .undo()
        .push("kubeconfig of the run", Deed::Remove { path: path.clone() });
    write(&path, &config)?;
    // Two runs in one cluster may have the same short id when they come from two machines.
    let label = format!("{}-{:08x}", run.id(), probe::random() & 0xffff_ffff);
    Ok(Choice::there(context.context.clone(), label, path, credentials))
}

/// Brings everything up in the chosen cluster.
///
/// # Errors
/// The first part that failed; what was made by then is on the undo stack.
pub(crate) async fn bring_up(
    run: &Run,
    options: &KindOptions,
    context: &ContextOptions,
    choice: &Choice,
    telepresence: Option<&mut Telepresence>,
) -> Result<Up, ClusterError> {
    let plan = &options.plan;
    let config = kubeconfig::of_context(&context.kubeconfigs, &context.context)?;
    let deadline = run.deadline(limits::SERVER);
    let reach = async {
        let client = client::connect(&choice.kubeconfig, None).await?;
        let version = client::answers(&client, &deadline).await?;
        Ok::<_, ClusterError>((client, version))
    };
    let (client, _) = run
        .step_showing("API server", limits::SERVER, reach, |(_, version)| {
            version.clone()
        })
        .await?;
    let manager = match telepresence {
        Some(_) => manager::namespace(&client, &deadline).await?,
        None => None,
    };
    if let Some(namespace) = &manager {
        run.events()
            .note(format!("the traffic manager in {namespace} is used, and stays"));
        write(
            &choice.kubeconfig,
            &kubeconfig::with_manager(config.clone(), namespace),
        )?;
    }
    let installs = telepresence.is_some() && manager.is_none();
    let way = images::way(context, &config, &options.tools, &deadline).await?;
    let stage = Stage {
        run,
        options,
        context,
        choice,
        client,
    };
    let services = stage.provide(way).await?;
    let objects = wanted(plan, &choice.label, Some(&services), installs)?;
    let objects = stage.without_used_namespaces(objects).await?;
    stage.create(objects).await?;
    tokio::try_join!(
        Box::pin(stage.roll_out()),
        Box::pin(stage.prepare_intercepts(telepresence, installs)),
    )?;
    let endpoints = stage.forward().await?;
    bring_up::prove(run, &endpoints).await?;
    Ok(Up {
        client: stage.client,
        endpoints,
        // Nothing is set up in another way in a cluster of somebody else.
        objects: Vec::new(),
    })
}

fn write(path: &Path, config: &Kubeconfig) -> Result<(), ClusterError> {
    client::write_private(path, &kubeconfig::text(config)?).map_err(|source| ClusterError::Write {
        what: path.display().to_string(),
        source,
    })
}

/// What the parts of the work share.
struct Stage<'a> {
    run: &'a Run,
    options: &'a KindOptions,
    context: &'a ContextOptions,
    choice: &'a Choice,
    client: Client,
}

impl Stage<'_> {
    /// Sees to it that the cluster finds the images. From here on what is made has an end on the undo stack.
    async fn provide(&self, way: Way) -> Result<Services, ClusterError> {
        match way {
            Way::ByName(named) => {
                self.push_withdrawal(BTreeMap::new())?;
                Ok(Services::by_name(&named)?)
            }
            Way::IntoNodes(nodes) => self.load(&nodes).await,
        }
    }

    async fn load(&self, nodes: &[Node]) -> Result<Services, ClusterError> {
        let (run, plan) = (self.run, &self.options.plan);
        let packed = bring_up::pack(run, &plan.binaries).await?;
        let docker = Docker::new(self.options.tools.find("docker", "put images into nodes")?);
        let deadline = run.deadline(limits::PULL);
        let mut lacking = Vec::with_capacity(nodes.len());
        for node in nodes {
            lacking.push((node, Lacking::of(&node.images(&deadline).await?, &packed, plan)));
        }
        self.push_withdrawal(load::by_node(&lacking))?;
        let load = async {
            for (node, lacking) in lacking {
                lacking.load(node, &docker, plan.download, &deadline).await?;
            }
            Ok::<_, ClusterError>(())
        };
        run.step("images in the nodes", limits::PULL + limits::EXPLANATION, load)
            .await?;
        let images = packed.iter().map(ServiceImage::reference);
        Ok(Services {
            images: images
                .map(|image| (image.name().to_owned(), image.tagged()))
                .collect(),
            pulled: false,
        })
    }

    fn push_withdrawal(&self, images: BTreeMap<String, Vec<String>>) -> Result<(), ClusterError> {
        let program = self.run.dir().file("withdraw");
        let removal = self.run.undo().push(
            "program for the undo",
            Deed::Remove {
                path: program.clone(),
            },
        );
        link(&self.context.withdraw, &program).map_err(|source| ClusterError::Write {
            what: program.display().to_string(),
            source,
        })?;
        let withdrawal = Withdrawal {
            kubeconfig: self.choice.kubeconfig.clone(),
            run: self.choice.label.clone(),
            images,
        };
        // A cluster that can't be reached now may be reached by `down`, which needs both of them then.
        let needs: Vec<UndoId> = self.choice.credentials.into_iter().chain([removal]).collect();
        self.run.undo().push_needing(
            format!("objects in {}", self.context.context),
            withdrawal.deed(&program, &self.options.tools)?,
            &needs,
        );
        Ok(())
    }

    /// Leaves out the namespaces that are there and may be used.
    async fn without_used_namespaces(&self, objects: Vec<Object>) -> Result<Vec<Object>, ClusterError> {
        let deadline = self.run.deadline(limits::APPLY);
        let (namespaces, mut others): (Vec<Object>, Vec<Object>) = objects
            .into_iter()
            .partition(|object| object.kind() == "Namespace");
        let there = super::claim::look(&self.client, &namespaces, &deadline).await?;
        let used = |name: &str| {
            self.context.use_namespaces.iter().any(|allowed| allowed == name)
                && there.iter().any(|found| found.name == name)
        };
        let mut all: Vec<Object> = namespaces
            .into_iter()
            .filter(|object| !used(object.object.metadata.name.as_deref().unwrap_or_default()))
            .collect();
        all.append(&mut others);
        Ok(all)
    }

    /// Creates what is not there. The server itself sees to it that nothing of somebody else's is taken.
    async fn create(&self, objects: Vec<Object>) -> Result<(), ClusterError> {
        let deadline = self.run.deadline(limits::APPLY);
        let create = apply::create(&self.client, &objects, &self.choice.label, &deadline);
        self.run
            .step("manifests", limits::APPLY + limits::EXPLANATION, create)
            .await?;
        Ok(())
    }

    async fn roll_out(&self) -> Result<(), ClusterError> {
        let run = self.run;
        let begun = Instant::now();
        // Images may have to be pulled.
        let deadline = run.deadline(limits::PULL);
        let workloads = bring_up::workloads();
        let became = |workload: &Workload| {
            bring_up::tell(run, format!("{} available", workload.name), begun.elapsed());
        };
        let watch = rollout::available(&self.client, &self.choice.label, &workloads, &deadline, became);
        run.step("roll-out", limits::PULL + limits::EXPLANATION, watch)
            .await?;
        Ok(())
    }

    async fn prepare_intercepts(
        &self,
        telepresence: Option<&mut Telepresence>,
        installs: bool,
    ) -> Result<(), ClusterError> {
        let Some(telepresence) = telepresence else {
            return Ok(());
        };
        let (run, plan) = (self.run, &self.options.plan);
        let target = Target {
            kubeconfig: &self.choice.kubeconfig,
            image: &plan.pins.traffic_manager,
            locks: &plan.machine_locks,
        };
        if installs {
            let manager = telepresence.manager();
            let uninstall = manager.uninstallation(run, &target)?;
            let needs: Vec<UndoId> = self.choice.credentials.into_iter().collect();
            run.undo().push_needing("traffic manager", uninstall, &needs);
            run.step(
                "traffic manager",
                limits::CONNECTING,
                manager.install(run, &target, Serves::Namespaces(&[APPLICATION, OBSERVABILITY])),
            )
            .await?;
        }
        bring_up::connect(run, telepresence, &target, &self.client).await
    }

    /// Forwards ports from here, because nothing of a cluster that is there already is published on this machine.
    async fn forward(&self) -> Result<Endpoints, ClusterError> {
        let storefront = self.open(APPLICATION, "storefront", 8080).await?;
        let jaeger = self.open(OBSERVABILITY, "jaeger", 16_686).await?;
        let otlp_http = self.open(OBSERVABILITY, "otel-collector", 4318).await?;
        Ok(bring_up::endpoints(storefront, jaeger, otlp_http))
    }

    async fn open(&self, namespace: &str, name: &str, port: u16) -> Result<String, ClusterError> {
        let selector = format!("{NAME_LABEL}={name},{}", manifest::of_run(&self.choice.label));
        let target = ForwardTarget {
            namespace: namespace.to_owned(),
            selector,
            port,
        };
        let forward = Forward::open(self.client.clone(), target)
            .await
            .map_err(|source| ClusterError::Write {
                what: format!("a forward to {name}"),
                source,
            })?;
        let address = forward.address();
        // It lives until the run is undone, which may be long after this environment was dropped.
        self.run
            .undo()
            .push_in_process(format!("forward to {name}"), move || {
                Box::pin(async move {
                    forward.close().await;
                    Ok(())
                })
            });
        Ok(format!("http://{address}"))
    }
}

/// Another name for the program, so that it is there whatever is built meanwhile; a copy on another file system.
fn link(program: &Path, path: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(program, path) {
        Ok(()) => Ok(()),
        Err(_) => std::fs::copy(program, path).map(drop),
    }
}
