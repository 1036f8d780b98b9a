//! What becomes of a connection that was upgraded: bytes both ways until both sides have ended.

use std::sync::Arc;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::counters::{Counting, count};
use super::tasks::Tasks;

/// Connects the two sides as soon as both have switched. The end of one direction is passed on, the other goes on.
pub(super) fn start(tasks: &Tasks, counting: Arc<Counting>, caller: OnUpgrade, target: OnUpgrade) {
    tasks.spawn(async move {
        let sides: Result<(Upgraded, Upgraded), hyper::Error> = tokio::try_join!(caller, target);
        // When a side ended instead of switching, its peer sees its own connection end.
        if let Ok((caller, target)) = sides {
            count(&counting.tunnels);
            let _ = copy_bidirectional(&mut TokioIo::new(caller), &mut TokioIo::new(target)).await;
        }
    });
}
