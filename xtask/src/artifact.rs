//! Building the binaries that the other verbs run, and finding them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::command::{self, Invocation, Outcome};
use crate::workspace::Workspace;

/// What the embedded environment needs. Always this list in one invocation and never `cargo run -p`: features unify
/// per invocation, so that every other set of packages would compile dozens of dependencies again.
pub(crate) const EMBEDDED: [&str; 4] = ["storefront", "order-service", "inventory-service", "e2e"];

/// The binary that holds the scenarios.
pub(crate) const THROUGHLINE: &str = "throughline";

/// The binary that holds the measurements.
const BENCH: &str = "throughline-bench";

/// Programs by name, where cargo put them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Binaries(BTreeMap<String, PathBuf>);

impl Binaries {
    pub(crate) fn get(&self, name: &str) -> anyhow::Result<&Path> {
        self.0
            .get(name)
            .map(PathBuf::as_path)
            .with_context(|| format!("cargo built no binary called {name}"))
    }

    /// The folder that all of them are in, for `THROUGHLINE_BIN_DIR`.
    pub(crate) fn folder(&self) -> anyhow::Result<&Path> {
        self.get(THROUGHLINE)?.parent().context("a binary has no folder")
    }
}

/// Builds the embedded set and becomes `throughline <verb>`. The caller's folder is kept, so that relative paths in
/// the arguments mean what they say; the service binaries are beside `throughline`, where it looks by itself.
pub(crate) fn become_throughline(
    workspace: &Workspace,
    verb: &str,
    args: Vec<OsString>,
) -> anyhow::Result<Outcome> {
    let features = features(
        verb,
        &args,
        on_path,
        std::env::var_os("THROUGHLINE_ENV").as_deref(),
    );
    match build(workspace, &EMBEDDED, features)? {
        Ok(binaries) => Err(Invocation::new(binaries.get(THROUGHLINE)?)
            .args([verb])
            .args(args)
            .exec()),
        Err(outcome) => Ok(outcome),
    }
}

/// The flags that build the environment on Kubernetes in.
pub(crate) const WITH_KIND: &[&str] = &["--features", "e2e/kind"];

/// The programs that the environment on Kubernetes drives.
const FOR_KIND: [&str; 3] = ["docker", "kind", "telepresence"];

/// The first program that is not there.
pub(crate) fn lacking_for_kind() -> Option<&'static str> {
    FOR_KIND.into_iter().find(|program| !on_path(program))
}

/// The features to build `throughline` with. The environment on Kubernetes costs as much to compile as everything else,
/// so it is only in where it is asked for, or where `auto` could choose it. `doctor` always needs it: what is missing for
/// Kubernetes is the question. `down` never does: what is to be undone is data in journals.
fn features(
    verb: &str,
    args: &[OsString],
    on_path: impl Fn(&str) -> bool,
    variable: Option<&OsStr>,
) -> &'static [&'static str] {
    match verb {
        "doctor" => return WITH_KIND,
        "down" => return &[],
        _ => {}
    }
    let said = args
        .iter()
        .enumerate()
        .find_map(|(index, arg)| match arg.to_str()? {
            "--env" => args.get(index + 1)?.to_str(),
            arg => arg.strip_prefix("--env="),
        });
    match said.or(variable.and_then(OsStr::to_str)).unwrap_or("auto") {
        "kind" => WITH_KIND,
        "auto" if FOR_KIND.into_iter().all(on_path) => WITH_KIND,
        _ => &[],
    }
}

/// Whether there is a program of that name.
fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Builds the measurements and what they measure without debug code, and becomes `throughline-bench`.
pub(crate) fn become_bench(workspace: &Workspace, args: Vec<OsString>) -> anyhow::Result<Outcome> {
    let packages = [EMBEDDED.as_slice(), &["bench"]].concat();
    match build(workspace, &packages, &["--release"])? {
        Ok(binaries) => Err(Invocation::new(binaries.get(BENCH)?).args(args).exec()),
        Err(outcome) => Ok(outcome),
    }
}

/// Builds packages in one invocation and says where their binaries are, or how cargo ended when it failed. Nothing is
/// printed when everything is fresh.
pub(crate) fn build(
    workspace: &Workspace,
    packages: &[&str],
    flags: &[&str],
) -> anyhow::Result<Result<Binaries, Outcome>> {
    let mut cargo = Invocation::cargo()
        .folder(workspace.root())
        .args(["build"])
        .args(flags)
        .args(packages.iter().flat_map(|package| ["-p", package]))
        .unseen("--message-format=json-render-diagnostics");
    if command::colours_wanted() {
        // Cargo writes into a pipe of ours and could not know that a terminal is behind it.
        cargo = cargo.default_variable("CARGO_TERM_COLOR", "always");
    }
    let (outcome, messages) = cargo.run_quietly(|line| !line.contains("Finished"))?;
    if !outcome.is_success() {
        return Ok(Err(outcome));
    }
    Ok(Ok(executables(&messages)))
}

/// The executables in cargo's messages: exact whatever the target folder, target or profile is.
fn executables(messages: &[u8]) -> Binaries {
    let found = messages.split(|byte| *byte == b'\n').filter_map(|line| {
        let message: Value = serde_json::from_slice(line).ok()?;
        let path = message.get("executable")?.as_str()?;
        let name = message.get("target")?.get("name")?.as_str()?;
        Some((name.to_owned(), PathBuf::from(path)))
    });
    Binaries(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubernetes_is_compiled_only_where_it_can_be_used() {
        let args = |text: &str| -> Vec<OsString> { text.split_whitespace().map(OsString::from).collect() };
        let with = |text: &str, tools: bool, variable: Option<&str>| {
            !features("e2e", &args(text), |_| tools, variable.map(OsStr::new)).is_empty()
        };
        assert!(with("--env kind", false, None));
        assert!(with("--env=kind --keep", false, None));
        assert!(with("", true, None), "auto, and everything is there");
        assert!(!with("", false, None), "auto, and something is missing");
        assert!(!with("--env embedded", true, None));
        assert!(!with("", true, Some("embedded")));
        assert!(
            with("--list --env kind", false, Some("embedded")),
            "the flag wins"
        );
    }

    #[test]
    fn doctor_knows_kubernetes_and_down_does_not_need_it() {
        assert_eq!(features("doctor", &[], |_| false, None), WITH_KIND);
        assert!(features("down", &[], |_| true, Some(OsStr::new("kind"))).is_empty());
    }

    #[test]
    fn executables_are_taken_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","target":{"name":"trace"},"executable":null,"fresh":true}"#,
            "\n",
            r#"{"reason":"compiler-artifact","target":{"name":"throughline"},"executable":"/t/x/debug/throughline"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
            "\nnot json\n",
        );
        let binaries = executables(messages.as_bytes());
        assert_eq!(
            binaries.get("throughline").expect("is there"),
            Path::new("/t/x/debug/throughline")
        );
        assert_eq!(binaries.folder().expect("is there"), Path::new("/t/x/debug"));
        assert!(binaries.get("trace").is_err());
    }
}
