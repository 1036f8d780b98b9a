//! Chromium in a window that nobody sees, started through a run so that nothing of it is left.

use std::path::{Path, PathBuf};
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::json;
use testbed::{EnvironmentName, EventReceiver, ProcessSpec, Run, RunOptions, Signals};
use thirtyfour::{ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver};

use crate::look::{self, Faults};
use crate::pages;

/// How long the driver and the browser may take to come up on a busy machine.
const START: Duration = Duration::from_secs(120);

/// What the browser consists of.
#[derive(Debug)]
pub(crate) struct Programs {
    driver: PathBuf,
    browser: PathBuf,
}

impl Programs {
    /// Looks on `PATH`; the error says what is missing.
    pub(crate) fn find() -> Result<Self, String> {
        let any = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| which::which(name).ok())
                .ok_or_else(|| format!("{} is not on PATH", names.join(" or ")))
        };
        Ok(Self {
            driver: any(&["chromedriver"])?,
            // Where both are there, as on GitHub's runners, the packaged one has what its sandbox needs.
            browser: any(&["google-chrome", "chromium", "chromium-browser"])?,
        })
    }
}

/// What a reader's system prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

impl Scheme {
    pub(crate) const BOTH: [Self; 2] = [Self::Light, Self::Dark];

    /// As `prefers-color-scheme` says it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A browser with one window.
pub(crate) struct Browser {
    run: Run,
    _events: EventReceiver,
    pub(crate) driver: WebDriver,
}

impl Browser {
    /// Starts driver and browser.
    pub(crate) async fn open(programs: &Programs) -> Result<Self, Failed> {
        let (run, events) = Run::begin(RunOptions {
            root: pages::folder().join("runs"),
            environment: EnvironmentName::Embedded,
            keep: false,
            signals: Signals::manual(),
        })?;
        match Self::start(&run, programs).await {
            Ok(driver) => Ok(Self {
                run,
                _events: events,
                driver,
            }),
            Err(error) => {
                run.finish().await;
                Err(error)
            }
        }
    }

    async fn start(run: &Run, programs: &Programs) -> Result<WebDriver, Failed> {
        // Undone in the opposite order: the profile goes when nobody writes into it any more.
        let profile = run.scratch("browser")?;
        let spec = ProcessSpec::new("chromedriver", &programs.driver).arg("--port=0");
        let driver = run.supervise(spec)?;
        let announced = |line: &str| {
            let (_, rest) = line.split_once("successfully on port ")?;
            rest.trim_end_matches('.').parse::<u16>().ok()
        };
        let port = driver.line(&run.deadline(START), announced).await?;
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary(&programs.browser.to_string_lossy())?;
        wanted.set_logging_prefs("browser", LoggingPrefsLogLevel::All)?;
        wanted.add_arg("--headless=new")?;
        wanted.add_arg("--disable-gpu")?;
        // Shared memory is 64 MiB in a container.
        wanted.add_arg("--disable-dev-shm-usage")?;
        wanted.add_arg(&format!("--user-data-dir={}", profile.display()))?;
        if rustix::process::geteuid().is_root() {
            // Chromium's sandbox refuses root, which is what one is in a container.
            wanted.add_arg("--no-sandbox")?;
        }
        let session = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted);
        let bounded = run.deadline(START).bound(session).await;
        Ok(bounded.map_err(|over| format!("the browser did not come up: {over:?}"))??)
    }

    /// Ends the session and everything that was started.
    pub(crate) async fn close(self) -> Result<(), Failed> {
        let quit = self.driver.quit().await;
        let undone = self.run.finish().await;
        quit?;
        assert!(undone.complete(), "{undone:?}");
        Ok(())
    }

    /// Opens a page in a window of this size, in pixels, as a reader with this preference sees it.
    pub(crate) async fn show(
        &self,
        page: &Path,
        (width, height): (u32, u32),
        scheme: Scheme,
    ) -> Result<(), Failed> {
        let cdp = self.driver.cdp();
        // A real window can't be narrower than 500 pixels.
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        cdp.send_raw("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        let preference = json!({ "features": [
            { "name": "prefers-color-scheme", "value": scheme.name() },
            // Whoever asks where something is after a click must not meet it on its way.
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ] });
        cdp.send_raw("Emulation.setEmulatedMedia", preference).await?;
        self.driver.goto(format!("file://{}", page.display())).await?;
        Ok(())
    }

    /// Looks at the page as it is now. No visible text may be smaller than this many pixels.
    pub(crate) async fn look(&self, smallest: f64) -> Result<Faults, Failed> {
        look::look(self, smallest).await
    }

    /// Runs a function body in the page and takes what it returns.
    pub(crate) async fn ask<T: serde::de::DeserializeOwned>(&self, script: &str) -> Result<T, Failed> {
        Ok(self.driver.execute(script, Vec::new()).await?.convert()?)
    }

    /// Keeps a picture of the window beside the pages.
    pub(crate) async fn photograph(&self, name: &str) -> Result<(), Failed> {
        let file = pages::folder().join(name).with_extension("png");
        Ok(self.driver.screenshot(&file).await?)
    }
}
