//! Where the value of a name begins and ends, in a line of any format: JSON, also inside a string; YAML; Go's and Rust's
//! debug output; command lines; headers.

use std::ops::Range;

use super::REDACTED;
use super::shapes::SCHEMES;

/// What stands between a name and its value.
const LEAD: [char; 4] = [' ', '\t', '=', '>'];
/// What ends a value without quotation marks.
const ENDS: [char; 10] = [' ', '\t', ',', ';', '&', '"', '\'', '}', ']', ')'];

/// The value that begins here, without its quotation marks.
pub(super) fn of_value(line: &str, from: usize) -> Range<usize> {
    let start = line.len() - line[from..].trim_start_matches(LEAD).len();
    if let Some(range) = quoted(line, start).or_else(|| bracketed(line, start)) {
        return range;
    }
    let value = &line[start..];
    let lower = value.to_ascii_lowercase();
    // `token: Bearer …` is two words.
    let scheme = SCHEMES
        .iter()
        .find(|scheme| lower.starts_with(**scheme))
        .map_or(0, |scheme| scheme.len());
    // An opened quotation mark that is closed here: `-e 'DB_PASSWORD=…'`, `\"password=…\"`.
    let end = value[scheme..].find(ENDS).map_or(value.len(), |end| scheme + end);
    start..start + value[..end].trim_end_matches('\\').len()
}

/// The value of a header, which has words of its own and signs between them: up to the end of the line, or of the text in
/// quotation marks or brackets that the header stands in.
pub(super) fn of_header(line: &str, mark: usize) -> Range<usize> {
    let start = line.len() - line[mark + 1..].trim_start_matches(LEAD).len();
    if let Some(range) = quoted(line, start).or_else(|| bracketed(line, start)) {
        return range;
    }
    let (before, value) = (&line[..mark], &line[start..]);
    let mut end = value.len();
    for quote in ['"', '\''] {
        // The name itself may be in quotation marks, which are closed then: an odd number of them are open.
        if before.matches(quote).count() % 2 == 1 {
            let open = before.rfind(quote).unwrap_or_default();
            end = end.min(closing(value, quote, backslashes(before, open)));
        }
    }
    if before.matches('[').count() > before.matches(']').count() {
        end = end.min(value.find(']').unwrap_or(end));
    }
    // The next header, in a text in which the ends of lines are spelt out.
    let spelt = ["\\r\\n", "\\n"].iter().filter_map(|next| value.find(next));
    let end = spelt.fold(end, usize::min);
    start..start + end
}

/// `"…"`, `'…'`, and `\"…\"` inside of such a text.
fn quoted(line: &str, start: usize) -> Option<Range<usize>> {
    let rest = &line[start..];
    let value = rest.trim_start_matches('\\');
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let slashes = rest.len() - value.len();
    let inner = start + slashes + 1;
    Some(inner..inner + closing(&line[inner..], quote, slashes))
}

/// Where a text ends that began with a quotation mark after so many backslashes. Inside of it others have more of them.
fn closing(text: &str, quote: char, slashes: usize) -> usize {
    let closes = |place: &usize| {
        let here = backslashes(text, *place);
        here <= slashes || (slashes == 0 && here.is_multiple_of(2))
    };
    let mut places = text.match_indices(quote).map(|(place, _)| place);
    places
        .find(closes)
        .map_or(text.len(), |place| place - backslashes(text, place).min(slashes))
}

/// How many backslashes stand before a place.
fn backslashes(text: &str, place: usize) -> usize {
    text[..place].len() - text[..place].trim_end_matches('\\').len()
}

/// `[…]`, `{…}`, `Some(…)`, `&Secret{…}`, `map[…]`: up to the bracket that closes it. What closes nowhere goes on in the next
/// lines when nothing else is in this one, and is no value then.
fn bracketed(line: &str, start: usize) -> Option<Range<usize>> {
    let value = &line[start..];
    if value.starts_with(REDACTED) {
        return Some(start..start + REDACTED.len());
    }
    let open = value.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '&' | '*' | '_' | '.')))?;
    if !value[open..].starts_with(['[', '{', '(']) {
        return None;
    }
    let mut depth = 0_usize;
    for (place, c) in value[open..].char_indices() {
        match c {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(start..start + open + place + c.len_utf8());
        }
    }
    match value[open..].trim_end().len() {
        1 => Some(start..start),
        _ => Some(start..line.len()),
    }
}
