//! Images of the services without a Dockerfile and without a registry: one static binary, one layer.
//!
//! The same binary always makes the same image, and the image's tag is the beginning of its id. A node that knows the
//! tag therefore has exactly this image, and a changed binary changes the pod template, which rolls the pod.

pub mod archive;
pub mod elf;
pub(crate) mod layout;

use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};
use testbed::Explain;

use crate::manifest::SERVICE_REPOSITORY;
use crate::reference::ImageRef;
use elf::{Elf, ElfError};

/// A service's image, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceImage {
    reference: ImageRef,
    config: Blob,
    layer: Blob,
}

/// Bytes with their SHA-256 in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob {
    digest: String,
    bytes: Vec<u8>,
}

impl Blob {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self {
            digest: const_hex::encode(Sha256::digest(&bytes)),
            bytes,
        }
    }
}

/// Why a binary can't become an image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The file can't be read.
    #[error("the binary {path} can't be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file would not run in an image that has nothing else.
    #[error("the binary {path} would not run in an image of its own")]
    Binary {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ElfError,
    },
    /// The archive could not be written.
    #[error("the image of {service} can't be packed")]
    Pack {
        /// The service.
        service: String,
        /// Why.
        source: std::io::Error,
    },
}

impl Explain for ImageError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some(format!("build the services for Linux first: {BUILD}"))
            }
            Self::Binary { .. } => Some(format!("build it static for Linux: {BUILD}")),
            Self::Read { .. } | Self::Pack { .. } => None,
        }
    }
}

// The environment variable reaches the target's crates only: build scripts and procedural macros can't be static.
const BUILD: &str = "`CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS='-C target-feature=+crt-static' cargo build \
                     --profile image --target x86_64-unknown-linux-gnu -p storefront -p order-service \
                     -p inventory-service`, or with `--target x86_64-unknown-linux-musl` where the static glibc is missing";

#[derive(Serialize)]
struct Config<'a> {
    architecture: &'a str,
    os: &'a str,
    created: &'a str,
    config: Process,
    rootfs: RootFs,
    history: [History<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Process {
    user: String,
    entrypoint: [String; 1],
    working_dir: String,
}

#[derive(Serialize)]
struct RootFs {
    r#type: String,
    diff_ids: [String; 1],
}

#[derive(Serialize)]
struct History<'a> {
    created: &'a str,
    created_by: &'a str,
}

// Not the time of packing, or the same binary would be another image each time.
const CREATED: &str = "1970-01-01T00:00:00Z";
// The user of the manifests: a number, because an image without `/etc/passwd` has no names, and `runAsNonRoot` wants one.
const USER: &str = "10001:10001";

impl ServiceImage {
    /// Reads a service's binary and makes its image. Takes a moment for a big one: not for an async task.
    ///
    /// # Errors
    /// A file that can't be read, or that is no static Linux executable.
    pub fn read(service: &str, path: &Path) -> Result<Self, ImageError> {
        let binary = std::fs::read(path).map_err(|source| ImageError::Read {
            path: path.to_owned(),
            source,
        })?;
        let elf = Elf::parse(&binary)
            .and_then(Elf::require_static)
            .map_err(|source| ImageError::Binary {
                path: path.to_owned(),
                source,
            })?;
        Self::pack(service, elf.architecture, &binary)
    }

    /// Makes the image of a binary for an architecture in the OCI image specification's words (`amd64`).
    ///
    /// # Errors
    /// Only if writing into memory fails.
    pub fn pack(service: &str, architecture: &str, binary: &[u8]) -> Result<Self, ImageError> {
        let failed = |source| ImageError::Pack {
            service: service.to_owned(),
            source,
        };
        let layer = Blob::new(archive::layer(service, binary).map_err(failed)?);
        let config = Config {
            architecture,
            os: "linux",
            created: CREATED,
            config: Process {
                user: USER.into(),
                entrypoint: [format!("/{service}")],
                working_dir: "/".into(),
            },
            rootfs: RootFs {
                r#type: "layers".into(),
                diff_ids: [format!("sha256:{}", layer.digest)],
            },
            history: [History {
                created: CREATED,
                created_by: "throughline",
            }],
        };
        let config = Blob::new(serde_json::to_vec(&config).map_err(|error| failed(error.into()))?);
        let reference = format!("{SERVICE_REPOSITORY}/{service}:{}", &config.digest[..12])
            .parse()
            .map_err(|error| failed(std::io::Error::other(error)))?;
        Ok(Self {
            reference,
            config,
            layer,
        })
    }

    /// `throughline/order-service:0123456789ab`; the tag is the beginning of [`ServiceImage::id`].
    #[must_use]
    pub const fn reference(&self) -> &ImageRef {
        &self.reference
    }

    /// The image id that Docker, containerd and the kubelet show: the SHA-256 of its configuration, in hexadecimal.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.config.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_binary_is_the_same_image_and_another_one_is_not() {
        let pack = |binary: &[u8]| ServiceImage::pack("order-service", "amd64", binary).unwrap();
        let (once, again, other) = (pack(b"binary"), pack(b"binary"), pack(b"binarz"));
        assert_eq!(once, again);
        assert_ne!(once.reference(), other.reference());
        assert_eq!(once.reference().tag(), &once.id()[..12]);
        assert_eq!(once.reference().name(), "throughline/order-service");
    }

    #[test]
    fn another_service_of_the_same_binary_is_another_image() {
        let id = |service| {
            ServiceImage::pack(service, "amd64", b"binary")
                .unwrap()
                .id()
                .to_owned()
        };
        assert_ne!(id("storefront"), id("order-service"));
    }

    #[test]
    fn a_missing_binary_says_how_to_build_it() {
        let error = ServiceImage::read("order-service", Path::new("/nowhere/order-service")).unwrap_err();
        assert!(
            error.hint().is_some_and(|hint| hint.contains("--target")),
            "{error:?}"
        );
    }

    #[test]
    fn a_script_is_no_binary() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("order-service");
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        let error = ServiceImage::read("order-service", &path).unwrap_err();
        assert!(
            matches!(
                error,
                ImageError::Binary {
                    source: ElfError::NotElf,
                    ..
                }
            ),
            "{error:?}"
        );
    }
}
