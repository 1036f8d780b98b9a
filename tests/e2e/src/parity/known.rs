//! The list of known differences between environments, each with its reason. There is no other place to excuse one.

use testbed::EnvironmentName;

/// A difference that is to be expected.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The environments whose words come first.
    pub here: &'static [EnvironmentName],
    /// Those whose words come second. The two runs may be in either order.
    pub there: &'static [EnvironmentName],
    /// In which scenarios and twins; each of them has to show it.
    pub scenarios: &'static [&'static str],
    /// Words of a span's line in the first environment, and what stands in their place in the second one.
    pub words: &'static [(&'static str, &'static str)],
    /// Why it is so.
    pub reason: &'static str,
}

/// All of them.
pub const KNOWN: &[Known] = &[Known {
    here: &[EnvironmentName::Embedded, EnvironmentName::Containers],
    there: &[EnvironmentName::Kind, EnvironmentName::Context],
    scenarios: &[
        "intercepted_order_is_one_trace/workstation_gone",
        "an_order_survives_a_restart_of_the_workstation_process/stopped_and_not_started",
        "an_absent_workstation_process_is_an_error_and_is_named",
    ],
    words: &[
        // The call of storefront, which got an answer here and none there.
        (
            "url.template=/api/orders http.response.status_code=502 error.type=502 network.protocol.version=1.1",
            "url.template=/api/orders error.type=timeout",
        ),
        // What storefront makes of it.
        (
            "http.response.status_code=502 error.type=502",
            "http.response.status_code=504 error.type=504",
        ),
    ],
    reason: "with nobody behind the intercept our proxy is refused and says so at once (502), while Telepresence holds the \
             request for three seconds and storefront gives up after two (504)",
}];

/// One of two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Left,
    Right,
}

impl Known {
    /// The side that ran in one of the first environments; `None` when this is about other environments.
    pub(super) fn first_of(&self, left: EnvironmentName, right: EnvironmentName) -> Option<Which> {
        let is = |one, other| self.here.contains(&one) && self.there.contains(&other);
        if is(left, right) {
            Some(Which::Left)
        } else {
            is(right, left).then_some(Which::Right)
        }
    }

    /// A line of the first environment in the words of the second.
    pub(super) fn translate(&self, line: &str) -> String {
        self.words
            .iter()
            .fold(line.to_owned(), |line, (here, there)| line.replace(here, there))
    }
}

#[cfg(test)]
mod tests {
    use testbed::EnvironmentName::{Containers, Context, Embedded, Kind};

    use super::*;
    use crate::scenario::ALL;
    use crate::selection::full_name;

    /// Our proxy serves two of the environments, Telepresence the others.
    #[test]
    fn what_differs_with_telepresence_does_so_between_any_two_of_which_one_has_it() {
        for (left, right) in [
            (Embedded, Kind),
            (Embedded, Context),
            (Containers, Kind),
            (Containers, Context),
        ] {
            assert_eq!(KNOWN[0].first_of(left, right), Some(Which::Left));
            assert_eq!(KNOWN[0].first_of(right, left), Some(Which::Right));
        }
        for (left, right) in [(Embedded, Containers), (Kind, Context), (Kind, Kind)] {
            assert_eq!(KNOWN[0].first_of(left, right), None, "{left} and {right}");
        }
    }

    #[test]
    fn the_list_names_scenarios_that_exist() {
        let names: Vec<String> = ALL
            .iter()
            .flat_map(|scenario| {
                let twins = scenario.twins.iter().map(|twin| full_name(scenario, twin));
                std::iter::once(scenario.name.to_owned()).chain(twins)
            })
            .collect();
        for entry in KNOWN {
            assert!(!entry.scenarios.is_empty() && !entry.words.is_empty() && !entry.reason.is_empty());
            for scenario in entry.scenarios {
                assert!(names.iter().any(|name| name == scenario), "{scenario}");
            }
        }
    }
}
