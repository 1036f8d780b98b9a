//! Signals, normalised: the first one asks to stop, the second skips grace, the third leaves.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How urgently the user wants the run to end. Levels only rise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nobody asked.
    #[default]
    Quiet,
    /// Stop what is going on and undo.
    Interrupted,
    /// Undo without grace periods.
    Hurry,
    /// Leave at once and say what is left.
    Leave,
}

impl Level {
    const fn raised(self) -> Self {
        match self {
            Self::Quiet => Self::Interrupted,
            Self::Interrupted => Self::Hurry,
            Self::Hurry | Self::Leave => Self::Leave,
        }
    }
}

/// The signals of this process, or of a test that plays them. Clones share one level.
#[derive(Debug, Clone)]
pub struct Signals {
    shared: Arc<Shared>,
    _listener: Option<Arc<Listener>>,
}

#[derive(Debug, Default)]
struct Shared {
    level: watch::Sender<Level>,
    interrupted: CancellationToken,
    hurry: CancellationToken,
    leave: CancellationToken,
}

#[derive(Debug)]
struct Listener(JoinHandle<()>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Signals {
    /// Catches SIGINT, SIGTERM and (unless it is ignored, as under `nohup`) SIGHUP from now on. Arm before the first side effect; needs a running runtime.
    ///
    /// # Errors
    /// The operating system refused a handler.
    pub fn arm() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        // Under nohup the run shall outlive its terminal; a handler of ours would undo that.
        let mut hangup = match is_ignored(SignalKind::hangup()) {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        let shared = Arc::new(Shared::default());
        let listening = Arc::clone(&shared);
        let listener = tokio::spawn(async move {
            loop {
                let received = tokio::select! {
                    received = interrupt.recv() => received,
                    received = terminate.recv() => received,
                    received = or_never(hangup.as_mut()) => received,
                };
                if received.is_none() {
                    return;
                }
                listening.raise();
            }
        });
        Ok(Self {
            shared,
            _listener: Some(Arc::new(Listener(listener))),
        })
    }

    /// Signals that only [`Signals::raise`] raises, for tests and for programs that trap signals themselves.
    #[must_use]
    pub fn manual() -> Self {
        Self {
            shared: Arc::new(Shared::default()),
            _listener: None,
        }
    }

    /// Raises the level by one, as a signal does.
    pub fn raise(&self) {
        self.shared.raise();
    }

    /// The level now.
    #[must_use]
    pub fn level(&self) -> Level {
        *self.shared.level.borrow()
    }

    /// The level as it rises.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Level> {
        self.shared.level.subscribe()
    }

    /// Cancelled by the first signal.
    #[must_use]
    pub fn interrupted(&self) -> CancellationToken {
        self.shared.interrupted.clone()
    }

    /// Cancelled by the second signal.
    #[must_use]
    pub fn hurry(&self) -> CancellationToken {
        self.shared.hurry.clone()
    }

    /// Cancelled by the third signal.
    #[must_use]
    pub fn leave(&self) -> CancellationToken {
        self.shared.leave.clone()
    }
}

async fn or_never(signal: Option<&mut Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether this process was started with a signal ignored. Only Linux tells without unsafe code.
fn is_ignored(signal: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default();
    mask & (1 << (signal.as_raw_value() - 1)) != 0
}

impl Shared {
    fn raise(&self) {
        self.level.send_modify(|level| *level = level.raised());
        let level = *self.level.borrow();
        if level >= Level::Interrupted {
            self.interrupted.cancel();
        }
        if level >= Level::Hurry {
            self.hurry.cancel();
        }
        if level >= Level::Leave {
            self.leave.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_raises_the_level_until_there_is_no_higher_one() {
        let signals = Signals::manual();
        let seen = |signals: &Signals| {
            let tokens = [signals.interrupted(), signals.hurry(), signals.leave()];
            (signals.level(), tokens.map(|token| token.is_cancelled()))
        };
        assert_eq!(seen(&signals), (Level::Quiet, [false, false, false]));
        signals.raise();
        assert_eq!(seen(&signals), (Level::Interrupted, [true, false, false]));
        signals.raise();
        assert_eq!(seen(&signals), (Level::Hurry, [true, true, false]));
        signals.raise();
        assert_eq!(seen(&signals), (Level::Leave, [true, true, true]));
        signals.raise();
        assert_eq!(signals.level(), Level::Leave);
    }

    #[tokio::test]
    async fn a_watcher_sees_the_level_rise() {
        let signals = Signals::manual();
        let mut levels = signals.watch();
        signals.clone().raise();
        levels.changed().await.unwrap();
        assert_eq!(*levels.borrow(), Level::Interrupted);
    }
}
