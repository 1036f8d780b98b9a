//! `throughline exit-codes`: the table that the README repeats.

use super::say;
use crate::exit::ExitCode;

pub(super) fn exit_codes() -> ExitCode {
    for (code, meaning) in ExitCode::ALL {
        say(&format!("{:>3}  {meaning}", code.code()));
    }
    ExitCode::Passed
}
