//! A cluster that is there already, `--env context`: what is asked of it, what is put into it, and what is left alone.
//!
//! The user's kubeconfig is read for the one context that was named, and never written. Whatever the run did not make is
//! refused unless it was allowed by name, and everything that it makes carries a label that nobody else uses.

mod bring_up;
mod claim;
mod error;
mod images;
mod kubeconfig;
mod load;
pub(crate) mod manager;
mod preflight;
mod rights;
mod wanted;
pub mod withdraw;

use std::path::PathBuf;

pub use error::ContextError;
pub use images::ServiceImages;
pub use kubeconfig::usual_files;

pub(crate) use bring_up::{bring_up, choose};
pub(crate) use preflight::examine;

/// A cluster that is there already, and what may be done to it.
#[derive(Debug, Clone)]
pub struct ContextOptions {
    /// The context's name.
    pub context: String,
    /// The user's kubeconfig files, in the order in which kubectl would merge them. They are only read.
    pub kubeconfigs: Vec<PathBuf>,
    /// Namespaces that may be used although they were there before. What is in them is left alone.
    pub use_namespaces: Vec<String>,
    /// The services' images, when they need not be put into the nodes from here.
    pub service_images: Option<ServiceImages>,
    /// The program that takes everything out again when it is called with the arguments of [`withdraw::Withdrawal`]:
    /// undoing must be possible when this process is gone, and needs neither kubectl nor helm.
    pub withdraw: PathBuf,
}
