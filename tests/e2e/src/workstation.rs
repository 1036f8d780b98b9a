//! The process on the workstation: a real order-service with the walkthrough's debug identity.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use testbed::{Endpoints, Process, ProcessError, ProcessSpec, Run, StepError};
use trace::{Site, names};

use crate::scenario::topology::ORDER;

/// How long it may take to say where it listens.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long it may take to finish its requests and deliver its spans after being asked to stop.
pub const STOP_GRACE: Duration = Duration::from_secs(5);

/// A running order-service on the workstation.
#[derive(Debug)]
pub struct Workstation {
    process: Process,
    address: SocketAddr,
}

impl Workstation {
    /// Starts it and waits until it says where it listens. `extra` is put on top of its own variables.
    ///
    /// # Errors
    /// When it can't be started, ends before it listens (with the tail of its log), or takes too long.
    pub async fn start(
        run: &Run,
        binary: &Path,
        endpoints: &Endpoints,
        listen: SocketAddr,
        extra: &[(&str, &str)],
    ) -> Result<Self, StepError> {
        let name = format!("{ORDER}@{}", Site::Workstation);
        let started = run.step_showing(
            &name,
            START_LIMIT,
            async {
                let mut spec = ProcessSpec::new(&name, binary)
                    .env("THROUGHLINE_LISTEN", listen.to_string())
                    .env("THROUGHLINE_SITE", Site::Workstation.as_str())
                    .env("INVENTORY_URL", &endpoints.workstation_inventory)
                    .env("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoints.workstation_otlp)
                    .env(
                        "OTEL_RESOURCE_ATTRIBUTES",
                        format!(
                            "{}={},{}={}",
                            names::SERVICE_VERSION,
                            names::LOCAL_DEBUG,
                            names::DEPLOYMENT_ENVIRONMENT,
                            names::DEBUG
                        ),
                    )
                    // Milliseconds. The default of five seconds would be most of what a scenario waits for.
                    .env("OTEL_BSP_SCHEDULE_DELAY", "10");
                for (name, value) in extra {
                    spec = spec.env(*name, *value);
                }
                let process = run.supervise(spec)?;
                let address = process
                    .line(&run.deadline(START_LIMIT), |line| {
                        line.strip_prefix("listening http://")?.parse().ok()
                    })
                    .await?;
                Ok::<_, ProcessError>(Self { process, address })
            },
            |started| format!("{} pid {}", started.base_url(), started.pid()),
        );
        started.await
    }

    /// Its pid: what a data-plane proof is about.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL as seen from the harness, without a trailing slash.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks it to stop, waits until its spans are delivered, and makes sure that it is gone.
    ///
    /// # Errors
    /// When it is still there after everything was tried.
    pub async fn stop(self, run: &Run) -> Result<(), StepError> {
        let limit = STOP_GRACE + Duration::from_secs(2);
        let name = format!("{ORDER}@{} stopped", Site::Workstation);
        run.step(&name, limit, self.process.stop(STOP_GRACE))
            .await
            .map(|_| ())
    }
}
