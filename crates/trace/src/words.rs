//! Small pieces of the sentences that people read: amounts, lists, lengths of time, clean text.

use std::fmt::Write as _;
use std::time::Duration;

/// A length of time with three significant digits or so: `412 µs`, `12.4 ms`, `1.42 s`, `2 min 5 s`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let scaled = |unit: f64, name: &str| {
        let value = nanos as f64 / unit;
        match value {
            value if value < 9.995 => format!("{value:.2} {name}"),
            value if value < 99.95 => format!("{value:.1} {name}"),
            value => format!("{value:.0} {name}"),
        }
    };
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..999_500 => format!("{:.0} µs", nanos as f64 / 1e3),
        999_500..999_500_000 => scaled(1e6, "ms"),
        999_500_000..99_950_000_000 => scaled(1e9, "s"),
        _ => {
            let seconds = duration.as_secs();
            match (seconds / 3600, seconds % 3600 / 60, seconds % 60) {
                (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
                (hours, minutes, _) => format!("{hours} h {minutes} min"),
            }
        }
    }
}

/// A length of time that somebody chose, exactly: `2 s`, `1.5 ms`.
pub(crate) fn limit(duration: Duration) -> String {
    let exact = format!("{duration:?}");
    let unit = exact
        .find(|character: char| character.is_alphabetic())
        .unwrap_or(exact.len());
    format!("{} {}", &exact[..unit], &exact[unit..])
}

/// `1 span`, `3 spans`, `no span`.
#[must_use]
pub fn amount(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    match items.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The first items as a list, and how many more there are.
pub(crate) fn some<T: ToString>(items: impl IntoIterator<Item = T>, most: usize) -> String {
    let mut items = items.into_iter();
    let mut first: Vec<String> = items.by_ref().take(most).map(|item| item.to_string()).collect();
    match items.count() {
        0 => {}
        more => first.push(format!("{more} more")),
    }
    list(first)
}

/// One line of printable text: control characters and those that change the direction of writing are made visible.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => clean.push(' '),
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                let _ = write!(clean, "\\u{{{:x}}}", character as u32);
            }
            character if character.is_control() => {
                let _ = write!(clean, "\\u{{{:x}}}", character as u32);
            }
            character => clean.push(character),
        }
    }
    clean
}

/// At most so many characters, the last one `…` when something was cut off.
pub(crate) fn clip(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_short_and_has_its_unit() {
        let written = [
            0,
            999,
            1_500,
            412_345,
            999_999,
            12_400_000,
            999_999_999,
            1_420_000_000,
            59_999_999_999,
        ]
        .map(|nanos| duration(Duration::from_nanos(nanos)));
        assert_eq!(
            written,
            [
                "0 ns", "999 ns", "2 µs", "412 µs", "1.00 ms", "12.4 ms", "1.00 s", "1.42 s", "60.0 s"
            ]
        );
        assert_eq!(duration(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(limit(Duration::from_micros(1500)), "1.5 ms");
        assert_eq!(limit(Duration::from_secs(2)), "2 s");
        assert_eq!(duration(Duration::MAX), "5124095576030431 h 0 min");
    }

    #[test]
    fn lists_read_like_a_sentence() {
        assert_eq!(list(["a"]), "a");
        assert_eq!(list(["a", "b", "c"]), "a, b and c");
        assert_eq!(list::<String>([]), "nothing");
        assert_eq!(some(1..=5, 2), "1, 2 and 3 more");
        assert_eq!(
            [amount(0, "span"), amount(1, "span"), amount(2, "span")],
            ["no span", "1 span", "2 spans"]
        );
    }

    #[test]
    fn text_from_elsewhere_stays_on_its_line_and_in_its_direction() {
        assert_eq!(clean("a\nb\u{1b}[31m\u{202e}c"), "a b\\u{1b}[31m\\u{202e}c");
        assert_eq!(clip("äöüß", 3), "äö…");
        assert_eq!(clip("äöü", 3), "äöü");
    }
}
