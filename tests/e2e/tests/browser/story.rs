//! What the page says, in the order in which it is read.

use libtest_mimic::Failed;
use thirtyfour::By;

use crate::browser::{Browser, Scheme};
use crate::pages;
use crate::program::INTERCEPTED;

/// A window as it is on most desks.
const DESK: (u32, u32) = (1280, 800);

pub(crate) async fn passed(browser: &Browser) -> Result<(), Failed> {
    let page = pages::passed();
    browser.show(&page.file, DESK, Scheme::Light).await?;
    let played = page.report["scenarios"].as_array().expect("a list").len();
    let title = browser.driver.title().await?;
    assert!(
        title.starts_with(&format!("{played} of {played} as expected")),
        "{title}"
    );
    let heading = browser.driver.find(By::Tag("h1")).await?.text().await?;
    assert_eq!(heading, format!("✓ {played} of {played} as expected"));

    let pictures = page.report["scenarios"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|scenario| scenario["cases"].as_array().into_iter().flatten())
        .filter(|case| !case["picture"].is_null())
        .count();
    let figures: usize = browser
        .ask("return document.querySelectorAll('figure').length")
        .await?;
    assert!(figures == pictures && figures > 5, "{figures} of {pictures}");

    // A row of the overview leads to its article.
    let link = browser
        .driver
        .find(By::Css(format!("nav a[href='#{INTERCEPTED}']")))
        .await?;
    link.click().await?;
    let (target, top): (String, f64) = browser
        .ask(
            "const one = document.querySelector(':target'); return [one.id, one.getBoundingClientRect().top]",
        )
        .await?;
    assert_eq!(target, INTERCEPTED);
    assert!((0.0..f64::from(DESK.1)).contains(&top), "{top}");

    // What waits behind a summary comes when it is asked for.
    let summary = browser
        .driver
        .find(By::Css(format!("#{INTERCEPTED} .source > summary")))
        .await?;
    let tree = browser
        .driver
        .find(By::Css(format!("#{INTERCEPTED} .source > pre")))
        .await?;
    assert!(!tree.is_displayed().await?);
    summary.click().await?;
    assert!(tree.text().await?.contains("create-order"));

    browser.photograph("desk").await?;
    browser.look(12.0).await?.expect_none("a run that passed");
    Ok(())
}

pub(crate) async fn failed(browser: &Browser) -> Result<(), Failed> {
    let page = pages::failed();
    browser.show(&page.file, DESK, Scheme::Light).await?;
    let heading = browser.driver.find(By::Tag("h1")).await?.text().await?;
    assert!(
        heading.starts_with('✗') && heading.ends_with("not as expected"),
        "{heading}"
    );
    let trouble = browser.driver.find(By::Css(".trouble article")).await?;
    let told = trouble.text().await?;
    let cause = "the traceparent header was lost between order-service and inventory-service";
    assert!(told.contains(cause), "{told}");
    let bottom: f64 = browser
        .ask("return document.querySelector('.trouble dl').getBoundingClientRect().bottom")
        .await?;
    assert!(
        bottom < f64::from(DESK.1),
        "what went wrong ends at {bottom}, below the window"
    );
    browser.photograph("desk-failed").await?;
    browser.look(12.0).await?.expect_none("a run that failed");
    Ok(())
}
