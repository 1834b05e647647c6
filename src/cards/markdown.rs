//! Text from the chart, made safe for a card.
//!
//! Cards are GitHub-flavoured Markdown, and some clients let raw HTML through. What an EHR sent is
//! shown as letters and never acts: no markup, no link, no control character, not too long.

use regex::Regex;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Longest text from the chart that a card repeats, in characters.
const LONGEST: usize = 80;
/// What is looked at of a text, in characters: whatever is cut is longer than [`LONGEST`].
const LOOKED_AT: usize = 1000;

/// Addresses, which some clients make links of whatever stands around them.
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    let schemes = r"[a-z][a-z0-9+.-]*:/+\S*|\b(?:javascript|vbscript|data|mailto|xmpp):\S+";
    let whole_words = r"\S*(?://|\\\\|www\.)\S*|\S+@\S+";
    Regex::new(&format!("(?i){schemes}|{whole_words}")).expect("a constant pattern")
});
/// Characters that show nothing or turn the direction of others, and those that nobody has assigned.
static INVISIBLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{C}\p{Default_Ignorable_Code_Point}\u{2800}]").expect("a constant pattern")
});
/// Where HTML would see a tag, a comment or an instruction.
static TAG: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"<([A-Za-z/!?])").expect("a constant pattern"));

/// The text as plain letters: one line, without control and direction characters, without addresses
/// and tags, cut to size. Safe where a client shows a plain text as HTML, too.
pub fn plain(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let spaced: String =
        text.chars().take(LOOKED_AT).map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let visible = INVISIBLE.replace_all(&spaced, "");
    let words: Vec<&str> = visible.split(' ').filter(|w| !w.is_empty()).collect();
    let words = words.join(" ");
    let unlinked = LINK.replace_all(&words, "…");
    let joined = TAG.replace_all(&unlinked, "‹$1");
    Cow::Owned(match joined.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", joined[..end].trim_end()),
        None => joined.into_owned(),
    })
}

/// Is the text as [`plain`] would leave it? `false` when that takes more than a look at each byte.
fn is_plain(text: &str) -> bool {
    let letters = |b: &u8| matches!(b, b' '..=b'~') && !b":@<\\".contains(b);
    // Two spaces, the `//` and the `www.` of addresses.
    let twice = |pair: &[u8]| pair[0] == pair[1] && b" /wW".contains(&pair[0]);
    let bytes = text.as_bytes();
    let mixed = |pair: &[u8]| pair == b"wW" || pair == b"Ww";
    bytes.len() <= LONGEST
        && bytes.iter().all(letters)
        && !bytes.windows(2).any(|pair| twice(pair) || mixed(pair))
        && !bytes.starts_with(b" ")
        && !bytes.ends_with(b" ")
}

/// The text as Markdown that shows just these letters.
pub fn escaped(text: &str) -> Cow<'_, str> {
    let begins_a_list = text.starts_with(|c: char| c.is_ascii_digit() || "-+=".contains(c));
    if !begins_a_list && !text.bytes().any(is_mark) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.bytes().position(is_mark) {
        let (before, mark) = rest.split_at(at);
        out.push_str(before);
        match mark.as_bytes()[0] {
            b'<' => out.push_str("&lt;"),
            b'>' => out.push_str("&gt;"),
            b'&' => out.push_str("&amp;"),
            mark => out.extend(['\\', char::from(mark)]),
        }
        // Every mark is one byte.
        rest = &mark[1..];
    }
    out.push_str(rest);
    // A dash or a number at the start of a line would begin a list.
    Cow::Owned(match out.trim_start_matches(|c: char| c.is_ascii_digit()) {
        rest if rest.len() == out.len() && rest.starts_with(['-', '+', '=']) => format!("\\{out}"),
        rest if rest.len() < out.len() && (rest.starts_with(". ") || rest == ".") => {
            format!("{}\\{rest}", &out[..out.len() - rest.len()])
        }
        _ => out,
    })
}

/// Characters that Markdown or HTML would see more in, all of them ASCII.
const MARKS: &[u8] = br"<>&\`*_{}[]()#!|~$^";

/// Is it one of [`MARKS`]?
fn is_mark(byte: u8) -> bool {
    const IS_MARK: [bool; 256] = {
        let (mut is_mark, mut at) = ([false; 256], 0);
        while at < MARKS.len() {
            is_mark[MARKS[at] as usize] = true;
            at += 1;
        }
        is_mark
    };
    IS_MARK[usize::from(byte)]
}

/// Text from the chart as Markdown.
pub fn from_chart(text: &str) -> Cow<'_, str> {
    match plain(text) {
        Cow::Borrowed(text) => escaped(text),
        Cow::Owned(text) => Cow::Owned(escaped(&text).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str) -> String {
        let markdown = from_chart(text);
        let mut html = String::new();
        let options = pulldown_cmark::Options::all();
        pulldown_cmark::html::push_html(
            &mut html,
            pulldown_cmark::Parser::new_ext(&markdown, options),
        );
        html
    }

    #[test]
    fn nothing_from_the_chart_becomes_markup() {
        for text in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[click](javascript:alert(1))",
            "![x](http://evil.example/x.png)",
            "**bold** _it_ ~~no~~ `code`",
            "| a | b |",
            "# heading",
            "&lt;b&gt;",
            "1. one",
            "1) one",
            "- [ ] one",
            "$x$ ^y^",
        ] {
            let html = rendered(text);
            let inner = html.trim().trim_start_matches("<p>").trim_end_matches("</p>");
            assert!(!inner.contains('<'), "{text} became {html}");
        }
    }

    #[test]
    fn addresses_are_taken_out() {
        for text in [
            "see https://evil.example/x",
            "WWW.evil.example",
            "a@evil.example",
            "x javascript://y",
            "http:/\u{200B}/evil.example",
            "_www.evil.example",
            "a\u{AD}@evil.example",
            "javascript:evil()",
            "src=//evil.example",
        ] {
            assert!(!plain(text).contains("evil"), "{}", plain(text));
        }
        for text in ["1.6 mg/dL", "<0.1 IU/mL", "< 5", "data: none", "ratio 1:2", "5 > 3 & 2 < 4"] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn lines_controls_and_directions_are_flattened() {
        assert_eq!(plain("a\n\n# b\u{202E}c\u{0000}"), "a # bc");
        assert_eq!(plain("a\u{2028}b\u{E0041}\u{061C}\u{FE0F}\u{3164}c"), "a bc");
        assert_eq!(plain("<img src=x><!-- --></p><?x"), "‹img src=x>‹!-- -->‹/p>‹?x");
        assert_eq!(plain(&"x".repeat(100)).chars().count(), LONGEST + 1);
    }
}
