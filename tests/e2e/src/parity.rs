//! Whether two runs in different environments tell the same story: for every scenario that both played, the same result,
//! the same verdicts with the same causes, and traces of the same shape.

mod compare;
mod known;
mod recorded;
pub mod report;

use serde::Serialize;
use testbed::EnvironmentName;

pub use compare::compare;
pub use known::{KNOWN, Known};
pub use recorded::{ReadError, Recorded};

/// Attributes whose values must agree, or be absent, on both sides. Those that are meant to be different (addresses, ports,
/// ids, pids, names of pods and of the deployment environment) are not among them.
pub const ATTRIBUTES: &[&str] = &[
    "http.request.method",
    "http.route",
    "url.template",
    "url.scheme",
    "url.path",
    "url.query",
    "http.response.status_code",
    "error.type",
    "network.protocol.version",
    "order.customer_id",
    "order.sku",
    "order.quantity",
    "order.total",
    "inventory.available",
    "service.version",
];

/// What the comparison of two runs found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parity {
    /// The first run.
    pub left: Side,
    /// The second run.
    pub right: Side,
    /// Scenarios and twins that both played, in the order of the first run.
    pub compared: Vec<Compared>,
    /// Scenarios and twins that only one of them played.
    pub only: Vec<Only>,
    /// Known differences that did not show although their scenario was played on both sides: they are to be taken off the
    /// list.
    pub stale: Vec<Stale>,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its id.
    pub run: String,
    /// Where it ran.
    pub environment: EnvironmentName,
}

/// A scenario or twin that both sides played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// `scenario` or `scenario/twin`.
    pub scenario: String,
    /// Counts from 1 with `--repeat`.
    pub round: u32,
    /// Pairs of traces whose shapes were compared.
    pub traces: usize,
    /// Spans of the first side in them.
    pub spans: usize,
    /// What is not the same.
    pub differences: Vec<Difference>,
}

/// Something that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The case within its scenario; `None` when it is about the scenario as a whole.
    pub case: Option<String>,
    /// What differs.
    #[serde(flatten)]
    pub what: What,
    /// Why that is to be expected, when it is on the list of known differences.
    pub known: Option<String>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "differs", rename_all = "snake_case")]
pub enum What {
    /// How the scenario ended.
    Result {
        /// On the first side.
        left: String,
        /// On the second side.
        right: String,
    },
    /// Only one side judged a case of this name.
    Missing {
        /// The side without it.
        in_environment: EnvironmentName,
    },
    /// The verdict on a case, or its causes.
    Verdict {
        /// On the first side.
        left: String,
        /// On the second side.
        right: String,
    },
    /// The shape of a trace.
    Shape {
        /// Common lines begin with two spaces, those of the first side alone with `- `, of the second alone with `+ `.
        diff: String,
    },
}

/// A scenario or twin that only one side played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Only {
    /// `scenario` or `scenario/twin`.
    pub scenario: String,
    /// Where it was played.
    pub in_environment: EnvironmentName,
    /// Why the other side skipped it; `None` when it was not asked to.
    pub reason: Option<String>,
}

/// A known difference that no longer shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stale {
    /// The scenario that it is listed for.
    pub scenario: String,
    /// The reason on the list.
    pub reason: &'static str,
}

impl Compared {
    /// Whether everything that differs is known.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.differences.iter().all(|one| one.known.is_some())
    }
}

impl Parity {
    /// Whether both sides tell the same story, but for what is known to differ, and the list of that is true.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.compared.is_empty() && self.compared.iter().all(Compared::agrees) && self.stale.is_empty()
    }

    /// Differences that nobody expects.
    #[must_use]
    pub fn unexpected(&self) -> usize {
        self.differences().filter(|one| one.known.is_none()).count()
    }

    /// Differences that are on the list.
    #[must_use]
    pub fn known(&self) -> usize {
        self.differences().filter(|one| one.known.is_some()).count()
    }

    fn differences(&self) -> impl Iterator<Item = &Difference> {
        self.compared.iter().flat_map(|one| &one.differences)
    }
}
