//! What both are asked.

mod adjusted;
mod lists;
mod others;
mod parameters;
mod raw;
mod search;
mod transform;

/// One request.
#[derive(Debug)]
pub(crate) struct Case {
    /// Path and query; for Jaeger too unless [`Case::theirs`] says otherwise.
    pub(crate) uri: String,
    /// The same in the words of Jaeger 2.13.
    pub(crate) theirs: Option<String>,
    /// A body to POST.
    pub(crate) body: Option<String>,
    /// What is expected of the two answers.
    pub(crate) verdict: Verdict,
}

/// What is expected of two answers.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// They say the same.
    Same,
    /// They differ, and this is why.
    Differs(&'static str),
}

/// Everything. Raw requests come first and adjusted ones last: in 2.13, adjusting a trace for v3 changes it for good.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(raw::cases());
    cases.extend(lists::cases());
    cases.extend(search::cases());
    cases.extend(parameters::cases());
    cases.extend(transform::cases());
    cases.extend(others::cases());
    cases.extend(adjusted::cases());
    cases
}

impl Case {
    fn differs(mut self, why: &'static str) -> Self {
        self.verdict = Verdict::Differs(why);
        self
    }
}

fn get(uri: impl Into<String>) -> Case {
    Case {
        uri: uri.into(),
        theirs: None,
        body: None,
        verdict: Verdict::Same,
    }
}

fn post(uri: impl Into<String>, body: impl Into<String>) -> Case {
    Case {
        body: Some(body.into()),
        ..get(uri)
    }
}

/// A request whose v3 parameters 2.13 knows under their older names only.
fn v3(uri: impl Into<String>) -> Case {
    let uri = uri.into();
    let older = [
        ("query.serviceName", "query.service_name"),
        ("query.operationName", "query.operation_name"),
        ("query.startTimeMin", "query.start_time_min"),
        ("query.startTimeMax", "query.start_time_max"),
        ("query.searchDepth", "query.num_traces"),
        ("query.durationMin", "query.duration_min"),
        ("query.durationMax", "query.duration_max"),
        ("query.rawTraces", "query.raw_traces"),
        ("rawTraces", "raw_traces"),
        ("spanKind", "span_kind"),
    ];
    let theirs = older
        .iter()
        .fold(uri.clone(), |uri, (new, old)| uri.replace(new, old));
    Case {
        theirs: Some(theirs),
        ..get(uri)
    }
}

/// Traces that both hold alike. The last but one has everything odd that both keep.
pub(crate) const TRACES: [&str; 6] = [
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "a3ce929d0e0e4737",
    "4bf92f3577b34da6a3ce929d0e0e4738",
    "4bf92f3577b34da6a3ce929d0e0e4739",
    "5b8efff798038103d269b633813fc60c",
    "d269b633813fc60d",
];
const NAMELESS: &str = "5b8efff798038103d269b633813fc60e";
const UNNAMED: &str = "2.20 names a span that has no name";
/// All traces lie in here.
const V3_WINDOW: &str =
    "query.startTimeMin=2025-11-24T16:00:00Z&query.startTimeMax=2025-11-24T16:00:02Z&query.searchDepth=20";
