//! Names of headers, attributes and variables, each in one place.

/// Correlation header: travels with every request, whatever happens to the trace context.
pub const X_REQUEST_ID: &str = "x-request-id";
/// Header by which a filtered intercept picks its requests; copied onto outgoing calls.
pub const X_DEBUG: &str = "x-debug";
/// Header in which a caller says how long it will wait: RFC 7240, `wait`.
pub const PREFER: &str = "prefer";
/// Span attribute that carries the value of [`X_REQUEST_ID`].
pub const REQUEST_ID: &str = "throughline.request.id";
/// Span attribute of a record that stands for a span which is still open.
pub const PENDING: &str = "throughline.pending";
/// Instrumentation scope of such records: a store that knows it lets the finished span take their place.
pub const PENDING_SCOPE: &str = "throughline.pending";
/// Resource attribute: where the process runs.
pub const SITE: &str = "throughline.site";

/// `service.name` of the OpenTelemetry resource semantic conventions.
pub const SERVICE_NAME: &str = "service.name";
/// `service.version` of the OpenTelemetry resource semantic conventions.
pub const SERVICE_VERSION: &str = "service.version";
/// `service.instance.id` of the OpenTelemetry resource semantic conventions.
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";
/// `process.pid` of the OpenTelemetry resource semantic conventions.
pub const PROCESS_PID: &str = "process.pid";
/// Today's name of the deployment environment.
pub const DEPLOYMENT_ENVIRONMENT_NAME: &str = "deployment.environment.name";
/// The deployment environment's name until semantic conventions 1.27, still what many queries ask for.
pub const DEPLOYMENT_ENVIRONMENT: &str = "deployment.environment";

/// Variables that are read here and not by clap or by the SDK itself.
pub mod vars {
    /// Turns all telemetry off; propagation stays.
    pub const SDK_DISABLED: &str = "OTEL_SDK_DISABLED";
    /// Overrides `service.name`.
    pub const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
    /// `key=value,…` resource attributes.
    pub const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
    /// `otlp` or `none`.
    pub const TRACES_EXPORTER: &str = "OTEL_TRACES_EXPORTER";
    /// `grpc`, `http/protobuf` or `http/json`.
    pub const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
    /// The same, for spans only.
    pub const TRACES_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL";
    /// Base URL of the receiver.
    pub const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    /// URL of the receiver of spans, used as it is.
    pub const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    /// Limit for one export in milliseconds; the SDK reads it too.
    pub const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
    /// The same, for spans only.
    pub const TRACES_TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT";
    /// How many finished spans may wait.
    pub const BSP_MAX_QUEUE_SIZE: &str = "OTEL_BSP_MAX_QUEUE_SIZE";
    /// Milliseconds between two exports; read by the SDK, checked here.
    pub const BSP_SCHEDULE_DELAY: &str = "OTEL_BSP_SCHEDULE_DELAY";
    /// Spans in one export; read by the SDK, checked here.
    pub const BSP_MAX_EXPORT_BATCH_SIZE: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
    /// A list of `tracecontext`, `baggage`, `b3`, `b3multi`, or `none`.
    pub const PROPAGATORS: &str = "OTEL_PROPAGATORS";
    /// `always_on`, `always_off`, `traceidratio`, or one of them behind `parentbased_`.
    pub const TRACES_SAMPLER: &str = "OTEL_TRACES_SAMPLER";
    /// The share of traces for `traceidratio`, from 0 to 1.
    pub const TRACES_SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
    /// Whether open spans are made visible, and in which form: `off`, `same-id` or `child`.
    pub const OPEN_SPANS: &str = "THROUGHLINE_OPEN_SPANS";
    /// Log filter, as in `info,order_service=debug`.
    pub const RUST_LOG: &str = "RUST_LOG";
}
