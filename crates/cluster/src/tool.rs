//! The programs of others that this crate runs: where they are, and which of our variables they see.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use testbed::{Call, Explain, ProcessSpec};

use crate::program::Program;

/// What a tool sees of our environment besides `HOME`: how to reach Docker, and how to reach the network.
const PASSED_ON: [&str; 15] = [
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "SSH_AUTH_SOCK",
    "KIND_EXPERIMENTAL_DOCKER_NETWORK",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Where tools are looked for and what they are told; parsed once, at the edge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolPath {
    path: OsString,
    env: BTreeMap<OsString, OsString>,
    /// Where programs are that were downloaded.
    own: Option<PathBuf>,
}

impl ToolPath {
    /// Reads `PATH` and the few variables that tools need.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = lookup("PATH").unwrap_or_default();
        let passed = PASSED_ON
            .into_iter()
            .filter_map(|name| Some((OsString::from(name), lookup(name)?)));
        // Tools start tools: kind runs Docker.
        let env = passed.chain([("PATH".into(), path.clone())]).collect();
        Self { path, env, own: None }
    }

    /// Looks into this folder too, after `PATH`.
    #[must_use]
    pub fn with_own_folder(mut self, folder: PathBuf) -> Self {
        self.own = Some(folder);
        self
    }

    /// The folder for programs that were downloaded.
    #[must_use]
    pub fn own_folder(&self) -> Option<&Path> {
        self.own.as_deref()
    }

    /// Whether a program is there without having been downloaded.
    #[must_use]
    pub fn is_on_path(&self, name: &str) -> bool {
        which::which_in(name, Some(&self.path), "/").is_ok()
    }

    /// What tools see of our environment, besides `HOME`; values that are not text are left out.
    #[must_use]
    pub fn variables(&self) -> BTreeMap<String, String> {
        self.env
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value.to_str()?.to_owned())))
            .collect()
    }

    /// The path itself, for what looks up programs on its own.
    #[must_use]
    pub fn path(&self) -> &OsStr {
        &self.path
    }

    /// Finds a program.
    ///
    /// # Errors
    /// It is not on the path.
    pub fn find(&self, name: &'static str, purpose: &'static str) -> Result<Tool, ToolMissing> {
        // Relative names are not looked up, so the working folder does not matter.
        let program = which::which_in(name, Some(&self.path), "/")
            .or_else(|error| match &self.own {
                Some(folder) => which::which_in(name, Some(folder), "/"),
                None => Err(error),
            })
            .map_err(|_| ToolMissing { name, purpose })?;
        Ok(Tool {
            name,
            program,
            env: self.env.clone(),
        })
    }
}

/// A program that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} not found on PATH (needed to {purpose})")]
pub struct ToolMissing {
    /// The program.
    pub name: &'static str,
    /// What it is needed for.
    pub purpose: &'static str,
}

impl Explain for ToolMissing {
    fn hint(&self) -> Option<String> {
        let download = match Program::named(self.name) {
            Some(_) => "; `--download` gets it",
            None => "",
        };
        Some(format!(
            "install `{}`, or put its folder on `PATH`{download}",
            self.name
        ))
    }
}

/// A program that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    name: &'static str,
    program: PathBuf,
    env: BTreeMap<OsString, OsString>,
}

impl Tool {
    /// The name it was looked up by.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Where it is.
    #[must_use]
    pub const fn program(&self) -> &PathBuf {
        &self.program
    }

    /// The variables that it is given, besides `HOME`.
    #[must_use]
    pub const fn env(&self) -> &BTreeMap<OsString, OsString> {
        &self.env
    }

    /// A process of it with these arguments, under a name for people.
    #[must_use]
    pub fn process<A: AsRef<OsStr>>(&self, name: &str, args: impl IntoIterator<Item = A>) -> ProcessSpec {
        let spec =
            ProcessSpec::new(name, &self.program).args(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self.env
            .iter()
            .fold(spec, |spec, (key, value)| spec.env(key, value))
    }

    /// A call of it with these arguments.
    #[must_use]
    pub fn call<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Call {
        Call::new(self.process(self.name, args))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn finds_a_program_on_the_given_path_only() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("kind");
        std::fs::write(&program, "").unwrap();
        let path = |key: &str| (key == "PATH").then(|| folder.path().as_os_str().to_owned());
        let tools = ToolPath::from_lookup(path);
        assert!(tools.find("kind", "create clusters").is_err(), "not executable");
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(tools.find("kind", "create clusters").unwrap().program(), &program);
        let error = tools.find("docker", "run nodes").unwrap_err();
        assert_eq!(
            error.to_string(),
            "docker not found on PATH (needed to run nodes)"
        );
    }

    #[test]
    fn what_was_downloaded_is_found_after_the_path() {
        let (path, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let put = |folder: &Path| {
            std::fs::write(folder.join("kind"), "").unwrap();
            std::fs::set_permissions(folder.join("kind"), PermissionsExt::from_mode(0o755)).unwrap();
            folder.join("kind")
        };
        let tools = ToolPath::from_lookup(|key| (key == "PATH").then(|| path.path().into()))
            .with_own_folder(own.path().to_owned());
        assert!(tools.find("kind", "test").is_err());
        let downloaded = put(own.path());
        assert_eq!(tools.find("kind", "test").unwrap().program(), &downloaded);
        assert!(!tools.is_on_path("kind"));
        let installed = put(path.path());
        assert_eq!(tools.find("kind", "test").unwrap().program(), &installed);
    }

    #[test]
    fn passes_on_what_reaches_docker_and_nothing_else() {
        let tools = ToolPath::from_lookup(|key| match key {
            "PATH" => Some("/bin".into()),
            "DOCKER_HOST" => Some("unix:///run/docker.sock".into()),
            "KUBECONFIG" | "AWS_SECRET_ACCESS_KEY" => Some("never".into()),
            _ => None,
        });
        let tool = tools.find("sh", "test").unwrap();
        let names: Vec<_> = tool
            .env()
            .keys()
            .map(|key| key.to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["DOCKER_HOST", "PATH"]);
    }
}
