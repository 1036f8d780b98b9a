//! The README's pictures and its sample of a run are those of a run today.

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

/// The names of scenarios and twins, as a run prints them one after the other.
fn printed_names() -> Vec<String> {
    let list = World::new().run(&["e2e", "--list"]).expect_code(0).stdout;
    // Below each name stands what it is about, further to the right.
    let names = list.lines().filter_map(|line| {
        let twin = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '));
        match twin {
            Some(twin) => Some(format!("  /{}", twin.rsplit('/').next()?)),
            None => (!line.starts_with(' ')).then(|| line.to_owned()),
        }
    });
    names.collect()
}

#[test]
fn the_sample_in_the_readme_shows_what_there_is_in_its_order() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let (_, sample) = readme
        .split_once("$ cargo xtask e2e --env embedded\nrun ")
        .unwrap();
    let (sample, _) = sample.split_once("```").unwrap();
    let names = printed_names();
    let shown: Vec<&str> = sample
        .lines()
        .skip_while(|line| !line.contains(names[0].as_str()))
        .map_while(|line| line.strip_prefix("  ok    "))
        .map(|line| line.split("      ").next().unwrap_or_default())
        .collect();
    assert!(shown.len() > 3, "{sample}");
    assert_eq!(shown, names[..shown.len()], "nothing is left out before the dots");
    let scenarios = names.iter().filter(|name| !name.starts_with(' ')).count();
    let counts = format!("{scenarios} scenarios and {} twins: ", names.len() - scenarios);
    assert!(sample.contains(&counts), "{counts}\n{sample}");
}
