//! The verbs of `cargo xtask`.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::lane::Lane;

/// The front door: builds what is needed and runs it.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true,
    max_term_width = 120
)]
pub(crate) struct Cli {
    /// What to do; without it this help is shown.
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// What can be done. Verbs with `args` pass them on untouched, `--help` included.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Bring an environment up, run the scenarios, judge their traces, undo everything
    #[command(disable_help_flag = true)]
    E2e {
        /// Flags of `throughline e2e`; `--help` lists them
        #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Play the same scenarios in two environments and compare the shapes of their traces
    #[command(disable_help_flag = true)]
    Parity {
        /// Flags of `throughline parity`; `--help` lists them
        #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Bring an environment up, follow every request through it, and play with it
    #[command(disable_help_flag = true)]
    Demo {
        /// Flags of `throughline demo`; `--help` lists them
        #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Send order-service's traffic to a process of your own, with the variables of the intercepted container
    #[command(disable_help_flag = true)]
    Intercept {
        /// Flags of `throughline intercept`, and after `--` the command; `--help` lists them
        #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run every test that needs no cluster and no containers, or those that match
    Test {
        /// Arguments of `cargo test`: a filter, `-p <package>`, `-- <arguments of the test binaries>`
        #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Everything before a change is proposed: format, tidy, lints, tests, documentation
    Check,
    /// What neither compiler nor lints can see: documents, names, layout, pins, dependencies
    Tidy,
    /// Draw the README's pictures from a run, or check that they are still true
    #[command(disable_help_flag = true)]
    Docs {
        /// Flags of `throughline docs`; `--help` lists them
        #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Finish the undo of runs that were killed
    #[command(disable_help_flag = true)]
    Down {
        /// Flags of `throughline down`; `--help` lists them
        #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Lead through the workshop: its steps, and whether your runs have shown what a step is about
    #[command(disable_help_flag = true)]
    Workshop {
        /// What `throughline workshop` can do, and its flags; `--help` lists them
        #[arg(value_name = "VERB", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Say what is missing for each environment, with the command that cures it
    #[command(disable_help_flag = true)]
    Doctor {
        /// Flags of `throughline doctor`; `--help` lists them
        #[arg(value_name = "FLAGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Print what a shell needs to complete verbs and flags: bash, zsh, fish, elvish or powershell
    #[command(disable_help_flag = true)]
    Completions {
        /// The shell
        #[arg(value_name = "SHELL", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Measure: a release build, and with `kind` what `e2e` builds, beside the walkthrough by hand
    #[command(disable_help_flag = true)]
    Bench {
        /// Arguments of `throughline-bench`; `--help` lists them
        #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// What a pipeline runs: `check`, then the scenarios, embedded and on kind, and the parity of the two
    Ci {
        /// Only this lane; without it, what needs programs that aren't there is skipped aloud
        #[arg(long, value_name = "LANE")]
        lane: Option<Lane>,
        /// Download what kind lacks: tools and images of pinned versions
        #[arg(long)]
        download: bool,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &[&str]) -> Verb {
        let words = std::iter::once("cargo xtask").chain(words.iter().copied());
        Cli::try_parse_from(words)
            .expect("a valid command line")
            .verb
            .expect("a verb")
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_of_the_binary_pass_untouched() {
        let Verb::E2e { args } = parse(&["e2e", "--help", "--env", "embedded", "-v", "--", "x"]) else {
            panic!("another verb");
        };
        assert_eq!(args, ["--help", "--env", "embedded", "-v", "--", "x"]);
    }

    #[test]
    fn an_unknown_verb_is_refused() {
        assert!(Cli::try_parse_from(["cargo xtask", "dance"]).is_err());
    }
}
