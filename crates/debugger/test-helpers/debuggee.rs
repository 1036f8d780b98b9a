//! A program to be debugged: works on each line that is sent to its socket, `work` in the folder `DEBUGGEE_WORK`. A
//! debugger keeps the program's input for itself.

use std::io::{BufRead, Write};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let name = std::env::var("DEBUGGEE_NAME").unwrap_or_default();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let here = std::env::current_dir()?;
    let folder = std::env::var_os("DEBUGGEE_WORK").unwrap_or_default();
    let listener = std::os::unix::net::UnixListener::bind(std::path::Path::new(&folder).join("work"))?;
    writeln!(out, "ready {} {} {}", name, args.join("|"), here.display())?;
    out.flush()?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut line = String::new();
        std::io::BufReader::new(&stream).read_line(&mut line)?;
        writeln!(stream, "{}", work(line.trim(), 3))?;
    }
    Ok(())
}

#[inline(never)]
fn work(customer_id: &str, quantity: u32) -> String {
    let total = u64::from(quantity) * 2; // breakpoint: here
    format!("{customer_id} {total}")
}
