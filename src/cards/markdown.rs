//! Text from the chart, made safe for a card.
//!
//! Cards are GitHub-flavoured Markdown, and some clients let raw HTML through. What an EHR sent is
//! shown as letters and never acts: no markup, no link, no control character, not too long.

use regex::Regex;
use std::sync::LazyLock;

/// Longest text from the chart that a card repeats, in characters.
const LONGEST: usize = 80;

/// Addresses, which some clients make links of whatever stands around them.
static LINK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)[a-z][a-z0-9+.-]*:/+\S*|\bwww\.\S*|\S+@\S+").expect("a constant pattern")
});

/// The text as plain letters: one line, without control and direction characters, cut to size.
pub fn plain(text: &str) -> String {
    let one_line: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .collect();
    let words: Vec<&str> = one_line.split(' ').filter(|w| !w.is_empty()).collect();
    let joined = LINK.replace_all(&words.join(" "), "…").into_owned();
    match joined.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", joined[..end].trim_end()),
        None => joined,
    }
}

/// The text as Markdown that shows just these letters.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    // A digit or a dash at the start of a line would begin a list.
    match out.chars().next() {
        Some('-' | '+' | '=') => format!("\\{out}"),
        _ => out,
    }
}

/// Text from the chart as Markdown.
pub fn from_chart(text: &str) -> String {
    escaped(&plain(text))
}

/// Characters that show nothing or turn the direction of others.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}')
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
        ] {
            assert!(!plain(text).contains("evil"), "{}", plain(text));
        }
        assert_eq!(plain("1.6 mg/dL"), "1.6 mg/dL");
    }

    #[test]
    fn lines_controls_and_directions_are_flattened() {
        assert_eq!(plain("a\n\n# b\u{202E}c\u{0000}"), "a # bc");
        assert_eq!(plain(&"x".repeat(100)).chars().count(), LONGEST + 1);
    }
}
