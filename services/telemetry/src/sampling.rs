//! Which spans are recorded, by `OTEL_TRACES_SAMPLER`, and the count of those that are not.
//!
//! The SDK reads the variable too, but tells nobody what it chose, and no processor hears of a span that was not sampled.

use std::sync::Arc;

use opentelemetry::trace::{Link, SpanKind, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

use crate::account::Ledger;
use crate::names::vars;
use crate::settings::{Ignored, Lookup, set};

/// What stands before the name of a sampler that decides only where a trace begins.
const PARENT_BASED: &str = "parentbased_";

/// A sampler with its name in `OTEL_TRACES_SAMPLER`.
#[derive(Debug, Clone)]
pub struct Choice {
    name: String,
    sampler: Sampler,
}

impl Choice {
    /// Its name in `OTEL_TRACES_SAMPLER`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Default for Choice {
    /// What the OpenTelemetry specification says: everything, unless the parent was not sampled.
    fn default() -> Self {
        Self {
            name: format!("{PARENT_BASED}always_on"),
            sampler: Sampler::ParentBased(Box::new(Sampler::AlwaysOn)),
        }
    }
}

/// Reads the choice; an unknown sampler is ignored, and so is a share that is none.
pub(crate) fn read(lookup: Lookup<'_>, ignored: &mut Vec<Ignored>) -> Choice {
    let Some(name) = set(lookup, vars::TRACES_SAMPLER) else {
        return Choice::default();
    };
    let (parent_based, root) = match name.strip_prefix(PARENT_BASED) {
        Some(root) => (true, root),
        None => (false, name.as_str()),
    };
    let root = match root {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(share(lookup, ignored)),
        _ => {
            ignored.push(Ignored {
                variable: vars::TRACES_SAMPLER,
                value: name,
                expected: "`always_on`, `always_off` or `traceidratio`, each also behind `parentbased_`",
            });
            return Choice::default();
        }
    };
    let sampler = if parent_based {
        Sampler::ParentBased(Box::new(root))
    } else {
        root
    };
    Choice { name, sampler }
}

/// The share of traces; all of them when it is not told, as the specification says.
fn share(lookup: Lookup<'_>, ignored: &mut Vec<Ignored>) -> f64 {
    let Some(value) = set(lookup, vars::TRACES_SAMPLER_ARG) else {
        return 1.0;
    };
    match value.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => share,
        _ => {
            ignored.push(Ignored {
                variable: vars::TRACES_SAMPLER_ARG,
                value,
                expected: "a number from 0 to 1",
            });
            1.0
        }
    }
}

/// A sampler that counts the spans it does not want.
#[derive(Debug, Clone)]
pub struct Sampling {
    inner: Sampler,
    ledger: Arc<Ledger>,
}

impl Sampling {
    /// Counts in `ledger` what the chosen sampler drops.
    #[must_use]
    pub fn new(choice: &Choice, ledger: Arc<Ledger>) -> Self {
        Self {
            inner: choice.sampler.clone(),
            ledger,
        }
    }
}

impl ShouldSample for Sampling {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let result = self
            .inner
            .should_sample(parent_context, trace_id, name, span_kind, attributes, links);
        if result.decision == SamplingDecision::Drop {
            self.ledger.sampled_out();
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn chosen(table: &[(&str, &str)]) -> (Choice, Vec<Ignored>) {
        let lookup = |key: &str| {
            let found = table.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut ignored = Vec::new();
        (read(&lookup, &mut ignored), ignored)
    }

    /// How many of a root span and one below a sampled parent are dropped.
    fn dropped(choice: &Choice) -> (u64, u64) {
        let parent = crate::Propagation::new(true, false).extract(&http::HeaderMap::from_iter([(
            http::HeaderName::from_static("traceparent"),
            http::HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        )]));
        let count = |parent: Option<&Context>| {
            let ledger = Arc::new(Ledger::new("memory"));
            let id = TraceId::from_bytes(*b"0af7651916cd43dd");
            let sampling = Sampling::new(choice, Arc::clone(&ledger));
            let _ = sampling.should_sample(parent, id, "call", &SpanKind::Server, &[], &[]);
            ledger.read().sampled_out
        };
        (count(None), count(Some(&parent)))
    }

    #[rstest]
    #[case("always_on", 0, 0)]
    #[case("always_off", 1, 1)]
    #[case("traceidratio", 0, 0)]
    #[case("parentbased_always_on", 0, 0)]
    #[case("parentbased_always_off", 1, 0)]
    fn a_sampler_counts_what_it_drops(#[case] name: &str, #[case] root: u64, #[case] below: u64) {
        let (choice, ignored) = chosen(&[("OTEL_TRACES_SAMPLER", name)]);
        assert_eq!((choice.name(), ignored.len()), (name, 0));
        assert_eq!(dropped(&choice), (root, below));
    }

    #[test]
    fn without_the_variable_the_parent_decides() {
        assert_eq!(chosen(&[]).0.name(), "parentbased_always_on");
        assert_eq!(
            chosen(&[("OTEL_TRACES_SAMPLER", "xray")]).0.name(),
            "parentbased_always_on"
        );
    }

    #[rstest]
    #[case("0", 1, 0)]
    #[case("1", 0, 0)]
    #[case("2", 0, 1)]
    #[case("half", 0, 1)]
    fn a_share_is_a_number_from_0_to_1(#[case] share: &str, #[case] root: u64, #[case] complaints: usize) {
        let table = [
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", share),
        ];
        let (choice, ignored) = chosen(&table);
        assert_eq!(ignored.len(), complaints, "{ignored:?}");
        assert_eq!(dropped(&choice).0, root);
    }
}
