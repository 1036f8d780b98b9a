//! Images of others in a file of the project's own, which the nodes of new clusters see. Docker need not pack them for each
//! cluster, nobody need carry them into the node, and they are small: of the processor time that their way takes, a third is left.

mod repack;

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
    /// Docker can't be told where they would be.
    #[error("{} has a colon, or is no text: it can't be shown to a container", .0.display())]
    Path(PathBuf),
    /// Docker's archive of them can't be packed anew.
    #[error("docker's archive can't be packed anew")]
    Repack(#[source] io::Error),
    /// The file system refuses.
    #[error("{} can't be written", path.display())]
    File {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A file with images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Where it is on this machine.
    pub file: PathBuf,
    /// Where nodes see it.
    pub in_node: String,
}

impl SavedImages {
    /// Files in this folder, if containers can be expected to see it: Docker's machine has the name of this one, so it is neither a
    /// virtual one nor elsewhere. Whether they do is seen when a file is looked for.
    ///
    /// # Errors
    /// Docker does not answer.
    pub async fn seen_by(
        docker: &Docker,
        folder: &Path,
        deadline: &Deadline,
    ) -> Result<Option<Self>, DockerError> {
        let engine = docker.engine(deadline).await?;
        Ok(engine.is_here().then(|| Self {
            docker: docker.clone(),
            folder: folder.to_owned(),
        }))
    }

    /// What a node must see of this machine. The folder is made, or Docker would make it, as root.
    ///
    /// # Errors
    /// It can't be made, or its path can't be told to Docker.
    pub fn mount(&self) -> Result<Mount, SaveError> {
        let absolute = std::path::absolute(&self.folder);
        let made = absolute.and_then(|folder| std::fs::create_dir_all(&folder).map(|()| folder));
        let here = made.map_err(|source| failed(&self.folder, source))?;
        // In `host:container:options` nothing escapes a colon.
        match here.to_str() {
            Some(path) if !path.contains(':') => Ok(Mount { here, there: IN_NODE }),
            _ => Err(SaveError::Path(here)),
        }
    }

    /// The file with these images. Saved, if it is not there; the files of others go then, since a file is as big as its images,
    /// and who wants those again has them in Docker.
    ///
    /// # Errors
    /// It can't be saved. Nothing half-written stays.
    pub async fn provide(
        &self,
        run: &Run,
        images: &[&ImageRef],
        deadline: &Deadline,
    ) -> Result<Saved, SaveError> {
        let name = self.name_of(images, deadline).await?;
        let file = self.folder.join(&name);
        if !file.exists() {
            // Docker writes beside the file first, so the folder is the run's, and goes with all that is in it.
            let part = run.dir().file("saved-images");
            let undo = run
                .undo()
                .push("half-saved images", Deed::Remove { path: part.clone() });
            let saved = self.save(&part, images, &file, deadline).await;
            let removed = std::fs::remove_dir_all(&part);
            if removed.is_ok() || !part.exists() {
                run.undo().done(undo);
            }
            saved?;
        }
        Ok(Saved {
            in_node: format!("{IN_NODE}/{name}"),
            file,
        })
    }

    /// Named for what each image is, not only for what it is called: a tag may be moved.
    async fn name_of(&self, images: &[&ImageRef], deadline: &Deadline) -> Result<String, DockerError> {
        let local = self.docker.images(images, deadline).await?;
        let mut key = Sha256::new_with_prefix(FORMAT);
        for image in images {
            let found = local.iter().find(|local| local.is(image));
            let id = found.map_or("", |local| local.id.as_str());
            key.update(format!("{} {id}\n", image.canonical()));
        }
        Ok(format!("{}.{EXTENSION}", const_hex::encode(&key.finalize()[..8])))
    }

    async fn save(
        &self,
        part: &Path,
        images: &[&ImageRef],
        file: &Path,
        deadline: &Deadline,
    ) -> Result<(), SaveError> {
        std::fs::create_dir_all(part).map_err(|source| failed(part, source))?;
        let (saved, whole) = (part.join("saved"), part.join("images"));
        self.docker.save_into(&saved, images, deadline).await?;
        let (from, into) = (saved, whole.clone());
        let packing = tokio::task::spawn_blocking(move || repack::repack(&from, &into));
        let packed = packing.await.map_err(io::Error::other).and_then(|packed| packed);
        packed.map_err(SaveError::Repack)?;
        std::fs::rename(&whole, file).map_err(|source| failed(file, source))?;
        for other in self.files()?.iter().filter(|other| *other != file) {
            // Another run may have been faster, or is about to miss it: then it takes the images out of Docker.
            let _ = std::fs::remove_file(other);
        }
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
