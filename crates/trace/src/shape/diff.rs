//! The difference of two shapes as text.

use std::fmt::Write as _;

use super::ShapeLine;
use crate::words;

/// Lines of each side beyond which no longest common part is sought: the table grows with their product.
const MOST: usize = 1500;
/// Lines of text at most.
const TOLD: usize = 200;

pub(super) fn lines(here: &[ShapeLine], there: &[ShapeLine]) -> String {
    let before = here.iter().zip(there).take_while(|(a, b)| a == b).count();
    let (here_rest, there_rest) = (&here[before..], &there[before..]);
    let after = here_rest
        .iter()
        .rev()
        .zip(there_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let common = &here_rest[here_rest.len() - after..];
    let (here_rest, there_rest) = (
        &here_rest[..here_rest.len() - after],
        &there_rest[..there_rest.len() - after],
    );

    let mut told: Vec<(char, &ShapeLine)> = here[..before].iter().map(|line| (' ', line)).collect();
    if here_rest.len() <= MOST && there_rest.len() <= MOST {
        told.extend(aligned(here_rest, there_rest));
    } else {
        told.extend(here_rest.iter().map(|line| ('-', line)));
        told.extend(there_rest.iter().map(|line| ('+', line)));
    }
    told.extend(common.iter().map(|line| (' ', line)));
    write(&told)
}

/// Keeps a longest common subsequence.
fn aligned<'l>(here: &'l [ShapeLine], there: &'l [ShapeLine]) -> Vec<(char, &'l ShapeLine)> {
    let width = there.len() + 1;
    let mut longest = vec![0u16; (here.len() + 1) * width];
    for row in (0..here.len()).rev() {
        for column in (0..there.len()).rev() {
            longest[row * width + column] = if here[row] == there[column] {
                longest[(row + 1) * width + column + 1] + 1
            } else {
                longest[(row + 1) * width + column].max(longest[row * width + column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut told = Vec::new();
    while row < here.len() || column < there.len() {
        if row < here.len() && column < there.len() && here[row] == there[column] {
            told.push((' ', &here[row]));
            row += 1;
            column += 1;
        } else if column == there.len()
            || row < here.len() && longest[(row + 1) * width + column] >= longest[row * width + column + 1]
        {
            told.push(('-', &here[row]));
            row += 1;
        } else {
            told.push(('+', &there[column]));
            column += 1;
        }
    }
    told
}

/// All lines of a small shape; of a large one the differences and what is around them.
fn write(told: &[(char, &ShapeLine)]) -> String {
    const AROUND: usize = 3;
    let near = |place: usize| {
        let around = place.saturating_sub(AROUND)..(place + AROUND + 1).min(told.len());
        told.len() <= TOLD / 4 || told[around].iter().any(|(mark, _)| *mark != ' ')
    };
    let mut out = String::new();
    let mut written = 0;
    let mut skipped = false;
    for (place, (mark, line)) in told.iter().enumerate() {
        if !near(place) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) {
            out.push_str("  …\n");
        }
        if written == TOLD {
            let _ = writeln!(out, "… {}", words::amount(told.len() - place, "more line"));
            break;
        }
        written += 1;
        let _ = writeln!(out, "{mark} {line}");
    }
    out
}
