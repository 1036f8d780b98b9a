//! `throughline withdraw`: the undo of `--env context`, as a program that a journal can name.

use super::complain;
use crate::exit::ExitCode;

#[cfg(feature = "kind")]
pub(super) async fn withdraw(what: &str) -> ExitCode {
    use testbed::Explain;

    let withdrawal = match cluster::context::withdraw::parse(what) {
        Ok(withdrawal) => withdrawal,
        Err(error) => {
            complain(&format!("what to take out can't be read: {error}"), None);
            return ExitCode::Usage;
        }
    };
    let tools = cluster::tool::ToolPath::from_lookup(|name| std::env::var_os(name));
    match withdrawal.perform(&tools).await {
        Ok(()) => ExitCode::Passed,
        Err(error) => {
            complain(&testbed::explain::chain(&error), error.hint().as_deref());
            ExitCode::UndoIncomplete
        }
    }
}

#[cfg(not(feature = "kind"))]
pub(super) async fn withdraw(_what: &str) -> ExitCode {
    complain(
        "this build of throughline knows no cluster",
        Some("the program in the run directory does"),
    );
    ExitCode::Usage
}
