//! JSON with comments and trailing commas, as editors write it, turned into JSON.

/// The same as strict JSON: comments and commas before a closing bracket are left out, texts stay as they are.
pub(super) fn strict(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if letter == '"' {
            let end = end_of_text(rest);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
        } else {
            if matches!(letter, '}' | ']') {
                let kept = out.trim_end();
                out.truncate(kept.strip_suffix(',').unwrap_or(kept).len());
            }
            out.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    out
}

/// Where the text that begins here ends, its quotes included.
fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn comments_and_trailing_commas_go_and_texts_stay() {
    let odd = "{ // a comment\n \"a\": \"// no comment, ] \\\" ,\", /* one\n more */ \"b\": [1, 2,],\n}";
    let value: serde_json::Value = serde_json::from_str(&strict(odd)).unwrap();
    assert_eq!(
        value,
        serde_json::json!({ "a": "// no comment, ] \" ,", "b": [1, 2] })
    );
}
