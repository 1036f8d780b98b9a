//! The data-plane proof: who really answers a request that goes through the cluster.
//!
//! An intercept is active when nonces sent through the storefront, on fresh connections, are answered by the process
//! whose pid we started; it is gone when another process inside the cluster answers again. No status line is believed.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::{join_all, try_join_all};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde::{Deserialize, Serialize};
use testbed::wait::{self, Probe};
use testbed::{Deadline, EnvironmentName, Tell, Whoami};
use tokio_util::sync::CancellationToken;
use trace::{Site, names};

use crate::random;
use testbed::explain::chain;

/// Answers that make a proof: one could come from a request that was already under way.
const ANSWERS: usize = 3;
/// The same behind a Service. While one of two pods is on its way out, half of the requests still go there: that all of these
/// miss it happens once in 256 times.
const ANSWERS_OF_PODS: usize = 8;
/// The same when it is the end of a former pod that is to be shown: nothing after it would notice. Once in 65,536 times.
const ANSWERS_OF_NEW_PODS: usize = 16;
/// No single probe may block the loop: a request that leaks to a dead pod never comes back.
pub(crate) const PROBE_LIMIT: Duration = Duration::from_secs(2);
/// For how long an attempt at a proof may be silent before another one joins it. A busy machine answers within a tenth of a second.
const SILENCE: Duration = Duration::from_millis(250);

/// Asks a process who it is.
///
/// # Errors
/// When it can't be reached within two seconds or does not answer as a service of ours.
pub async fn whoami(client: &reqwest::Client, base_url: &str) -> Result<Whoami, String> {
    ask(client, base_url, Tell::Now).await
}

/// As [`whoami`], of a process that may take its time until its spans are delivered.
///
/// # Errors
/// As [`whoami`]; a process that takes its time has so much longer.
pub async fn ask(client: &reqwest::Client, base_url: &str, tell: Tell) -> Result<Whoami, String> {
    let mut question = client
        .get(format!("{base_url}/whoami"))
        .timeout(PROBE_LIMIT + tell.patience());
    if let Some((name, value)) = tell.header() {
        question = question.header(name, value);
    }
    let response = question.send().await.map_err(|error| chain(&error))?;
    response
        .error_for_status()
        .map_err(|error| chain(&error))?
        .json()
        .await
        .map_err(|error| chain(&error))
}

#[derive(Debug, Deserialize)]
struct Route {
    nonce: String,
    hops: Vec<Whoami>,
}

/// Who should answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answerer {
    /// The process that we started on the workstation.
    Workstation {
        /// Its pid.
        pid: u32,
    },
    /// One of the processes on the workstation that were seen to listen where the intercept leads.
    OneOf {
        /// Their pids.
        pids: BTreeSet<u32>,
    },
    /// A process inside the cluster.
    Cluster,
    /// One of these processes inside the cluster, and no other.
    Instances {
        /// Their `service.instance.id`s.
        ids: BTreeSet<String>,
    },
}

impl Answerer {
    /// Whether it is this process that says so.
    #[must_use]
    pub fn matches(&self, whoami: &Whoami) -> bool {
        match self {
            Self::Workstation { pid } => whoami.site == Some(Site::Workstation) && whoami.pid == *pid,
            Self::OneOf { pids } => whoami.site == Some(Site::Workstation) && pids.contains(&whoami.pid),
            Self::Cluster => whoami.site == Some(Site::Cluster),
            Self::Instances { ids } => {
                whoami.site == Some(Site::Cluster) && ids.contains(&whoami.instance_id)
            }
        }
    }
}

impl std::fmt::Display for Answerer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Workstation { pid } => write!(f, "the workstation's process, pid {pid}"),
            Self::OneOf { pids } => {
                let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
                write!(f, "the workstation's process, pid {}", pids.join(" or "))
            }
            Self::Cluster => f.write_str("a process inside the cluster"),
            Self::Instances { ids } if ids.len() == 1 => f.write_str("the one process inside the cluster"),
            Self::Instances { ids } => write!(f, "one of {} processes inside the cluster", ids.len()),
        }
    }
}

