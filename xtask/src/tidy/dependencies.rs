//! Who may depend on what.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::{Material, Problem};
use crate::command::Invocation;
use crate::workspace::Workspace;

/// Which of our crates each of them may use. A crate that is not here may use none.
const ARROWS: &[(&str, &[&str])] = &[
    ("jaeger-api", &["trace"]),
    ("testbed", &["trace"]),
    ("debugger", &["testbed"]),
    ("embedded", &["trace", "jaeger-api", "testbed"]),
    ("upstream", &["trace", "jaeger-api", "testbed"]),
    (
        "containers",
        &["trace", "jaeger-api", "testbed", "embedded", "upstream"],
    ),
    ("cluster", &["trace", "jaeger-api", "testbed", "upstream"]),
    ("storefront", &["telemetry"]),
    ("order-service", &["telemetry"]),
    ("inventory-service", &["telemetry"]),
    (
        "e2e",
        &[
            "trace",
            "jaeger-api",
            "testbed",
            "debugger",
            "embedded",
            "upstream",
            "containers",
            "cluster",
        ],
    ),
    (
        "bench",
        &["trace", "jaeger-api", "testbed", "embedded", "cluster", "e2e"],
    ),
];

/// What some may use in their tests besides: the services try each other out, and start and wait as everybody does.
/// The harness may not use a service, not even in its tests.
const TEST_ARROWS: &[(&str, &[&str])] = &[
    ("telemetry", &["testbed", "trace"]),
    (
        "storefront",
        &["order-service", "inventory-service", "testbed", "trace"],
    ),
    ("order-service", &["inventory-service", "testbed", "trace"]),
    ("inventory-service", &["testbed", "trace"]),
];

/// Foreign crates with one home. Tests may use them anywhere.
const HOMES: &[(&str, &str)] = &[
    ("opentelemetry-proto", "embedded"),
    ("kube", "cluster"),
    ("k8s-openapi", "cluster"),
    ("testcontainers", "containers"),
];

/// All that `trace` may use: it does no I/O, and so never has an I/O error.
const PURE: &[&str] = &["serde", "serde_json", "thiserror", "jiff", "maud"];

/// Features of `opentelemetry-otlp` that lose every span: the batch processor is a thread without a tokio reactor, and
/// these clients need one. One crate that switches such a feature on does so for the whole build.
const LOSING: &[&str] = &["reqwest-client", "hyper-client"];

/// The workspace as cargo sees it.
#[derive(Debug, Default)]
pub(super) struct Packages {
    pub(super) members: Vec<Package>,
    /// Features of `opentelemetry-otlp` that some build has switched on.
    exporter_features: Vec<String>,
    /// Names of all packages in any build, foreign ones included.
    pub(super) names: BTreeSet<String>,
}

/// One of our crates.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    /// From the root.
    pub(super) folder: String,
    pub(super) licence: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Debug)]
struct Dependency {
    name: String,
    only_in_tests: bool,
}

impl Package {
    /// What the crate uses outside its tests.
    pub(super) fn used(&self) -> impl Iterator<Item = &str> {
        self.dependencies
            .iter()
            .filter(|used| !used.only_in_tests)
            .map(|used| used.name.as_str())
    }

    fn parse(value: &Value, root: &Path) -> Option<Self> {
        let text = |value: &Value, key: &str| value.get(key)?.as_str().map(str::to_owned);
        let manifest = text(value, "manifest_path")?;
        let folder = Path::new(&manifest).parent()?.strip_prefix(root).ok()?;
        let dependencies = value.get("dependencies")?.as_array()?.iter().filter_map(|used| {
            Some(Dependency {
                name: text(used, "name")?,
                only_in_tests: text(used, "kind").as_deref() == Some("dev"),
            })
        });
        Some(Self {
            name: text(value, "name")?,
            folder: folder.to_string_lossy().into_owned(),
            licence: text(value, "license"),
            dependencies: dependencies.collect(),
        })
    }
}

