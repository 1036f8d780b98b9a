//! The consumer of events for verbs that judge nothing: tells them as they come, and how it ended.

use testbed::event::{Event, EventReceiver, Outcome};

use super::console::Console;
use crate::cli::Format;

/// Tells the events of one run.
#[derive(Debug)]
pub struct Narrator {
    events: EventReceiver,
    console: Console,
    format: Format,
}

impl Narrator {
    /// A narrator of these events.
    #[must_use]
    pub const fn new(events: EventReceiver, console: Console, format: Format) -> Self {
        Self {
            events,
            console,
            format,
        }
    }

    /// Tells events until the run is over.
    pub async fn tell(mut self) {
        let mut left = Vec::new();
        while let Some(stamped) = self.events.recv_stamped().await {
            match &stamped.event {
                Event::UndoFinished { name, outcome, .. } if *outcome != Outcome::Ok => {
                    left.push(name.clone());
                }
                Event::UndoLeft { name, because, .. } if !because.on_purpose() => left.push(name.clone()),
                _ => {}
            }
            match self.format {
                Format::Human => self.console.event(&stamped.event),
                Format::Json => self.console.json(&stamped),
            }
        }
        self.console.not_undone(&left);
    }
}
