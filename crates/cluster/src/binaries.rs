//! The services' binaries for the node: built here, or given.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testbed::{Deadline, Explain, ProcessError, ProcessSpec, Run};

use crate::manifest::SERVICES;

/// Where the services' static binaries for Linux come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binaries {
    /// A folder that holds one file for each service, under its name. The way for machines that can't build for Linux:
    /// the binaries may be built anywhere, for instance in a container with Rust.
    Folder(PathBuf),
    /// cargo builds them while the cluster is made; it takes a moment when nothing has changed.
    Build(Build),
}

/// How cargo builds the services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The workspace.
    pub workspace: PathBuf,
    /// cargo's target folder.
    pub target_dir: PathBuf,
    /// Target triple: see [`Build::default_target`]. musl's works as well, where the static glibc is missing.
    pub target: String,
    /// The variables that cargo needs besides `PATH` and `HOME`: see [`Build::environment`].
    pub env: BTreeMap<OsString, OsString>,
}

/// Why there are no binaries.
#[derive(Debug, thiserror::Error)]
pub enum BinariesError {
    /// The build failed.
    #[error("the services could not be built for {target}")]
    Build {
        /// The target triple.
        target: String,
        /// Whether the triple is missing in the toolchain.
        missing_target: bool,
        /// cargo's last words.
        source: Box<ProcessError>,
    },
    /// cargo could not be run to its end.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl Explain for BinariesError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Build {
                target,
                missing_target: true,
                ..
            } => Some(format!("`rustup target add {target}`")),
            Self::Build { target, .. } if target.ends_with("-gnu") => Some(format!(
                "the static glibc may be missing (`apt install libc6-dev`); or build the services for {} and name their \
                 folder with `--image-bin-dir`: docs/KIND.md has the commands",
                target.replace("-gnu", "-musl")
            )),
            Self::Build { source, .. } => source.hint(),
            Self::Process(source) => source.hint(),
        }
    }
}

impl Build {
    /// What cargo and rustup need to be the same ones as outside.
    const PASSED_ON: [&str; 6] = [
        "CARGO",
        "CARGO_HOME",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
        "CARGO_NET_OFFLINE",
        "CARGO_TERM_COLOR",
    ];

    /// The triple of this machine's processor with the GNU C library, which needs no further installation on most.
    #[must_use]
    pub fn default_target() -> String {
        format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
    }

    /// Reads what cargo needs from the environment.
    pub fn environment(lookup: impl Fn(&str) -> Option<OsString>) -> BTreeMap<OsString, OsString> {
        Self::PASSED_ON
            .into_iter()
            .filter_map(|name| Some((name.into(), lookup(name)?)))
            .collect()
    }

    /// The build as a process.
    #[must_use]
    pub fn process(&self) -> ProcessSpec {
        let cargo = self
            .env
            .get(OsString::from("CARGO").as_os_str())
            .cloned()
            .unwrap_or_else(|| "cargo".into());
        let flags = format!(
            "CARGO_TARGET_{}_RUSTFLAGS",
            self.target.to_uppercase().replace('-', "_")
        );
        let packages = SERVICES.iter().flat_map(|service| ["--package", service]);
        let spec = ProcessSpec::new("service build", PathBuf::from(cargo))
            .args(["build", "--profile", "image", "--target", &self.target])
            .args(packages)
            .dir(&self.workspace)
            .env("CARGO_TARGET_DIR", &self.target_dir)
            // For the target's crates only: build scripts and procedural macros can't be static.
            .env(flags, "-C target-feature=+crt-static");
        self.env
            .iter()
            .fold(spec, |spec, (key, value)| spec.env(key, value))
    }

    fn folder(&self) -> PathBuf {
        self.target_dir.join(&self.target).join("image")
    }
}

impl Binaries {
    /// The folder that holds the binaries; builds them first if that is the way.
    ///
    /// # Errors
    /// The build failed or took too long.
    pub async fn provide(&self, run: &Run, deadline: &Deadline) -> Result<PathBuf, BinariesError> {
        let build = match self {
            Self::Folder(folder) => return Ok(folder.clone()),
            Self::Build(build) => build,
        };
        let process = run.supervise(build.process())?;
        let exit = process.ended(deadline).await?;
        process.stop(Duration::ZERO).await?;
        if exit.success() {
            return Ok(build.folder());
        }
        let tail = process.tail();
        let missing_target = tail
            .iter()
            .any(|line| line.contains("target may not be installed"));
        let source = ProcessError::Died {
            name: process.name().into(),
            exit,
            tail,
            log: process.log().into(),
        };
        Err(BinariesError::Build {
            target: build.target.clone(),
            missing_target,
            source: Box::new(source),
        })
    }
}

/// The file of a service in a folder of binaries.
#[must_use]
pub fn file(folder: &Path, service: &str) -> PathBuf {
    folder.join(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_build_is_static_for_the_target_only() {
        let build = Build {
            workspace: "/src".into(),
            target_dir: "/src/target".into(),
            target: "x86_64-unknown-linux-gnu".into(),
            env: BTreeMap::new(),
        };
        let process = build.process();
        assert_eq!(
            process.command_line(),
            "cargo build --profile image --target x86_64-unknown-linux-gnu --package storefront --package order-service \
             --package inventory-service"
        );
        let text = format!("{process:?}");
        assert!(
            text.contains("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS"),
            "{text}"
        );
        assert!(!text.contains("\"RUSTFLAGS\""), "{text}");
    }
}
