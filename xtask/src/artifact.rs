//! Building the binaries that the other verbs run, and finding them.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::command::{self, Invocation, Outcome};
use crate::programs::{Programs, value_of};
use crate::workspace::Workspace;

/// What the embedded environment needs. Always this list in one invocation and never `cargo run -p`: features unify
/// per invocation, so that every other set of packages would compile dozens of dependencies again.
pub(crate) const EMBEDDED: [&str; 4] = ["storefront", "order-service", "inventory-service", "e2e"];

/// The services, as they go into images.
const SERVICES: [&str; 3] = ["storefront", "order-service", "inventory-service"];

/// The variable with flags for the target's crates only: build scripts and procedural macros can't be static.
#[cfg(target_arch = "x86_64")]
const STATIC_FLAGS: &str = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS";
#[cfg(not(target_arch = "x86_64"))]
const STATIC_FLAGS: &str = "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS";

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
        || Programs::here(&args).lacking().is_none(),
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

/// The flags that build the environment in containers in.
pub(crate) const WITH_CONTAINERS: &[&str] = &["--features", "e2e/containers"];

/// The flags that build every environment in.
const WITH_ALL: &[&str] = &["--features", "e2e/kind,e2e/containers"];

/// The features to build `throughline` with. The environments on Kubernetes and in containers each cost as much to compile as
/// everything else, so they are only in where they are asked for, or where `auto` could choose one. `doctor` always needs
/// them: what is missing for each is the question. `down` never does: what is to be undone is data in journals.
fn features(
    verb: &str,
    args: &[OsString],
    for_kind: impl Fn() -> bool,
    variable: Option<&OsStr>,
) -> &'static [&'static str] {
    match verb {
        "doctor" => return WITH_ALL,
        "down" | "docs" | "completions" | "workshop" => return &[],
        _ => {}
    }
    let said = |flag: &str| value_of(flag, args);
    let wanted = match verb {
        // Runs that were played already need no environment.
        "parity" if args.iter().any(|arg| arg == "--from") => return &[],
        "parity" => vec![
            said("--left").unwrap_or("embedded"),
            said("--right").unwrap_or("kind"),
        ],
        _ => vec![
            said("--env")
                .or(variable.and_then(OsStr::to_str))
                .unwrap_or("auto"),
        ],
    };
    let kind = |environment: &&str| match *environment {
        "kind" | "context" => true,
        "auto" => for_kind(),
        _ => false,
    };
    match (wanted.iter().any(kind), wanted.contains(&"containers")) {
        (true, true) => WITH_ALL,
        (true, false) => WITH_KIND,
        (false, true) => WITH_CONTAINERS,
        (false, false) => &[],
    }
}

/// Builds the measurements and what they measure, and becomes `throughline-bench`.
pub(crate) fn become_bench(workspace: &Workspace, args: Vec<OsString>) -> anyhow::Result<Outcome> {
    let args = with_verb(args);
    if args.first().is_some_and(|verb| verb == "kind") {
        return become_kind_bench(workspace, args);
    }
    // Without debug code: what is measured is our parts.
    let packages = [EMBEDDED.as_slice(), &["bench"]].concat();
    match build(workspace, &packages, &["--release"])? {
        Ok(binaries) => Err(Invocation::new(binaries.get(BENCH)?).args(args).exec()),
        Err(outcome) => Ok(outcome),
    }
}

/// `--env kind` and `--env embedded` in front are other words for the verbs that measure these environments.
fn with_verb(mut args: Vec<OsString>) -> Vec<OsString> {
    let first = args.first().and_then(|arg| arg.to_str());
    let environment = match first {
        Some("--env") => args.get(1).cloned(),
        Some(arg) => arg.strip_prefix("--env=").map(OsString::from),
        None => None,
    };
    if let Some(environment) = environment {
        let words = if first == Some("--env") { 2 } else { 1 };
        let verb = if environment == "embedded" {
            "settle".into()
        } else {
            environment
        };
        args.splice(..words, [verb]);
    }
    args
}

