//! Which debugger there is on this machine.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use testbed::{Class, Explain};

/// The variable that names the debugger to use, by name or path; anything with `gdb` in its name is taken for gdb.
pub const VARIABLE: &str = "THROUGHLINE_DEBUGGER";

/// Names of `lldb-dap`, the best first. Distributions append LLVM's major version; before 18 it had another name.
const LLDB: [&str; 6] = [
    "lldb-dap",
    "lldb-dap-22",
    "lldb-dap-21",
    "lldb-dap-20",
    "lldb-dap-19",
    "lldb-dap-18",
];
const GDB: &str = "gdb";

/// Where the kernel says who may attach to whom (Linux documentation, `admin-guide/LSM/Yama`).
const PTRACE_SCOPE: &str = "/proc/sys/kernel/yama/ptrace_scope";

/// A debugger that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tool {
    /// LLDB's debug adapter.
    Lldb(PathBuf),
    /// gdb, version 8 or newer.
    Gdb(PathBuf),
}

impl Tool {
    /// The debugger that the variable names, else the first one on `PATH`, `lldb-dap` before gdb.
    ///
    /// # Errors
    /// There is none, or not the one that was named.
    pub fn find(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, ToolError> {
        let path = lookup("PATH").unwrap_or_default();
        let on_path = |name: &OsStr| which::which_in(name, Some(&path), "/").ok();
        if let Some(named) = lookup(VARIABLE).filter(|named| !named.is_empty()) {
            return match on_path(&named) {
                Some(found) => Ok(Self::at(found)),
                None => Err(ToolError::NotThere { named }),
            };
        }
        let known = LLDB.into_iter().chain([GDB]);
        known
            .into_iter()
            .find_map(|name| on_path(name.as_ref()))
            .map(Self::at)
            .ok_or(ToolError::None)
    }

    /// The debugger at a path, told by its name.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.contains(GDB) {
            Self::Gdb(path)
        } else {
            Self::Lldb(path)
        }
    }

    /// Its program.
    #[must_use]
    pub fn program(&self) -> &Path {
        match self {
            Self::Lldb(path) | Self::Gdb(path) => path,
        }
    }
}

impl fmt::Display for Tool {
    /// Its name without the folder: `lldb-dap-19`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.program().file_name().unwrap_or_default();
        f.pad(&name.to_string_lossy())
    }
}

/// There is no debugger to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// None of those that are known.
    #[error("no debugger on PATH: neither lldb-dap (or lldb-dap-18 to -22) nor gdb")]
    None,
    /// Not the one that was asked for.
    #[error("{VARIABLE} names {}, which is no program on PATH", named.to_string_lossy())]
    NotThere {
        /// What was asked for.
        named: OsString,
    },
}

impl Explain for ToolError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::None => "`apt-get install lldb-19`, or gdb".to_owned(),
            Self::NotThere { .. } => format!("`unset {VARIABLE}` takes what is on PATH"),
        })
    }

    fn class(&self) -> Class {
        Class::Prerequisite
    }
}

/// Why a debugger may not attach to a process that it did not start; `None` when it may.
#[must_use]
pub fn cannot_attach() -> Option<String> {
    let scope = fs::read_to_string(PTRACE_SCOPE).unwrap_or_default();
    // Root has CAP_SYS_PTRACE, which 0 to 2 ask for at most.
    let root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    refused(scope.trim(), root)
}

fn refused(scope: &str, root: bool) -> Option<String> {
    let refuses = match scope {
        "" | "0" => false,
        "1" | "2" => !root,
        _ => true,
    };
    refuses.then(|| {
        format!("the kernel lets no debugger attach to a running process: {PTRACE_SCOPE} is {scope}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let path = folder.path().join(name);
            fs::write(&path, "#!/bin/sh\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    fn found(names: &[&str], asked: Option<&str>) -> Result<String, ToolError> {
        let folder = folder(names);
        Tool::find(|key| match key {
            "PATH" => Some(folder.path().into()),
            VARIABLE => asked.map(Into::into),
            _ => None,
        })
        .map(|tool| tool.to_string())
    }

    #[test]
    fn lldb_comes_before_gdb_and_a_newer_one_before_an_older() {
        assert_eq!(
            found(&["gdb", "lldb-dap-18", "lldb-dap-19"], None).unwrap(),
            "lldb-dap-19"
        );
        assert_eq!(found(&["gdb", "lldb"], None).unwrap(), "gdb");
        assert_eq!(found(&["lldb-dap", "lldb-dap-19"], None).unwrap(), "lldb-dap");
    }

    #[test]
    fn what_the_user_names_is_taken_or_missed_aloud() {
        assert_eq!(found(&["gdb", "lldb-dap"], Some("gdb")).unwrap(), "gdb");
        assert_eq!(found(&["gdb", "lldb-dap"], Some("")).unwrap(), "lldb-dap");
        let error = found(&["gdb"], Some("rr")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "THROUGHLINE_DEBUGGER names rr, which is no program on PATH"
        );
    }

    #[test]
    fn a_machine_without_a_debugger_is_told_what_to_install() {
        let error = found(&[], None).unwrap_err();
        assert_eq!(error, ToolError::None);
        assert!(error.hint().unwrap().contains("apt-get install lldb-19"));
    }

    #[rstest]
    #[case("", false, false)]
    #[case("0", false, false)]
    #[case("1", true, false)]
    #[case("1", false, true)]
    #[case("3", true, true)]
    fn the_kernel_decides_who_may_attach(#[case] scope: &str, #[case] root: bool, #[case] refuses: bool) {
        assert_eq!(refused(scope, root).is_some(), refuses);
    }
}