impl Packages {
    pub(super) fn of(workspace: &Workspace) -> anyhow::Result<Self> {
        let cargo = || Invocation::cargo().folder(workspace.root());
        let metadata = cargo()
            .args(["metadata", "--format-version=1", "--no-deps"])
            .capture()?;
        let metadata: Value = serde_json::from_slice(&metadata).context("cargo metadata is not JSON")?;
        let root = metadata["workspace_root"]
            .as_str()
            .context("cargo metadata names no root")?;
        let packages = metadata["packages"]
            .as_array()
            .context("cargo metadata names no packages")?;
        let members: Option<Vec<Package>> = packages
            .iter()
            .map(|package| Package::parse(package, Path::new(root)))
            .collect();
        // The features that a build really gets; `cargo metadata` would fetch the crates of every platform for it.
        let tree = [
            "tree",
            "--workspace",
            "--all-features",
            "--prefix",
            "none",
            "--format",
            "{p} {f}",
        ];
        let tree = cargo().args(tree).capture()?;
        let tree = String::from_utf8_lossy(&tree);
        Ok(Self {
            members: members.context("cargo metadata describes a package in an unknown way")?,
            exporter_features: exporter_features(&tree),
            names: tree
                .lines()
                .filter_map(|line| line.split(' ').next())
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// `opentelemetry-otlp v0.33.1 grpc-tonic,trace (*)` → the features.
fn exporter_features(tree: &str) -> Vec<String> {
    let lines = tree
        .lines()
        .filter_map(|line| line.strip_prefix("opentelemetry-otlp v"));
    let lists = lines.filter_map(|line| line.split(' ').nth(1));
    lists
        .flat_map(|list| list.split(','))
        .map(str::to_owned)
        .collect()
}

/// Our crates use each other only along [`ARROWS`], foreign crates stay in their homes, `trace` stays pure.
pub(super) fn arrows(material: &Material) -> Vec<Problem> {
    let members = &material.packages.members;
    let is_ours = |name: &str| members.iter().any(|package| package.name == name);
    let mut problems = Vec::new();
    for package in members {
        let name = package.name.as_str();
        let mut complain =
            |what: String| problems.push(Problem::file(format!("{}/Cargo.toml", package.folder), what));
        for used in &package.dependencies {
            let target = used.name.as_str();
            let allowed = has_arrow(ARROWS, name, target)
                || (used.only_in_tests && has_arrow(TEST_ARROWS, name, target));
            if is_ours(target) && target != name && !allowed {
                complain(format!("`{name}` must not depend on `{target}`"));
            }
        }
        for used in package.used() {
            if name == "trace" && !PURE.contains(&used) {
                complain(format!("`trace` is pure and does not need `{used}`"));
            }
            if let Some((_, home)) = HOMES
                .iter()
                .find(|(foreign, home)| *foreign == used && *home != name)
            {
                complain(format!("only `{home}` knows `{used}`"));
            }
        }
    }
    problems
}

fn has_arrow(arrows: &[(&str, &[&str])], from: &str, to: &str) -> bool {
    arrows
        .iter()
        .any(|(name, targets)| *name == from && targets.contains(&to))
}

/// No build has an exporter that loses spans.
pub(super) fn exporter(material: &Material) -> Vec<Problem> {
    let on = material
        .packages
        .exporter_features
        .iter()
        .filter(|feature| LOSING.contains(&feature.as_str()));
    let what = |feature: &String| {
        format!("something switches on opentelemetry-otlp/{feature}, which loses every span")
    };
    let mut problems: Vec<Problem> = on
        .map(|feature| Problem::file("Cargo.toml", what(feature)))
        .collect();
    problems.dedup();
    problems
}

#[cfg(test)]
impl Package {
    /// A crate with these dependencies; a name that starts with `dev:` is used in tests only.
    pub(super) fn planted(name: &str, folder: &str, dependencies: &[&str]) -> Self {
        let dependencies = dependencies.iter().map(|used| match used.strip_prefix("dev:") {
            Some(used) => Dependency {
                name: used.to_owned(),
                only_in_tests: true,
            },
            None => Dependency {
                name: (*used).to_owned(),
                only_in_tests: false,
            },
        });
        Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            licence: Some("Apache-2.0".to_owned()),
            dependencies: dependencies.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, dependencies: &[&str]) -> Vec<String> {
        let mut material = Material::default();
        let others = [
            "trace",
            "jaeger-api",
            "testbed",
            "embedded",
            "telemetry",
            "order-service",
            "e2e",
            "xtask",
        ];
        let others = others.iter().filter(|other| **other != name);
        material.packages.members = others.map(|other| Package::planted(other, other, &[])).collect();
        material
            .packages
            .members
            .push(Package::planted(name, name, dependencies));
        arrows(&material)
            .into_iter()
            .map(|problem| problem.what)
            .collect()
    }

    #[test]
    fn arrows_that_point_the_right_way_pass() {
        assert_eq!(check("trace", &["serde", "dev:proptest"]), [""; 0]);
        assert_eq!(
            check("embedded", &["trace", "testbed", "opentelemetry-proto", "tokio"]),
            [""; 0]
        );
        assert_eq!(check("telemetry", &["dev:opentelemetry-proto"]), [""; 0]);
        assert_eq!(check("e2e", &["trace", "embedded"]), [""; 0]);
    }

    #[test]
    fn trace_must_stay_pure() {
        assert_eq!(
            check("trace", &["tokio"]),
            ["`trace` is pure and does not need `tokio`"]
        );
    }

    #[test]
    fn the_harness_never_links_a_service() {
        assert_eq!(
            check("e2e", &["order-service"]),
            ["`e2e` must not depend on `order-service`"]
        );
        assert_eq!(check("e2e", &["dev:order-service"]).len(), 1, "not even in tests");
    }

    #[test]
    fn services_try_each_other_out_in_tests_only() {
        assert_eq!(check("storefront", &["telemetry", "dev:order-service"]), [""; 0]);
        assert_eq!(
            check("storefront", &["order-service"]),
            ["`storefront` must not depend on `order-service`"]
        );
    }

    #[test]
    fn xtask_and_telemetry_use_none_of_ours() {
        assert_eq!(
            check("xtask", &["testbed"]),
            ["`xtask` must not depend on `testbed`"]
        );
        assert_eq!(
            check("telemetry", &["trace"]),
            ["`telemetry` must not depend on `trace`"]
        );
    }

    #[test]
    fn foreign_crates_stay_in_their_homes() {
        assert_eq!(
            check("testbed", &["opentelemetry-proto"]),
            ["only `embedded` knows `opentelemetry-proto`"]
        );
        assert_eq!(check("e2e", &["kube"]), ["only `cluster` knows `kube`"]);
    }

    #[test]
    fn an_exporter_that_loses_spans_is_reported_once() {
        let tree =
            "tonic v0.14.9 codegen\nopentelemetry-otlp v0.33.1 grpc-tonic,reqwest-blocking-client,trace\n";
        let mut material = Material::default();
        material.packages.exporter_features = exporter_features(tree);
        assert_eq!(exporter(&material), []);
        let tree = "opentelemetry-otlp v0.33.1 hyper-client,trace\nopentelemetry-otlp v0.33.1 hyper-client,trace (*)\n";
        material.packages.exporter_features = exporter_features(tree);
        material.packages.exporter_features.sort();
        assert_eq!(exporter(&material).len(), 1);
    }

    #[test]
    fn the_real_workspace_is_understood() {
        let workspace = Workspace::find().expect("a workspace");
        let packages = Packages::of(&workspace).expect("cargo describes it");
        let e2e = packages
            .members
            .iter()
            .find(|package| package.name == "e2e")
            .expect("e2e is a member");
        assert_eq!(e2e.folder, "tests/e2e");
        assert!(e2e.used().any(|used| used == "trace") && !e2e.used().any(|used| used == "insta"));
        assert!(
            packages
                .exporter_features
                .iter()
                .any(|feature| feature == "grpc-tonic")
        );
    }
}
