//! The HTML page of a run in a real browser: what it says, how it looks on a telephone and on a projector, by day and by night.
//!
//! Chromium is driven over WebDriver. Where it isn't there, these tests are reported as ignored, each with the reason; that
//! is why this suite has a harness of its own.

mod browser;
mod look;
mod pages;
mod planted;
#[path = "../suite/program.rs"]
#[expect(dead_code, reason = "the suite that it belongs to uses all of it")]
mod program;
mod sizes;
mod story;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use browser::Browser;

/// A test: it gets a browser of its own.
type Test = for<'b> fn(&'b Browser) -> LocalBoxFuture<'b, Result<(), Failed>>;

const TESTS: &[(&str, Test)] = &[
    (
        "a_page_tells_the_run_and_its_links_lead_to_what_they_name",
        |browser| story::passed(browser).boxed_local(),
    ),
    ("a_failure_is_the_first_thing_to_read", |browser| {
        story::failed(browser).boxed_local()
    }),
    ("a_page_is_readable_on_a_telephone", |browser| {
        sizes::telephone(browser).boxed_local()
    }),
    ("a_page_is_readable_on_a_projector", |browser| {
        sizes::projector(browser).boxed_local()
    }),
    ("a_page_of_fifty_traces_is_small", |browser| {
        sizes::fifty_traces(browser).boxed_local()
    }),
    ("what_spoils_a_page_is_found", |browser| {
        planted::found(browser).boxed_local()
    }),
];

fn main() -> ExitCode {
    let trials = TESTS
        .iter()
        .map(|&(name, test)| Trial::ignorable_test(name, move || run(test)))
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs a test, and closes its browser whatever comes of it.
fn run(test: Test) -> Result<Completion, Failed> {
    let programs = match browser::Programs::find() {
        Ok(programs) => programs,
        Err(lacking) => return Ok(Completion::ignored_with(lacking)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let browser = Browser::open(&programs).await?;
        let result = AssertUnwindSafe(test(&browser)).catch_unwind().await;
        browser.close().await?;
        match result {
            Ok(result) => result.map(|()| Completion::Completed),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
