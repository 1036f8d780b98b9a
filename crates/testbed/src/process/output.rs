//! What a process prints: all of it in a log file, the last lines in memory, without secrets.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::event::{Event, Events};
use crate::redact::Redactor;

/// Lines of both streams that are shown when a process dies.
const TAIL_LINES: usize = 200;
/// Lines of stdout that [`Process::line`](super::Process::line) can still look at.
const STDOUT_LINES: usize = 1_000;
/// A longer line is cut: a process must not be able to fill our memory.
const LINE_BYTES: usize = 16 * 1024;
/// The most that a pipe can hold (Linux manual page `pipe(7)`): what a dead process wrote is no more than that, and what
/// comes after it is a grandchild's.
const PIPE_BYTES: usize = 1024 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// The output of one process.
#[derive(Debug)]
pub(crate) struct Output {
    state: Mutex<State>,
    /// Number of stdout lines seen so far.
    seen: watch::Sender<usize>,
    started: Instant,
    events: Events,
    /// The process's name, when each line is told.
    told: Option<String>,
    log: PathBuf,
}

#[derive(Debug)]
struct State {
    file: Option<File>,
    /// For each stream, since they may interrupt each other's lines.
    redactors: [Redactor; 2],
    tail: VecDeque<String>,
    stdout: VecDeque<String>,
    stdout_seen: usize,
}

impl Output {
    pub(crate) fn new(log: PathBuf, file: File, events: Events, told: Option<String>) -> Self {
        let state = State {
            file: Some(file),
            redactors: Default::default(),
            tail: VecDeque::new(),
            stdout: VecDeque::new(),
            stdout_seen: 0,
        };
        Self {
            state: Mutex::new(state),
            seen: watch::Sender::new(0),
            started: Instant::now(),
            events,
            told,
            log,
        }
    }

    /// Takes a stream in until its end. Once the child has ended, everything that it wrote is taken in before `flushed`
    /// is dropped, whoever else still holds the pipe.
    pub(crate) async fn drain(
        &self,
        stream: Stream,
        mut from: impl AsyncRead + AsFd + Unpin,
        ended: CancellationToken,
        flushed: mpsc::Sender<Infallible>,
    ) {
        let mut chunk = vec![0; 8 * 1024];
        let mut line = Vec::new();
        let mut flushed = Some(flushed);
        loop {
            tokio::select! {
                () = ended.cancelled(), if flushed.is_some() => {
                    self.last_words(stream, from.as_fd(), &mut chunk, &mut line);
                    flushed = None;
                }
                read = from.read(&mut chunk) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(read) => self.split(stream, &chunk[..read], &mut line),
                },
            }
        }
        self.end_line(stream, &mut line);
    }

    /// Takes in what is in a pipe now. Read directly: the runtime may not have heard yet that there is something.
    fn last_words(&self, stream: Stream, from: BorrowedFd<'_>, chunk: &mut [u8], line: &mut Vec<u8>) {
        let mut taken = 0;
        while taken < PIPE_BYTES {
            match rustix::io::read(from, &mut *chunk) {
                Ok(read @ 1..) => {
                    self.split(stream, &chunk[..read], line);
                    taken += read;
                }
                Err(Errno::INTR) => {}
                // The end, or nothing there for now.
                Ok(0) | Err(_) => break,
            }
        }
        self.end_line(stream, line);
    }

    fn split(&self, stream: Stream, bytes: &[u8], line: &mut Vec<u8>) {
        for &byte in bytes {
            if byte == b'\n' {
                self.take(stream, line);
                line.clear();
            } else if line.len() < LINE_BYTES {
                line.push(byte);
            }
        }
    }

    fn end_line(&self, stream: Stream, line: &mut Vec<u8>) {
        if !line.is_empty() {
            self.take(stream, line);
            line.clear();
        }
    }

    fn take(&self, stream: Stream, line: &[u8]) {
        let line = String::from_utf8_lossy(line).trim_end_matches('\r').to_owned();
        let mut state = self.lock();
        let (name, redactor) = match stream {
            Stream::Stdout => ("out", &mut state.redactors[0]),
            Stream::Stderr => ("err", &mut state.redactors[1]),
        };
        // Whatever is kept or told; only whoever reads stdout as an answer gets it as it is.
        let shown = redactor.line(&line).into_owned();
        let written = state.file.as_mut().map(|file| {
            let text = format!("{:9.3} {name} {shown}\n", self.started.elapsed().as_secs_f64());
            file.write_all(text.as_bytes())
        });
        if let Some(Err(error)) = written {
            state.file = None;
            let text = format!("cannot write {}: {error}; the log ends here", self.log.display());
            self.events
                .warn(text, Some("free space on that file system".to_owned()));
        }
        if let Some(process) = &self.told {
            self.events.emit(Event::ProcessPrinted {
                process: process.clone(),
                line: shown.clone(),
            });
        }
        push(&mut state.tail, TAIL_LINES, shown);
        if stream == Stream::Stdout {
            push(&mut state.stdout, STDOUT_LINES, line);
            state.stdout_seen += 1;
            self.seen.send_replace(state.stdout_seen);
        }
    }

    /// The file that holds everything.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines of both streams in the order in which they came in.
    pub(crate) fn tail(&self) -> Vec<String> {
        self.lock().tail.iter().cloned().collect()
    }

    /// The stdout lines from number `from` on that are still there, and the number after the last one.
    pub(crate) fn stdout_since(&self, from: usize) -> (Vec<String>, usize) {
        let state = self.lock();
        let first = state.stdout_seen - state.stdout.len();
        let skip = from.saturating_sub(first);
        (
            state.stdout.iter().skip(skip).cloned().collect(),
            state.stdout_seen,
        )
    }

    /// Changes with every stdout line.
    pub(crate) fn watch(&self) -> watch::Receiver<usize> {
        self.seen.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn push(lines: &mut VecDeque<String>, limit: usize, line: String) {
    if lines.len() == limit {
        lines.pop_front();
    }
    lines.push_back(line);
}
