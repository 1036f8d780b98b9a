//! The flags of the environments on Kubernetes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What the environments on Kubernetes are made of.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Kubernetes")]
pub struct KindArgs {
    /// Replace a version, an image or an address: kind, node, telepresence, traffic-manager, jaeger, collector,
    /// kind-linux-amd64 and so on; crates/upstream/pins.yaml has all
    #[arg(long, value_name = "NAME=VALUE")]
    pub pin: Vec<String>,
    /// File with versions and images, for instance of a private registry
    #[arg(long, value_name = "FILE", env = "THROUGHLINE_PINS")]
    pub pins: Option<PathBuf>,
    /// The context of `--env context`: the cluster's name in the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Kubeconfig that has this context; it is only read [default: as kubectl]
    #[arg(long, value_name = "FILE", requires = "context")]
    pub kubeconfig: Option<PathBuf>,
    /// Use this namespace of `--context` although it is there already; may be repeated
    #[arg(long, value_name = "NAMESPACE", requires = "context")]
    pub use_namespace: Vec<String>,
    /// Where `--context` finds the services' images: PREFIX/order-service:TAG [default tag: dev]
    #[arg(long, value_name = "PREFIX[:TAG]", requires = "context")]
    pub service_images: Option<String>,
    /// How the Collector treats spans
    #[arg(long, value_name = "PROFILE", default_value = "synchronous")]
    pub collector: CollectorProfile,
    /// Download images that the local Docker lacks; kind and Telepresence too, when they are absent
    #[arg(long)]
    pub download: bool,
    /// Folder with static Linux binaries of the services, instead of building them
    #[arg(long, value_name = "DIR", env = "THROUGHLINE_IMAGE_BIN_DIR")]
    pub image_bin_dir: Option<PathBuf>,
    /// How the names of kind's clusters begin, where several people share one Docker [default: throughline]
    #[arg(
        long,
        value_name = "NAME",
        env = "THROUGHLINE_CLUSTER_PREFIX",
        value_parser = cluster_prefix
    )]
    pub cluster_prefix: Option<String>,
    /// Whether a cluster that was kept is taken, with `--keep` or without; decided by the verb.
    #[arg(skip)]
    pub reuse: bool,
    /// Where the process on the workstation listens, when it was said; decided by the verb.
    #[arg(skip)]
    pub workstation_port: Option<u16>,
}

/// How the Collector treats spans.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum CollectorProfile {
    /// An acknowledged export is stored in Jaeger: for proofs
    #[default]
    Synchronous,
    /// Batches, queues and repetitions, as in production
    Batched,
}

/// The beginning of a cluster's name. kind takes lower-case letters, digits, `.` and `-`, and Docker no name that begins with
/// one of the latter.
fn cluster_prefix(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = text.chars().all(|c| plain(c) || matches!(c, '.' | '-')) && text.starts_with(plain);
    if good && text.len() <= 32 {
        return Ok(text.to_owned());
    }
    Err("up to 32 lower-case letters, digits, `.` and `-`, beginning with a letter or digit".to_owned())
}
