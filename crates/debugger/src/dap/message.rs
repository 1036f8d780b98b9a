//! The messages of the Debug Adapter Protocol that are used here, and of them the fields that matter.

use serde::Deserialize;
use serde_json::Value;

/// What an adapter sends.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Message {
    /// An answer to a request.
    Response {
        request_seq: i64,
        success: bool,
        #[serde(default)]
        message: Option<String>,
        #[serde(default)]
        body: Value,
    },
    /// Something that happened.
    Event {
        event: String,
        #[serde(default)]
        body: Value,
    },
    /// A request to the client. We announce no capability that an adapter could ask for.
    Request {},
}

/// Body of the event `process`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProcessBody {
    pub(super) system_process_id: Option<u32>,
}

/// Body of the event `output`.
#[derive(Debug, Deserialize)]
pub(super) struct OutputBody {
    #[serde(default)]
    pub(super) category: Option<String>,
    pub(super) output: String,
}

/// Body of the event `stopped`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoppedBody {
    pub(super) reason: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) thread_id: Option<i64>,
}

/// Body of the event `exited`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExitedBody {
    pub(super) exit_code: i64,
}

/// Body of the response to `setBreakpoints`.
#[derive(Debug, Deserialize)]
pub(super) struct BreakpointsBody {
    pub(super) breakpoints: Vec<PlacedBreakpoint>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PlacedBreakpoint {
    pub(super) verified: bool,
    #[serde(default)]
    pub(super) line: Option<u32>,
    #[serde(default)]
    pub(super) message: Option<String>,
}

/// Body of the response to `stackTrace`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StackBody {
    pub(super) stack_frames: Vec<StackFrame>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StackFrame {
    pub(super) id: i64,
    pub(super) name: String,
    #[serde(default)]
    pub(super) line: u32,
    #[serde(default)]
    pub(super) source: Option<Source>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Source {
    #[serde(default)]
    pub(super) path: Option<String>,
}

/// Body of the response to `evaluate`.
#[derive(Debug, Deserialize)]
pub(super) struct EvaluateBody {
    pub(super) result: String,
}
