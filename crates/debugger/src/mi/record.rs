//! Records of gdb's machine interface (GDB manual, "GDB/MI Output Syntax").

use std::collections::BTreeMap;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::mpsc::UnboundedSender;

use crate::adapter::Said;

/// A line that is longer is not read any further: the program's own output comes the same way.
const LONGEST_LINE: usize = 1024 * 1024;

/// One line that gdb, or the program that it runs, prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    /// `3^done,…`: the answer to the command with that token.
    Result {
        token: Option<u64>,
        class: String,
        values: Tuple,
    },
    /// `*stopped,…` or `=thread-group-started,…`: something happened.
    Async { class: String, values: Tuple },
    /// Text for people, or the prompt.
    Stream,
    /// Not gdb's: the program prints into the same pipe.
    Output(String),
}

/// Named values.
pub(super) type Tuple = BTreeMap<String, Value>;

/// A value. Names within lists repeat and are dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Tuple(Tuple),
    List(Vec<Value>),
}

/// The text of a value by its path: `text(&values, &["frame", "line"])`.
pub(super) fn text<'v>(values: &'v Tuple, path: &[&str]) -> Option<&'v str> {
    let (last, outer) = path.split_last()?;
    let mut tuple = values;
    for name in outer {
        let Value::Tuple(inner) = tuple.get(*name)? else {
            return None;
        };
        tuple = inner;
    }
    match tuple.get(*last)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// Reads lines until the end.
pub(super) async fn read(from: impl AsyncRead + Unpin, said: UnboundedSender<Said<Record>>) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        match from.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) if line.len() > LONGEST_LINE => {
                // Nobody listens any more: nobody has to be told.
                let _ = said.send(Err(format!("a line of {} bytes", line.len())));
                return;
            }
            Ok(_) => {}
        }
        let record = parse(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']));
        if said.send(Ok(record)).is_err() {
            return;
        }
    }
}

