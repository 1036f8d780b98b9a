//! `throughline doctor`: everything that is missing, at once, each with its cure.

use super::{complain, locate, say};
use crate::cli::{DoctorArgs, EnvironmentChoice};
use crate::environment;
use crate::exit::ExitCode;

pub(super) async fn doctor(args: &DoctorArgs) -> ExitCode {
    let (_, binaries) = match locate(&args.places) {
        Ok(places) => places,
        Err(error) => {
            complain(&format!("the working directory can't be read: {error}"), None);
            return ExitCode::Unexpected;
        }
    };
    let mut code = ExitCode::Passed;
    for choice in [
        EnvironmentChoice::Embedded,
        EnvironmentChoice::Containers,
        EnvironmentChoice::Kind,
    ] {
        let chosen = match environment::choose(choice, &binaries, &args.kind).await {
            Ok(chosen) => chosen,
            Err(error) => {
                say(&format!("  --    {error}"));
                continue;
            }
        };
        let missing = chosen.environment.preflight().await;
        if missing.is_empty() {
            say(&format!("  ok    {}", chosen.environment.name()));
        } else {
            code = ExitCode::PrerequisiteMissing;
            say(&format!("  FAIL  {}", chosen.environment.name()));
        }
        for one in missing {
            say(&format!("          missing   {}", one.fact));
            say(&format!("          cure      {}", one.cure));
        }
        for remark in chosen.environment.remarks().await {
            say(&format!("          note      {remark}"));
        }
    }
    code
}
