//! Signals, normalised: the first one asks to stop, the second skips grace, the third leaves.

use std::io;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
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
    /// Catches SIGINT, SIGTERM and SIGHUP from now on. Arm before the first side effect; needs a running runtime.
    ///
    /// # Errors
    /// The operating system refused a handler.
    pub fn arm() -> io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let shared = Arc::new(Shared::default());
        let listening = Arc::clone(&shared);
        let listener = tokio::spawn(async move {
            loop {
                let received = tokio::select! {
                    received = interrupt.recv() => received,
                    received = terminate.recv() => received,
                    received = hangup.recv() => received,
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