/// Reads one line. What is none of gdb's forms is the program's.
pub(super) fn parse(line: &str) -> Record {
    let ours = || Record::Output(line.to_owned());
    if line.trim_end() == "(gdb)" || line.starts_with(['~', '&', '@']) {
        return Record::Stream;
    }
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (token, rest) = line.split_at(digits);
    let mut rest = rest.chars();
    let kind = rest.next();
    let rest = rest.as_str();
    let (class, values) = rest.split_once(',').unwrap_or((rest, ""));
    if !class.chars().all(|c| c.is_ascii_lowercase() || c == '-') || class.is_empty() {
        return ours();
    }
    let mut parser = Parser { rest: values };
    let Some(values) = parser.pairs().filter(|_| parser.rest.is_empty()) else {
        return ours();
    };
    let class = class.to_owned();
    match kind {
        Some('^') => Record::Result {
            token: token.parse().ok(),
            class,
            values,
        },
        Some('*' | '=' | '+') => Record::Async { class, values },
        _ => ours(),
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn eat(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    /// `name=value,name=value`, up to whatever follows.
    fn pairs(&mut self) -> Option<Tuple> {
        let mut tuple = Tuple::new();
        while self
            .rest
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        {
            let (name, rest) = self.rest.split_once('=')?;
            self.rest = rest;
            tuple.insert(name.to_owned(), self.value()?);
            if self.eat(',').is_none() {
                break;
            }
        }
        Some(tuple)
    }

    fn value(&mut self) -> Option<Value> {
        match self.rest.chars().next()? {
            '"' => self.string().map(Value::Text),
            '{' => {
                self.eat('{')?;
                let tuple = self.pairs()?;
                self.eat('}')?;
                Some(Value::Tuple(tuple))
            }
            '[' => self.list(),
            _ => None,
        }
    }

    fn list(&mut self) -> Option<Value> {
        self.eat('[')?;
        let mut list = Vec::new();
        while !self.rest.starts_with(']') {
            // An element may have a name: `[frame={…},frame={…}]`.
            if !self.rest.starts_with(['"', '{', '[']) {
                self.rest = self.rest.split_once('=')?.1;
            }
            list.push(self.value()?);
            if self.eat(',').is_none() {
                break;
            }
        }
        self.eat(']')?;
        Some(Value::List(list))
    }

    /// A string as in C.
    fn string(&mut self) -> Option<String> {
        let (text, rest) = unquote(self.rest)?;
        self.rest = rest;
        Some(text)
    }
}

/// Reads a C string that begins here, and answers what follows it. Bytes above 127 come as octal escapes.
pub(super) fn unquote(text: &str) -> Option<(String, &str)> {
    let mut bytes = Vec::new();
    let mut rest = text.strip_prefix('"')?.char_indices();
    while let Some((at, letter)) = rest.next() {
        match letter {
            '"' => return Some((String::from_utf8_lossy(&bytes).into_owned(), &text[1 + at + 1..])),
            '\\' => match rest.next()?.1 {
                'n' => bytes.push(b'\n'),
                't' => bytes.push(b'\t'),
                'r' => bytes.push(b'\r'),
                first @ '0'..='7' => {
                    let mut code = first.to_digit(8)?;
                    for _ in 0..2 {
                        let Some(digit) = rest.clone().next().and_then(|(_, next)| next.to_digit(8)) else {
                            break;
                        };
                        code = code * 8 + digit;
                        rest.next();
                    }
                    bytes.push(u8::try_from(code).ok()?);
                }
                other => bytes.extend_from_slice(other.to_string().as_bytes()),
            },
            other => bytes.extend_from_slice(other.to_string().as_bytes()),
        }
    }
    None
}

/// A C string literal.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[test]
    fn a_stop_is_read_as_gdb_writes_it() {
        let line = r#"*stopped,reason="breakpoint-hit",disp="keep",bkptno="1",frame={addr="0x1",func="a::b",args=[{name="x",value="\"c-1\""}],fullname="/a b.rs",line="23"},thread-id="3",stopped-threads="all""#;
        let Record::Async { class, values } = parse(line) else {
            panic!("{line}")
        };
        assert_eq!(class, "stopped");
        assert_eq!(text(&values, &["frame", "line"]), Some("23"));
        assert_eq!(text(&values, &["frame", "fullname"]), Some("/a b.rs"));
        assert_eq!(text(&values, &["thread-id"]), Some("3"));
        assert_eq!(text(&values, &["frame", "nothing"]), None);
    }

    #[test]
    fn an_answer_has_its_commands_token() {
        let Record::Result { token, class, values } = parse(r#"7^error,msg="No symbol \"x\" in\303\244""#)
        else {
            panic!("no result")
        };
        assert_eq!((token, class.as_str()), (Some(7), "error"));
        assert_eq!(text(&values, &["msg"]), Some("No symbol \"x\" inä"));
        let named = parse(r#"8^done,stack=[frame={level="0"},frame={level="1"}]"#);
        assert!(matches!(named, Record::Result { token: Some(8), .. }));
    }

    #[rstest]
    #[case("listening http://127.0.0.1:8080")]
    #[case("2026-11-27T07:25:07Z  INFO ready")]
    #[case("=== done ===")]
    #[case("*stopped,reason=\"cut")]
    #[case("12")]
    #[case("")]
    fn what_is_not_gdbs_is_the_programs(#[case] line: &str) {
        assert_eq!(parse(line), Record::Output(line.to_owned()));
    }

    #[rstest]
    #[case("(gdb) ")]
    #[case("~\"Reading symbols…\\n\"")]
    fn text_for_people_is_passed_over(#[case] line: &str) {
        assert_eq!(parse(line), Record::Stream);
    }

    #[test]
    fn quoting_and_unquoting_are_inverse() {
        let odd = "a \"b\" \\ ä";
        assert_eq!(unquote(&quote(odd)), Some((odd.to_owned(), "")));
    }
}
