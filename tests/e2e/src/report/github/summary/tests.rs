//! The summary of a failing run, and its limits.

use super::{LIMIT, append, fenced, markdown, plain};
use crate::report::model::{Outcome, RunReport};
use crate::report::recorded::{NASTY, case, failing_run, lost_header, run, scenario};

#[test]
fn a_failing_run_is_told_with_a_picture_of_its_trace() {
    insta::assert_snapshot!(markdown(&failing_run(), LIMIT));
}

#[test]
fn a_run_that_brought_nothing_up_says_why() {
    let mut report = RunReport::empty();
    report.exit_code = 12;
    report.exit_meaning = "environment did not come up";
    report.errors = vec![NASTY.to_owned()];
    let text = markdown(&report, LIMIT);
    assert!(
        text.contains("## ❌ Throughline: environment did not come up"),
        "{text}"
    );
    assert!(
        text.contains("\n❌ 100 % of") && text.contains("second line"),
        "{text}"
    );
    assert!(text.contains(": nothing was played.\n"), "{text}");
    assert!(!text.contains("| scenario |"), "{text}");
}

#[test]
fn text_from_elsewhere_is_neither_markdown_nor_html_nor_a_mention() {
    assert_eq!(
        plain("a|b `c` *d* <img> @somebody\n# title\u{1b}[31m"),
        r"a\|b \`c\` \*d\* &lt;img&gt; &#64;somebody \# title \[31m"
    );
    let text = fenced("text", "```\nstill inside\n````");
    assert!(
        text.starts_with("\n`````text\n") && text.ends_with("\n`````\n"),
        "{text}"
    );
}

/// Many failing scenarios, with pictures of several kilobytes each.
fn large() -> RunReport {
    let mut report = failing_run();
    for number in 0..400 {
        report.scenarios.push(scenario(
            &format!("scenario_{number}"),
            Outcome::Failed,
            vec![case("order", &lost_header()), case("order again", &lost_header())],
        ));
    }
    report
}

#[test]
fn a_summary_keeps_within_its_limit_and_says_that_it_was_cut() {
    let report = large();
    let whole = markdown(&report, usize::MAX);
    assert!(whole.len() > 100_000, "{}", whole.len());
    for limit in [100_000, whole.len() - 1] {
        let text = markdown(&report, limit);
        assert!(text.len() <= limit);
        assert!(
            text.ends_with("in the run directory.\n"),
            "{}",
            &text[text.len() - 200..]
        );
        let fences = text.lines().filter(|line| line.starts_with("```")).count();
        assert_eq!(fences % 2, 0, "a fence stays open");
    }
    assert!(markdown(&report, 3).is_empty());
}

#[test]
fn what_the_step_has_written_already_counts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("summary.md");
    std::fs::write(&file, "x".repeat(LIMIT - 2_000)).unwrap();
    append(&file, &large()).unwrap();
    let length = std::fs::metadata(&file).unwrap().len();
    assert!(
        length > (LIMIT - 2_000) as u64 && length <= LIMIT as u64,
        "{length}"
    );
    append(&file, &large()).unwrap();
    assert!(std::fs::metadata(&file).unwrap().len() <= LIMIT as u64);
}

#[test]
fn a_picture_too_large_to_be_drawn_is_named_instead() {
    let mut report = run(
        vec![scenario(
            "a",
            Outcome::Failed,
            vec![case("order", &lost_header())],
        )],
        testbed::event::Counts::default(),
    );
    let picture = report.scenarios[0].cases[0].picture.as_mut().unwrap();
    picture.mermaid.push_str(&" ".repeat(60_000));
    let text = markdown(&report, LIMIT);
    assert!(!text.contains("```mermaid") && text.contains(".mmd"), "{text}");
}
