//! A stand-in for `lldb-dap`: answers as the variable `FAKE` says, well at first.

use std::io::{Read, Write};

use serde_json::{Value, json};

fn main() -> std::io::Result<()> {
    // A process that is started for its name's sake has no variables of its own: the behaviour is in the name of its folder.
    let program = std::env::args().next().unwrap_or_default();
    let behaviour = std::path::Path::new(&program)
        .parent()
        .and_then(|folder| folder.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    while let Some(request) = receive(&mut input)? {
        let command = request["command"].as_str().unwrap_or_default();
        match (behaviour.as_str(), command) {
            ("babbles", "initialize") => output.write_all(b"Welcome to the debugger!\r\n\r\n")?,
            ("wrong-length", "launch") => output.write_all(b"Content-Length: -1\r\n\r\n{}")?,
            ("hangs", "launch") => {}
            ("dies", "launch") => {
                writeln!(std::io::stderr(), "error: out of cheese")?;
                return Ok(());
            }
            ("refuses", "launch") => answer(&mut output, &request, Err("no such program"))?,
            ("stranger", "configurationDone") => {
                // The answer to something that was never asked, then the right one.
                answer(
                    &mut output,
                    &json!({ "seq": 4711, "command": "threads" }),
                    Ok(json!({})),
                )?;
                answer(&mut output, &request, Ok(json!({})))?;
            }
            ("elsewhere", "setBreakpoints") => {
                answer(
                    &mut output,
                    &request,
                    Ok(json!({ "breakpoints": [{ "verified": true, "line": 1 }] })),
                )?;
            }
            ("unverified", "setBreakpoints") => {
                answer(
                    &mut output,
                    &request,
                    Ok(json!({ "breakpoints": [{ "verified": false }] })),
                )?;
            }
            ("crashes", "configurationDone") => {
                answer(&mut output, &request, Ok(json!({})))?;
                let body = json!({ "reason": "exception", "description": "signal SIGSEGV", "threadId": 1 });
                event(&mut output, "stopped", &body)?;
            }
            ("ends", "configurationDone") => {
                answer(&mut output, &request, Ok(json!({})))?;
                event(&mut output, "exited", &json!({ "exitCode": 3 }))?;
                event(&mut output, "terminated", &json!({}))?;
            }
            (_, "launch" | "attach") => {
                event(&mut output, "process", &json!({ "systemProcessId": 4242 }))?;
                event(&mut output, "initialized", &json!({}))?;
                answer(&mut output, &request, Ok(json!({})))?;
            }
            (_, "setBreakpoints") => {
                let asked = request["arguments"]["breakpoints"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                let placed: Vec<Value> = asked
                    .iter()
                    .map(|one| json!({ "verified": true, "line": one["line"] }))
                    .collect();
                answer(&mut output, &request, Ok(json!({ "breakpoints": placed })))?;
            }
            _ => answer(&mut output, &request, Ok(json!({})))?,
        }
        output.flush()?;
        if command == "disconnect" {
            break;
        }
    }
    Ok(())
}

fn receive(input: &mut impl Read) -> std::io::Result<Option<Value>> {
    let mut header = Vec::new();
    while !header.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if input.read(&mut byte)? == 0 {
            return Ok(None);
        }
        header.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&header);
    let length = text
        .trim()
        .strip_prefix("Content-Length: ")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    input.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

fn answer(output: &mut impl Write, request: &Value, body: Result<Value, &str>) -> std::io::Result<()> {
    let mut message = json!({
        "seq": 0,
        "type": "response",
        "request_seq": request["seq"],
        "command": request["command"],
        "success": body.is_ok(),
    });
    match body {
        Ok(body) => message["body"] = body,
        Err(words) => message["message"] = json!(words),
    }
    send(output, &message)
}

fn event(output: &mut impl Write, event: &str, body: &Value) -> std::io::Result<()> {
    send(
        output,
        &json!({ "seq": 0, "type": "event", "event": event, "body": body }),
    )
}

fn send(output: &mut impl Write, message: &Value) -> std::io::Result<()> {
    let body = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())
}
