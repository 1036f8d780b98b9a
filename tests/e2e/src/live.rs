//! Requests as they come: whoever sent them, they are found through Jaeger's API, and told once their trace is quiet.

mod request;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use jaeger_api::{JaegerClient, JaegerError, SearchQuery};
use testbed::event::Event;
use testbed::wait::{self, Pace, Probe};
use testbed::{Accountant, Deadline, Run, Tell, WaitError};
use tokio::sync::{Mutex, watch};
use trace::{ExportAccount, RequestId, Site, SpanId, Trace, TraceId, UnixNanos, names};

use crate::accounts;
use crate::bed::Bed;
use crate::scenario::topology::{INVENTORY, ORDER, STOREFRONT};
use crate::wall_clock;
pub use request::Followed;

/// An ordinary look goes back this far: longer than any request takes that nobody holds at a breakpoint.
const NEAR: Duration = Duration::from_secs(30);
/// Now and then a look goes back further, for requests that were held for long.
const FAR: Duration = Duration::from_secs(3_600);
/// Every so many looks.
const FAR_EVERY: u64 = 30;
/// Traces of one look. More requests than that in half a minute can't be read by anybody.
const MOST: u32 = 100;
/// Traces that are remembered; the oldest are forgotten, and their time is over by then.
const REMEMBERED: usize = 10_000;
/// A trace in which nothing has changed for this long is told. Nobody's account is waited for: when more comes, it is told again.
const QUIET: Duration = Duration::from_millis(200);
/// Often enough that a line seems to come at once, seldom enough that looking costs little.
const PACE: Pace = Pace {
    first: Duration::from_millis(10),
    longest: Duration::from_millis(150),
};

/// Which requests are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All that went through the storefront.
    Storefront,
    /// Those that the process on the workstation took part in.
    Workstation,
}

/// Follows requests from now on.
pub struct Follower {
    jaeger: JaegerClient,
    http: reqwest::Client,
    scope: Scope,
    began: UnixNanos,
    accountant: Accountant,
    workstation: watch::Receiver<Option<String>>,
    seen: Mutex<Seen>,
    told: watch::Sender<Told>,
}

/// What was told so far.
#[derive(Debug, Default)]
pub struct Told {
    traces: BTreeSet<TraceId>,
    /// The last one.
    pub last: Option<Followed>,
}

impl Told {
    /// Whether this trace was told.
    #[must_use]
    pub fn has(&self, id: TraceId) -> bool {
        self.traces.contains(&id)
    }
}

/// What is known of each trace.
#[derive(Debug, Default)]
struct Seen {
    looks: u64,
    /// Whether it was said that Jaeger can't be asked.
    trouble: bool,
    /// Whether it was said that there is more than can be shown.
    flooded: bool,
    traces: HashMap<TraceId, Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    spans: usize,
    changed: Instant,
    /// How many spans it had when it was told.
    told: Option<usize>,
}

impl Follower {
    /// Follows requests of this environment that begin from now on. `workstation` is the base URL of the process there, as long as
    /// there is one: asked like those in the cluster when a trace is broken.
    #[must_use]
    pub fn new(bed: &Bed, scope: Scope, workstation: watch::Receiver<Option<String>>) -> Self {
        Self {
            jaeger: bed.jaeger.clone(),
            http: bed.http.clone(),
            scope,
            began: wall_clock::now(),
            accountant: bed.environment.accountant(),
            workstation,
            seen: Mutex::default(),
            told: watch::Sender::default(),
        }
    }

    /// What was told so far, as it grows.
    #[must_use]
    pub fn told(&self) -> watch::Receiver<Told> {
        self.told.subscribe()
    }

    /// Tells requests as they come, until the run is interrupted.
    pub async fn follow(&self, run: &Run) {
        let endless = run.deadline(Duration::MAX);
        while let Ok(requests) = self.next(run, &endless).await {
            for request in requests {
                run.events()
                    .emit(Event::RequestSeen(Box::new(request.seen(&self.jaeger))));
                self.told.send_modify(|told| {
                    told.traces.insert(request.trace().id());
                    told.last = Some(request);
                });
            }
        }
    }

    async fn next(&self, run: &Run, deadline: &Deadline) -> Result<Vec<Followed>, WaitError> {
        wait::until_paced(deadline, "a request", PACE, || async {
            match self.look(run).await {
                Ok(ripe) if ripe.is_empty() => Probe::<_>::not_yet("nothing new"),
                Ok(ripe) => Probe::Ready(ripe),
                Err(error) => {
                    let mut seen = self.seen.lock().await;
                    if !std::mem::replace(&mut seen.trouble, true) {
                        run.events()
                            .warn(format!("requests can't be followed: {error}"), error.hint());
                    }
                    Probe::not_yet(error.to_string())
                }
            }
        })
        .await
    }

