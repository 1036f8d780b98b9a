//! What the OpenTelemetry semantic conventions for HTTP spans (stable since 1.23) say about names and values.

use std::net::SocketAddr;

use http::uri::Authority;
use http::{HeaderMap, Method, Uri, Version, header};
use opentelemetry::KeyValue;

/// Attribute names.
pub mod attribute {
    #![expect(
        missing_docs,
        reason = "each constant is the attribute of that name in the semantic conventions"
    )]
    pub const CLIENT_ADDRESS: &str = "client.address";
    pub const ERROR_TYPE: &str = "error.type";
    pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
    pub const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
    pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
    pub const HTTP_ROUTE: &str = "http.route";
    pub const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
    pub const NETWORK_PEER_PORT: &str = "network.peer.port";
    pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
    pub const SERVER_ADDRESS: &str = "server.address";
    pub const SERVER_PORT: &str = "server.port";
    pub const URL_FULL: &str = "url.full";
    pub const URL_PATH: &str = "url.path";
    pub const URL_QUERY: &str = "url.query";
    pub const URL_SCHEME: &str = "url.scheme";
    pub const URL_TEMPLATE: &str = "url.template";
    pub const USER_AGENT_ORIGINAL: &str = "user_agent.original";
}

/// Whether the conventions know this method: those of RFC 9110, and PATCH. Others are written as `_OTHER`, so that
/// nobody can fill a store with made-up methods.
fn known(method: &Method) -> bool {
    [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::HEAD,
        Method::OPTIONS,
        Method::PATCH,
        Method::TRACE,
        Method::CONNECT,
    ]
    .contains(method)
}

/// The span's name: `METHOD target` when there is a target of low cardinality (route or template), otherwise `METHOD`;
/// `HTTP` stands for an unknown method.
#[must_use]
pub fn span_name(method: &Method, target: Option<&str>) -> String {
    let method = if known(method) { method.as_str() } else { "HTTP" };
    target.map_or_else(|| method.to_owned(), |target| format!("{method} {target}"))
}

/// `http.request.method`, and the original where it is unknown.
#[must_use]
pub fn method(method: &Method) -> Vec<KeyValue> {
    let mut attributes = Vec::with_capacity(2);
    if known(method) {
        attributes.push(KeyValue::new(
            attribute::HTTP_REQUEST_METHOD,
            method.as_str().to_owned(),
        ));
    } else {
        attributes.push(KeyValue::new(attribute::HTTP_REQUEST_METHOD, "_OTHER"));
        attributes.push(KeyValue::new(
            attribute::HTTP_REQUEST_METHOD_ORIGINAL,
            method.as_str().to_owned(),
        ));
    }
    attributes
}

/// `network.protocol.version`: `1.1` or `2`, not `HTTP/1.1`.
#[must_use]
pub const fn protocol_version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_09 => Some("0.9"),
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}

/// `network.peer.address` and `network.peer.port`.
#[must_use]
pub fn network_peer(peer: SocketAddr) -> [KeyValue; 2] {
    [
        KeyValue::new(
            attribute::NETWORK_PEER_ADDRESS,
            peer.ip().to_canonical().to_string(),
        ),
        KeyValue::new(attribute::NETWORK_PEER_PORT, i64::from(peer.port())),
    ]
}

/// What the caller saw, as far as proxies in between tell: RFC 7239's `Forwarded` before the `X-Forwarded-*` headers
/// before the request itself. Of several proxies the first one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// `url.scheme`.
    pub scheme: String,
    /// `server.address` and `server.port`, by the host that the caller named.
    pub server: Option<(String, u16)>,
    /// `client.address`.
    pub client: Option<String>,
}

impl Original {
    /// Reads it off a request that came from `peer`.
    #[must_use]
    pub fn of(headers: &HeaderMap, uri: &Uri, peer: Option<SocketAddr>) -> Self {
        let forwarded = |parameter: &str| forwarded(headers, parameter);
        let first = |name: &str| {
            let text = headers.get(name)?.to_str().ok()?;
            text.split(',')
                .next()
                .map(|first| first.trim().to_owned())
                .filter(|first| !first.is_empty())
        };
        let scheme = forwarded("proto")
            .or_else(|| first("x-forwarded-proto"))
            .or_else(|| uri.scheme_str().map(str::to_owned))
            .unwrap_or_else(|| "http".to_owned());
        let host = forwarded("host")
            .or_else(|| first("x-forwarded-host"))
            .or_else(|| uri.authority().map(Authority::to_string))
            .or_else(|| first(header::HOST.as_str()));
        let server = host.and_then(|host| {
            let authority: Authority = host.parse().ok()?;
            let port = authority
                .port_u16()
                .unwrap_or(if scheme == "https" { 443 } else { 80 });
            Some((without_brackets(authority.host()).to_owned(), port))
        });
        let client = forwarded("for")
            .map(|node| address_of_node(&node))
            .or_else(|| first("x-forwarded-for"))
            .or_else(|| peer.map(|peer| peer.ip().to_canonical().to_string()));
        Self {
            scheme,
            server,
            client,
        }
    }
}

