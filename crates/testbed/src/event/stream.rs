//! The stream of events: many who send, one who consumes, and a file that keeps a record.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::mpsc;

use super::{Event, millis};

/// An event, and when it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stamped {
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// How long after the stream began. On the machine's clock and not the run's: it goes on while a debugger holds.
    #[serde(rename = "at_ms", with = "millis")]
    pub at: Duration,
}

/// The sending end. Clones share one stream; the order is the same for every consumer.
#[derive(Debug, Clone)]
pub struct Events {
    sink: Arc<Mutex<Sink>>,
}

/// The consumer's end.
#[derive(Debug)]
pub struct EventReceiver {
    events: mpsc::UnboundedReceiver<Stamped>,
    finished: bool,
}

struct Sink {
    began: Instant,
    event_tx: mpsc::UnboundedSender<Stamped>,
    record: Option<Record>,
}

struct Record {
    path: PathBuf,
    writer: Box<dyn Write + Send>,
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink")
            .field("record", &self.record.as_ref().map(|record| &record.path))
            .finish()
    }
}

impl Events {
    /// A stream that is not recorded, for tests of what emits events.
    #[must_use]
    pub fn unrecorded() -> (Self, EventReceiver) {
        Self::with_record(None)
    }

    /// A stream that is also appended to a file, one JSON object a line.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn recorded(path: &Path) -> io::Result<(Self, EventReceiver)> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self::with_record(Some(Record {
            path: path.to_owned(),
            writer: Box::new(file),
        })))
    }

    fn with_record(record: Option<Record>) -> (Self, EventReceiver) {
        let (event_tx, events) = mpsc::unbounded_channel();
        let sink = Arc::new(Mutex::new(Sink {
            began: Instant::now(),
            event_tx,
            record,
        }));
        (
            Self { sink },
            EventReceiver {
                events,
                finished: false,
            },
        )
    }

    /// Hands an event to the consumer and appends it to the record. A record that cannot be written (disk full) is
    /// given up with one [`Event::Warning`]; the run goes on.
    pub fn emit(&self, event: Event) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let at = sink.began.elapsed();
        let event = Stamped { event, at };
        let failed = sink
            .record
            .as_mut()
            .and_then(|record| record.append(&event).err());
        // A consumer that is gone has seen what it wanted.
        let _ = sink.event_tx.send(event);
        if let Some(error) = failed
            && let Some(record) = sink.record.take()
        {
            let warning = Event::Warning {
                text: format!(
                    "cannot write {}: {error}; the record of events ends here",
                    record.path.display()
                ),
                hint: Some("free space on that file system".to_owned()),
            };
            let _ = sink.event_tx.send(Stamped { event: warning, at });
        }
    }

    /// Emits an [`Event::Note`].
    pub fn note(&self, text: impl Into<String>) {
        self.emit(Event::Note { text: text.into() });
    }

    /// Emits an [`Event::Error`].
    pub fn error(&self, text: impl Into<String>, hint: Option<String>) {
        self.emit(Event::Error {
            text: text.into(),
            hint,
        });
    }

    /// Emits an [`Event::Warning`].
    pub fn warn(&self, text: impl Into<String>, hint: Option<String>) {
        self.emit(Event::Warning {
            text: text.into(),
            hint,
        });
    }
}

impl Record {
    fn append(&mut self, event: &Stamped) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.writer.write_all(&line)
    }
}

impl EventReceiver {
    /// The next event; `None` after [`Event::RunFinished`], or when nobody is left who could send one.
    pub async fn recv(&mut self) -> Option<Event> {
        Some(self.recv_stamped().await?.event)
    }

    /// The same with its time.
    pub async fn recv_stamped(&mut self) -> Option<Stamped> {
        if self.finished {
            return None;
        }
        let next = self.events.recv().await;
        self.finished = next
            .as_ref()
            .is_none_or(|next| matches!(next.event, Event::RunFinished { .. }));
        next
    }

    /// The next event that is already there.
    pub fn try_recv(&mut self) -> Option<Event> {
        Some(self.events.try_recv().ok()?.event)
    }
}
