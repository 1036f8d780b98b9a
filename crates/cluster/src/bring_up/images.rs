//! The images' way into the node: packed or already in the local Docker, sent only when the node lacks them.

use std::collections::BTreeSet;
use std::sync::Arc;

use testbed::{Deadline, Run};
use tokio::sync::{OnceCell, watch};

use super::{Stage, images_not_saved, limits, next};
use crate::binaries::{self, Binaries};
use crate::error::ClusterError;
use crate::image::{ImageError, ServiceImage, archive};
use crate::manifest::SERVICES;
use crate::reference::ImageRef;
use crate::saved_images::Saved;

/// The services' images, once they are packed.
pub(super) type Packed = Option<Arc<Vec<ServiceImage>>>;
/// The images in the node, as containerd names them.
pub(super) type Loaded = BTreeSet<String>;

/// Builds the services, or takes them from where they are, and packs each into an image.
pub(crate) async fn pack(run: &Run, binaries: &Binaries) -> Result<Vec<ServiceImage>, ClusterError> {
    let pack = async {
        let folder = binaries.provide(run, &run.deadline(limits::BUILD)).await?;
        let work = SERVICES.map(|service| {
            let path = binaries::file(&folder, service);
            tokio::task::spawn_blocking(move || ServiceImage::read(service, &path))
        });
        let mut images = Vec::with_capacity(work.len());
        for image in work {
            let image = image.await.unwrap_or_else(|error| {
                Err(ImageError::Pack {
                    service: "a service".into(),
                    source: std::io::Error::other(error),
                })
            });
            images.push(image?);
        }
        Ok::<_, ClusterError>(images)
    };
    let show = |images: &Vec<ServiceImage>| {
        let tags: Vec<String> = images.iter().map(|image| image.reference().tagged()).collect();
        tags.join(", ")
    };
    let limit = limits::BUILD + limits::EXPLANATION;
    Ok(run.step_showing("service images", limit, pack, show).await?)
}

/// The archive of these images.
pub(crate) async fn archived(images: Vec<ServiceImage>) -> Result<Vec<u8>, ImageError> {
    let archive = tokio::task::spawn_blocking(move || archive::archive(&images)).await;
    archive
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|source| ImageError::Pack {
            service: "the services".into(),
            source,
        })
}

