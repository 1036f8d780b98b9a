//! What a JUnit report may hold, by the schema of Jenkins' xUnit plugin (`junit-10.xsd`), and what it must count right.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// One element of the schema.
struct Element {
    name: &'static str,
    /// Elements that may be in it, in any order and number.
    holds: &'static [&'static str],
    required: &'static [&'static str],
    optional: &'static [&'static str],
    /// Whether there may be text in it.
    text: bool,
}

const TESTSUITES: Element = Element {
    name: "testsuites",
    holds: &["testsuite"],
    required: &[],
    optional: &["name", "time", "tests", "failures", "errors"],
    text: false,
};

const ELEMENTS: [Element; 10] = [
    TESTSUITES,
    Element {
        name: "testsuite",
        holds: &["testsuite", "properties", "testcase", "system-out", "system-err"],
        required: &["name", "tests", "failures", "errors"],
        optional: &[
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        ],
        text: false,
    },
    Element {
        name: "testcase",
        holds: &[
            "skipped",
            "error",
            "failure",
            "rerunFailure",
            "rerunError",
            "flakyFailure",
            "flakyError",
            "system-out",
            "system-err",
        ],
        required: &["name"],
        optional: &["time", "classname", "group"],
        text: false,
    },
    outcome("failure"),
    outcome("error"),
    outcome("skipped"),
    Element {
        name: "properties",
        holds: &["property"],
        required: &[],
        optional: &[],
        text: false,
    },
    Element {
        name: "property",
        holds: &[],
        required: &["name", "value"],
        optional: &[],
        text: false,
    },
    text("system-out"),
    text("system-err"),
];

const fn outcome(name: &'static str) -> Element {
    Element {
        name,
        holds: &[],
        required: &[],
        optional: &["type", "message"],
        text: true,
    }
}

const fn text(name: &'static str) -> Element {
    Element {
        name,
        holds: &[],
        required: &[],
        optional: &[],
        text: true,
    }
}

/// An element that is open, with what was counted in it.
struct Open {
    element: &'static Element,
    attributes: Vec<(String, String)>,
    cases: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

/// Everything in which the report is not as the schema has it; empty when it is valid.
pub(super) fn violations(xml: &str) -> Vec<String> {
    let mut found: Vec<String> = xml
        .chars()
        .filter(|character| !is_xml(*character))
        .map(|character| format!("a character that XML can't hold: {:x}", character as u32))
        .collect();
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Open> = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => match begin(&start, open.last(), &mut found) {
                Some(element) => open.push(element),
                None => return found,
            },
            Ok(Event::End(_)) => {
                let Some(closed) = open.pop() else { return found };
                closed.check_counts(&mut found);
                if let Some(outer) = open.last_mut() {
                    outer.count(&closed);
                }
            }
            Ok(Event::Text(text)) => {
                let blank = text.iter().all(u8::is_ascii_whitespace);
                if !blank && !open.last().is_some_and(|open| open.element.text) {
                    found.push(format!("text where none may be: {text:?}"));
                }
            }
            Ok(Event::Eof) if open.is_empty() => return found,
            Ok(Event::Eof) => {
                found.push("it ends in the middle".to_owned());
                return found;
            }
            Ok(_) => {}
            Err(error) => {
                found.push(format!("not well-formed: {error}"));
                return found;
            }
        }
    }
}

