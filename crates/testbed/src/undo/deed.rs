//! What has to be done to undo something, as data: another process can do it after this one was killed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::event::millis;
use crate::redact;
use crate::run_id::RunId;
use crate::text::shell;

/// One deed. Doing it twice, or when nothing is there any more, is fine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "deed", rename_all = "snake_case")]
pub enum Deed {
    /// Stop a supervised process and its group.
    Process {
        /// The run that it carries in its environment.
        run: RunId,
        /// Its name in the run.
        name: String,
    },
    /// Remove a file or folder.
    Remove {
        /// Absolute path.
        path: PathBuf,
    },
    /// Run a command that tolerates that there is nothing left to do.
    Command {
        /// The program, looked up on `PATH` unless it has a slash.
        program: PathBuf,
        /// Its arguments.
        args: Vec<String>,
        /// Its environment, besides the few variables that every child gets. One without a value has that of whoever does the
        /// deed: a journal keeps no secrets.
        #[serde(serialize_with = "without_secrets")]
        env: BTreeMap<String, String>,
        /// How long it may take.
        #[serde(rename = "limit_ms", with = "millis")]
        limit: Duration,
    },
}

impl Deed {
    /// Runs a command with an empty environment of its own.
    pub fn command<A: Into<String>>(
        program: impl Into<PathBuf>,
        args: impl IntoIterator<Item = A>,
        limit: Duration,
    ) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self::Command {
            program: program.into(),
            args,
            env: BTreeMap::new(),
            limit,
        }
    }
}

/// Writes variables without the values that have secrets in them. A journal lies in the run directory, which is kept and
/// attached to tickets; and what tools are told of a proxy has its password in it, `HTTPS_PROXY=http://user:pw@proxy:3128`.
///
/// Whoever does the deed later has their own way into the network, and at best the same variables: theirs are taken. Where they
/// have none the tool does without, as it would if they ran it by hand. The run itself, which has them in memory, undoes with
/// what it did with. A name without a value is left, so that only deeds that were told of it are told of it again.
fn without_secrets<S: Serializer>(env: &BTreeMap<String, String>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(env.iter().map(|(name, value)| {
        let named = format!("{name}={value}");
        let kept = if redact::text(&named) == named {
            value.as_str()
        } else {
            ""
        };
        (name, kept)
    }))
}

/// The variables with the values of whoever does the deed where they have none.
pub(super) fn with_ours(
    env: BTreeMap<String, String>,
    ours: impl Fn(&str) -> Option<String>,
) -> BTreeMap<String, String> {
    let filled = env.into_iter().map(|(name, value)| match value.is_empty() {
        true => (ours(&name).unwrap_or_default(), name),
        false => (value, name),
    });
    filled.map(|(value, name)| (name, value)).collect()
}

impl fmt::Display for Deed {
    /// What a person would do by hand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { name, .. } => write!(f, "stop {name}"),
            Self::Remove { path } => {
                write!(f, "{}", shell("rm".as_ref(), ["-rf".as_ref(), path.as_os_str()]))
            }
            Self::Command { program, args, .. } => f.write_str(&shell(program.as_os_str(), args)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delete(env: &[(&str, &str)]) -> Deed {
        Deed::Command {
            program: "kind".into(),
            args: Vec::new(),
            env: env
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            limit: Duration::from_secs(1),
        }
    }

    #[test]
    fn no_secret_of_a_variable_is_written_down() {
        let deed = delete(&[
            ("DOCKER_HOST", "unix:///run/docker.sock"),
            ("HTTPS_PROXY", "http://me:hunter2@proxy:3128"),
            ("HTTP_PROXY", "http://proxy:3128"),
            ("NO_PROXY", "10.0.0.0/8,.svc"),
            ("PATH", "/usr/bin:/bin"),
            ("http_proxy", "me:hunter2@proxy:3128"),
        ]);
        let written = serde_json::to_string(&deed).unwrap();
        assert!(!written.contains("hunter2"), "{written}");
        let read: Deed = serde_json::from_str(&written).unwrap();
        let expected = delete(&[
            ("DOCKER_HOST", "unix:///run/docker.sock"),
            ("HTTPS_PROXY", ""),
            ("HTTP_PROXY", "http://proxy:3128"),
            ("NO_PROXY", "10.0.0.0/8,.svc"),
            ("PATH", "/usr/bin:/bin"),
            ("http_proxy", ""),
        ]);
        assert_eq!(read, expected);
    }

    #[test]
    fn what_was_not_written_down_is_taken_from_whoever_does_the_deed() {
        let Deed::Command { env, .. } = delete(&[("HTTPS_PROXY", ""), ("PATH", "/bin"), ("http_proxy", "")])
        else {
            panic!("no command");
        };
        let ours = |name: &str| (name != "http_proxy").then(|| format!("my {name}"));
        let env = with_ours(env, ours);
        let told: Vec<(&str, &str)> = env.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(
            told,
            [
                ("HTTPS_PROXY", "my HTTPS_PROXY"),
                ("PATH", "/bin"),
                ("http_proxy", "")
            ]
        );
    }
}
