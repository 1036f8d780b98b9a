//! Messages on the wire: `Content-Length: N`, an empty line, and N bytes of JSON (Debug Adapter Protocol, "Base protocol").

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc::UnboundedSender;

use crate::adapter::Said;

/// A header is some forty bytes; whoever sends more speaks something else.
const LONGEST_HEADER: usize = 4 * 1024;
/// The largest message seen is a few kilobytes. A length beyond this is no length.
const LONGEST_BODY: usize = 64 * 1024 * 1024;

/// A message with its header.
pub(super) fn encode(message: &Value) -> Vec<u8> {
    let body = message.to_string();
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Takes the first message off the buffer; `None` when it is not there as a whole.
///
/// # Errors
/// This is no message.
pub(super) fn decode<M: DeserializeOwned>(buffer: &mut Vec<u8>) -> Result<Option<M>, String> {
    let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
        if buffer.len() > LONGEST_HEADER {
            return Err(format!("a header without an end: {}", excerpt(buffer)));
        }
        return Ok(None);
    };
    let header = std::str::from_utf8(&buffer[..end]).map_err(|_| "a header that is no text".to_owned())?;
    let length = header.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let Some(length) = length.filter(|length| *length <= LONGEST_BODY) else {
        return Err(format!("no length of a message: {}", excerpt(buffer)));
    };
    let body = end + 4;
    if buffer.len() < body + length {
        return Ok(None);
    }
    let message = serde_json::from_slice(&buffer[body..body + length])
        .map_err(|error| format!("{error} in {}", excerpt(&buffer[body..body + length])))?;
    buffer.drain(..body + length);
    Ok(Some(message))
}

/// Reads messages until the end, or until one can't be understood.
pub(super) async fn read<M: DeserializeOwned>(
    mut from: impl AsyncRead + Unpin,
    said: UnboundedSender<Said<M>>,
) {
    let mut buffer = Vec::new();
    loop {
        match decode(&mut buffer) {
            Ok(Some(message)) => {
                if said.send(Ok(message)).is_err() {
                    return;
                }
                continue;
            }
            Ok(None) => {}
            Err(problem) => {
                // Nobody listens any more: nobody has to be told.
                let _ = said.send(Err(problem));
                return;
            }
        }
        match from.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

/// The beginning of what can't be understood.
fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
    format!("`{}`", text.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[test]
    fn messages_come_out_whole_however_they_are_cut() {
        let messages = [json!({"seq": 1, "text": "größe"}), json!({"seq": 2})];
        let wire: Vec<u8> = messages.iter().flat_map(encode).collect();
        let mut buffer = Vec::new();
        let mut found = Vec::new();
        for byte in wire {
            buffer.push(byte);
            found.extend(decode::<Value>(&mut buffer).unwrap());
        }
        assert_eq!(found, messages);
        assert!(buffer.is_empty());
    }

    #[rstest]
    #[case(b"hello\r\n\r\n")]
    #[case(b"Content-Length: many\r\n\r\n{}")]
    #[case(b"Content-Length: 99999999999999\r\n\r\n")]
    #[case(b"Content-Length: 5\r\n\r\nhello")]
    #[case(b"\xff\xff\r\n\r\n")]
    fn what_is_no_message_is_told(#[case] bytes: &[u8]) {
        assert!(decode::<Value>(&mut bytes.to_vec()).is_err());
    }

    #[test]
    fn a_header_without_end_is_given_up() {
        let mut buffer = vec![b'x'; LONGEST_HEADER + 1];
        assert!(decode::<Value>(&mut buffer).is_err());
    }
}
