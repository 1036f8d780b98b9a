//! What is debugged, where it should stop, and where it did.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A program to start under a debugger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program, built with debug information.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// The folder it starts in; `None` is ours.
    pub dir: Option<PathBuf>,
    /// Its environment, besides the few variables that every child of a run gets.
    pub env: BTreeMap<String, String>,
}

impl Launch {
    /// A program without arguments and variables.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            dir: None,
            env: BTreeMap::new(),
        }
    }
}

/// A line to stop at. It should be a plain statement in the body of a function: a declaration is moved by debuggers, and a
/// line with a macro is several places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakpoint {
    /// The source file as the compiler saw it.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: u32,
    /// Stop only when this is true, in the debugger's own language; `None` stops always.
    pub condition: Option<String>,
}

impl Breakpoint {
    /// The first line of a file with this marker, as in `let total = …; // breakpoint: customer_id`.
    ///
    /// # Errors
    /// The file can't be read, or has no such line.
    pub fn at_marker(file: &Path, marker: &str) -> std::io::Result<Self> {
        let text = std::fs::read_to_string(file)?;
        let index = text.lines().position(|line| line.contains(marker));
        let line = index.and_then(|index| u32::try_from(index + 1).ok());
        let line = line.ok_or_else(|| {
            std::io::Error::new(
                std::io::ErrorKind::NotFound,
                format!("no line of {} has the marker `{marker}`", file.display()),
            )
        })?;
        Ok(Self {
            file: file.to_owned(),
            line,
            condition: None,
        })
    }

    /// Only when this is true.
    #[must_use]
    pub fn when(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }
}

impl fmt::Display for Breakpoint {
    /// The file's name and the line: `process_order.rs:23`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.file.file_name().unwrap_or_default();
        write!(f, "{}:{}", name.to_string_lossy(), self.line)
    }
}

/// Where a program stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// The thread that ran into the breakpoint, in the debugger's numbering.
    pub thread: i64,
    /// The debugger's number of the topmost frame.
    pub(crate) frame: i64,
    /// The function, as the debugger names it: LLDB appends a hash.
    pub function: String,
    /// The source file.
    pub file: PathBuf,
    /// The line, counted from 1.
    pub line: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_names_a_line_and_a_missing_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.rs");
        std::fs::write(&file, "fn a() {\n    b(); // breakpoint: here\n}\n").unwrap();
        let found = Breakpoint::at_marker(&file, "// breakpoint:").unwrap();
        assert_eq!((found.line, found.to_string()), (2, "a.rs:2".to_owned()));
        let error = Breakpoint::at_marker(&file, "// other").unwrap_err();
        assert!(error.to_string().contains("`// other`"), "{error}");
    }
}
