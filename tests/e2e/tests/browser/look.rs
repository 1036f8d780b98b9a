//! What a reader would complain about: a page that scrolls sideways, text that is cut off, tiny, faint or written over.

use std::fmt;

use libtest_mimic::Failed;
use serde::Deserialize;

use crate::browser::Browser;

/// Runs in the page; says in its own words what it looks for.
const SCRIPT: &str = include_str!("look.js");

/// What is wrong with a page, each with the place and the text.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Faults {
    /// The page is wider than the window.
    pub(crate) wide: Vec<String>,
    /// Text that is out of sight and can't be scrolled to.
    pub(crate) clipped: Vec<String>,
    /// Text smaller than asked for.
    pub(crate) small: Vec<String>,
    /// Text with less contrast than WCAG 2.2 asks for at level AA (success criterion 1.4.3): 4.5, or 3 when it is large.
    pub(crate) faint: Vec<String>,
    /// Text on top of other text.
    pub(crate) overlapping: Vec<String>,
    /// How many pieces of text were looked at: nothing seen is nothing proven.
    pub(crate) texts: usize,
    /// What the console was told: errors, warnings, refused scripts.
    #[serde(default)]
    pub(crate) console: Vec<String>,
}

impl Faults {
    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let kinds = [
            ("wide", &self.wide),
            ("clipped", &self.clipped),
            ("small", &self.small),
            ("faint", &self.faint),
            ("overlapping", &self.overlapping),
            ("console", &self.console),
        ];
        kinds
            .into_iter()
            .flat_map(|(kind, faults)| faults.iter().map(move |fault| (kind, fault)))
    }

    /// Complains of everything that is wrong.
    #[track_caller]
    pub(crate) fn expect_none(&self, page: &str) {
        assert!(self.texts > 20, "{page}: only {} texts were seen", self.texts);
        assert!(self.all().next().is_none(), "{page}:\n{self}");
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all()
            .try_for_each(|(kind, fault)| writeln!(f, "{kind:<12} {fault}"))
    }
}

pub(crate) async fn look(browser: &Browser, smallest: f64) -> Result<Faults, Failed> {
    let found = browser.driver.execute(SCRIPT, vec![smallest.into()]).await?;
    let mut faults: Faults = found.convert()?;
    let entries = browser.driver.browser_log().await?;
    faults.console = entries
        .into_iter()
        .map(|entry| format!("{} {}", entry.level, entry.message))
        .collect();
    Ok(faults)
}
