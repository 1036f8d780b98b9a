//! The README's table of exit codes.

use super::scan;
use super::{Material, Problem};

const README: &str = "README.md";

/// Same codes, same meanings, same order as `throughline exit-codes` prints.
pub(super) fn exit_codes(material: &Material) -> Vec<Problem> {
    let Some(readme) = material.tree.get(README) else {
        return vec![Problem::file(README, "is missing")];
    };
    let Some((start, rows)) = scan::table(readme, &["code", "meaning"]) else {
        return vec![Problem::file(
            README,
            "has no table with the columns `code` and `meaning`",
        )];
    };
    let program = &material.commands.exit_codes;
    let mut problems: Vec<Problem> = rows
        .iter()
        .zip(program)
        .filter(|(row, (code, meaning))| row.cells[0].trim_matches('`') != code || row.cells[1] != meaning)
        .map(|(row, (code, meaning))| {
            Problem::line(README, row.index, format!("should be {code}, {meaning}"))
        })
        .collect();
    if rows.len() != program.len() {
        let what = format!("{} exit codes here, {} in the program", rows.len(), program.len());
        problems.push(Problem::line(README, start, what));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &str) -> Vec<Problem> {
        let readme = format!("| code | meaning | then |\n|---|---|---|\n{rows}\n");
        let mut material = Material::from([(README, readme.as_str())]);
        let codes = [("0", "passed"), ("10", "expectation failed")];
        material.commands.exit_codes = codes
            .map(|(code, meaning)| (code.to_owned(), meaning.to_owned()))
            .into();
        exit_codes(&material)
    }

    #[test]
    fn a_table_like_the_program_passes() {
        assert_eq!(
            check("| `0` | passed | a |\n| `10` | expectation failed | b |"),
            []
        );
    }

    #[test]
    fn a_wrong_a_missing_and_an_extra_row_are_reported() {
        assert_eq!(
            check("| `0` | passed | a |\n| `11` | expectation failed | b |").len(),
            1
        );
        assert_eq!(check("| `0` | passed | a |\n| `10` | failed | b |").len(), 1);
        assert_eq!(check("| `0` | passed | a |").len(), 1);
        assert_eq!(
            check("| `0` | passed | a |\n| `10` | expectation failed | b |\n| `12` | x | c |").len(),
            1
        );
    }

    #[test]
    fn a_missing_table_is_reported() {
        assert_eq!(
            exit_codes(&Material::from([(README, "# Throughline\n")])).len(),
            1
        );
        assert_eq!(exit_codes(&Material::default()).len(), 1);
    }
}
