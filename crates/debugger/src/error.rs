//! What can go wrong with a debugger.

use std::path::PathBuf;
use std::time::Duration;

use testbed::text::Took;
use testbed::{Class, Exit, Explain, ProcessError};

/// A debugger that can't be used, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum DebugError {
    /// It can't be started or stopped.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It said no.
    #[error("{tool} refused to {doing}: {message}")]
    Refused {
        /// The debugger.
        tool: String,
        /// What it was asked to do.
        doing: String,
        /// Its words.
        message: String,
    },
    /// It did not answer, or nothing happened, in time.
    #[error("{tool} did not {doing} within {}", Took(*waited))]
    Silent {
        /// The debugger.
        tool: String,
        /// What it was asked to do.
        doing: String,
        /// How long was waited.
        waited: Duration,
    },
    /// Waiting for it was interrupted.
    #[error("{tool}: waiting was interrupted, it should {doing}")]
    Interrupted {
        /// The debugger.
        tool: String,
        /// What it was asked to do.
        doing: String,
    },
    /// It ended.
    #[error("{tool} is gone ({}), it should {doing}{}", Ended(*exit), Words(last_words))]
    Gone {
        /// The debugger.
        tool: String,
        /// What it was asked to do.
        doing: String,
        /// How it ended; `None` when it only closed its output.
        exit: Option<Exit>,
        /// Its last line on stderr.
        last_words: Option<String>,
    },
    /// It said something that its protocol does not know.
    #[error("{tool} does not keep to its protocol: {problem}")]
    Babble {
        /// The debugger.
        tool: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no code at that line.
    #[error("no breakpoint at {}:{line}{}", file.display(), Words(message))]
    NotPlaced {
        /// The file.
        file: PathBuf,
        /// The line.
        line: u32,
        /// The debugger's words.
        message: Option<String>,
    },
    /// The line has no code, and the debugger took another one.
    #[error("the breakpoint at {}:{asked} was moved to line {got}", file.display())]
    Moved {
        /// The file.
        file: PathBuf,
        /// Where it should be.
        asked: u32,
        /// Where it is.
        got: u32,
    },
    /// The program that is debugged ended.
    #[error("the debugged program ended ({how}), it should {doing}")]
    Ended {
        /// How, in the debugger's words.
        how: String,
        /// What was waited for.
        doing: String,
    },
    /// The program stopped, and not at a breakpoint.
    #[error("the debugged program stopped because of {reason}, not at a breakpoint")]
    OtherStop {
        /// The debugger's words.
        reason: String,
    },
    /// An expression has no value of that kind.
    #[error("`{expression}` is {found}, not {wanted}")]
    Value {
        /// What was asked.
        expression: String,
        /// What should come.
        wanted: &'static str,
        /// What came.
        found: String,
    },
}

impl Explain for DebugError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Process(error) => error.hint(),
            Self::NotPlaced { .. } => {
                Some("is the program built from this file, with `debug = \"full\"`?".to_owned())
            }
            Self::Moved { .. } => Some("take a line with a plain statement".to_owned()),
            Self::Value { .. } => {
                Some("build the program with `debug = \"full\"` and without optimisation".to_owned())
            }
            Self::Refused { message, .. } if is_about_ptrace(message) => Some(
                "may this process use ptrace? In a container `--cap-add SYS_PTRACE`; to attach `sysctl kernel.yama.ptrace_scope=0`"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Process(error) => error.class(),
            Self::Interrupted { .. } => Class::Interrupted,
            Self::Refused { message, .. } if is_about_ptrace(message) => Class::Prerequisite,
            _ => Class::Unexpected,
        }
    }
}

/// Both debuggers pass on the system's words when it does not let them trace.
fn is_about_ptrace(message: &str) -> bool {
    message.contains("ot permitted") || message.contains("personality set failed")
}

struct Ended(Option<Exit>);

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(exit) => write!(f, "{exit}"),
            None => f.write_str("it closed its output"),
        }
    }
}

struct Words<'a>(&'a Option<String>);

impl std::fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .as_ref()
            .map_or(Ok(()), |words| write!(f, ": {}", words.trim()))
    }
}
