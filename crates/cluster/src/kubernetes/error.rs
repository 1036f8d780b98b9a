//! What the API server's refusals mean.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use testbed::wait::{self, Pace, Probe};
use testbed::{Deadline, Explain, WaitError};

use super::unavailable::RolloutError;

/// How long one request may take: the server answers in milliseconds, and in seconds while it starts.
pub(crate) const REQUEST: Duration = Duration::from_secs(10);

/// Looking at a server that starts: often enough to lose no time, seldom enough to leave it some.
const PACE: Pace = Pace {
    first: Duration::from_millis(20),
    longest: Duration::from_millis(100),
};

/// Why the API server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KubernetesError {
    /// The kubeconfig can't be used.
    #[error("the kubeconfig {path} can't be used: {reason}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The server refused a request.
    #[error("{what}: {message}")]
    Refused {
        /// What was asked for: an object with its file, or a pod.
        what: String,
        /// The server's words.
        message: String,
        /// Its short reason, `Forbidden`; may be empty.
        reason: String,
        /// The HTTP status.
        code: u16,
    },
    /// No answer: the connection failed or broke.
    #[error("{what}: the API server does not answer: {reason}")]
    Silent {
        /// What was asked for.
        what: String,
        /// Why, down to the operating system's words.
        reason: String,
    },
    /// An answer came, and it is none.
    #[error("{what}: the API server's answer can't be read: {reason}")]
    Odd {
        /// What was asked for.
        what: String,
        /// Why.
        reason: String,
    },
    /// Something did not come in time.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// Workloads did not become available.
    #[error(transparent)]
    Rollout(#[from] RolloutError),
}

impl Explain for KubernetesError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { reason, .. } if reason == "Forbidden" => Some(
                "this kubeconfig's user may not do that: ask for the right, or take another context".into(),
            ),
            Self::Refused { message, .. } if message.contains("field not declared in schema") => {
                Some("correct the file: the server lists every field that it does not know".into())
            }
            Self::Refused { reason, .. } if reason == "AlreadyExists" => Some(
                "somebody else made it meanwhile, so it is left alone: run again, or use another cluster"
                    .into(),
            ),
            Self::Wait(error) => error.hint(),
            Self::Rollout(error) => error.hint(),
            _ => None,
        }
    }
}

impl KubernetesError {
    /// Reads an error of the client library, whose own text repeats the whole answer.
    pub(crate) fn of(what: impl Into<String>, error: &kube::Error) -> Self {
        let what = what.into();
        match error {
            kube::Error::Api(status) => Self::Refused {
                what,
                message: status.message.clone(),
                reason: status.reason.clone(),
                code: status.code,
            },
            kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => Self::Odd {
                what,
                reason: causes(error),
            },
            _ => Self::Silent {
                what,
                reason: causes(error),
            },
        }
    }

    /// Whether the same request may succeed a moment later: the server starts, is busy, or was not reached.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Silent { .. } => true,
            // A field that the schema does not have is refused with 500 and stays wrong.
            Self::Refused {
                code: 500, message, ..
            } => !message.contains("failed to create typed patch object"),
            Self::Refused { code, .. } => matches!(code, 429 | 502..=504),
            _ => false,
        }
    }

    /// Whether the same request may succeed a moment later, also because its object, or the namespace of it, is yet to come.
    #[must_use]
    pub fn passes_or_is_absent(&self) -> bool {
        self.passes() || self.is_absent()
    }

    /// Whether the server says that there is such an object already.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self, Self::Refused { code: 409, reason, .. } if reason == "AlreadyExists")
    }

    /// Whether the server says that the object is not there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }
}

/// One request, at most as long as [`REQUEST`] and the deadline: a paused server accepts connections and says nothing.
pub(crate) async fn request<T>(
    what: &str,
    deadline: &Deadline,
    future: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, KubernetesError> {
    // The client's futures are big, and each layer around them would hold them twice.
    match deadline.within(REQUEST).bound(Box::pin(future)).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(KubernetesError::of(what, &error)),
        Err(_) => Err(KubernetesError::Silent {
            what: what.to_owned(),
            reason: "no answer in time".into(),
        }),
    }
}

/// Asks again as long as the server's refusal `passes`, and ends at once with one that stays. The client library's own
/// repetitions are off: fifteen of them with up to 1000 s in between would make every limit a lie.
pub(crate) async fn persist<T, F>(
    what: &str,
    deadline: &Deadline,
    passes: impl Fn(&KubernetesError) -> bool,
    mut ask: impl FnMut() -> F,
) -> Result<T, KubernetesError>
where
    F: Future<Output = Result<T, KubernetesError>>,
{
    let asked = wait::until_paced(deadline, what, PACE, || {
        let answer = ask();
        let passes = &passes;
        async move {
            match answer.await {
                Err(error) if passes(&error) => Probe::<_, Infallible>::NotYet(error.to_string()),
                answer => Probe::Ready(answer),
            }
        }
    });
    asked.await?
}

/// The innermost causes say what happened; the outermost only which layer noticed.
fn causes(error: &dyn std::error::Error) -> String {
    let mut causes = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        causes.push(error.to_string());
        next = error.source();
    }
    let innermost = causes.pop().unwrap_or_default();
    match causes.pop() {
        // A layer that only repeats its cause adds nothing.
        Some(outer) if !outer.contains(&innermost) => format!("{outer}: {innermost}"),
        _ => innermost,
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use rstest::rstest;

    use super::*;

    fn refused(code: u16, reason: &str, message: &str) -> KubernetesError {
        let status = Status {
            code,
            reason: reason.into(),
            message: message.into(),
            ..Status::default()
        };
        KubernetesError::of(
            "Service demo/storefront (50-storefront.yaml)",
            &kube::Error::Api(Box::new(status)),
        )
    }

    #[rstest]
    #[case(503, "ServiceUnavailable", "the server is starting", true)]
    #[case(500, "InternalError", "ServiceIP allocators are not ready", true)]
    #[case(429, "TooManyRequests", "", true)]
    #[case(
        500,
        "",
        "failed to create typed patch object (demo/x; apps/v1, Kind=Deployment): errors: .spec.replica: field not declared in schema",
        false
    )]
    #[case(403, "Forbidden", "pods is forbidden", false)]
    #[case(422, "Invalid", "port out of range", false)]
    #[case(404, "NotFound", "namespaces \"demo\" not found", false)]
    fn tells_what_passes_from_what_stays(
        #[case] code: u16,
        #[case] reason: &str,
        #[case] message: &str,
        #[case] passes: bool,
    ) {
        assert_eq!(refused(code, reason, message).passes(), passes);
    }

    #[test]
    fn names_the_object_and_the_server_s_words_once() {
        let error = refused(
            422,
            "Invalid",
            "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range",
        );
        assert_eq!(
            error.to_string(),
            "Service demo/storefront (50-storefront.yaml): spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range"
        );
    }

    #[test]
    fn shows_the_cause_that_the_library_hides() {
        let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "connection refused");
        let error = KubernetesError::of("namespaces", &kube::Error::Service(refused.into()));
        assert_eq!(
            error.to_string(),
            "namespaces: the API server does not answer: connection refused"
        );
        assert!(error.passes());
    }
}
