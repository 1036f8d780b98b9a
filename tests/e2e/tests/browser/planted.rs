//! The twin of every other test here: a good page is spoilt, and the browser or the look at it must say so.

use libtest_mimic::Failed;

use crate::browser::{Browser, Scheme};
use crate::pages;

/// What is put into the page, and the kind of fault that it is.
const PLANTS: &[(&str, &str)] = &[
    (
        "console",
        "<script>document.getElementById('nobody').focus()</script>",
    ),
    ("console", "<img src='https://example.com/pixel.png' alt=''>"),
    ("wide", "<p style='width: 900px'>wider than a telephone</p>"),
    (
        "clipped",
        "<div style='width: 5rem; overflow: hidden; white-space: nowrap'>longer than its box is wide</div>",
    ),
    (
        "clipped",
        "<p style='margin-left: -4rem'>begins to the left of the window</p>",
    ),
    ("small", "<p style='font-size: 7px'>for ants</p>"),
    (
        "faint",
        "<p style='color: #999; background: #aaa'>grey on grey</p>",
    ),
    (
        "overlapping",
        "<div style='position: relative'>written over<span style='position: absolute; left: 0'>something</span></div>",
    ),
];

pub(crate) async fn found(browser: &Browser) -> Result<(), Failed> {
    let good = pages::failed().text();
    for (number, (kind, plant)) in PLANTS.iter().enumerate() {
        let spoilt = good.replacen("<main>", &format!("<main>{plant}"), 1);
        assert_ne!(spoilt, good, "there is a place to plant it");
        let file = pages::folder().join(format!("planted-{number}.html"));
        std::fs::write(&file, spoilt)?;
        browser.show(&file, (400, 860), Scheme::Light).await?;
        let faults = browser.look(12.0).await?;
        let kinds: Vec<&str> = faults.all().map(|(kind, _)| kind).collect();
        assert!(
            kinds.contains(kind),
            "{plant} is {kind}, and found was:\n{faults}"
        );
    }
    Ok(())
}
