//! What is asked of Docker, by its command line: the Engine, its images, published ports.

mod error;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use testbed::{Answer, Call, Deadline};

pub use error::DockerError;

use crate::reference::ImageRef;
use crate::tool::Tool;

/// How long a question may take. Docker answers in milliseconds, and in seconds when the machine is busy.
pub(crate) const QUESTION: Duration = Duration::from_secs(20);

/// Docker's command line.
#[derive(Debug, Clone)]
pub struct Docker {
    tool: Tool,
}

/// What the Engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Engine {
    /// The host name of the machine that it runs on.
    #[serde(default)]
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub server_version: String,
    /// Processors.
    #[serde(default, rename = "NCPU")]
    pub processors: u32,
    /// Memory of the machine it runs on, in bytes.
    #[serde(default)]
    pub mem_total: u64,
    /// `amd64`, or the machine's word for it: `x86_64`.
    #[serde(default)]
    pub architecture: String,
    /// Where it keeps its data.
    #[serde(default)]
    pub docker_root_dir: PathBuf,
}

impl Engine {
    /// Whether it runs on this machine: its host has the same name, so it is neither in a virtual one nor elsewhere.
    #[must_use]
    pub fn is_here(&self) -> bool {
        let here = rustix::system::uname();
        here.nodename().to_str().is_ok_and(|name| name == self.name)
    }
}

/// An image that Docker has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LocalImage {
    /// `sha256:…`, its content.
    #[serde(default)]
    pub id: String,
    /// `name:tag`, in Docker's short form.
    #[serde(default)]
    pub repo_tags: Vec<String>,
    /// `name@sha256:…`; empty for an image that never came from a registry.
    #[serde(default)]
    pub repo_digests: Vec<String>,
}

impl Docker {
    /// Docker as it was found.
    #[must_use]
    pub const fn new(tool: Tool) -> Self {
        Self { tool }
    }

    /// Asks the Engine what it is.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn engine(&self, deadline: &Deadline) -> Result<Engine, DockerError> {
        let answer = self.ask(["info", "--format", "{{json .}}"], deadline).await?;
        let engine: Engine = parse(&answer)?;
        // With the Engine away some versions return 0, and the reason is a field beside the client's own answers.
        if engine.server_version.is_empty() {
            let errors: ServerErrors = parse(&answer)?;
            return Err(DockerError::Unreachable {
                reason: errors.server_errors.join("; "),
            });
        }
        Ok(engine)
    }

    /// The images of these that Docker has, in any order.
    ///
    /// # Errors
    /// The Engine does not answer.
    pub async fn images(
        &self,
        images: &[&ImageRef],
        deadline: &Deadline,
    ) -> Result<Vec<LocalImage>, DockerError> {
        // Asked for none, it answers with its manual.
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let args = ["image", "inspect"].map(ToOwned::to_owned).into_iter();
        let args = args.chain(images.iter().map(|image| asked(image)));
        let answer = self.tool.call(args).run(&deadline.within(QUESTION)).await?;
        // With some of them missing it returns 1, names those on stderr, and prints the others all the same.
        if !answer.exit.success() && !answer.stderr.contains("No such image") {
            return Err(refused(&answer));
        }
        parse(&answer)
    }

    /// Those of the images that Docker does not have. One that is pinned by its digest is there whatever its tags are, and not there
    /// when only its tag is, with another digest.
    ///
    /// # Errors
    /// The Engine does not answer.
    pub async fn lacks(
        &self,
        images: &[&ImageRef],
        deadline: &Deadline,
    ) -> Result<Vec<ImageRef>, DockerError> {
        let local = self.images(images, deadline).await?;
        let has = |wanted: &ImageRef| local.iter().any(|image| image.is(wanted));
        Ok(images
            .iter()
            .filter(|image| !has(image))
            .map(|image| (*image).clone())
            .collect())
    }

    /// Gets an image from its registry.
    ///
    /// # Errors
    /// The registry does not have it or can't be reached.
    pub async fn pull(&self, image: &ImageRef, deadline: &Deadline) -> Result<(), DockerError> {
        let answer = self
            .tool
            .call(["pull", "--quiet", &image.to_string()])
            .run(deadline)
            .await?;
        succeeded(answer)?;
        self.tag_pinned(&[image], deadline).await
    }

    /// Gives the images that are pinned by a digest their tags: pulled by its digest an image has none, and a pod asks for the tag,
    /// which in a node comes from what Docker saves.
    async fn tag_pinned(&self, images: &[&ImageRef], deadline: &Deadline) -> Result<(), DockerError> {
        for image in images.iter().filter(|image| image.digest().is_some()) {
            self.ask(["tag", &asked(image), &image.tagged()], deadline)
                .await?;
        }
        Ok(())
    }

    /// Gets those of the images that it does not have: see [`Docker::lacks`].
    ///
    /// # Errors
    /// As [`Docker::pull`], for the first of them that can't be had.
    pub async fn pull_lacking(&self, images: &[&ImageRef], deadline: &Deadline) -> Result<(), DockerError> {
        for image in self.lacks(images, deadline).await? {
            self.pull(&image, deadline).await?;
        }
        Ok(())
    }

    /// Where a TCP port of a container is published on this machine.
    ///
    /// # Errors
    /// There is no such container, or it does not publish the port.
    pub async fn published(
        &self,
        container: &str,
        port: u16,
        deadline: &Deadline,
    ) -> Result<SocketAddr, DockerError> {
        let answer = self
            .ask(["port", container, &format!("{port}/tcp")], deadline)
            .await?;
        let address = answer.text().lines().find_map(|line| line.trim().parse().ok());
        address.ok_or_else(|| odd(&answer))
    }

    /// Whether a container runs.
    ///
    /// # Errors
    /// There is no such container.
    pub async fn runs(&self, container: &str, deadline: &Deadline) -> Result<bool, DockerError> {
        let answer = self
            .ask(
                [
                    "container",
                    "inspect",
                    "--format",
                    "{{.State.Running}}",
                    container,
                ],
                deadline,
            )
            .await?;
        Ok(answer.text() == "true")
    }

    /// A call in a container.
    pub(crate) fn exec(&self, container: &str, interactive: bool, command: &[&str]) -> Call {
        let flag = interactive.then_some("--interactive");
        self.tool.call(
            ["exec"]
                .into_iter()
                .chain(flag)
                .chain([container])
                .chain(command.iter().copied()),
        )
    }

    /// Writes an archive of these images into a file.
    ///
    /// # Errors
    /// Docker lacks one of them, or the disk is full.
    pub async fn save_into(
        &self,
        file: &Path,
        images: &[&ImageRef],
        deadline: &Deadline,
    ) -> Result<(), DockerError> {
        self.tag_pinned(images, deadline).await?;
        let names = images.iter().map(|image| image.tagged());
        let args = [
            "save".to_owned(),
            "--output".to_owned(),
            file.display().to_string(),
        ];
        let call = self.tool.call(args.into_iter().chain(names));
        succeeded(call.run(deadline).await?).map(drop)
    }

    /// `docker save`, whose output is an archive of these images.
    pub(crate) async fn save(
        &self,
        images: &[ImageRef],
        deadline: &Deadline,
    ) -> Result<testbed::ProcessSpec, DockerError> {
        self.tag_pinned(&images.iter().collect::<Vec<_>>(), deadline)
            .await?;
        let names = images.iter().map(ImageRef::tagged);
        Ok(self
            .tool
            .process("docker save", ["save".to_owned()].into_iter().chain(names)))
    }

    async fn ask<const N: usize>(&self, args: [&str; N], deadline: &Deadline) -> Result<Answer, DockerError> {
        succeeded(self.tool.call(args).run(&deadline.within(QUESTION)).await?)
    }
}

