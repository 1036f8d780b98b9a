//! `throughline doctor`: everything that is missing, at once, each with its cure.

use serde_json::json;
use testbed::Examination;

use super::{complain, locate, say};
use crate::cli::{DoctorArgs, EnvironmentChoice, Format};
use crate::environment;
use crate::exit::ExitCode;

pub(super) async fn doctor(args: &DoctorArgs) -> ExitCode {
    let (root, binaries) = match locate(&args.places) {
        Ok(places) => places,
        Err(error) => {
            complain(&format!("the working directory can't be read: {error}"), None);
            return ExitCode::Unexpected;
        }
    };
    // A context that was named is what is asked about; the others are no matter then.
    let choices: &[EnvironmentChoice] = match args.kind.context {
        Some(_) => &[EnvironmentChoice::Context],
        None => &[
            EnvironmentChoice::Embedded,
            EnvironmentChoice::Containers,
            EnvironmentChoice::Kind,
        ],
    };
    let mut code = ExitCode::Passed;
    for choice in choices {
        let chosen = match environment::choose(*choice, &binaries, &args.kind, &root).await {
            Ok(chosen) => chosen,
            Err(error @ environment::ChoiceError::NotBuilt(_)) => {
                say(&format!("  --    {error}"));
                continue;
            }
            Err(error) => {
                complain(&error.to_string(), error.hint().as_deref());
                return ExitCode::Usage;
            }
        };
        let name = chosen.environment.name().to_string();
        let found = chosen.environment.examine().await;
        if !found.missing.is_empty() {
            code = ExitCode::PrerequisiteMissing;
        }
        let remarks = chosen.environment.remarks().await;
        match args.format {
            Format::Human => tell(&name, &found, &remarks, args.verbose),
            Format::Json => {
                let line = json!({
                    "environment": name,
                    "fine": found.fine,
                    "missing": found.missing,
                    "remarks": remarks,
                });
                say(&line.to_string());
            }
        }
    }
    code
}

fn tell(name: &str, found: &Examination, remarks: &[String], verbose: bool) {
    let verdict = if found.missing.is_empty() { "ok  " } else { "FAIL" };
    say(&format!("  {verdict}  {name}"));
    if verbose {
        for fact in &found.fine {
            say(&format!("          ok        {fact}"));
        }
    }
    for one in &found.missing {
        say(&format!("          missing   {}", one.fact));
        say(&format!("          cure      {}", one.cure));
    }
    for remark in remarks {
        say(&format!("          note      {remark}"));
    }
}
