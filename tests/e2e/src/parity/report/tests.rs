//! What people read of a comparison.

use testbed::EnvironmentName::{Embedded, Kind};
use trace::testing::Recording;
use trace::{Shape, SpanKind};

use super::*;
use crate::parity::compare::tests::run;
use crate::parity::{Known, compare};

const KNOWN: Known = Known {
    here: &[Embedded],
    there: &[Kind],
    scenarios: &["known_to_differ", "same_by_now"],
    words: &[("create-order", "another-name")],
    reason: "they call it so",
};

fn found() -> Parity {
    let whole = Shape::of(&Recording::checkout().evidence(), &[]);
    let mut lost = Recording::checkout();
    lost.lose_header(lost.id_of(SpanKind::Server, "GET /api/check"), 0);
    let lost = Shape::of(&lost.evidence(), &[]);
    let named = whole.reworded(|line| line.replace("create-order", "another-name"));
    let left = [
        ("the_same_in_both", "passed", vec![whole.clone()]),
        ("known_to_differ", "passed", vec![whole.clone()]),
        ("same_by_now", "passed", vec![whole.clone()]),
        ("broken", "passed", vec![whole.clone()]),
        ("here_alone", "passed", vec![whole.clone()]),
    ];
    let right = [
        ("the_same_in_both", "passed", vec![whole.clone()]),
        ("known_to_differ", "passed", vec![named]),
        ("same_by_now", "passed", vec![whole]),
        ("broken", "failed", vec![lost]),
        ("here_alone", "skipped", vec![]),
    ];
    compare(&run(Embedded, &left), &run(Kind, &right), &[KNOWN])
}

#[test]
fn the_console_shows_what_differs_and_why_what_is_known_may() {
    insta::assert_snapshot!(text(&found()));
}

#[test]
fn markdown_shows_the_same() {
    insta::assert_snapshot!(markdown(&found()));
}

#[test]
fn the_files_are_for_programs_and_for_people() {
    let folder = tempfile::tempdir().expect("a folder");
    let (page, errors) = write(folder.path(), &found());
    assert!(errors.is_empty(), "{errors:?}");
    let page = std::fs::read_to_string(page).expect("the page");
    assert!(page.contains("they call it so") && page.contains("stray inventory-service@cluster"));
    assert!(page.contains("Not the same") && !page.contains("<script"));
    let json = std::fs::read(folder.path().join("parity.json")).expect("the file");
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(json["compared"][3]["differences"][0]["differs"], "result");
    assert_eq!(json["compared"][1]["differences"][0]["known"], "they call it so");
    assert_eq!(json["stale"][0]["scenario"], "same_by_now");
}

#[test]
fn a_folder_that_can_not_be_written_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "").expect("a file");
    assert_eq!(write(&taken, &found()).1.len(), 3);
}
