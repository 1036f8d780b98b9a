//! The list of known differences between environments, each with its reason. There is no other place to excuse one.

use testbed::EnvironmentName;

/// A difference that is to be expected.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Between which environments, in either order.
    pub between: [EnvironmentName; 2],
    /// In which scenarios and twins; each of them has to show it.
    pub scenarios: &'static [&'static str],
    /// Words of a span's line in the first environment, and what stands in their place in the second one.
    pub words: &'static [(&'static str, &'static str)],
    /// Why it is so.
    pub reason: &'static str,
}

/// All of them.
pub const KNOWN: &[Known] = &[Known {
    between: [EnvironmentName::Embedded, EnvironmentName::Kind],
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
    /// The side that ran in the first environment; `None` when this is about other environments.
    pub(super) fn first_of(&self, left: EnvironmentName, right: EnvironmentName) -> Option<Which> {
        if self.between == [left, right] {
            Some(Which::Left)
        } else if self.between == [right, left] {
            Some(Which::Right)
        } else {
            None
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
    use super::*;
    use crate::scenario::ALL;
    use crate::selection::full_name;

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