/// A parameter of the first element of `Forwarded`.
fn forwarded(headers: &HeaderMap, parameter: &str) -> Option<String> {
    let text = headers.get(header::FORWARDED)?.to_str().ok()?;
    let first = text.split(',').next()?;
    first.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = value.trim().trim_matches('"');
        (name.trim().eq_ignore_ascii_case(parameter) && !value.is_empty()).then(|| value.to_owned())
    })
}

/// The address in a node identifier of RFC 7239: `192.0.2.43:47011`, `[2001:db8::1]:80`, `unknown`, `_hidden`.
fn address_of_node(node: &str) -> String {
    match node.parse::<SocketAddr>() {
        Ok(address) => address.ip().to_string(),
        Err(_) => without_brackets(node).to_owned(),
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use rstest::rstest;

    #[rstest]
    #[case("GET", Some("/api/check"), "GET /api/check")]
    #[case("POST", None, "POST")]
    #[case("BREW", Some("/pot"), "HTTP /pot")]
    fn names_spans(#[case] method: &str, #[case] target: Option<&str>, #[case] name: &str) {
        assert_eq!(span_name(&method.parse().unwrap(), target), name);
    }

    #[test]
    fn an_unknown_method_is_told_apart_from_its_name() {
        let brew: Method = "BREW".parse().unwrap();
        let expected = [
            KeyValue::new(attribute::HTTP_REQUEST_METHOD, "_OTHER"),
            KeyValue::new(attribute::HTTP_REQUEST_METHOD_ORIGINAL, "BREW"),
        ];
        assert_eq!(method(&brew), expected);
        assert_eq!(
            method(&Method::GET),
            [KeyValue::new(attribute::HTTP_REQUEST_METHOD, "GET")]
        );
    }

    fn original(
        lines: &[(&'static str, &'static str)],
        uri: &str,
    ) -> (String, Option<(String, u16)>, Option<String>) {
        let headers = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let Original {
            scheme,
            server,
            client,
        } = Original::of(
            &headers,
            &uri.parse().unwrap(),
            Some("10.1.2.3:5555".parse().unwrap()),
        );
        (scheme, server, client)
    }

    #[rstest]
    #[case::host(&[("host", "orders:8080")], "/", "http", ("orders", 8080), "10.1.2.3")]
    #[case::default_port(&[("host", "orders")], "/", "http", ("orders", 80), "10.1.2.3")]
    #[case::authority(&[], "http://orders:8080/", "http", ("orders", 8080), "10.1.2.3")]
    #[case::ipv6(&[("host", "[::1]:8080")], "/", "http", ("::1", 8080), "10.1.2.3")]
    #[case::x_forwarded(
        &[("host", "pod:1"), ("x-forwarded-host", "shop.example"), ("x-forwarded-proto", "https"), ("x-forwarded-for", "192.0.2.1, 10.0.0.1")],
        "/", "https", ("shop.example", 443), "192.0.2.1"
    )]
    #[case::forwarded(
        &[("host", "pod:1"), ("forwarded", "for=\"[2001:db8::1]:80\";host=shop.example:81;proto=http, for=10.0.0.1"), ("x-forwarded-for", "192.0.2.1")],
        "/", "http", ("shop.example", 81), "2001:db8::1"
    )]
    #[case::hidden(&[("host", "pod:1"), ("forwarded", "For=_hidden")], "/", "http", ("pod", 1), "_hidden")]
    fn finds_what_the_caller_saw(
        #[case] lines: &[(&'static str, &'static str)],
        #[case] uri: &str,
        #[case] scheme: &str,
        #[case] server: (&str, u16),
        #[case] client: &str,
    ) {
        let expected = (
            scheme.to_owned(),
            Some((server.0.to_owned(), server.1)),
            Some(client.to_owned()),
        );
        assert_eq!(original(lines, uri), expected);
    }

    #[test]
    fn a_host_that_is_none_is_left_out() {
        assert_eq!(original(&[("host", "a b")], "/").1, None);
    }
}
