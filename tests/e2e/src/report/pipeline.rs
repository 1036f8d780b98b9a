//! Whether a pipeline reads along, and which: asked for on the command line, otherwise seen in its variables.

use std::path::PathBuf;

use crate::cli::CiChoice;

/// Who reads the output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Pipeline {
    /// A person at a terminal, or a program with `--format json`.
    #[default]
    None,
    /// A pipeline that keeps the output as text.
    Plain,
    /// A step of GitHub Actions.
    Github {
        /// The file that GitHub shows as the job's summary, when there is one.
        summary: Option<PathBuf>,
    },
}

impl Pipeline {
    /// Decides by the choice, and by the variables that pipelines set when it is left to us:
    /// [`GITHUB_ACTIONS`](https://docs.github.com/en/actions/reference/workflows-and-actions/variables) is `true` in a step
    /// of GitHub Actions; `CI` is set to something by all the others.
    #[must_use]
    pub fn decide(choice: CiChoice, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let says_yes = |name: &str| {
            lookup(name).is_some_and(|value| !matches!(value.trim(), "" | "0" | "false" | "no" | "off"))
        };
        let github = || Self::Github {
            summary: lookup("GITHUB_STEP_SUMMARY")
                .filter(|path| !path.is_empty())
                .map(PathBuf::from),
        };
        match choice {
            CiChoice::Off => Self::None,
            CiChoice::Plain => Self::Plain,
            CiChoice::Github => github(),
            CiChoice::Auto if says_yes("GITHUB_ACTIONS") => github(),
            CiChoice::Auto if says_yes("CI") => Self::Plain,
            CiChoice::Auto => Self::None,
        }
    }

    /// Whether nobody sits in front of it.
    #[must_use]
    pub fn is_one(&self) -> bool {
        *self != Self::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(choice: CiChoice, variables: &[(&str, &str)]) -> Pipeline {
        Pipeline::decide(choice, |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_pipeline_is_known_by_its_variables() {
        let github = |summary: Option<&str>| Pipeline::Github {
            summary: summary.map(PathBuf::from),
        };
        let auto = |variables: &[(&str, &str)]| decide(CiChoice::Auto, variables);
        assert_eq!(auto(&[]), Pipeline::None);
        assert_eq!(auto(&[("CI", "true")]), Pipeline::Plain);
        assert_eq!(auto(&[("CI", "woodpecker")]), Pipeline::Plain);
        assert_eq!(auto(&[("CI", "false")]), Pipeline::None);
        assert_eq!(auto(&[("CI", "")]), Pipeline::None);
        assert_eq!(auto(&[("CI", "true"), ("GITHUB_ACTIONS", "true")]), github(None));
        assert_eq!(
            auto(&[("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "s.md")]),
            github(Some("s.md"))
        );
    }

    #[test]
    fn what_was_asked_for_wins_over_what_is_seen() {
        let variables = [("CI", "true"), ("GITHUB_ACTIONS", "true")];
        assert_eq!(decide(CiChoice::Off, &variables), Pipeline::None);
        assert_eq!(decide(CiChoice::Plain, &variables), Pipeline::Plain);
        assert_eq!(decide(CiChoice::Github, &[]), Pipeline::Github { summary: None });
    }
}
