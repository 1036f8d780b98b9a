//! The variables of the intercepted process in a file, for editors, debuggers and shells. Nobody else may read it.

use std::borrow::Cow;
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

/// One variable a line, `KEY=value`; those with several lines are left out.
pub(super) fn text(variables: &BTreeMap<String, String>) -> String {
    let plain = variables.iter().filter(|(_, value)| !has_lines(value));
    plain
        .map(|(name, value)| format!("{name}={}\n", quoted(value)))
        .collect()
}

/// As it is, when no reader sees anything else in it. Otherwise in single quotes, as a shell reads it (POSIX, Shell Command Language,
/// section 2.2.2) and dotenv's readers do, CodeLLDB's among them: without, a blank or a quotation mark is an error for some, `$` is
/// replaced, and what follows ` #` is cut off.
fn quoted(value: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,=@%+".contains(c);
    if value.chars().all(plain) {
        return Cow::Borrowed(value);
    }
    let mut out = String::from("'");
    for c in value.chars() {
        match c {
            // Nothing is special between single quotes, and one of them can't be there: it stands between two parts. So does a
            // backslash, since dotenv's readers look for one before a quote everywhere.
            '\'' | '\\' => out.extend(["'\\", c.encode_utf8(&mut [0; 4]), "'"]),
            _ => out.push(c),
        }
    }
    out.push('\'');
    Cow::Owned(out)
}

fn has_lines(value: &str) -> bool {
    value.contains(['\n', '\r'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("A".to_owned(), value.to_owned())])
    }

    /// What CodeLLDB makes of a file.
    fn read(text: &str) -> Vec<(String, String)> {
        dotenvy::from_read_iter(text.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap()
    }

    #[test]
    fn only_what_needs_it_is_quoted_and_what_has_lines_is_left_out() {
        let variables = BTreeMap::from([
            ("A".to_owned(), "b \"c\" $d=e".to_owned()),
            ("B".to_owned(), "one\ntwo".to_owned()),
            ("C".to_owned(), String::new()),
            (
                "D".to_owned(),
                "service.version=local-debug,deployment.environment=debug".to_owned(),
            ),
            ("E".to_owned(), "it's".to_owned()),
        ]);
        assert_eq!(
            text(&variables),
            "A='b \"c\" $d=e'\nC=\nD=service.version=local-debug,deployment.environment=debug\nE='it'\\''s'\n"
        );
    }

    #[test]
    fn without_quotes_the_reader_would_refuse_or_change_it() {
        for value in ["a b", "it's", "a\\b", "$HOME/x", "\"q\"", "a #b"] {
            let raw = format!("A={value}\n");
            let plain: Result<Vec<_>, _> = dotenvy::from_read_iter(raw.as_bytes()).collect();
            assert!(
                plain.is_err() || plain.unwrap() != [("A".to_owned(), value.to_owned())],
                "{value} needs no quotes"
            );
            assert_eq!(read(&text(&one(value))), [("A".to_owned(), value.to_owned())]);
        }
    }

    proptest! {
        #[test]
        fn every_value_of_one_line_is_read_as_it_was(value in "[^\\n\\r\\x00]{0,40}") {
            prop_assert_eq!(read(&text(&one(&value))), [("A".to_owned(), value)]);
        }
    }
}
