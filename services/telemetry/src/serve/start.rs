//! What happens before a service can serve, and how it is told when that fails.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use tracing::warn;
use tracing_subscriber::layer::SubscriberExt;

use crate::config::Fault;
use crate::export::BuildError;
use crate::names::vars;
use crate::resource::{self, Defaults};
use crate::serve::Service;
use crate::settings::{Settings, SettingsError};
use crate::tracer::Telemetry;
use crate::{identity, logs};

/// A failure before the service could serve.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("cannot start a runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: io::Error },
    #[error("{0}")]
    LogFilter(String),
    #[error("cannot export spans as asked")]
    Settings(#[from] SettingsError),
    #[error("cannot export spans as asked")]
    Exporter(#[from] BuildError),
    #[error("cannot call other services")]
    Client(#[from] reqwest::Error),
    #[error("cannot go on serving")]
    Serve(#[source] io::Error),
}

impl StartError {
    /// 2 for settings that can't be used, as for a wrong flag; 1 for everything else.
    fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::LogFilter(_) | Self::Settings(_) | Self::Exporter(BuildError::Sdk(_)) => 2,
            _ => 1,
        })
    }

    /// What to do about it, where that is known.
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Bind { source, .. } if source.kind() == io::ErrorKind::AddrInUse => Some(
                "another process has this port: stop it, or choose another with `--listen`; port 0 picks a free one",
            ),
            Self::Settings(_) => {
                Some("set `OTEL_EXPORTER_OTLP_ENDPOINT` to an `http` URL, or `OTEL_TRACES_EXPORTER=none`")
            }
            _ => None,
        }
    }
}

/// Starts tracer and logs by the environment.
pub(super) fn telemetry(service: &Service<'_>) -> Result<Telemetry, StartError> {
    let lookup = |key: &str| std::env::var(key).ok();
    let filter = logs::filter(lookup(vars::RUST_LOG).as_deref()).map_err(StartError::LogFilter)?;
    let instance_id = identity::new_instance_id();
    let defaults = Defaults {
        name: service.name,
        version: service.version,
        instance_id: &instance_id,
        site: service.args.site,
        pid: std::process::id(),
    };
    let mut settings = Settings::read(&lookup)?;
    let resource = resource::resource(defaults, &lookup, &mut settings.ignored);
    let ignored = std::mem::take(&mut settings.ignored);
    // The SDK warns of settings of its own (sampler, headers) while it starts, before there is a tracer to log with.
    let telemetry = tracing::subscriber::with_default(logs::warnings(), || {
        Telemetry::start(&resource, settings, service.args.fault)
    })?;
    let subscriber = telemetry.subscriber().with(logs::layer(filter));
    // Only fails when somebody was quicker, and in a service process nobody is.
    let _ = tracing::subscriber::set_global_default(subscriber);
    for ignored in ignored {
        warn!(
            "{}={} is ignored: expected {}",
            ignored.variable, ignored.value, ignored.expected
        );
    }
    if let Some(fault) = service.args.fault {
        warn!("MISBEHAVING ON PURPOSE: --fault {fault}: {}", consequence(fault));
    }
    Ok(telemetry)
}

const fn consequence(fault: Fault) -> &'static str {
    match fault {
        Fault::DropTraceparent => "traces break here, because outgoing calls carry no trace context",
        Fault::ExportTwice => "each span is stored twice",
        Fault::LoseSpans => "spans are counted as exported and thrown away",
        Fault::LoseContext => "`process_order` begins a trace of its own",
    }
}

/// Tells why the process ends, and how.
pub(super) fn fail(name: &str, error: &StartError) -> ExitCode {
    let mut stderr = io::stderr().lock();
    // Without a stderr there is still the exit code.
    let _ = writeln!(stderr, "{name}: error: {}", crate::chain(error));
    if let Some(hint) = error.hint() {
        let _ = writeln!(stderr, "hint: {hint}");
    }
    error.exit_code()
}
