//! A comparison for readers: text on the console, `parity.json`, `parity.md` and `parity.html` in a folder.

mod html;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use trace::words;

use super::{Compared, Difference, Parity, What};
use crate::report::WriteError;

/// The HTML page's name.
pub const PAGE: &str = "parity.html";

/// The comparison as the console shows it; lines end with `\n`.
#[must_use]
pub fn text(parity: &Parity) -> String {
    let mut out = format!("parity of {}\n", sides(parity));
    for one in &parity.compared {
        let _ = writeln!(out, "  {:<5} {:<76} {}", word(one), name(one), amounts(one));
        for difference in &one.differences {
            tell(&mut out, difference);
        }
    }
    for one in &parity.only {
        let reason = one
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(" ({reason})"));
        let _ = writeln!(out, "  only  {}: {}{reason}", one.in_environment, one.scenario);
    }
    for one in &parity.stale {
        let _ = writeln!(
            out,
            "  STALE {}: does not differ any more ({})",
            one.scenario, one.reason
        );
    }
    out.push_str(&closing(parity));
    out.push('\n');
    out
}

fn tell(out: &mut String, difference: &Difference) {
    let case = difference
        .case
        .as_ref()
        .map_or_else(String::new, |case| format!("{case}: "));
    let _ = writeln!(out, "          {case}{}", gist(&difference.what));
    if let Some(reason) = &difference.known {
        let _ = writeln!(out, "          known  {reason}");
    } else if let What::Shape { diff } = &difference.what {
        for line in diff.lines() {
            let _ = writeln!(out, "            {line}");
        }
    }
}

/// The comparison as Markdown.
#[must_use]
pub fn markdown(parity: &Parity) -> String {
    let mut out = format!("# Parity of {}\n\n{}\n", sides(parity), closing(parity));
    let (agreeing, differing): (Vec<_>, Vec<_>) =
        parity.compared.iter().partition(|one| one.differences.is_empty());
    for one in differing {
        let _ = writeln!(out, "\n## {} `{}`\n", word(one), name(one));
        for difference in &one.differences {
            let case = difference
                .case
                .as_ref()
                .map_or_else(String::new, |case| format!("**{case}**: "));
            let _ = writeln!(out, "- {case}{}", gist(&difference.what));
            if let Some(reason) = &difference.known {
                let _ = writeln!(out, "  Known: {reason}.");
            }
            if let What::Shape { diff } = &difference.what {
                let _ = writeln!(out, "\n  ```diff");
                for line in diff.lines() {
                    let _ = writeln!(out, "  {line}");
                }
                let _ = writeln!(out, "  ```");
            }
        }
    }
    if !parity.stale.is_empty() {
        out.push_str("\n## Known differences that do not show any more\n\n");
        for one in &parity.stale {
            let _ = writeln!(out, "- `{}`: {}", one.scenario, one.reason);
        }
    }
    if !agreeing.is_empty() {
        out.push_str("\n## The same\n\n| scenario | |\n|---|---|\n");
        for one in agreeing {
            let _ = writeln!(out, "| `{}` | {} |", name(one), amounts(one));
        }
    }
    if !parity.only.is_empty() {
        out.push_str("\n## Played on one side only\n\n| scenario | where | why |\n|---|---|---|\n");
        for one in &parity.only {
            let reason = one.reason.as_deref().unwrap_or(NOT_ASKED);
            let _ = writeln!(out, "| `{}` | {} | {reason} |", one.scenario, one.in_environment);
        }
    }
    out
}

/// Writes all files into a folder, each on its own, and says where the page is.
pub fn write(folder: &Path, parity: &Parity) -> (PathBuf, Vec<WriteError>) {
    let mut errors = Vec::new();
    let mut put = |name: &str, content: &[u8]| {
        let path = folder.join(name);
        if let Err(source) = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, content)) {
            errors.push(WriteError { path, source });
        }
    };
    match serde_json::to_vec_pretty(parity) {
        Ok(json) => put("parity.json", &json),
        Err(error) => put(
            "parity.json",
            format!("{{\"error\":{:?}}}", error.to_string()).as_bytes(),
        ),
    }
    put("parity.md", markdown(parity).as_bytes());
    put(PAGE, html::page(parity).as_bytes());
    (folder.join(PAGE), errors)
}

/// What is not as it should be, in a few words.
#[must_use]
pub fn trouble(parity: &Parity) -> String {
    let mut parts = Vec::new();
    if parity.unexpected() > 0 {
        parts.push(words::amount(parity.unexpected(), "unexpected difference"));
    }
    if !parity.stale.is_empty() {
        parts.push(words::amount(
            parity.stale.len(),
            "known difference that does not show any more",
        ));
    }
    parts.join(" and ")
}

/// Why a scenario was played on one side only, when neither side says more.
const NOT_ASKED: &str = "the other run was not asked to";

/// `embedded (run 697a) and kind (run 8c1f)`
fn sides(parity: &Parity) -> String {
    let side = |side: &super::Side| format!("{} (run {})", side.environment, side.run);
    format!("{} and {}", side(&parity.left), side(&parity.right))
}

fn name(one: &Compared) -> String {
    if one.round > 1 {
        format!("{} #{}", one.scenario, one.round)
    } else {
        one.scenario.clone()
    }
}

fn word(one: &Compared) -> &'static str {
    match (one.differences.is_empty(), one.agrees()) {
        (true, _) => "same",
        (false, true) => "known",
        (false, false) => "DIFF",
    }
}

fn amounts(one: &Compared) -> String {
    format!(
        "{}, {}",
        words::amount(one.traces, "trace"),
        words::amount(one.spans, "span")
    )
}

fn gist(what: &What) -> String {
    match what {
        What::Result { left, right } => format!("ended {left} on one side, {right} on the other"),
        What::Missing { in_environment } => format!("not judged in {in_environment}"),
        What::Verdict { left, right } => format!("judged {left} on one side, {right} on the other"),
        What::Shape { .. } => "the trace has another shape".to_owned(),
    }
}

/// What it comes to, in one line.
fn closing(parity: &Parity) -> String {
    let traces = parity.compared.iter().map(|one| one.traces).sum();
    let mut parts = vec![
        format!("{} in both", words::amount(parity.compared.len(), "scenario")),
        format!("{} compared", words::amount(traces, "trace")),
    ];
    if parity.holds() {
        parts.push("the same".to_owned());
    } else {
        parts.push(trouble(parity));
    }
    if parity.known() > 0 {
        parts.push(words::amount(parity.known(), "known difference"));
    }
    if !parity.only.is_empty() {
        parts.push(format!("{} on one side only", parity.only.len()));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests;