impl Stage<'_> {
    /// Builds and packs the services.
    pub(super) async fn pack_services(&self, packed_tx: watch::Sender<Packed>) -> Result<(), ClusterError> {
        let images = pack(self.run, &self.plan.binaries).await?;
        packed_tx.send_replace(Some(Arc::new(images)));
        Ok(())
    }

    /// Puts what is missing into the node as soon as its containerd answers. The images of the infrastructure don't
    /// wait for the services', nor those for them.
    pub(super) async fn load_images(
        &self,
        mut packed_rx: watch::Receiver<Packed>,
        loaded_tx: watch::Sender<Loaded>,
    ) -> Result<(), ClusterError> {
        let run = self.run;
        let looked = OnceCell::new();
        let present = || {
            looked.get_or_try_init(|| async {
                let present = self.node.images(&run.deadline(limits::SERVER)).await?;
                loaded_tx.send_replace(present.clone());
                Ok::<_, ClusterError>(present)
            })
        };
        let upstream = async {
            let saved = self.save_upstream().await?;
            let present = present().await?;
            let work = self.load_upstream(saved, present, &loaded_tx, run.deadline(limits::PULL));
            let limit = limits::PULL + limits::EXPLANATION;
            Ok(run.step("upstream images in the node", limit, work).await?)
        };
        let services = async {
            let deadline = run.deadline(limits::BUILD);
            let packed = next(&mut packed_rx, &deadline, "loading images", Option::is_some).await?;
            let (packed, present) = (packed.unwrap_or_default(), present().await?);
            let work = self.load_services(&packed, present, &loaded_tx, run.deadline(limits::IMAGES));
            let limit = limits::IMAGES + limits::EXPLANATION;
            Ok(run.step("service images in the node", limit, work).await?)
        };
        tokio::try_join!(upstream, services).map(drop)
    }

    /// The file that has all upstream images, when a new node will see it. Without it they are taken out of Docker.
    async fn save_upstream(&self) -> Result<Option<Saved>, ClusterError> {
        let Some((saved, _)) = &self.saved else {
            return Ok(None);
        };
        let save = async {
            let deadline = self.run.deadline(limits::PULL);
            let wanted = self.plan.upstream();
            self.pull(&wanted, &deadline).await?;
            let outcome = saved.provide(self.run, &wanted, &deadline).await;
            Ok::<_, ClusterError>(outcome.map_err(|error| images_not_saved(self.run, &error)).ok())
        };
        let show = |saved: &Option<Saved>| match saved {
            Some(saved) => saved.file.display().to_string(),
            None => "not this time".to_owned(),
        };
        let limit = limits::PULL + limits::EXPLANATION;
        Ok(self
            .run
            .step_showing("upstream images saved", limit, save, show)
            .await?)
    }

    /// Gets the node's own image, if that is allowed: kind would do so too, in the time that it has for a whole cluster.
    pub(super) async fn pull_node(&self) -> Result<(), ClusterError> {
        if self.choice.warm || !self.plan.download {
            return Ok(());
        }
        let image = &self.plan.pins.node;
        let pull = async {
            let deadline = self.run.deadline(limits::PULL);
            self.pull(&[image], &deadline).await
        };
        let limit = limits::PULL + limits::EXPLANATION;
        let show = |(): &()| image.to_string();
        Ok(self.run.step_showing("node image", limit, pull, show).await?)
    }

    /// Gets images that Docker lacks, if that is allowed.
    async fn pull(&self, wanted: &[&ImageRef], deadline: &Deadline) -> Result<(), ClusterError> {
        if self.plan.download {
            self.docker.pull_lacking(wanted, deadline).await?;
        }
        Ok(())
    }

    async fn load_upstream(
        &self,
        saved: Option<Saved>,
        present: &Loaded,
        loaded_tx: &watch::Sender<Loaded>,
        deadline: Deadline,
    ) -> Result<(), ClusterError> {
        let is_missing = |image: &&ImageRef| !present.contains(&image.canonical());
        let missing: Vec<ImageRef> = self
            .plan
            .upstream()
            .into_iter()
            .filter(is_missing)
            .cloned()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let imported = match &saved {
            Some(saved) => self.import_saved(saved, &deadline).await,
            None => false,
        };
        if !imported {
            self.pull(&missing.iter().collect::<Vec<_>>(), &deadline).await?;
            self.node.import_from_docker(&missing, &deadline).await?;
        }
        loaded_tx.send_modify(|loaded| loaded.extend(missing.iter().map(ImageRef::canonical)));
        Ok(())
    }

    /// Whether the saved images came into the node. A file that the node can't use is no use to later ones either.
    async fn import_saved(&self, saved: &Saved, deadline: &Deadline) -> bool {
        match self.node.import_file(&saved.in_node, deadline).await {
            Ok(seen) => seen,
            Err(error) => {
                let file = saved.file.display();
                let text = format!("the images come out of Docker, since {file} can't be used: {error}");
                self.run.events().warn(text, None);
                // Made again by the next run, or not: it says so itself.
                let _ = std::fs::remove_file(&saved.file);
                false
            }
        }
    }

    async fn load_services(
        &self,
        packed: &[ServiceImage],
        present: &Loaded,
        loaded_tx: &watch::Sender<Loaded>,
        deadline: Deadline,
    ) -> Result<(), ClusterError> {
        let is_missing = |image: &&ServiceImage| !present.contains(&image.reference().canonical());
        let missing: Vec<ServiceImage> = packed.iter().filter(is_missing).cloned().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = missing
            .iter()
            .map(|image| image.reference().canonical())
            .collect();
        self.node.import(archived(missing).await?, &deadline).await?;
        loaded_tx.send_modify(|loaded| loaded.extend(names));
        Ok(())
    }
}
