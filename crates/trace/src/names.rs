//! Attribute and header names that the judgement relies on, in one place.

/// Resource attribute that names the [`Site`](crate::Site) of a process; set by whoever starts it.
pub const SITE: &str = "throughline.site";
/// Span attribute that carries the value of the `x-request-id` header, independent of the trace context.
pub const REQUEST_ID: &str = "throughline.request.id";
/// Span attribute of a record that stands for a span which was open when it was sent.
pub const PENDING: &str = "throughline.pending";
/// Instrumentation scope of such records.
pub const PENDING_SCOPE: &str = "throughline.pending";
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
/// The deployment environment's former name, which the walkthrough uses.
pub const DEPLOYMENT_ENVIRONMENT: &str = "deployment.environment";
/// `service.version` of the process on the workstation, as in the walkthrough.
pub const LOCAL_DEBUG: &str = "local-debug";
/// `deployment.environment` of the process on the workstation, as in the walkthrough.
pub const DEBUG: &str = "debug";
/// HTTP status of the answer, of the OpenTelemetry HTTP semantic conventions.
pub const HTTP_STATUS: &str = "http.response.status_code";
/// Kind of failure, of the OpenTelemetry semantic conventions.
pub const ERROR_TYPE: &str = "error.type";
/// Whom a client span called, of the OpenTelemetry semantic conventions.
pub const SERVER_ADDRESS: &str = "server.address";
/// Port beside [`SERVER_ADDRESS`].
pub const SERVER_PORT: &str = "server.port";
/// W3C Trace Context header.
pub const TRACEPARENT: &str = "traceparent";
/// Correlation header that travels with every request, whatever happens to [`TRACEPARENT`].
pub const REQUEST_ID_HEADER: &str = "x-request-id";
/// Header in which a caller says how long it will wait: RFC 7240, `wait`.
pub const PREFER_HEADER: &str = "prefer";
/// Header by which a filtered intercept picks its requests; the services copy it onto outgoing calls.
pub const DEBUG_HEADER: &str = "x-debug";
