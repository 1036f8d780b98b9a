//! Reading documents: code blocks, tables, words in backticks.

/// A line inside a fenced block, with the word after the opening fence.
pub(super) struct Fenced<'a> {
    pub(super) language: &'a str,
    /// Index from 0 in the whole document.
    pub(super) index: usize,
    pub(super) line: &'a str,
}

/// Every line inside fenced blocks.
pub(super) fn fenced(document: &str) -> impl Iterator<Item = Fenced<'_>> {
    let mut inside: Option<&str> = None;
    document.lines().enumerate().filter_map(move |(index, line)| {
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(language), None) => inside = Some(language.trim()),
            (Some(_), Some(_)) => inside = None,
            (None, Some(language)) => {
                return Some(Fenced {
                    language,
                    index,
                    line,
                });
            }
            (None, None) => {}
        }
        None
    })
}

/// Every line outside fenced blocks, with its index from 0.
pub(super) fn prose(document: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    document.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        if fence {
            inside = !inside;
        }
        !inside && !fence
    })
}

/// What is between single backticks on a line; an opening one without its closing one is a stray.
pub(super) fn ticked(line: &str) -> impl Iterator<Item = &str> {
    let pairs = line.matches('`').count() / 2;
    line.split('`').skip(1).step_by(2).take(pairs)
}

/// What is between single backticks outside fenced blocks, with the index of the line where it begins. It may go on in the
/// next line of the same paragraph.
pub(super) fn spans(document: &str) -> Vec<(usize, String)> {
    let mut spans = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in prose(document) {
        if line.trim().is_empty() || line.starts_with('|') {
            open = None;
        }
        let mut pieces = line.split('`').peekable();
        while let Some(piece) = pieces.next() {
            if let Some((_, span)) = &mut open {
                span.push_str(piece);
            }
            // Between two pieces there is a backtick, which opens or closes; the last piece may go on.
            match (pieces.peek().is_some(), open.take()) {
                (true, Some(span)) => spans.push(span),
                (true, None) => open = Some((index, String::new())),
                (false, Some((began, span))) => open = Some((began, format!("{span} "))),
                (false, None) => {}
            }
        }
    }
    spans
}

/// A row of a Markdown table.
#[derive(Debug)]
pub(super) struct Row<'a> {
    /// Index from 0 in the whole document.
    pub(super) index: usize,
    pub(super) cells: Vec<&'a str>,
}

/// The table whose first header cells are these words: the index of the header, and its rows. None when there is no such
/// table.
pub(super) fn table<'a>(document: &'a str, header: &[&str]) -> Option<(usize, Vec<Row<'a>>)> {
    let mut lines =
        prose(document).skip_while(|(_, line)| cells(line).is_none_or(|cells| !cells.starts_with(header)));
    let (start, _) = lines.next()?;
    let rows = lines
        .skip(1) // the line of dashes
        .map_while(|(index, line)| cells(line).map(|cells| Row { index, cells }))
        .collect();
    Some((start, rows))
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(str::trim).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str =
        "text `a` and `b c`\n```console\n$ run\n| x | y |\n```\n| x | y |\n|---|---|\n| 1 | `2` |\nend\n";

    #[test]
    fn blocks_and_prose_are_told_apart() {
        let inside: Vec<_> = fenced(DOCUMENT)
            .map(|line| (line.language, line.index, line.line))
            .collect();
        assert_eq!(inside, [("console", 2, "$ run"), ("console", 3, "| x | y |")]);
        assert_eq!(
            prose(DOCUMENT).map(|(index, _)| index).collect::<Vec<_>>(),
            [0, 5, 6, 7, 8]
        );
    }

    #[test]
    fn words_in_backticks_are_found() {
        assert_eq!(
            ticked("text `a` and `b c` and `d").collect::<Vec<_>>(),
            ["a", "b c"]
        );
    }

    #[test]
    fn words_in_backticks_may_go_on_in_the_next_line_but_not_in_the_next_paragraph() {
        let document = "use `cargo\nxtask` and `b`\n```\n`no`\n```\nstray `\n\n`c` | `d\n| `e` |\n";
        let expected = [(0, "cargo xtask"), (1, "b"), (7, "c"), (8, "e")];
        assert_eq!(
            spans(document),
            expected.map(|(index, span)| (index, span.to_owned()))
        );
    }

    #[test]
    fn a_table_is_found_by_its_header_and_ends_with_its_last_row() {
        let (start, rows) = table(DOCUMENT, &["x", "y"]).expect("a table");
        assert_eq!((start, rows.len(), rows[0].index), (5, 1, 7));
        assert_eq!(rows[0].cells, ["1", "`2`"]);
        assert!(table(DOCUMENT, &["x", "z"]).is_none());
    }
}
