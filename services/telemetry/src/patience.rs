//! How long a caller says that it will wait: `Prefer: wait=30` (RFC 7240, section 4.3). A person at a breakpoint needs more
//! than the seconds that are right for everybody else; who knows that nobody will answer needs less.

use std::time::Duration;

use http::HeaderMap;

use crate::names::PREFER;

/// The longest wait that is granted.
pub const LONGEST: Duration = Duration::from_secs(600);
/// The shortest, and what `wait=0` means: in no time at all nothing can be answered, and this is several times what is usual.
pub const SHORTEST: Duration = Duration::from_millis(400);

/// How long the caller of a request will wait for its answer, between [`SHORTEST`] and [`LONGEST`]; `None` when it does not say.
/// What is no such preference is passed over, as the RFC wants it.
#[must_use]
pub fn patience(headers: &HeaderMap) -> Option<Duration> {
    let lists = headers.get_all(PREFER).into_iter();
    let preferences = lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','));
    // Of several the first counts (section 2).
    let mut seconds = preferences.filter_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case("wait")).then(|| value.parse::<u64>().ok())?
    });
    seconds
        .next()
        .map(|seconds| Duration::from_secs(seconds).clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;
    use rstest::rstest;

    #[rstest]
    #[case("wait=30", Some(30_000))]
    #[case("respond-async, Wait = \"10\"; strict", Some(10_000))]
    #[case("wait=5, wait=7", Some(5_000))]
    #[case("wait=99999999", Some(600_000))]
    #[case("wait=1", Some(1_000))]
    #[case("wait=0", Some(400))]
    #[case("wait=soon", None)]
    #[case("wait=-1", None)]
    #[case("wait", None)]
    #[case("return=minimal", None)]
    #[case("", None)]
    fn a_caller_says_how_long_it_will_wait(#[case] header: &str, #[case] milliseconds: Option<u64>) {
        let headers = [(HeaderName::from_static(PREFER), header.parse().unwrap())]
            .into_iter()
            .collect();
        assert_eq!(patience(&headers), milliseconds.map(Duration::from_millis));
    }

    #[test]
    fn who_says_nothing_has_no_preference() {
        assert_eq!(patience(&HeaderMap::new()), None);
    }
}
