//! What a run stands on once it is up, and whether somebody has taken it away: a step that takes long is not waited for then.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::environment::Missing;
use crate::explain::Explain;
use crate::wait::{self, Pace, Probe};

/// What looks. A question that could not be answered is no loss.
type Look = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<Missing>> + Send>> + Send + Sync>;

/// When it is looked during a step. Most are over long before.
#[derive(Debug, Clone, Copy)]
struct Watch {
    patience: Duration,
    pace: Pace,
}

const WATCH: Watch = Watch {
    patience: Duration::from_secs(3),
    pace: Pace {
        first: Duration::from_secs(1),
        longest: Duration::from_secs(1),
    },
};

/// It was taken away.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.fact)]
pub(super) struct Lost(Missing);

impl Explain for Lost {
    fn hint(&self) -> Option<String> {
        Some(self.0.cure.clone())
    }
}

/// What the steps of a run stand on.
pub(super) struct Ground {
    look: OnceLock<Look>,
    watch: Watch,
}

impl Default for Ground {
    fn default() -> Self {
        Self {
            look: OnceLock::new(),
            watch: WATCH,
        }
    }
}

impl fmt::Debug for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ground").finish_non_exhaustive()
    }
}

impl Ground {
    /// From now on, this looks. The first one stays.
    pub(super) fn set<F>(&self, look: impl Fn() -> F + Send + Sync + 'static)
    where
        F: Future<Output = Option<Missing>> + Send + 'static,
    {
        let _ = self.look.set(Box::new(move || Box::pin(look())));
    }

    /// Ends when the ground is lost, and else never. `deadline` is that of the step, which ends by itself then.
    pub(super) async fn lost(&self, deadline: &Deadline) -> Lost {
        if let Some(look) = self.look.get() {
            Deadline::after(self.watch.patience).ended().await;
            let pace = self.watch.pace;
            let looking = wait::until_paced(deadline, "the loss of the ground", pace, || async {
                look().await.map_or_else(
                    || Probe::<_, std::convert::Infallible>::not_yet("it is there"),
                    Probe::Ready,
                )
            });
            // What the step waits for is not what is looked for here.
            if let Ok(missing) = wait::remembering(looking).await {
                return Lost(missing);
            }
        }
        std::future::pending().await
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// A ground that is looked at all the time.
    fn soon() -> Ground {
        const SOON: Duration = Duration::from_millis(1);
        let watch = Watch {
            patience: SOON,
            pace: Pace {
                first: SOON,
                longest: SOON,
            },
        };
        Ground {
            look: OnceLock::new(),
            watch,
        }
    }

    pub(in crate::run) fn gone() -> Missing {
        Missing {
            fact: "the cluster was deleted".into(),
            cure: "run again".into(),
        }
    }

    /// A ground that is lost at this look, and how often it was looked.
    pub(in crate::run) fn lost_at(look: u32) -> (Ground, Arc<AtomicU32>) {
        let (ground, looks) = (soon(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&looks);
        ground.set(move || {
            let now = counted.fetch_add(1, Ordering::Relaxed) + 1;
            std::future::ready((now == look).then(gone))
        });
        (ground, looks)
    }

    #[tokio::test]
    async fn it_is_looked_again_until_it_is_lost() {
        let (ground, looks) = lost_at(3);
        let deadline = Deadline::after(Duration::from_secs(60));
        assert_eq!(ground.lost(&deadline).await.0, gone());
        assert_eq!(looks.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn nothing_is_lost_that_was_there_until_the_deadline_nor_where_nobody_looks() {
        let (ground, looks) = lost_at(u32::MAX);
        let nobody = soon();
        let deadline = Deadline::after(Duration::from_millis(50));
        let later = Deadline::after(Duration::from_millis(100));
        tokio::select! {
            biased;
            missing = ground.lost(&deadline) => panic!("{missing:?}"),
            missing = nobody.lost(&deadline) => panic!("{missing:?}"),
            _ = later.ended() => {}
        }
        assert!(looks.load(Ordering::Relaxed) > 1);
    }
}