/// A proof that was given: what convinced us.
#[derive(Debug, Clone, Serialize)]
pub struct Proof {
    /// What was to be shown.
    pub claim: String,
    /// Who answered.
    pub answered_by: String,
    /// The nonces.
    pub nonces: Vec<String>,
}

/// What callers saw while something went on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Callers {
    /// Requests that were sent, one after the other.
    pub asked: usize,
    /// Those that had no answer: refused, broken off, or silence for two seconds.
    pub unanswered: usize,
}

/// Sends nonces through the storefront.
#[derive(Debug, Clone)]
pub struct Prover {
    client: reqwest::Client,
    storefront: String,
    answers: usize,
    limit: Duration,
}

impl Prover {
    /// A prover that goes through the storefront at this base URL, in such an environment.
    ///
    /// # Errors
    /// When the HTTP client can't be made.
    pub fn new(storefront: &str, environment: EnvironmentName) -> Result<Self, reqwest::Error> {
        // A connection from before a switch may stay with the old answerer: every nonce gets a fresh one.
        let client = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .no_proxy()
            .build()?;
        Ok(Self {
            client,
            storefront: storefront.to_owned(),
            answers: match environment {
                EnvironmentName::Embedded | EnvironmentName::Containers => ANSWERS,
                EnvironmentName::Kind | EnvironmentName::Context => ANSWERS_OF_PODS,
            },
            limit: PROBE_LIMIT,
        })
    }

