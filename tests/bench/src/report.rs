//! Results for people and for machines: a Markdown table on stdout and beside the JSON in the output folder.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// A table whose first column is text and whose other columns are numbers.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let cells: Vec<&str> = cells.collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut text = line(&mut self.head.iter().copied());
        let rule = |place| if place == 0 { "---" } else { "---:" };
        text.push_str(&line(&mut (0..self.head.len()).map(rule)));
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(String::as_str)));
        }
        text
    }
}

/// Writes `<name>.json` and `<name>.md` and prints the table.
pub(crate) fn publish(folder: &Path, name: &str, results: &impl Serialize, text: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let json = serde_json::to_string_pretty(results)?;
    for (ending, content) in [("json", json.as_str()), ("md", text)] {
        let path = folder.join(format!("{name}.{ending}"));
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    anstream::stdout().write_all(text.as_bytes())?;
    Ok(())
}

/// A number with its thousands apart.
pub(crate) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let (sign, digits) = digits
        .strip_prefix('-')
        .map_or(("", digits.as_str()), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0.4, "0")]
    #[case(999.0, "999")]
    #[case(1_234_567.0, "1,234,567")]
    #[case(-1000.0, "-1,000")]
    fn sets_thousands_apart(#[case] number: f64, #[case] text: &str) {
        assert_eq!(thousands(number), text);
    }

    #[test]
    fn draws_a_table_that_markdown_knows() {
        let table = Table {
            head: vec!["what", "spans"],
            rows: vec![vec!["ours".to_owned(), "7".to_owned()]],
        };
        assert_eq!(
            table.markdown(),
            "| what | spans |\n| --- | ---: |\n| ours | 7 |\n"
        );
    }
}
