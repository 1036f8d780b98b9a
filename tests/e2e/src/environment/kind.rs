//! The environment on real Kubernetes, made of the command line.

use std::path::{Path, PathBuf};

use cluster::binaries::{Binaries, Build};
use cluster::bring_up::Plan;
use cluster::lease::Lease;
use cluster::manifest::Profile;
use cluster::tool::ToolPath;
use cluster::{KindEnvironment, KindOptions};

use super::ChoiceError;
use super::pins::pins;
use crate::cli::{CollectorProfile, KindArgs};

/// The environment as the command line describes it; nothing is created yet.
pub(super) fn environment(args: &KindArgs) -> Result<KindEnvironment, ChoiceError> {
    let lookup = |name: &str| std::env::var_os(name);
    Ok(KindEnvironment::new(KindOptions {
        tools: ToolPath::from_lookup(lookup),
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
            prefix: "throughline".to_owned(),
            locks: Lease::shared_folder(lookup("XDG_RUNTIME_DIR").map(PathBuf::from)),
        },
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
