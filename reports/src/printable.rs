//! Text from strangers, such as names of files, made harmless where people read it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with control characters, and characters that turn the direction of writing, as `\\u` and four hexadecimal
/// digits, as JSON writes them: a terminal obeys the first and shows the second in another order. Line ends and tabs stay.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_active) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_active(c) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters; and the marks, embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX 9).
fn is_active(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert!(matches!(
            printable("a.jpg\n\tümlaut 日本"),
            Cow::Borrowed(_)
        ));
        let name = "\u{1b}]0;owned\u{7}\r\u{202e}gpj.exe\u{9b}31m";
        let shown = printable(name);
        assert_eq!(shown, r"\u001b]0;owned\u0007\u000d\u202egpj.exe\u009b31m");
        assert_eq!(printable(&shown), shown);
    }
}
