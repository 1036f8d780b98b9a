//! Images of others in a file of the project's own, which the nodes of new clusters see. Docker need not pack them for each
//! cluster, nobody need carry them into the node, and they are small: of the processor time that their way takes, a third is left.

mod repack;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use testbed::{Deadline, Deed, Run};

use crate::docker::{Docker, DockerError};
use crate::kind_config::Mount;
use crate::reference::ImageRef;

/// Where nodes see the folder.
const IN_NODE: &str = "/throughline/images";
const EXTENSION: &str = "tar";
/// How the images are packed; another word for another way, so that no file of the former one is taken.
const FORMAT: &str = "OCI image layout, Zstandard\n";

/// The folder of the files.
#[derive(Debug, Clone)]
pub struct SavedImages {
    docker: Docker,
    folder: PathBuf,
}

/// Why images were not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// Docker does not have them, or its disk is full.
    #[error(transparent)]
    Docker(#[from] DockerError),
    /// Docker's archive of them can't be packed anew.
    #[error("docker's archive can't be packed anew: {0}")]
    Repack(io::Error),
    /// The file system refuses.
    #[error("{}: {source}", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl SavedImages {
    /// Files in this folder, if containers can see it: Docker runs on this very machine, not in a virtual one or elsewhere.
    ///
    /// # Errors
    /// Docker does not answer.
    pub async fn seen_by(
        docker: &Docker,
        folder: &Path,
        deadline: &Deadline,
    ) -> Result<Option<Self>, DockerError> {
        let engine = docker.engine(deadline).await?;
        let here = rustix::system::uname();
        let same = here.nodename().to_str().is_ok_and(|name| name == engine.name);
        Ok(same.then(|| Self {
            docker: docker.clone(),
            folder: folder.to_owned(),
        }))
    }

    /// What a node must see of this machine. The folder is made, or Docker would make it, as root.
    ///
    /// # Errors
    /// It can't be made.
    pub fn mount(&self) -> Result<Mount, SaveError> {
        let absolute = std::path::absolute(&self.folder);
        let made = absolute.and_then(|folder| std::fs::create_dir_all(&folder).map(|()| folder));
        match made {
            Ok(here) => Ok(Mount { here, there: IN_NODE }),
            Err(source) => Err(failed(&self.folder, source)),
        }
    }

    /// The file with these images as it is called in a node. Saved, if it is not there; the files of others go then, since a file
    /// is as big as its images, and who wants those again has them in Docker.
    ///
    /// # Errors
    /// It can't be saved. Nothing half-written stays.
    pub async fn provide(
        &self,
        run: &Run,
        images: &[&ImageRef],
        deadline: &Deadline,
    ) -> Result<String, SaveError> {
        let name = self.name_of(images, deadline).await?;
        let file = self.folder.join(&name);
        if !file.exists() {
            self.save(run, images, &file, deadline).await?;
        }
        Ok(format!("{IN_NODE}/{name}"))
    }

    /// Named for what the images are, not only for what they are called: a tag may be moved.
    async fn name_of(&self, images: &[&ImageRef], deadline: &Deadline) -> Result<String, DockerError> {
        let local = self.docker.images(images, deadline).await?;
        let mut key = Sha256::new_with_prefix(FORMAT);
        let names = images.iter().map(|image| image.canonical());
        let ids = local.into_iter().map(|image| image.id);
        for part in names.chain(ids).collect::<BTreeSet<_>>() {
            key.update(part);
            key.update("\n");
        }
        Ok(format!("{}.{EXTENSION}", const_hex::encode(&key.finalize()[..8])))
    }

    async fn save(
        &self,
        run: &Run,
        images: &[&ImageRef],
        file: &Path,
        deadline: &Deadline,
    ) -> Result<(), SaveError> {
        // Docker writes beside the file first, so the folder is the run's, and goes with all that is in it.
        let part = run.dir().file("saved-images");
        let undo = run
            .undo()
            .push("half-saved images", Deed::Remove { path: part.clone() });
        std::fs::create_dir_all(&part).map_err(|source| failed(&part, source))?;
        let (saved, whole) = (part.join("saved"), part.join("images"));
        self.docker.save_into(&saved, images, deadline).await?;
        let (from, into) = (saved.clone(), whole.clone());
        let packing = tokio::task::spawn_blocking(move || repack::repack(&from, &into));
        let packed = packing.await.map_err(io::Error::other).and_then(|packed| packed);
        packed.map_err(SaveError::Repack)?;
        for other in self.files()? {
            std::fs::remove_file(&other).map_err(|source| failed(&other, source))?;
        }
        std::fs::rename(&whole, file).map_err(|source| failed(file, source))?;
        std::fs::remove_dir_all(&part).map_err(|source| failed(&part, source))?;
        run.undo().done(undo);
        Ok(())
    }

    fn files(&self) -> Result<Vec<PathBuf>, SaveError> {
        let entries = std::fs::read_dir(&self.folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = entries.map_err(|source| failed(&self.folder, source))?;
        let paths = entries.into_iter().map(|entry| entry.path());
        Ok(paths
            .filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION))
            .collect())
    }
}

fn failed(path: &Path, source: io::Error) -> SaveError {
    SaveError::File {
        path: path.to_owned(),
        source,
    }
}