    /// One look at everything that may be new: the traces that are quiet and were not told as they are now.
    async fn look(&self, run: &Run) -> Result<Vec<Followed>, JaegerError> {
        let mut seen = self.seen.lock().await;
        seen.looks += 1;
        let back = if seen.looks.is_multiple_of(FAR_EVERY) {
            FAR
        } else {
            NEAR
        };
        let found = self.jaeger.search(&self.query(back)).await?;
        if std::mem::take(&mut seen.trouble) {
            run.events().note("requests are followed again");
        }
        if found.len() >= MOST as usize && !std::mem::replace(&mut seen.flooded, true) {
            run.events().note(format!(
                "more than {MOST} requests in {} s: not all of them are shown",
                NEAR.as_secs()
            ));
        }
        let at = Instant::now();
        let ripe: Vec<(Trace, bool)> = found
            .into_iter()
            .filter_map(|trace| seen.ripe(trace, at))
            .collect();
        seen.forget();
        drop(seen);
        let mut requests = Vec::with_capacity(ripe.len());
        for (trace, again) in ripe {
            let (id, spans) = (trace.id(), spans_of(&trace));
            match self.complete(trace, again).await {
                Ok(request) => {
                    self.seen.lock().await.tell(id, spans);
                    requests.push(request);
                }
                // The next look finds it again; those before it are told now.
                Err(error) if requests.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        requests.sort_by_key(Followed::began);
        Ok(requests)
    }

    fn query(&self, back: Duration) -> SearchQuery {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let now = wall_clock::now().0;
        let start = UnixNanos(now.saturating_sub(nanos(back)).max(self.began.0));
        // A little ahead of us: another host's clock may be.
        let window = start..UnixNanos(now.saturating_add(nanos(NEAR)));
        match self.scope {
            Scope::Storefront => SearchQuery::new(STOREFRONT.into(), window),
            Scope::Workstation => SearchQuery::new(ORDER.into(), window)
                .tag(names::SERVICE_VERSION, names::LOCAL_DEBUG)
                .tag(names::SITE, Site::Workstation.as_str()),
        }
        .limit(MOST)
    }

    /// Adds what is found under other trace ids, and, when it is not one whole trace, what the processes say of their spans.
    async fn complete(&self, trace: Trace, again: bool) -> Result<Followed, JaegerError> {
        let request = trace.spans().iter().find_map(trace::Span::request_id);
        let strays = match &request {
            Some(request) => self.strays(request, trace.id()).await?,
            None => Vec::new(),
        };
        let followed = Followed::new(trace, strays, request, again);
        if followed.is_whole() {
            return Ok(followed);
        }
        Ok(followed.with_accounts(self.accounts().await))
    }

    async fn strays(&self, request: &RequestId, ours: TraceId) -> Result<Vec<Trace>, JaegerError> {
        let services = [STOREFRONT, ORDER, INVENTORY].map(Into::into);
        let window = crate::gather::window();
        let mut found = self.jaeger.traces_by_request(request, &services, window).await?;
        found.retain(|trace| trace.id() != ours);
        Ok(found)
    }

    async fn accounts(&self) -> Vec<ExportAccount> {
        let url = self.workstation.borrow().clone();
        accounts::ask(&self.accountant, &self.http, url.as_deref(), Tell::Now).await
    }
}

impl Seen {
    /// Takes notice of a trace; gives it back when it is to be told now, with whether that is a correction.
    fn ripe(&mut self, trace: Trace, now: Instant) -> Option<(Trace, bool)> {
        let spans = spans_of(&trace);
        let known = self.traces.entry(trace.id()).or_insert(Known {
            spans: 0,
            changed: now,
            told: None,
        });
        if known.spans != spans {
            known.spans = spans;
            known.changed = now;
        }
        if known.told == Some(known.spans) || now.saturating_duration_since(known.changed) < QUIET {
            return None;
        }
        let again = known.told.is_some();
        Some((trace, again))
    }

    /// Remembers that a trace of so many spans is told.
    fn tell(&mut self, id: TraceId, spans: usize) {
        if let Some(known) = self.traces.get_mut(&id) {
            known.told = Some(spans);
        }
    }

    fn forget(&mut self) {
        if self.traces.len() > REMEMBERED {
            let old = Instant::now().checked_sub(FAR);
            self.traces
                .retain(|_, known| old.is_none_or(|old| known.changed > old));
        }
    }
}

/// How many spans a trace has, those that came twice counted once.
fn spans_of(trace: &Trace) -> usize {
    let spans: BTreeSet<SpanId> = trace.spans().iter().map(|span| span.span_id).collect();
    spans.len()
}

#[cfg(test)]
mod tests {
    use trace::testing::Recording;

    use super::*;

    /// The walkthrough's trace, cut to its first spans.
    fn cut(spans: usize) -> Trace {
        let whole = Recording::checkout().evidence().trace.unwrap();
        Trace::new(whole.id(), whole.spans()[..spans].to_vec())
    }

    #[test]
    fn a_trace_is_told_once_it_is_quiet_and_again_when_more_of_it_comes() {
        let mut seen = Seen::default();
        let begun = Instant::now();
        let mut at = |spans, percent, told: bool| {
            let (trace, again) = seen.ripe(cut(spans), begun + QUIET * percent / 100)?;
            if told {
                seen.tell(trace.id(), spans_of(&trace));
            }
            Some(again)
        };
        assert_eq!(at(1, 0, true), None, "it has only come");
        assert_eq!(at(2, 90, true), None, "it still grows");
        assert_eq!(at(2, 180, true), None, "it grew less than the quiet time ago");
        assert_eq!(
            at(2, 190, false),
            Some(false),
            "and could not be told, since Jaeger did not answer"
        );
        assert_eq!(at(2, 195, true), Some(false));
        assert_eq!(at(2, 1_000, true), None, "it was told");
        assert_eq!(at(3, 2_000, true), None, "late spans");
        assert_eq!(at(3, 2_100, true), Some(true));
        assert_eq!(at(3, 9_000, true), None);
    }
}
