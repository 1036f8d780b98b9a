//! The README's pictures are those of a run today.

use std::path::Path;

use crate::program::World;

fn pictures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pictures")
}

#[test]
fn the_pictures_in_the_readme_are_what_a_run_looks_like() {
    let folder = pictures().display().to_string();
    World::new()
        .run(&["docs", "--check", "--folder", &folder])
        .expect_code(0);
}

#[test]
fn a_picture_that_is_no_longer_true_is_refused_and_can_be_drawn_again() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().display().to_string();
    let stale = std::fs::read_to_string(pictures().join("waterfall.svg"))
        .unwrap()
        .replace("create-order", "make-order");
    std::fs::write(folder.path().join("waterfall.svg"), stale).unwrap();
    let refused = world.run(&["docs", "--check", "--folder", &name]).expect_code(10);
    assert!(
        refused.stderr.contains("make-order") && refused.stderr.contains("create-order"),
        "{}",
        refused.stderr
    );
    assert!(
        refused
            .stderr
            .contains("topology.svg is not what a run looks like: it is not there")
    );
    world.run(&["docs", "--folder", &name]).expect_code(0);
    world.run(&["docs", "--check", "--folder", &name]).expect_code(0);
}
