//! Values in a frame, read without formatters: those are scripts that an installation may lack, and LLDB's own words for a
//! Rust text are an address.

use serde_json::json;
use testbed::Deadline;

use super::Dap;
use super::message::EvaluateBody;
use crate::error::DebugError;
use crate::target::Stop;

/// A text that is longer is no text but a frame that was misread.
const LONGEST_TEXT: i64 = 4 * 1024;

impl Dap {
    pub(crate) async fn integer(
        &mut self,
        stop: &Stop,
        expression: &str,
        deadline: &Deadline,
    ) -> Result<i64, DebugError> {
        let found = self.evaluate(stop, expression, "watch", deadline).await?;
        found.trim().parse().map_err(|_| DebugError::Value {
            expression: expression.to_owned(),
            wanted: "a whole number",
            found,
        })
    }

    pub(crate) async fn text(
        &mut self,
        stop: &Stop,
        name: &str,
        deadline: &Deadline,
    ) -> Result<String, DebugError> {
        let no_text = |found: String| DebugError::Value {
            expression: name.to_owned(),
            wanted: "a text",
            found,
        };
        // The fields of `&str` as the compiler describes them.
        let length = self.integer(stop, &format!("{name}.length"), deadline).await?;
        if length == 0 {
            return Ok(String::new());
        }
        if !(0..=LONGEST_TEXT).contains(&length) {
            return Err(no_text(format!("{length} bytes long")));
        }
        // `0x00007fffe800ada0 "customer-42…"`: LLDB shows a text there, and does not know where it ends. The address is taken
        // because a command, unlike an expression, looks at whichever thread LLDB has selected.
        let pointer = self
            .evaluate(stop, &format!("{name}.data_ptr"), "watch", deadline)
            .await?;
        let Some(address) = pointer
            .split_whitespace()
            .next()
            .filter(|word| word.starts_with("0x"))
        else {
            return Err(no_text(pointer));
        };
        let command = format!("memory read --force --size 1 --format u --count {length} {address}");
        let dump = self.evaluate(stop, &command, "repl", deadline).await?;
        let bytes = bytes(&dump);
        if i64::try_from(bytes.len()) != Ok(length) {
            return Err(no_text(dump));
        }
        String::from_utf8(bytes).map_err(|error| no_text(error.to_string()))
    }

    async fn evaluate(
        &mut self,
        stop: &Stop,
        expression: &str,
        context: &str,
        deadline: &Deadline,
    ) -> Result<String, DebugError> {
        let arguments = json!({ "expression": expression, "frameId": stop.frame, "context": context });
        let doing = format!("evaluate `{expression}`");
        let body: EvaluateBody = self.request("evaluate", arguments, &doing, deadline).await?;
        Ok(body.result)
    }
}

/// The bytes of a dump: lines of an address, a colon, and decimal numbers. The command itself is repeated above it.
fn bytes(dump: &str) -> Vec<u8> {
    dump.lines()
        .filter_map(|line| line.trim().strip_prefix("0x")?.split_once(':'))
        .flat_map(|(_, numbers)| numbers.split_whitespace())
        .map_while(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn a_dump_is_read_as_lldb_writes_it() {
        let dump = "(lldb) memory read --size 1\n0x7fffe800ada0: 99\n0x7fffe800ada1: 117 115\n";
        assert_eq!(bytes(dump), b"cus");
        assert_eq!(bytes("error: no such variable\n"), b"");
    }
}
