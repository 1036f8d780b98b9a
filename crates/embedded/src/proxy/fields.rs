//! Header fields that belong to one connection and must not travel further.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};

static KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
static PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Removes what RFC 9110, section 7.6.1 forbids an intermediary to pass on: the fields that `Connection` names, and
/// those known to be about the connection even when it does not name them. A length beside a transfer coding goes too:
/// it doesn't count, and a next server that believed it would cut the message elsewhere (RFC 9112, section 6.3).
pub(super) fn strip_hop_by_hop(fields: &mut HeaderMap) {
    if fields.contains_key(TRANSFER_ENCODING) {
        fields.remove(CONTENT_LENGTH);
    }
    if fields.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = options(fields)
            .filter_map(|option| HeaderName::from_bytes(option.as_bytes()).ok())
            .collect();
        for name in named {
            fields.remove(name);
        }
        fields.remove(CONNECTION);
    }
    for name in [&KEEP_ALIVE, &PROXY_CONNECTION, &TE, &TRANSFER_ENCODING, &UPGRADE] {
        fields.remove(name);
    }
}

/// What a request asks of the next connection although it is hop-by-hop: renewed for the target.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Renewed {
    /// The caller understands trailers (`TE: trailers`), without which gRPC servers refuse.
    trailers: bool,
    /// The body comes in chunks, so its length is not known.
    chunked: bool,
    /// The protocol that the caller wants to switch to.
    upgrade: Option<HeaderValue>,
}

impl Renewed {
    /// Reads it from a request before [`strip_hop_by_hop`].
    pub(super) fn of(fields: &HeaderMap, version: Version) -> Self {
        let listed = |name: &HeaderName, token: &str| {
            let values = fields
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|part| {
                part.split(';')
                    .next()
                    .unwrap_or_default()
                    .trim()
                    .eq_ignore_ascii_case(token)
            })
        };
        // RFC 9110, section 7.8: Upgrade counts only in HTTP/1.1 and only when Connection says so. A switch to h2c
        // is declined: RFC 9113 has done away with it, and inside it requests could no longer be told apart.
        let wants_upgrade = version == Version::HTTP_11
            && options(fields).any(|option| option.eq_ignore_ascii_case("upgrade"))
            && !listed(&UPGRADE, "h2c");
        Self {
            trailers: fields.contains_key(TE) && listed(&TE, "trailers"),
            chunked: fields.contains_key(TRANSFER_ENCODING),
            upgrade: fields.get(UPGRADE).filter(|_| wants_upgrade).cloned(),
        }
    }

    /// Whether the caller asked for another protocol.
    pub(super) fn upgrade(&self) -> bool {
        self.upgrade.is_some()
    }

    /// Writes it into a request to the target.
    pub(super) fn apply(self, fields: &mut HeaderMap, version: Version) {
        let http1 = version != Version::HTTP_2;
        if self.trailers {
            fields.insert(TE, HeaderValue::from_static("trailers"));
            if http1 {
                fields.append(CONNECTION, HeaderValue::from_static("te"));
            }
        }
        if self.chunked && http1 {
            // Said explicitly, because hyper takes a GET without a length for one without a body.
            fields.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        if let Some(protocol) = self.upgrade {
            fields.append(CONNECTION, HeaderValue::from_static("upgrade"));
            fields.insert(UPGRADE, protocol);
        }
    }
}

/// The form of the request target that the next server expects, and `Host` in agreement with it.
///
/// HTTP/1.1 targets get the origin form; the authority of an absolute form replaces `Host` (RFC 9112, section 3.2.2).
/// HTTP/2 targets get the `:authority` of the caller (RFC 9113, section 8.3.1).
pub(super) fn retarget(uri: &mut Uri, fields: &mut HeaderMap, version: Version, fallback: &Authority) {
    if version == Version::HTTP_2 {
        if uri.authority().is_none() || uri.scheme().is_none() {
            let host = fields
                .get(HOST)
                .and_then(|host| Authority::try_from(host.as_bytes()).ok());
            let mut parts = std::mem::take(uri).into_parts();
            parts.scheme.get_or_insert(Scheme::HTTP);
            parts
                .authority
                .get_or_insert_with(|| host.unwrap_or_else(|| fallback.clone()));
            parts.path_and_query.get_or_insert_with(root);
            *uri = Uri::from_parts(parts).unwrap_or_default();
        }
        return;
    }
    if let Some(authority) = uri.authority() {
        if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
            fields.insert(HOST, host);
        }
        *uri = Uri::from(uri.path_and_query().cloned().unwrap_or_else(root));
    }
}

fn root() -> PathAndQuery {
    PathAndQuery::from_static("/")
}

