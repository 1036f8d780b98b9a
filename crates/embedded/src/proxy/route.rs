//! Where requests go: the pod, or the workstation for those that an intercept takes.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use testbed::{Disturbance, Selection};

use super::error::ProxyError;
use super::target::Target;

/// All that decides over a request. Replaced as a whole or in one step, so that a request sees one state.
#[derive(Debug, Default)]
pub(super) struct Routes {
    pub(super) pod: Option<Arc<Target>>,
    pub(super) intercept: Option<Intercept>,
    pub(super) disturbance: Option<Disturbance>,
}

/// An active intercept.
#[derive(Debug)]
pub(super) struct Intercept {
    pub(super) rule: Rule,
    pub(super) target: Arc<Target>,
}

/// What was decided for a request.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) target: Arc<Target>,
    pub(super) intercepted: bool,
    /// Only ever there for an intercepted request.
    pub(super) disturbance: Option<Disturbance>,
}

impl Routes {
    /// Decides for a request; `None` when it goes to the pod and there is none.
    pub(super) fn choose(&self, fields: &HeaderMap) -> Option<Chosen> {
        if let Some(Intercept { rule, target }) = &self.intercept
            && rule.takes(fields)
        {
            return Some(Chosen {
                target: target.clone(),
                intercepted: true,
                disturbance: self.disturbance,
            });
        }
        self.pod.as_ref().map(|target| Chosen {
            target: target.clone(),
            intercepted: false,
            disturbance: None,
        })
    }
}

/// A selection in the form in which requests are compared with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rule {
    All,
    Header(HeaderName, HeaderValue),
}

impl Rule {
    /// Whether a request with these fields is intercepted. Of several fields of the same name one is enough.
    fn takes(&self, fields: &HeaderMap) -> bool {
        match self {
            Self::All => true,
            Self::Header(name, value) => fields.get_all(name).iter().any(|found| found == value),
        }
    }
}

impl TryFrom<&Selection> for Rule {
    type Error = ProxyError;

    fn try_from(selection: &Selection) -> Result<Self, ProxyError> {
        let Selection::Header { name, value } = selection else {
            return Ok(Self::All);
        };
        let unmatchable = |reason| ProxyError::Selection {
            name: name.clone(),
            value: value.clone(),
            reason,
        };
        if value.trim_matches([' ', '\t']) != value {
            return Err(unmatchable("white space around a value is no part of it in HTTP"));
        }
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| unmatchable("the name is no HTTP field name"))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| unmatchable("the value has characters other than visible ASCII, space and tab"))?;
        Ok(Self::Header(header, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(name: &str, value: &str) -> Result<Rule, ProxyError> {
        Rule::try_from(&Selection::Header {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }

    fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn compares_names_without_case_and_values_exactly() {
        let rule = rule("X-Debug", "me").unwrap();
        assert!(rule.takes(&fields(&[("x-DEBUG", "me")])));
        for other in [
            &[][..],
            &[("x-debug", "ME")],
            &[("x-debug", "me2")],
            &[("x-debug", "you")],
            &[("x-debugger", "me")],
        ] {
            assert!(!rule.takes(&fields(other)), "{other:?}");
        }
    }

    #[test]
    fn takes_a_request_in_which_one_of_several_fields_matches() {
        let rule = rule("x-debug", "me").unwrap();
        let mut twice = fields(&[("x-debug", "you")]);
        twice.append("x-debug", HeaderValue::from_static("me"));
        assert!(rule.takes(&twice));
    }

    #[test]
    fn refuses_a_selection_that_nothing_can_match() {
        for (name, value) in [
            ("", "me"),
            ("x debug", "me"),
            ("x-debug", " me"),
            ("x-debug", "me\t"),
            ("x-debug", "m\ne"),
        ] {
            let error = rule(name, value).unwrap_err();
            assert!(
                matches!(error, ProxyError::Selection { .. }),
                "{name:?} {value:?}: {error}"
            );
        }
    }
}
