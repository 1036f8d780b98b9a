//! The workshop's text is its test: every command in it is run, and what it prints is compared with what is shown.

#![expect(clippy::unwrap_used, reason = "the shared parts of a test fail like the test")]

mod page;
mod redact;

use std::path::{Path, PathBuf};

use crate::program::World;
use page::{Command, commands};

/// Every step has these parts, each a paragraph that begins with its name.
const PARTS: [&str; 4] = ["**Goal.**", "**What you should see.**", "**Check.**", "**Hint.**"];

/// The steps by number.
fn steps() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workshop");
    let mut steps: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.file_name().is_some_and(|name| {
                name.to_string_lossy()
                    .starts_with(|first: char| first.is_ascii_digit())
            })
        })
        .collect();
    steps.sort();
    steps
}

/// Runs the commands of a page as a participant would, in one world, and says what is not as the page has it.
fn complaints(text: &str) -> Vec<String> {
    let world = World::new();
    let mut last: Option<i32> = None;
    let mut complaints = Vec::new();
    for Command { line, shown } in commands(text) {
        let (typed, command) = page::piped(line);
        let printed = match command.strip_prefix("cargo xtask ") {
            Some(words) => {
                let finished = world.run_typing(&words.split_whitespace().collect::<Vec<_>>(), &typed);
                last = finished.code;
                finished.stdout
            }
            None if line == "echo $?" => last.map_or_else(String::new, |code| code.to_string()),
            None => {
                complaints.push(format!("`{line}` is no command of this repository"));
                continue;
            }
        };
        let printed: Vec<String> = printed.lines().map(redact::line).collect();
        let shown: Vec<String> = shown.iter().map(|line| redact::line(line)).collect();
        if let Some(missing) = page::missing(&shown, &printed) {
            complaints.push(format!(
                "`{line}` does not print `{missing}`, but:\n{}",
                printed.join("\n")
            ));
        }
    }
    complaints
}

#[test]
fn every_command_of_the_workshop_prints_what_is_shown() {
    let steps = steps();
    assert_eq!(steps.len(), 8, "{steps:?}");
    for step in steps {
        let text = std::fs::read_to_string(&step).unwrap();
        assert!(
            commands(&text).len() >= 2,
            "{}: a command and its check",
            step.display()
        );
        let complaints = complaints(&text);
        assert!(
            complaints.is_empty(),
            "{}:\n{}",
            step.display(),
            complaints.join("\n\n")
        );
    }
}

#[test]
fn every_step_has_its_parts_in_order_and_needs_no_docker() {
    for step in steps() {
        let text = std::fs::read_to_string(&step).unwrap();
        let places: Vec<Option<usize>> = PARTS.iter().map(|part| text.find(part)).collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{}: {places:?}",
            step.display()
        );
        for Command { line, .. } in commands(&text) {
            assert!(
                line.starts_with("cargo xtask workshop check ") || line.contains("--env embedded"),
                "{}: {line}",
                step.display()
            );
        }
    }
}

#[test]
fn a_page_that_shows_something_else_is_refused() {
    let page = |shown: &str| {
        format!(
            "```console\n$ cargo xtask e2e --env embedded --list --scenario baseline_stays_in_the_cluster --no-twins\n\
             {shown}\n$ echo $?\n0\n```\n"
        )
    };
    let true_page = page("baseline_stays_in_the_cluster\n…");
    assert_eq!(complaints(&true_page), [""; 0]);
    assert_eq!(complaints(&page("another_name\n…")).len(), 1);
    assert_eq!(
        complaints(&page("baseline_stays_in_the_cluster")).len(),
        1,
        "cut off"
    );
    assert_eq!(complaints(&true_page.replace("\n0\n", "\n10\n")).len(), 1);
    assert_eq!(complaints("```console\n$ rm file\n```\n").len(), 1);
}
