//! The life of a service process: bind, announce, serve, drain, flush.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::client::Client;
use crate::config::ServiceArgs;
use crate::tracer::Telemetry;
use crate::{logs, routes, server};

/// What a service's routes are made of.
#[derive(Debug, Clone)]
pub struct Kit {
    /// The tracer.
    pub telemetry: Arc<Telemetry>,
    /// The client for calls to the next service.
    pub client: Client,
}

/// The routes of a service.
#[derive(Debug, Default)]
pub struct Routes {
    /// Business routes: each request gets a server span.
    pub traced: Router,
    /// Routes without a span, beside those of [`routes::operations`].
    pub untraced: Router,
}

/// A failure before the service could serve.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("cannot listen on {address}")]
    Bind {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("cannot export spans")]
    Export(#[from] opentelemetry_otlp::ExporterBuildError),
    #[error("cannot make calls")]
    Client(#[from] reqwest::Error),
    #[error("cannot serve")]
    Serve(#[from] std::io::Error),
}

/// Runs a service until it is told to stop.
pub fn run(
    name: &str,
    version: &str,
    args: &ServiceArgs,
    upstream_timeout: Duration,
    routes: impl FnOnce(Kit) -> Routes,
) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(name, &error),
    };
    match runtime.block_on(serve(name, version, args, upstream_timeout, routes)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(name, &error),
    }
}

async fn serve(
    name: &str,
    version: &str,
    args: &ServiceArgs,
    upstream_timeout: Duration,
    routes: impl FnOnce(Kit) -> Routes,
) -> Result<(), StartError> {
    let telemetry = Arc::new(Telemetry::start(name, version, args)?);
    let filter = logs::filter(std::env::var(crate::names::vars::RUST_LOG).ok().as_deref());
    let _ = tracing::subscriber::set_global_default(logs::subscriber(&telemetry.provider, filter));
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let client = Client::new(Arc::clone(&telemetry.propagation), upstream_timeout)?;
    let own = routes(Kit {
        telemetry: Arc::clone(&telemetry),
        client,
    });
    let traced = own.traced.layer(middleware::from_fn_with_state(
        Arc::clone(&telemetry.propagation),
        server::trace,
    ));
    let app = traced
        .merge(own.untraced)
        .merge(routes::operations(Arc::clone(&telemetry)));
    let address = args.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Bind { address, source })?;
    announce(listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
        .await?;
    let ending = Arc::clone(&telemetry);
    let _ = tokio::task::spawn_blocking(move || ending.finish(Duration::from_secs(3))).await;
    Ok(())
}

/// Prints the one line on stdout by which a supervisor learns the address.
fn announce(mut address: SocketAddr) {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    // Nobody may be reading, and that is no reason not to serve.
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "listening http://{address}").and_then(|()| stdout.flush());
}

fn fail(name: &str, error: &dyn std::error::Error) -> ExitCode {
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "{name}: {error}");
    let mut next = error.source();
    while let Some(cause) = next {
        let _ = write!(stderr, ": {cause}");
        next = cause.source();
    }
    let _ = writeln!(stderr);
    ExitCode::FAILURE
}
