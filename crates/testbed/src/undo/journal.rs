//! The undo stack on disk: one JSON object a line, only ever appended to, so that whoever comes after a killed runner
//! knows what it had begun.
//!
//! A crash can cut the last line short. Such a line was never acted upon: the deed that it announces comes after it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::deed::Deed;
use crate::environment::EnvironmentName;
use crate::event::Outcome;
use crate::lease::Leased;
use crate::run_id::RunId;

/// A journal that is open for writing.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// Bytes up to the end of the last whole line.
    length: u64,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    /// The entry that it speaks of; 0 is the run itself.
    seq: u64,
    at: Timestamp,
    #[serde(flatten)]
    record: Record,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    /// The run began.
    Begin(Begin),
    /// This will have to be undone.
    Push {
        name: String,
        deed: Deed,
        /// Entries that stay as long as this one is not done.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        needs: Vec<u64>,
        /// What nobody else may be using when this is done by another process.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leased: Option<Leased>,
    },
    /// This will have to be undone, and ends with the runner anyway.
    InProcess { name: String },
    /// The process of an entry exists.
    Process(Identity),
    /// The entry stays after the run, on purpose.
    Kept(bool),
    /// The entry was tried.
    Done(Outcome),
}

/// Who runs, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begin {
    pub(crate) run: RunId,
    pub(crate) environment: EnvironmentName,
    pub(crate) runner: Identity,
    /// The folder for temporary files that the runner used.
    pub(crate) temp: PathBuf,
}

/// A process that cannot be mistaken for a later one with the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) pid: u32,
    /// In clock ticks since boot; absent where the system does not tell.
    pub(crate) start_time: Option<u64>,
}

/// What a journal says when it is read again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Replay {
    pub(crate) begin: Option<Begin>,
    /// When the run began.
    pub(crate) at: Option<Timestamp>,
    /// Deeds that are not known to be done, first pushed first.
    pub(crate) outstanding: Vec<Outstanding>,
    /// Whole lines that make no sense.
    pub(crate) damage: Vec<Damage>,
}

/// A deed that is not known to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outstanding {
    pub(crate) seq: u64,
    pub(crate) name: String,
    pub(crate) deed: Deed,
    /// Entries that stay as long as this one is not done.
    pub(crate) needs: Vec<u64>,
    /// What nobody else may be using when this is done.
    pub(crate) leased: Option<Leased>,
    pub(crate) process: Option<Identity>,
    pub(crate) kept: bool,
}

/// A whole line that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: String,
}

impl Journal {
    /// Starts a journal.
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        let file = File::options().create_new(true).append(true).open(&path)?;
        // The name must survive a power loss as well as the lines do.
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self {
            file,
            path,
            length: 0,
        })
    }

    /// Reads a journal and opens it to go on. A line that was cut short is cut off.
    pub(crate) fn reopen(path: PathBuf) -> io::Result<(Self, Replay)> {
        let mut file = File::options().read(true).append(true).open(&path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = text
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        Ok((
            Self {
                file,
                path,
                length: whole as u64,
            },
            Replay::read(&text[..whole]),
        ))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a line. It is on the disk when this returns if it speaks of something that outlives a power loss.
    pub(crate) fn write(&mut self, seq: u64, record: Record) -> io::Result<()> {
        let lasting = record.outlives_power_loss();
        let mut line = serde_json::to_vec(&Line {
            seq,
            at: Timestamp::now(),
            record,
        })?;
        line.push(b'\n');
        let written = self
            .file
            .write_all(&line)
            .and_then(|()| if lasting { self.file.sync_data() } else { Ok(()) });
        match &written {
            Ok(()) => self.length += line.len() as u64,
            // Half a line must not swallow the beginning of the next one. The first error is the one to tell.
            Err(_) => drop(self.file.set_len(self.length)),
        }
        written
    }
}

impl Record {
    /// A process does not outlive a power loss, nor need its entry. What is done is done: trying it again is harmless.
    const fn outlives_power_loss(&self) -> bool {
        match self {
            Self::Begin(_)
            | Self::Push {
                deed: Deed::Remove { .. } | Deed::Command { .. },
                ..
            }
            | Self::Kept(_) => true,
            Self::Push {
                deed: Deed::Process { .. },
                ..
            }
            | Self::InProcess { .. }
            | Self::Process(_)
            | Self::Done(_) => false,
        }
    }
}

impl Replay {
    /// Reads a journal without opening it to go on; a missing one says nothing.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        match fs::read(path) {
            Ok(text) => Ok(Self::read(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Whether nothing is left to do, as far as it can be read.
    pub(crate) const fn is_finished(&self) -> bool {
        self.outstanding.is_empty() && self.damage.is_empty()
    }

    fn read(text: &[u8]) -> Self {
        let mut replay = Self::default();
        let whole = text.iter().rposition(|&byte| byte == b'\n').unwrap_or_default();
        for (index, line) in text[..whole].split(|&byte| byte == b'\n').enumerate() {
            match serde_json::from_slice(line) {
                Ok(line) => replay.take(line),
                Err(_) if line.is_empty() => {}
                Err(error) => replay.damage.push(Damage {
                    line: index + 1,
                    problem: error.to_string(),
                }),
            }
        }
        replay
    }

    fn take(&mut self, Line { seq, at, record }: Line) {
        let entry = self.outstanding.iter_mut().find(|entry| entry.seq == seq);
        match (record, entry) {
            (Record::Begin(begin), _) => {
                self.at = Some(at);
                self.begin = Some(begin);
            }
            (
                Record::Push {
                    name,
                    deed,
                    needs,
                    leased,
                },
                _,
            ) => {
                self.outstanding.push(Outstanding {
                    seq,
                    name,
                    deed,
                    needs,
                    leased,
                    process: None,
                    kept: false,
                });
            }
            (Record::Process(identity), Some(entry)) => entry.process = Some(identity),
            (Record::Kept(kept), Some(entry)) => entry.kept = kept,
            (Record::Done(Outcome::Ok), Some(_)) => self.outstanding.retain(|entry| entry.seq != seq),
            (Record::InProcess { .. } | Record::Done(_) | Record::Process(_) | Record::Kept(_), _) => {}
        }
    }
}

#[cfg(test)]
mod tests;
