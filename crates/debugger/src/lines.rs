//! What the debugged program printed on stdout, line by line, as far as the debugger passes it on.

use std::collections::VecDeque;

/// Lines that nobody asked for yet; a program that prints for ever must not fill our memory.
const KEPT: usize = 1_000;

/// Output in pieces, put together to lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    whole: VecDeque<String>,
    open: String,
}

impl Lines {
    /// Takes in a piece of output. A terminal ends its lines with `\r\n`.
    pub(crate) fn take(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            self.open.push_str(piece);
            if piece.ends_with('\n') {
                let line = std::mem::take(&mut self.open);
                if self.whole.len() == KEPT {
                    self.whole.pop_front();
                }
                self.whole
                    .push_back(line.trim_end_matches(['\r', '\n']).to_owned());
            }
        }
    }

    /// Looks at the lines that nobody has looked at yet, the oldest first.
    pub(crate) fn find<T>(&mut self, matches: &mut impl FnMut(&str) -> Option<T>) -> Option<T> {
        while let Some(line) = self.whole.pop_front() {
            if let Some(found) = matches(&line) {
                return Some(found);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines() {
        let mut lines = Lines::default();
        lines.take("one\r\nlisten");
        let mut listening = |line: &str| line.strip_prefix("listening ").map(str::to_owned);
        assert_eq!(lines.find(&mut listening), None);
        lines.take("ing here\r\nmore");
        assert_eq!(lines.find(&mut listening).as_deref(), Some("here"));
        assert_eq!(lines.find(&mut listening), None);
    }
}
