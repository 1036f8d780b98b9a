//! The pages that are looked at: of real runs, made once and kept with the pictures of them.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;

use crate::program::{BASELINE, INTERCEPTED, World};

/// A page and the same as data.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) file: PathBuf,
    pub(crate) report: Value,
}

impl Page {
    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.file).expect("a page")
    }

    fn kept(world: &World, name: &str) -> Self {
        let file = folder().join(name).with_extension("html");
        std::fs::copy(world.run_directory().join("report.html"), &file).expect("a page is kept");
        Self {
            file,
            report: world.report(),
        }
    }
}

/// A run that passed, with its twins.
pub(crate) fn passed() -> &'static Page {
    static PAGE: LazyLock<Page> = LazyLock::new(|| {
        let world = World::new();
        world
            .run(&["e2e", "--env", "embedded", "--scenario", INTERCEPTED])
            .expect_code(0);
        Page::kept(&world, "passed")
    });
    &PAGE
}

/// A run that passed, with a trace for each of fifty rounds.
pub(crate) fn fifty_rounds() -> &'static Page {
    static PAGE: LazyLock<Page> = LazyLock::new(|| {
        let world = World::new();
        let rounds = ["--scenario", BASELINE, "--no-twins", "--repeat", "50"];
        world
            .run(&[&["e2e", "--env", "embedded"], rounds.as_slice()].concat())
            .expect_code(0);
        Page::kept(&world, "fifty")
    });
    &PAGE
}

/// A run that failed: order-service drops the header, in the cluster and on the workstation.
pub(crate) fn failed() -> &'static Page {
    static PAGE: LazyLock<Page> = LazyLock::new(|| {
        let world = World::new();
        let script = "THROUGHLINE_FAULT=drop-traceparent exec {real} \"$@\"";
        let binaries = world.with_script("order-service", script);
        let binaries = binaries.display().to_string();
        let args = [
            "e2e",
            "--env",
            "embedded",
            "--scenario",
            INTERCEPTED,
            "--bin-dir",
            &binaries,
        ];
        world.run(&args).expect_code(10);
        Page::kept(&world, "failed")
    });
    &PAGE
}

/// Where pages and pictures are kept: in cargo's target folder.
pub(crate) fn folder() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        std::fs::create_dir_all(&folder).expect("a folder for pages");
        folder
    });
    &FOLDER
}
