//! `throughline forget-questions`: what a run needs root for, as a program that `sudo` can call.

use super::complain;
use crate::exit::ExitCode;

#[cfg(feature = "kind")]
pub(super) async fn forget_questions() -> ExitCode {
    use std::io::Write as _;

    match cluster::telepresence::forget_stale_questions().await {
        Ok(count) => {
            // Whoever called waits for this line.
            let _ = writeln!(anstream::stdout(), "{count}");
            ExitCode::Passed
        }
        Err(error) => {
            complain(
                &format!("stale questions are not forgotten: {error}"),
                Some("that takes root"),
            );
            ExitCode::PrerequisiteMissing
        }
    }
}

#[cfg(not(feature = "kind"))]
pub(super) async fn forget_questions() -> ExitCode {
    complain("this build of throughline knows no cluster", None);
    ExitCode::Usage
}
