//! The one table of what differs from run to run: ids, times, folders, process ids. Shown and printed lines go through it.

/// Units after a number that make it a length of time.
const UNITS: [&str; 4] = ["ns", "µs", "ms", "s"];

/// A line without what differs from run to run; any amount of white space counts as one space.
pub(super) fn line(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        let bare = word.trim_end_matches([',', '.', ';', ':', ')']);
        let end = &word[bare.len()..];
        let after = words.last().map(String::as_str);
        if UNITS.contains(&bare) && after.is_some_and(is_number) {
            words.pop();
            words.push(format!("TIME{end}"));
        } else if matches!(after, Some("run" | "trace")) && is_hex(bare) {
            words.push(format!("ID{end}"));
        } else if after == Some("pid") {
            words.push(format!("PID{end}"));
        } else if bare.strip_prefix("r-").is_some_and(is_hex) {
            words.push(format!("REQUEST{end}"));
        } else if let Some(file) = in_run(bare) {
            words.push(format!("RUN{file}{end}"));
        } else {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

fn is_number(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit()) && word.parse::<f64>().is_ok()
}

fn is_hex(word: &str) -> bool {
    let word = word.trim_end_matches('…');
    word.len() >= 4 && word.chars().all(|character| character.is_ascii_hexdigit())
}

/// What follows a run's directory in a path: nothing, or a file in it.
fn in_run(path: &str) -> Option<&str> {
    let (_, rest) = path
        .split_once("/throughline/")
        .or_else(|| path.split_once("/runs/"))?;
    let file = rest.find('/').unwrap_or(rest.len());
    is_hex(&rest[..file]).then_some(&rest[file..])
}

#[test]
fn two_runs_read_alike() {
    let alike = [
        (
            "run 30d9 · embedded · target/throughline/30d9  (nothing here)",
            "run abcd · embedded · /somewhere/runs/abcd (nothing here)",
        ),
        ("  ok    baseline    132 ms", "  ok    baseline   1.2 s"),
        (
            "1 scenario · 373 ms · target/throughline/30d9/report.html",
            "1 scenario · 12.4 s · /somewhere/runs/0001/report.html",
        ),
        (
            "one tree of 7 spans under trace da2ca8963194a0d1e310ba6fa3f8f4b3",
            "one tree of 7 spans under trace 3b4c948d8dec2f15bc41633f828e65cf",
        ),
        ("lost (request r-f3e5b167)", "lost (request r-81700000)"),
        ("held for 2001 ms; pid 12", "held for 2000 ms; pid 4711"),
    ];
    for (one, other) in alike {
        assert_eq!(line(one), line(other));
    }
}

#[test]
fn what_matters_stays() {
    for (one, other) in [
        ("one tree of 7 spans", "one tree of 6 spans"),
        ("status 201", "status 502"),
        ("order-service@cluster", "order-service@workstation"),
        (
            "RUN target/throughline/30d9/report.html",
            "RUN target/throughline/30d9/report.json",
        ),
    ] {
        assert_ne!(line(one), line(other));
    }
}
