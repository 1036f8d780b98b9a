//! A service process that plays the part of a pod.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use testbed::{Process, ProcessError, ProcessSpec, Run};
use trace::{Site, names};

/// How long a service may take to say where it listens.
pub(super) const START_LIMIT: Duration = Duration::from_secs(20);

/// A running service of the cluster's side.
#[derive(Debug)]
pub struct Pod {
    process: Process,
    address: SocketAddr,
}

impl Pod {
    /// Starts a service in the cluster's role and waits until it says where it listens.
    pub(super) async fn start(
        run: &Run,
        name: &str,
        binary: &Path,
        otlp: &str,
        upstream: Option<(&str, String)>,
    ) -> Result<Self, ProcessError> {
        let mut spec = ProcessSpec::new(name, binary)
            .env("THROUGHLINE_LISTEN", super::loopback().to_string())
            .env("THROUGHLINE_SITE", Site::Cluster.as_str())
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", otlp)
            .env(
                "OTEL_RESOURCE_ATTRIBUTES",
                format!("{}=embedded", names::DEPLOYMENT_ENVIRONMENT_NAME),
            )
            // Milliseconds. The default of five seconds would be most of what a scenario waits for.
            .env("OTEL_BSP_SCHEDULE_DELAY", "10");
        if let Some((variable, url)) = upstream {
            spec = spec.env(variable, url);
        }
        let process = run.supervise(spec)?;
        let listening = |line: &str| line.strip_prefix("listening http://")?.parse().ok();
        let address = process.line(&run.deadline(START_LIMIT), listening).await?;
        Ok(Self { process, address })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL without a trailing slash.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its name, `storefront@cluster`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.process.name()
    }
}
