//! Lines on standard input, for commands that are typed or piped.

use std::io::{BufRead, IsTerminal};

use tokio::sync::mpsc;

/// Lines as they come.
#[derive(Debug)]
pub struct Input {
    line_rx: mpsc::UnboundedReceiver<String>,
    typed: bool,
}

impl Input {
    /// Reads standard input from now on.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub fn open() -> std::io::Result<Self> {
        let typed = std::io::stdin().is_terminal();
        let (line_tx, line_rx) = mpsc::unbounded_channel();
        // A read of standard input can't be cut short, and the runtime would wait for one of its own at the end of the program. This
        // thread holds nothing and ends with the process.
        std::thread::Builder::new()
            .name("standard input".to_owned())
            .spawn(move || {
                let mut input = std::io::stdin().lock();
                let mut line = Vec::new();
                while input.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                    if line_tx
                        .send(String::from_utf8_lossy(&line).trim().to_owned())
                        .is_err()
                    {
                        return;
                    }
                    line.clear();
                }
            })?;
        Ok(Self { line_rx, typed })
    }

    /// Whether a person types: standard input is a terminal.
    #[must_use]
    pub const fn is_typed(&self) -> bool {
        self.typed
    }

    /// The next line without its end; `None` at the end of the input.
    pub async fn next(&mut self) -> Option<String> {
        self.line_rx.recv().await
    }
}
