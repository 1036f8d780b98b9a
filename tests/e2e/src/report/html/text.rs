//! Text with what matters in it made visible: places in the colour of their site, amounts of time.

use std::time::Duration;

use maud::{Markup, html};
use trace::{Site, words};

/// A sentence in which every `service@site` stands out in its site's colour, and what is in backticks as code.
pub(super) fn sentence(text: &str) -> Markup {
    let pieces: Vec<&str> = text.split('`').collect();
    // With an odd number of backticks nobody can say which of them belong together.
    if pieces.len().is_multiple_of(2) {
        return places(text);
    }
    html! {
        @for (number, piece) in pieces.iter().enumerate() {
            @if number.is_multiple_of(2) { (places(piece)) } @else { code { (piece) } }
        }
    }
}

fn places(text: &str) -> Markup {
    html! {
        @for part in parts(text) {
            @match part {
                Part::Plain(plain) => (plain),
                Part::Place(place, site) => span.at.(site_class(site)) { (place) },
            }
        }
    }
}

/// The class of a site's colour and pattern.
pub(super) const fn site_class(site: Option<Site>) -> &'static str {
    match site {
        Some(Site::Cluster) => "c",
        Some(Site::Workstation) => "w",
        None => "u",
    }
}

/// Milliseconds as a length of time.
pub(super) fn millis(millis: f64) -> String {
    words::duration(Duration::try_from_secs_f64(millis / 1e3).unwrap_or_default())
}

/// `2026-11-23 03:19:41 UTC` of an RFC 3339 time.
pub(super) fn when(rfc3339: &str) -> String {
    match rfc3339.split_once('T') {
        Some((date, time)) => format!("{date} {} UTC", time.get(..8).unwrap_or(time)),
        None => rfc3339.to_owned(),
    }
}

/// Words of a name made of several: `Fail, caused by WrongSite` becomes `fail, caused by wrong site`.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 4);
    let mut last = ' ';
    for character in text.chars() {
        if character.is_ascii_uppercase() && last.is_ascii_lowercase() {
            plain.push(' ');
        }
        plain.push(character.to_ascii_lowercase());
        last = character;
    }
    plain
}

/// A relative link to a file of the run directory.
pub(super) fn href(path: &std::path::Path) -> String {
    let path = path.to_string_lossy();
    let mut href = String::from("./");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' => {
                href.push(byte as char);
            }
            _ => href.push_str(&format!("%{byte:02X}")),
        }
    }
    href
}

#[derive(Debug, PartialEq)]
enum Part<'t> {
    Plain(&'t str),
    Place(&'t str, Option<Site>),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut plain = 0;
    let mut searched = 0;
    while let Some(found) = text[searched..].find('@') {
        let at = searched + found;
        let begin = text[..at].rfind(|c: char| !in_name(c)).map_or(0, |last| {
            last + text[last..].chars().next().map_or(1, char::len_utf8)
        });
        let end = at
            + 1
            + text[at + 1..]
                .find(|c: char| !c.is_ascii_alphabetic() && c != '?')
                .unwrap_or(text.len() - at - 1);
        let site = match &text[at + 1..end] {
            "cluster" => Some(Some(Site::Cluster)),
            "workstation" => Some(Some(Site::Workstation)),
            "?" => Some(None),
            _ => None,
        };
        searched = at + 1;
        if let Some(site) = site
            && begin < at
            && begin >= plain
        {
            if plain < begin {
                parts.push(Part::Plain(&text[plain..begin]));
            }
            parts.push(Part::Place(&text[begin..end], site));
            plain = end;
            searched = end;
        }
    }
    if plain < text.len() {
        parts.push(Part::Plain(&text[plain..]));
    }
    parts
}

fn in_name(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_sentences() {
        let path = "a-b@cluster → c@workstation, and d@? said x@y.z @cluster";
        assert_eq!(
            parts(path),
            [
                Part::Place("a-b@cluster", Some(Site::Cluster)),
                Part::Plain(" → "),
                Part::Place("c@workstation", Some(Site::Workstation)),
                Part::Plain(", and "),
                Part::Place("d@?", None),
                Part::Plain(" said x@y.z @cluster"),
            ]
        );
        assert_eq!(parts("→@cluster @ws @"), [Part::Plain("→@cluster @ws @")]);
        assert_eq!(parts(""), []);
    }

    #[test]
    fn what_is_in_backticks_is_code() {
        assert_eq!(
            sentence("no `a<b` of c").into_string(),
            "no <code>a&lt;b</code> of c"
        );
        assert_eq!(sentence("one ` alone").into_string(), "one ` alone");
    }

    #[test]
    fn links_stay_within_the_run_directory_and_are_valid() {
        assert_eq!(
            href("evidence/a b:c#d.log".as_ref()),
            "./evidence/a%20b%3Ac%23d.log"
        );
        assert_eq!(
            href("javascript:alert(1)".as_ref()),
            "./javascript%3Aalert%281%29"
        );
    }

    #[test]
    fn times_are_short() {
        assert_eq!(when("2026-11-23T03:19:41.588574101Z"), "2026-11-23 03:19:41 UTC");
        assert_eq!(when(""), "");
        assert_eq!(millis(7991.8), "7.99 s");
        assert_eq!(plain("Fail, caused by WrongSite"), "fail, caused by wrong site");
        assert_eq!(millis(f64::NAN), "0 ns");
    }
}