/// What is measured on kind is the product as it is used: everyday builds, and images that nobody has to build meanwhile.
fn become_kind_bench(workspace: &Workspace, args: Vec<OsString>) -> anyhow::Result<Outcome> {
    let packages = [EMBEDDED.as_slice(), &["bench"]].concat();
    let binaries = match build(workspace, &packages, WITH_KIND)? {
        Ok(binaries) => binaries,
        Err(outcome) => return Ok(outcome),
    };
    let images = match build_images(workspace)? {
        Ok(images) => images,
        Err(outcome) => return Ok(outcome),
    };
    let folder = images
        .get(SERVICES[0])?
        .parent()
        .context("a binary has no folder")?;
    let mut rest = args.into_iter();
    Err(Invocation::new(binaries.get(BENCH)?)
        .args(rest.next())
        .args([OsStr::new("--bin-dir"), binaries.folder()?.as_os_str()])
        .args([OsStr::new("--image-bin-dir"), folder.as_os_str()])
        .args(rest)
        .exec())
}

/// Builds the services as they go into images: static, for this machine's processor.
fn build_images(workspace: &Workspace) -> anyhow::Result<Result<Binaries, Outcome>> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let flags = ["--profile", "image", "--target", &target];
    build_with(workspace, &SERVICES, &flags, |cargo| {
        cargo.variable(STATIC_FLAGS, "-C target-feature=+crt-static")
    })
}

/// Builds packages in one invocation and says where their binaries are, or how cargo ended when it failed. Nothing is
/// printed when everything is fresh.
pub(crate) fn build(
    workspace: &Workspace,
    packages: &[&str],
    flags: &[&str],
) -> anyhow::Result<Result<Binaries, Outcome>> {
    build_with(workspace, packages, flags, |cargo| cargo)
}

fn build_with(
    workspace: &Workspace,
    packages: &[&str],
    flags: &[&str],
    more: impl Fn(Invocation) -> Invocation,
) -> anyhow::Result<Result<Binaries, Outcome>> {
    let mut cargo = more(Invocation::cargo())
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
            !features("e2e", &args(text), || tools, variable.map(OsStr::new)).is_empty()
        };
        assert!(with("--env kind", false, None));
        assert!(with("--env=kind --keep", false, None));
        assert!(with("", true, None), "auto, and everything is there");
        assert!(!with("", false, None), "auto, and something is missing");
        assert!(with("--env context --context staging", false, None));
        assert!(!with("--env embedded", true, None));
        assert!(!with("-- tool --env kind", false, None), "another program's flag");
        assert!(!with("", true, Some("embedded")));
        assert!(
            with("--list --env kind", false, Some("embedded")),
            "the flag wins"
        );
    }

    #[test]
    fn a_comparison_needs_the_environments_that_it_plays_in() {
        let with = |text: &str| {
            let args: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
            !features("parity", &args, || false, Some(OsStr::new("kind"))).is_empty()
        };
        assert!(with(""), "embedded and kind");
        assert!(with("--left=kind --right embedded"));
        assert!(!with("--right embedded"), "the variable is for `e2e`");
        assert!(!with("--from a b"), "nothing is played");
    }

    #[test]
    fn a_bench_may_be_named_by_its_environment() {
        let args = |text: &str| -> Vec<OsString> { text.split_whitespace().map(OsString::from).collect() };
        assert_eq!(with_verb(args("--env kind --rounds 3")), args("kind --rounds 3"));
        assert_eq!(with_verb(args("--env=embedded")), args("settle"));
        assert_eq!(with_verb(args("proxy --env kind")), args("proxy --env kind"));
        assert_eq!(with_verb(args("")), args(""));
    }

    #[test]
    fn containers_are_compiled_only_where_they_are_asked_for() {
        let of = |verb: &str, text: &str| {
            let args: Vec<OsString> = text.split_whitespace().map(OsString::from).collect();
            features(verb, &args, || true, None)
        };
        assert_eq!(of("e2e", "--env containers"), WITH_CONTAINERS);
        assert_eq!(of("parity", "--left containers --right kind"), WITH_ALL);
        assert_eq!(of("parity", "--right=containers"), WITH_CONTAINERS);
        assert_eq!(of("e2e", ""), WITH_KIND);
    }

    #[test]
    fn doctor_knows_every_environment_and_down_does_not_need_it() {
        assert_eq!(features("doctor", &[], || false, None), WITH_ALL);
        assert!(features("down", &[], || true, Some(OsStr::new("kind"))).is_empty());
        assert!(features("workshop", &[], || true, None).is_empty());
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