/// Checks an element and its attributes; nothing is known of what is in an unknown one.
fn begin(start: &BytesStart<'_>, outer: Option<&Open>, found: &mut Vec<String>) -> Option<Open> {
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let may = outer.map_or(name == TESTSUITES.name, |open| {
        open.element.holds.contains(&name.as_str())
    });
    if !may {
        let outer = outer.map_or("the document", |open| open.element.name);
        found.push(format!("<{name}> may not be in {outer}"));
    }
    let Some(element) = ELEMENTS.iter().find(|element| element.name == name) else {
        found.push(format!("<{name}> is unknown"));
        return None;
    };
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        match attribute {
            Ok(attribute) => attributes.push((
                String::from_utf8_lossy(attribute.key.as_ref()).into_owned(),
                String::from_utf8_lossy(&attribute.value).into_owned(),
            )),
            Err(error) => found.push(format!("<{name}>: {error}")),
        }
    }
    for (key, value) in &attributes {
        let known = element
            .required
            .iter()
            .chain(element.optional)
            .any(|it| it == key);
        if !known {
            found.push(format!("<{name}> may not have {key}"));
        }
        if key == "time" && !is_time(value) {
            found.push(format!("<{name}> has the time {value:?}"));
        }
    }
    let lacking = element
        .required
        .iter()
        .filter(|it| !attributes.iter().any(|(key, _)| key == *it));
    found.extend(lacking.map(|it| format!("<{name}> lacks {it}")));
    Some(Open {
        element,
        attributes,
        cases: 0,
        failures: 0,
        errors: 0,
        skipped: 0,
    })
}

impl Open {
    fn count(&mut self, inner: &Self) {
        match inner.element.name {
            "testcase" => self.cases += 1,
            "failure" => self.failures += 1,
            "error" => self.errors += 1,
            "skipped" => self.skipped += 1,
            _ => {}
        }
        if ["testcase", "testsuite"].contains(&inner.element.name) {
            self.cases += inner.cases;
            self.failures += inner.failures;
            self.errors += inner.errors;
            self.skipped += inner.skipped;
        }
    }

    /// The schema takes any text for a count; whoever reads the report takes it at its word.
    fn check_counts(&self, found: &mut Vec<String>) {
        for (key, value) in &self.attributes {
            let counted = match key.as_str() {
                "tests" => self.cases,
                "failures" => self.failures,
                "errors" => self.errors,
                "skipped" => self.skipped,
                _ => continue,
            };
            if *value != counted.to_string() {
                found.push(format!(
                    "<{}> says {key}={value}, and has {counted}",
                    self.element.name
                ));
            }
        }
    }
}

/// The schema's `SUREFIRE_TIME`, without the thousands separators that nobody here writes.
fn is_time(value: &str) -> bool {
    value.chars().all(|it| it.is_ascii_digit() || it == '.') && value.matches('.').count() <= 1
}

/// The `Char` of XML 1.0.
fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[test]
fn what_the_schema_forbids_is_found() {
    let suite = |inside: &str| {
        format!(
            r#"<testsuites><testsuite name="s" tests="1" failures="0" errors="0">{inside}</testsuite></testsuites>"#
        )
    };
    assert_eq!(
        violations(&suite(r#"<testcase name="a" time="0.100"/>"#)),
        Vec::<String>::new()
    );
    for (planted, complaint) in [
        (suite("<testcase/>"), "<testcase> lacks name"),
        (
            suite(r#"<testcase name="a" uuid="1"/>"#),
            "<testcase> may not have uuid",
        ),
        (
            suite(r#"<testcase name="a"><properties/></testcase>"#),
            "<properties> may not be in testcase",
        ),
        (suite(""), "<testsuite> says tests=1, and has 0"),
        (
            suite(r#"<testcase name="a"><failure/></testcase>"#),
            "<testsuite> says failures=0, and has 1",
        ),
        (
            suite(r#"<testcase name="a">words</testcase>"#),
            "text where none may be",
        ),
        (suite(r#"<testcase name="a" time="1s"/>"#), "has the time"),
        (suite(r#"<testcase name="a&#x0;">"#), "not well-formed"),
        (
            suite("<testcase name=\"\u{b}\"/>"),
            "a character that XML can't hold: b",
        ),
        ("<testsuites>".to_owned(), "it ends in the middle"),
        (
            "<testsuite/>".to_owned(),
            "<testsuite> may not be in the document",
        ),
    ] {
        let found = violations(&planted);
        assert!(
            found.iter().any(|it| it.contains(complaint)),
            "{complaint} is not in {found:?} of {planted}"
        );
    }
}