/// The connection options, one by one.
fn options(fields: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = fields
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|option| !option.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn removes_the_fields_of_the_connection_and_those_it_names() {
        let mut found = fields(&[
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("traceparent", "00-1"),
            ("trailer", "grpc-status"),
            ("proxy-authorization", "Basic eDp5"),
        ]);
        strip_hop_by_hop(&mut found);
        let mut left: Vec<_> = found.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["proxy-authorization", "traceparent", "trailer"]);
    }

    #[test]
    fn renews_what_the_next_connection_needs() {
        let asked = fields(&[
            ("te", "gzip;q=0.5, Trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "4"),
        ]);
        let renewed = Renewed::of(&asked, Version::HTTP_11);
        let mut sent = asked;
        strip_hop_by_hop(&mut sent);
        renewed.apply(&mut sent, Version::HTTP_11);
        let wanted = fields(&[
            ("te", "trailers"),
            ("connection", "te"),
            ("transfer-encoding", "chunked"),
        ]);
        assert_eq!(sent, wanted);
    }

    #[test]
    fn asks_an_http2_target_for_trailers_without_connection_fields() {
        let renewed = Renewed::of(&fields(&[("te", "trailers")]), Version::HTTP_2);
        let mut sent = HeaderMap::new();
        renewed.apply(&mut sent, Version::HTTP_2);
        assert_eq!(sent, fields(&[("te", "trailers")]));
    }

    #[test]
    fn renews_an_upgrade_only_when_the_connection_asks_for_it() {
        let upgrade = |connection, protocol, version| {
            Renewed::of(
                &fields(&[("connection", connection), ("upgrade", protocol)]),
                version,
            )
            .upgrade()
        };
        assert!(upgrade("keep-alive, Upgrade", "websocket", Version::HTTP_11));
        assert!(!upgrade("keep-alive", "websocket", Version::HTTP_11));
        assert!(!upgrade("upgrade", "websocket", Version::HTTP_10));
        assert!(!upgrade("upgrade, http2-settings", "h2c", Version::HTTP_11));
    }

    #[test]
    fn gives_an_http1_target_the_origin_form_and_the_authority_as_host() {
        let mut uri = Uri::from_static("http://shop.example:81/a?b=c");
        let mut found = fields(&[("host", "other")]);
        retarget(
            &mut uri,
            &mut found,
            Version::HTTP_11,
            &Authority::from_static("127.0.0.1:1"),
        );
        assert_eq!(uri.to_string(), "/a?b=c");
        assert_eq!(found, fields(&[("host", "shop.example:81")]));
    }

    #[test]
    fn leaves_a_plain_request_target_and_its_host_alone() {
        for target in ["/a?b=c", "*"] {
            let mut uri: Uri = target.parse().unwrap();
            let mut found = fields(&[("host", "shop.example")]);
            retarget(
                &mut uri,
                &mut found,
                Version::HTTP_11,
                &Authority::from_static("127.0.0.1:1"),
            );
            assert_eq!(uri.to_string(), target);
            assert_eq!(found, fields(&[("host", "shop.example")]));
        }
    }

    #[test]
    fn keeps_the_authority_of_an_http2_request_or_takes_it_from_host() {
        let fallback = Authority::from_static("127.0.0.1:1");
        let after = |uri: &str, pairs: &[(&str, &str)]| {
            let mut uri: Uri = uri.parse().unwrap();
            retarget(&mut uri, &mut fields(pairs), Version::HTTP_2, &fallback);
            uri.to_string()
        };
        assert_eq!(
            after("http://shop.example/a", &[("host", "other")]),
            "http://shop.example/a"
        );
        assert_eq!(after("/a", &[("host", "other")]), "http://other/a");
        assert_eq!(after("/a", &[]), "http://127.0.0.1:1/a");
    }

    proptest! {
        /// Whatever a caller sends: what belongs to its connection stays there, and everything else travels, in order.
        #[test]
        fn passes_on_exactly_what_is_not_about_the_connection(
            pairs in prop::collection::vec(("[a-c]|connection|keep-alive|te|upgrade|transfer-encoding", "[a-c, ]{0,4}"), 0..8),
        ) {
            let named: Vec<_> = pairs
                .iter()
                .filter(|(name, _)| name == "connection")
                .flat_map(|(_, value)| value.split(',').map(str::trim))
                .collect();
            let about_the_connection = |name: &str| name.len() > 1 || named.contains(&name);
            let mut found = HeaderMap::new();
            let mut wanted = HeaderMap::new();
            for (name, value) in &pairs {
                let (field, value) = (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
                if !about_the_connection(name) {
                    wanted.append(field.clone(), value.clone());
                }
                found.append(field, value);
            }
            Renewed::of(&found, Version::HTTP_11);
            strip_hop_by_hop(&mut found);
            prop_assert_eq!(found, wanted);
        }
    }
}
