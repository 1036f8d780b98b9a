//! What a run is made of, and how that comes to be.

use std::io;

use super::RunOptions;
use super::ground::Ground;
use crate::clock::Clock;
use crate::environment::EnvironmentName;
use crate::event::{EventReceiver, Events};
use crate::history;
use crate::process::{Mark, Place, Supervisor, identify};
use crate::run_dir::{RunDir, RunLock};
use crate::run_id::RunId;
use crate::signal::Signals;
use crate::undo::{Begin, Journal, Record, Scene, Undo};

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) id: RunId,
    pub(super) dir: RunDir,
    pub(super) environment: EnvironmentName,
    pub(super) keep: bool,
    pub(super) signals: Signals,
    pub(super) clock: Clock,
    pub(super) events: Events,
    pub(super) undo: Undo,
    pub(super) supervisor: Supervisor,
    pub(super) ground: Ground,
    _lock: Option<RunLock>,
}

impl Inner {
    /// Makes the directory, the lock, the journal and the record of events, and removes old finished runs.
    pub(super) fn begin(options: RunOptions) -> io::Result<(Self, EventReceiver)> {
        let RunOptions {
            root,
            environment,
            keep,
            signals,
        } = options;
        let (id, dir, lock) = RunDir::create(&root)?;
        let (events, receiver) = Events::recorded(&dir.file(RunDir::EVENTS))?;
        let temp = std::env::temp_dir().canonicalize()?;
        let mut journal = Journal::create(dir.file(RunDir::JOURNAL))?;
        let runner = identify(std::process::id());
        let begin = Begin {
            run: id.clone(),
            environment,
            runner,
            temp: temp.clone(),
        };
        journal.write(0, Record::Begin(begin))?;
        dir.mark_latest()?;
        if let Err(error) = history::prune(&dir, history::KEPT) {
            events.warn(
                format!("cannot remove old runs below {}: {error}", root.display()),
                None,
            );
        }
        let mark = Mark::new(&id, &dir);
        let place = Place {
            mark,
            dir: dir.clone(),
            events: events.clone(),
            hurry: signals.hurry(),
        };
        let undo = Undo::new(
            Scene {
                place: place.clone(),
                temp,
            },
            journal,
            signals.clone(),
        );
        let supervisor = Supervisor::new(place, undo.clone());
        let clock = Clock::start();
        let inner = Self {
            id,
            dir,
            environment,
            keep,
            signals,
            clock,
            events,
            undo,
            supervisor,
            ground: Ground::default(),
            _lock: lock,
        };
        Ok((inner, receiver))
    }
}
