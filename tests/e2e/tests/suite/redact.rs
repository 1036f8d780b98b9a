//! What differs from run to run, and what stands in its place in every snapshot.

/// Patterns with their replacements, in this order.
pub(crate) const VOLATILE: [(&str, &str); 9] = [
    (r"/\S*/runs/[0-9a-f]{4}\b", "[run directory]"),
    (r"\brun [0-9a-f]{4}\b", "run [id]"),
    (r"http://127\.0\.0\.1:\d+", "http://[address]"),
    (r"\br-[0-9a-f]{8}\b", "r-[id]"),
    (r"\b[0-9a-f]{32}\b", "[trace]"),
    (r"\btrace [0-9a-f]{4}…", "trace [id]…"),
    (r"\bpid \d+", "pid [pid]"),
    (r"^\[ *\d+\.\d s\]", "[ time ]"),
    // A length of time with the blanks that bring it into its column.
    (r" *\b\d+(\.\d+)? (ms|s|µs)\b", " [time]"),
];