impl LocalImage {
    pub(crate) fn is(&self, wanted: &ImageRef) -> bool {
        let names = |names: &[String], wanted: String| {
            let short = wanted.strip_prefix("docker.io/").unwrap_or(&wanted);
            let short = short.strip_prefix("library/").unwrap_or(short);
            names.iter().any(|name| name == short || *name == wanted)
        };
        match wanted.digest() {
            Some(_) => names(&self.repo_digests, asked(wanted)),
            None => names(&self.repo_tags, wanted.tagged()),
        }
    }
}

/// What Docker is asked for: by the digest alone where there is one, since not every version takes it together with a tag, and the tag
/// may be on another image.
fn asked(image: &ImageRef) -> String {
    match image.digest() {
        Some(digest) => format!("{}@{digest}", image.name()),
        None => image.tagged(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ServerErrors {
    #[serde(default)]
    server_errors: Vec<String>,
}

/// The answer, if the command succeeded; otherwise what its last words mean.
pub(crate) fn succeeded(answer: Answer) -> Result<Answer, DockerError> {
    if answer.exit.success() {
        Ok(answer)
    } else {
        Err(refused(&answer))
    }
}

fn refused(answer: &Answer) -> DockerError {
    let command = answer.command.clone();
    let reason = last_line(&answer.stderr).unwrap_or_else(|| answer.exit.to_string());
    let says = |text: &str| answer.stderr.contains(text);
    let unreachable = [
        "Cannot connect to the Docker daemon",
        "Is the docker daemon running",
        "failed to connect to the docker API",
        "permission denied while trying to connect",
    ];
    if unreachable.into_iter().any(says) {
        DockerError::Unreachable { reason }
    } else if says("No such container") {
        let container = reason.rsplit(": ").next().unwrap_or_default().to_owned();
        DockerError::NoContainer { container }
    } else if says("no space left on device") {
        DockerError::DiskFull { command }
    } else {
        DockerError::Refused { command, reason }
    }
}

fn parse<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, DockerError> {
    serde_json::from_slice(&answer.stdout).map_err(|_| odd(answer))
}

fn odd(answer: &Answer) -> DockerError {
    DockerError::Odd {
        command: answer.command.clone(),
        answer: answer.text().chars().take(200).collect(),
    }
}

/// The last line that is not empty: what most tools say the reason on.
pub(crate) fn last_line(text: &str) -> Option<String> {
    text.lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .map(ToOwned::to_owned)
}
