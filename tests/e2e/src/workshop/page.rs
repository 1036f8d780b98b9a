//! The pages of the workshop, read for their goals and commands.

/// The pages, in order. Part of the program, so that a step can be shown wherever it is called from.
const PAGES: [&str; 8] = [
    include_str!("../../../../docs/workshop/1-baseline.md"),
    include_str!("../../../../docs/workshop/2-intercept.md"),
    include_str!("../../../../docs/workshop/3-header.md"),
    include_str!("../../../../docs/workshop/4-find-it.md"),
    include_str!("../../../../docs/workshop/5-breakpoint.md"),
    include_str!("../../../../docs/workshop/6-leave.md"),
    include_str!("../../../../docs/workshop/7-absent.md"),
    include_str!("../../../../docs/workshop/8-puzzles.md"),
];

const GOAL: &str = "**Goal.**";
const CHECK: &str = "**Check.**";

/// A step of the workshop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Counts from 1.
    pub number: u8,
    /// The page's heading without the number.
    pub title: &'static str,
    /// What it is for, on one line.
    pub goal: String,
    /// What there is to type before the check, in order.
    pub commands: Vec<&'static str>,
}

impl Step {
    fn read(number: u8, page: &'static str) -> Self {
        let heading = page.lines().next().unwrap_or_default();
        let title = heading.split_once(". ").map_or(heading, |(_, title)| title);
        let goal = page.split_once(GOAL).map_or("", |(_, rest)| rest);
        let goal = goal.split("\n\n").next().unwrap_or_default();
        // What comes after the check is for the curious.
        let before = page.split(CHECK).next().unwrap_or_default();
        Self {
            number,
            title,
            goal: goal.split_whitespace().collect::<Vec<_>>().join(" "),
            commands: before
                .lines()
                .filter_map(|line| line.strip_prefix("$ "))
                .collect(),
        }
    }

    /// The scenarios and twins that have to be played, with the command that plays each.
    pub fn scenarios(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.commands.iter().filter_map(|command| {
            let (_, rest) = command.split_once("--scenario ")?;
            Some((rest.split_whitespace().next()?, *command))
        })
    }
}

/// Every step.
#[must_use]
pub fn steps() -> Vec<Step> {
    (1..)
        .zip(PAGES)
        .map(|(number, page)| Step::read(number, page))
        .collect()
}

/// The step with this number.
#[must_use]
pub fn step(number: u8) -> Option<Step> {
    steps().into_iter().find(|step| step.number == number)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::ALL;
    use crate::selection::select;

    #[test]
    fn every_page_of_the_folder_is_a_step_under_its_number() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/workshop");
        let mut pages: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| !path.ends_with("README.md"))
            .collect();
        pages.sort();
        let texts: Vec<String> = pages
            .iter()
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect();
        assert_eq!(texts, PAGES);
        for (number, page) in (1..).zip(PAGES) {
            assert!(page.starts_with(&format!("# {number}. ")), "{number}");
        }
    }

    #[test]
    fn every_step_has_a_goal_and_scenarios_that_exist() {
        for step in steps() {
            assert!(!step.title.is_empty() && step.goal.ends_with('.'), "{step:?}");
            assert_eq!(step.scenarios().count(), step.commands.len(), "{step:?}");
            for (name, _) in step.scenarios() {
                select(ALL, &[name.to_owned()], true).unwrap();
            }
        }
    }

    #[test]
    fn what_comes_after_the_check_is_no_part_of_the_step() {
        let names = |number| -> Vec<_> { step(number).unwrap().scenarios().map(|(name, _)| name).collect() };
        assert_eq!(names(2), ["intercepted_order_is_one_trace"]);
        assert_eq!(
            names(8),
            [
                "propagation_stripped_in_order_service",
                "export_refused",
                "wrong_propagator",
                "sampled_out",
                "context_lost_inside_order_service"
            ]
            .map(|twin| format!("intercepted_order_is_one_trace/{twin}"))
        );
        assert_eq!(step(9), None);
    }
}
