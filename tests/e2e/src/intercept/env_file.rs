//! The variables of the intercepted process in a file, for editors and debuggers: `KEY=value`, no quotes, nobody else may read it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use testbed::{Class, Deed, Explain, Run, UndoId};

/// The file can't be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum EnvFileError {
    #[error("{} is there already: another intercept holds it, or one that was killed has left it", path.display())]
    Taken { path: PathBuf },
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Explain for EnvFileError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Taken { path } => Some(format!(
                "end the other one; when there is none: `cargo xtask down`, then `rm {}`",
                path.display()
            )),
            Self::Write { .. } => None,
        }
    }

    fn class(&self) -> Class {
        Class::Prerequisite
    }
}

/// Writes the file into the run's directory, and lets a link at the place that editors know lead to it; both removals are on the undo
/// stack before. Answers the names of variables whose values have several lines: this form has no way to write them.
pub(super) fn write(
    run: &Run,
    place: &Path,
    variables: &BTreeMap<String, String>,
) -> Result<Vec<String>, EnvFileError> {
    let name = place.file_name().unwrap_or_default();
    let file = run.dir().file(name);
    let failed = |path: &Path, source| EnvFileError::Write {
        path: path.to_owned(),
        source,
    };
    let remove = |path: &Path| -> Result<UndoId, EnvFileError> {
        let path = std::path::absolute(path).map_err(|source| failed(path, source))?;
        Ok(run.undo().push("variables for editors", Deed::Remove { path }))
    };
    remove(&file)?;
    let opened = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file);
    let mut writer = opened.map_err(|source| failed(&file, source))?;
    writer
        .write_all(text(variables).as_bytes())
        .map_err(|source| failed(&file, source))?;
    // One that leads nowhere is what a killed run has left.
    if place.is_symlink() && !place.exists() {
        std::fs::remove_file(place).map_err(|source| failed(place, source))?;
    }
    let link = remove(place)?;
    let target = Path::new(run.id().as_str()).join(name);
    std::os::unix::fs::symlink(target, place).map_err(|source| {
        run.undo().done(link);
        match source.kind() {
            io::ErrorKind::AlreadyExists => EnvFileError::Taken {
                path: place.to_owned(),
            },
            _ => failed(place, source),
        }
    })?;
    let several = variables.iter().filter(|(_, value)| has_lines(value));
    Ok(several.map(|(name, _)| name.clone()).collect())
}

/// One variable a line; those with several lines are left out.
pub(super) fn text(variables: &BTreeMap<String, String>) -> String {
    let plain = variables.iter().filter(|(_, value)| !has_lines(value));
    plain.map(|(name, value)| format!("{name}={value}\n")).collect()
}

fn has_lines(value: &str) -> bool {
    value.contains(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_as_it_is_and_one_with_lines_is_left_out() {
        let variables = BTreeMap::from([
            ("A".to_owned(), "b \"c\" $d=e".to_owned()),
            ("B".to_owned(), "one\ntwo".to_owned()),
            ("C".to_owned(), String::new()),
        ]);
        assert_eq!(text(&variables), "A=b \"c\" $d=e\nC=\n");
    }
}
