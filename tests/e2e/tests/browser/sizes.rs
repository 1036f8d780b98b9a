//! The page where it is read: on a telephone, on a projector, by day and by night, with many traces in it.

use libtest_mimic::Failed;
use serde::Deserialize;

use crate::browser::{Browser, Scheme};
use crate::pages::{self, Page};
use crate::program::INTERCEPTED;

const TELEPHONE: (u32, u32) = (400, 860);
const PROJECTOR: (u32, u32) = (1920, 1080);

pub(crate) async fn telephone(browser: &Browser) -> Result<(), Failed> {
    for scheme in Scheme::BOTH {
        readable(browser, "telephone", TELEPHONE, 12.0, scheme).await?;
    }
    Ok(())
}

pub(crate) async fn projector(browser: &Browser) -> Result<(), Failed> {
    for scheme in Scheme::BOTH {
        // Read from the last row: no text below 16 pixels.
        readable(browser, "projector", PROJECTOR, 16.0, scheme).await?;
    }
    Ok(())
}

/// Both pages, as they come and with everything opened.
async fn readable(
    browser: &Browser,
    place: &str,
    window: (u32, u32),
    smallest: f64,
    scheme: Scheme,
) -> Result<(), Failed> {
    let pages: [(&str, &Page); 2] = [("passed", pages::passed()), ("failed", pages::failed())];
    for (name, page) in pages {
        let name = format!("{place}-{}-{name}", scheme.name());
        browser.show(&page.file, window, scheme).await?;
        browser.photograph(&name).await?;
        browser.look(smallest).await?.expect_none(&name);
        lit(browser, scheme).await?;
        browser
            .ask::<()>(&format!(
                "document.querySelectorAll('details').forEach(one => {{ one.open = true }});
                 document.getElementById('{INTERCEPTED}').scrollIntoView({{ behavior: 'instant' }})"
            ))
            .await?;
        browser.photograph(&format!("{name}-trace")).await?;
        browser
            .look(smallest)
            .await?
            .expect_none(&format!("{name}, opened"));
    }
    Ok(())
}

/// The page follows the reader's preference.
async fn lit(browser: &Browser, scheme: Scheme) -> Result<(), Failed> {
    let colour: String = browser
        .ask("return getComputedStyle(document.body).backgroundColor")
        .await?;
    let brightest = colour
        .split(|character: char| !character.is_ascii_digit())
        .filter_map(|number| number.parse::<u8>().ok())
        .max()
        .expect("a colour");
    let fits = match scheme {
        Scheme::Light => brightest > 200,
        Scheme::Dark => brightest < 50,
    };
    assert!(fits, "{colour} by {scheme:?}");
    Ok(())
}

/// When a page was there, in milliseconds after it was asked for.
#[derive(Debug, Deserialize)]
struct Drawn {
    first_paint: f64,
    loaded: f64,
}

pub(crate) async fn fifty_traces(browser: &Browser) -> Result<(), Failed> {
    let page = pages::fifty_rounds();
    let size = page.text().len();
    assert!(size < 1_000_000, "{size} bytes");
    browser.show(&page.file, PROJECTOR, Scheme::Light).await?;
    let traces: usize = browser
        .ask("return document.querySelectorAll('figure').length")
        .await?;
    assert_eq!(traces, 50);
    // How long it took depends on the machine, so it is told and not judged.
    let drawn: Drawn = browser
        .ask(
            "const [paint] = performance.getEntriesByName('first-contentful-paint');
             const [navigation] = performance.getEntriesByType('navigation');
             return { first_paint: paint ? paint.startTime : 0, loaded: navigation.loadEventEnd }",
        )
        .await?;
    let told = serde_json::json!({
        "traces": traces,
        "bytes": size,
        "first_paint_ms": drawn.first_paint,
        "loaded_ms": drawn.loaded,
    });
    std::fs::write(pages::folder().join("drawn.json"), told.to_string())?;
    browser.look(16.0).await?.expect_none("a page of fifty traces");
    Ok(())
}
