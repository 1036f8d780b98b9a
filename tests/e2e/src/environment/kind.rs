//! The environments on real Kubernetes, made of the command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cluster::binaries::{Binaries, Build};
use cluster::context::usual_files;
use cluster::manifest::Profile;
use cluster::tool::ToolPath;
use cluster::{ContextOptions, KindEnvironment, KindOptions, Plan};
use testbed::Lease;

use super::ChoiceError;
use super::pins::pins;
use crate::cli::{CollectorProfile, KindArgs};
use crate::places;

/// The environment as the command line describes it; nothing is created yet.
pub(super) fn environment(args: &KindArgs, root: &Path) -> Result<KindEnvironment, ChoiceError> {
    Ok(KindEnvironment::new(options(args, root, |name| {
        std::env::var_os(name)
    })?))
}

fn options(
    args: &KindArgs,
    root: &Path,
    lookup: impl Fn(&str) -> Option<OsString>,
) -> Result<KindOptions, ChoiceError> {
    Ok(KindOptions {
        tools: ToolPath::from_lookup(&lookup).with_own_folder(places::tools(root)),
        program: std::env::current_exe().ok(),
        plan: Plan {
            pins: pins(args)?,
            binaries: match &args.image_bin_dir {
                Some(folder) => Binaries::Folder(folder.clone()),
                None => Binaries::Build(build()),
            },
            profile: match args.collector {
                CollectorProfile::Synchronous => Profile::Synchronous,
                CollectorProfile::Batched => Profile::Batched,
            },
            download: args.download,
            telepresence: true,
            reuse: args.reuse,
            prefix: args
                .cluster_prefix
                .clone()
                .unwrap_or_else(|| "throughline".to_owned()),
            workstation_port: args.workstation_port.unwrap_or(cluster::WORKSTATION_PORT),
            locks: Lease::shared_folder(lookup("XDG_RUNTIME_DIR").map(PathBuf::from)),
            machine_locks: Lease::machine_folder(),
            saved_images: places::saved_images(root),
        },
    })
}

/// The same in the cluster of a context.
pub(super) fn in_context(args: &KindArgs, root: &Path) -> Result<KindEnvironment, ChoiceError> {
    let context = args.context.clone().ok_or(ChoiceError::NoContext)?;
    let usage = |error: &dyn std::error::Error| ChoiceError::Usage(testbed::explain::chain(error));
    let service_images = args.service_images.as_deref().map(str::parse).transpose();
    Ok(environment(args, root)?.in_context(ContextOptions {
        context,
        kubeconfigs: match &args.kubeconfig {
            Some(file) => vec![file.clone()],
            None => usual_files(|name| std::env::var_os(name)),
        },
        use_namespaces: args.use_namespace.clone(),
        service_images: service_images.map_err(|error| usage(&error))?,
        withdraw: std::env::current_exe().map_err(|error| usage(&error))?,
    }))
}

/// The services are built from the checkout that this program was built from.
fn build() -> Build {
    let lookup = |name: &str| std::env::var_os(name);
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target_dir = lookup("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
    Build {
        target_dir,
        workspace,
        target: Build::default_target(),
        env: Build::environment(lookup),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Telepresence's connection is the machine's, so it must not depend on the shell, or the user, that a run was started from.
    #[test]
    fn every_shell_s_runs_share_the_lock_of_the_connection_and_not_those_of_clusters() {
        let folder = tempfile::tempdir().unwrap();
        let plan = |runtime_dir: &str| {
            let runtime_dir = folder.path().join(runtime_dir);
            let lookup = |name: &str| (name == "XDG_RUNTIME_DIR").then(|| runtime_dir.clone().into());
            options(&KindArgs::default(), folder.path(), lookup).unwrap().plan
        };
        let (desktop, cron) = (plan("a"), plan("b"));
        assert_ne!(desktop.locks, cron.locks);
        assert_eq!(desktop.machine_locks, cron.machine_locks);
    }
}