    /// The same that waits no longer than this for an answer: where none is expected.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self {
            limit: limit.min(PROBE_LIMIT),
            ..self.clone()
        }
    }

    /// The same that asks as few times as where there are no pods: when only the process behind an intercept is another one.
    #[must_use]
    pub fn of_one_process(&self) -> Self {
        Self {
            answers: ANSWERS,
            ..self.clone()
        }
    }

    /// Waits until several nonces, all of them, are answered by who should answer; the second value is one who did.
    ///
    /// # Errors
    /// The deadline, with who answered last.
    pub async fn prove(
        &self,
        deadline: &Deadline,
        expected: &Answerer,
        debug_header: Option<&str>,
    ) -> Result<(Proof, Whoami), wait::WaitError> {
        let claim = match debug_header {
            Some(value) => format!(
                "requests with {}: {value} are answered by {expected}",
                names::DEBUG_HEADER
            ),
            None => format!("requests are answered by {expected}"),
        };
        let (who, nonces) = until_proven(deadline, &claim, || self.answers(expected, debug_header)).await?;
        let proof = Proof {
            claim,
            answered_by: who.describe(),
            nonces,
        };
        Ok((proof, who))
    }

    /// Sends several nonces, all of which must be answered by who should answer. Where they are many, one goes first: mostly it shows
    /// already that it is too soon.
    pub(crate) async fn answers(
        &self,
        expected: &Answerer,
        debug_header: Option<&str>,
    ) -> Probe<(Whoami, Vec<String>)> {
        let ask = || async {
            let nonce = random::nonce();
            let hop = self.ask(&nonce, debug_header).await?;
            if expected.matches(&hop) {
                Ok((nonce, hop))
            } else {
                Err(format!("nonce {nonce} was answered by {}", hop.describe()))
            }
        };
        let all = async {
            let all = match expected {
                Answerer::Instances { .. } => ANSWERS_OF_NEW_PODS,
                _ => self.answers,
            };
            let mut answers = Vec::with_capacity(all);
            if all > ANSWERS {
                answers.push(ask().await?);
            }
            let others = (answers.len()..all).map(|_| ask());
            answers.extend(try_join_all(others).await?);
            Ok::<_, String>(answers)
        };
        match all.await {
            Err(reason) => Probe::NotYet(reason),
            Ok(answers) => {
                let who = answers[0].1.clone();
                Probe::Ready((who, answers.into_iter().map(|(nonce, _)| nonce).collect()))
            }
        }
    }

    /// Sends several nonces at once, none of which may be answered: one alone could have gone to somebody who is on the way out.
    pub(crate) async fn nobody(&self) -> Probe<()> {
        let asked = (0..self.answers).map(|_| async { self.ask(&random::nonce(), None).await });
        let answered = join_all(asked).await.into_iter().find_map(Result::ok);
        answered.map_or(Probe::Ready(()), |hop| {
            Probe::NotYet(format!("{} answered", hop.describe()))
        })
    }

    /// Who answers a single request, and whether it is who should.
    ///
    /// # Errors
    /// Nobody answers, or somebody else.
    pub async fn answered_by(
        &self,
        expected: &Answerer,
        debug_header: Option<&str>,
    ) -> Result<Whoami, String> {
        let hop = self.ask(&random::nonce(), debug_header).await?;
        if expected.matches(&hop) {
            Ok(hop)
        } else {
            Err(format!("answered by {}", hop.describe()))
        }
    }

    /// Sends nonces, one after the other, until `stop` is cancelled: what callers see meanwhile.
    ///
    /// # Errors
    /// The deadline.
    pub async fn watch(
        &self,
        deadline: &Deadline,
        stop: &CancellationToken,
    ) -> Result<Callers, wait::WaitError> {
        let (asked, unanswered) = (Cell::new(0), Cell::new(0));
        wait::until(deadline, "callers", || async {
            let nonce = random::nonce();
            match stop.run_until_cancelled(self.ask(&nonce, None)).await {
                None => return Probe::<(), Infallible>::Ready(()),
                Some(answer) => {
                    asked.set(asked.get() + 1);
                    unanswered.set(unanswered.get() + usize::from(answer.is_err()));
                }
            }
            Probe::not_yet("it goes on")
        })
        .await?;
        Ok(Callers {
            asked: asked.get(),
            unanswered: unanswered.get(),
        })
    }

    /// Sends one nonce through the storefront and returns who answered for order-service.
    async fn ask(&self, nonce: &str, debug_header: Option<&str>) -> Result<Whoami, String> {
        let mut request = self
            .client
            .get(format!("{}/route", self.storefront))
            .timeout(self.limit)
            .query(&[("nonce", nonce)]);
        if let Some(value) = debug_header {
            request = request.header(names::DEBUG_HEADER, value);
        }
        let response = request.send().await.map_err(|error| chain(&error))?;
        let status = response.status();
        let body = response.text().await.map_err(|error| chain(&error))?;
        if !status.is_success() {
            return Err(format!("storefront answered {status}: {body}"));
        }
        let route: Route = serde_json::from_str(&body).map_err(|error| format!("{error} in {body}"))?;
        let hop = route.hops.into_iter().next_back().ok_or("no hop in the answer")?;
        // An answer that does not carry our nonce back was made by somebody else, for somebody else.
        if route.nonce != nonce || hop.nonce.as_deref() != Some(nonce) {
            return Err(format!("nonce {nonce} did not come back"));
        }
        Ok(hop)
    }
}

/// Waits until an attempt at a proof succeeds. While traffic moves, a request may be led to somebody who is gone and never be
/// answered, where the next one would be at once: an attempt that is silent is joined by another one, and the first of them that
/// comes to an end counts.
///
/// # Errors
/// The deadline, with what the last attempt said.
pub(crate) async fn until_proven<T, F>(
    deadline: &Deadline,
    claim: &str,
    attempt: impl Fn() -> F,
) -> Result<T, wait::WaitError>
where
    F: Future<Output = Probe<T>>,
{
    let attempt = &attempt;
    wait::until(deadline, claim, || async move {
        let mut running = FuturesUnordered::new();
        loop {
            running.push(attempt());
            if let Ok(Some(said)) = Deadline::after(SILENCE).bound(running.next()).await {
                return said;
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests;
