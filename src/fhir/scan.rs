//! Is a text JSON, and where in it do values stand?
//!
//! One pass, without recursion, over text of any depth. It takes what `serde_json` takes when it skips a
//! value, and costs no more than that.

/// What one pass tells of a JSON text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Deepest nesting of objects and lists.
    pub depth: usize,
    /// Items of all lists together.
    pub entries: usize,
}

/// A value or the name of a member, by its bytes in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    start: u32,
    end: u32,
    /// The node after this one and all that it holds; the highest bits are [`ESCAPED`] and [`OBJECT`].
    next: u32,
}

/// Of a string or a name: it holds escapes.
const ESCAPED: u32 = 1 << 31;
/// It is an object.
const OBJECT: u32 = 1 << 30;
/// Bytes of a text are fewer, and so are its nodes.
pub(super) const MOST: usize = OBJECT as usize;

impl Node {
    fn new(start: usize, end: usize, next: usize) -> Node {
        Node { start: place(start), end: place(end), next: place(next) }
    }

    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    pub(super) fn end(self) -> usize {
        self.end as usize
    }

    pub(super) fn next(self) -> usize {
        (self.next & !(ESCAPED | OBJECT)) as usize
    }

    pub(super) fn escaped(self) -> bool {
        self.next & ESCAPED != 0
    }

    pub(super) fn is_object(self) -> bool {
        self.next & OBJECT != 0
    }
}

/// A place in a text, which has fewer than [`MOST`].
fn place(at: usize) -> u32 {
    at as u32
}

/// The way through a text. What is no JSON ends it with `None`.
pub(super) struct Pass<'t> {
    bytes: &'t [u8],
    at: usize,
    /// Values in the order of the text; before the value of a member stands its name.
    pub(super) nodes: Vec<Node>,
    /// Objects and lists that are not closed yet: their nodes, and [`OBJECT`].
    open: Vec<u32>,
    pub(super) shape: Shape,
    /// Beyond this nothing is noted any more: a node takes more memory than the text that it is of.
    most: Shape,
    /// It is beyond.
    pub(super) beyond: bool,
}

impl<'t> Pass<'t> {
    pub(super) fn new(bytes: &'t [u8], most: Shape) -> Pass<'t> {
        // Compact FHIR has a name or a value in every ten bytes; room that is not used costs nothing.
        let nodes = Vec::with_capacity(bytes.len() / 8 + 8);
        let (open, shape) = (Vec::with_capacity(16), Shape::default());
        Pass { bytes, at: 0, nodes, open, shape, most, beyond: false }
    }

    /// To the end of the text.
    pub(super) fn run(&mut self) -> Option<()> {
        loop {
            // Here a value begins.
            let byte = self.after_space()?;
            if matches!(byte, b'{' | b'[') {
                self.open(byte == b'{');
                let closing = if byte == b'{' { b'}' } else { b']' };
                if self.after_space()? != closing {
                    match byte {
                        b'{' => self.name()?,
                        _ => self.item(),
                    }
                    continue;
                }
                self.close();
            } else {
                self.scalar(byte)?;
            }
            // Here one has ended.
            while let Some(open) = self.open.last().copied() {
                match (self.after_space()?, open & OBJECT != 0) {
                    (b',', true) => {
                        self.at += 1;
                        self.after_space()?;
                        self.name()?;
                        break;
                    }
                    (b',', false) => {
                        self.at += 1;
                        self.item();
                        break;
                    }
                    (b'}', true) | (b']', false) => self.close(),
                    _ => return None,
                }
            }
            if self.open.is_empty() {
                return self.after_space().is_none().then_some(());
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is no white space.
    fn after_space(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    fn open(&mut self, is_object: bool) {
        let kind = if is_object { OBJECT } else { 0 };
        self.open.push(place(self.nodes.len()) | kind);
        self.shape.depth = self.shape.depth.max(self.open.len());
        self.look();
        self.note(self.at, self.at + 1);
        self.at += 1;
    }

    fn close(&mut self) {
        self.at += 1;
        let next = place(self.nodes.len());
        let Some(closed) = self.open.pop() else { return };
        // Nothing is noted any more of a text beyond its bounds.
        if let Some(node) = self.nodes.get_mut((closed & !OBJECT) as usize) {
            (node.end, node.next) = (place(self.at), next | (closed & OBJECT));
        }
    }

    fn item(&mut self) {
        self.shape.entries += 1;
        self.look();
    }

    /// Is the text still within its bounds?
    fn look(&mut self) {
        if self.shape.depth > self.most.depth || self.shape.entries > self.most.entries {
            self.nodes = Vec::new();
            self.beyond = true;
        }
    }

    fn note(&mut self, start: usize, end: usize) {
        if !self.beyond {
            self.nodes.push(Node::new(start, end, self.nodes.len() + 1));
        }
    }

    /// The name of a member and the colon behind it.
    fn name(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.string()?;
        if self.after_space()? != b':' {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn scalar(&mut self, first: u8) -> Option<()> {
        let start = self.at;
        match first {
            b'"' => return self.string(),
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => self.number()?,
        }
        self.note(start, self.at);
        Some(())
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.at += word.len();
        (self.bytes.get(self.at - word.len()..self.at)? == word).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        self.one_of(b"-");
        if !self.one_of(b"0") {
            self.digits()?;
        }
        if self.one_of(b".") {
            self.digits()?;
        }
        if self.one_of(b"eE") {
            self.one_of(b"+-");
            self.digits()?;
        }
        Some(())
    }

    fn one_of(&mut self, bytes: &[u8]) -> bool {
        let is = self.peek().is_some_and(|byte| bytes.contains(&byte));
        self.at += usize::from(is);
        is
    }

    fn digits(&mut self) -> Option<()> {
        let rest = &self.bytes[self.at..];
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += digits;
        (digits > 0).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        let (start, mut escaped) = (self.at, false);
        self.at += 1;
        loop {
            // Eight bytes at a time, until one of them is not a plain one.
            while let Some(eight) = self.bytes[self.at..].first_chunk::<8>() {
                let hits = not_plain(u64::from_le_bytes(*eight));
                if hits != 0 {
                    self.at += hits.trailing_zeros() as usize / 8;
                    break;
                }
                self.at += 8;
            }
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        self.note(start, self.at);
        if escaped && let Some(node) = self.nodes.last_mut() {
            node.next |= ESCAPED;
        }
        Some(())
    }

    fn escape(&mut self) -> Option<()> {
        let digits = match self.bytes.get(self.at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 0,
            b'u' => 4,
            _ => return None,
        };
        self.at += 2;
        let code = self.bytes.get(self.at..self.at + digits)?;
        self.at += digits;
        code.iter().all(u8::is_ascii_hexdigit).then_some(())
    }
}

/// The highest bit of every byte that is a quote, a backslash or a control character; the lowest such
/// bit is exact.
fn not_plain(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let below = |bytes: u64, n: u8| bytes.wrapping_sub(ONES * u64::from(n)) & !bytes;
    let is = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
    (is(b'"') | is(b'\\') | below(eight, 0x20)) & (ONES << 7)
}

#[cfg(test)]
pub(super) mod tests {
    use super::Pass;
    use super::Shape;
    use crate::fhir::Document;
    use crate::fhir::document::NotRead;
    use proptest::prelude::*;
    use serde::de::IgnoredAny;
    use serde_json::Value;

    const UNBOUNDED: Shape = Shape { depth: usize::MAX, entries: usize::MAX };

    #[test]
    fn depth_and_items_are_counted_outside_strings() {
        let of = |text: &str| {
            let mut pass = Pass::new(text.as_bytes(), UNBOUNDED);
            pass.run().expect("JSON");
            (pass.shape.depth, pass.shape.entries)
        };
        assert_eq!(of(r#"{"a":"[[[\"[[,,","b":[{}]}"#), (3, 1));
        assert_eq!(of("[]"), (1, 0));
        assert_eq!(of("[ [ ] , {\"a\":1,\"b\":2} , 3 ]"), (2, 3));
        assert_eq!(of("[[1,2],[3]]"), (2, 5));
        assert_eq!(of("7"), (0, 0));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(of(&deep), (100_000, 99_999));
    }

    fn is_json(text: &str) -> bool {
        serde_json::from_str::<IgnoredAny>(text).is_ok()
    }

    #[test]
    fn a_text_beyond_its_bounds_is_told_by_its_shape_alone() {
        let most = Shape { depth: 3, entries: 4 };
        let within = |text: &str| match Document::within(text.to_owned(), most) {
            Ok(document) => Ok(document.root().items().count()),
            Err(NotRead::Beyond(shape)) => Err((shape.depth, shape.entries)),
            Err(NotRead::NotJson(error)) => panic!("{text}: {error}"),
        };
        assert_eq!(within("[1,[2,[3]]]"), Err((3, 5)), "one item too many");
        assert_eq!(within("[1,[[3]]]"), Ok(2));
        assert_eq!(within("[[[[]]]]"), Err((4, 3)), "one too deep");
        assert_eq!(within("[[[]],1]"), Ok(2));
        assert_eq!(within(r#"{"a":[1,2,3,4,5],"b":{}}"#), Err((2, 5)));
        let broken = Document::within("[1,2,3,4,5,]", most);
        assert!(matches!(broken, Err(NotRead::NotJson(_))), "what is no JSON has no shape");
    }

    #[test]
    fn what_is_no_json_is_refused_in_the_words_of_serde_json() {
        let texts = [
            "",
            " ",
            "nul",
            "nulll",
            "true false",
            "tru e",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{,}",
            "[}",
            "{]",
            "]",
            "}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "{1:1}",
            "{\"a\":1 \"b\":2}",
            "01",
            "-",
            "-a",
            "1.",
            ".5",
            "+1",
            "1e",
            "1e+",
            "1.e1",
            "--1",
            "0x1",
            "NaN",
            "\"",
            "\"\\",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u123\"",
            "\"\t\"",
            "\"\u{1f}\"",
            "\"abcdefg\n\"",
            "[1]]",
            "[[1]",
            "\u{feff}1",
            "1\u{a0}",
            "/**/1",
            "'a'",
        ];
        for text in texts {
            let words = serde_json::from_str::<IgnoredAny>(text).expect_err(text).to_string();
            let error = Document::read(text).expect_err(text);
            assert_eq!(error.to_string(), words, "{text}");
        }
        let sound = [
            "0",
            "-0",
            "-0.0e-0",
            "1E400",
            "10.25e+07",
            " [ ] ",
            "{ }",
            "\"\\u00e9\\\"\\/\\b\\f\\n\\r\\t\"",
            "\"\\ud800\"",
            "\"\u{7f}\u{e9}\u{1f600}\"",
            "[true,false,null]",
            "\t\r\n{\"\":\"\"}\n",
        ];
        for text in sound {
            assert!(is_json(text), "{text}");
            Document::read(text).expect(text);
        }
    }

    /// Any value, most of them small.
    pub(in crate::fhir) fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "[\"\\\\/a\u{e9}]{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::vec((".{0,10}", inner), 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_json_is_what_serde_json_takes_for_it(
            value in any_json(),
            pretty: bool,
            cut: prop::sample::Index,
            with in "[\\[\\]{},:\"\\\\ 0-9eE.+\\-tfnu\\n\u{1}\u{e9}]{0,3}",
            kept: bool,
        ) {
            let mut text = if pretty { format!("{value:#}") } else { value.to_string() };
            let mut at = cut.index(text.len());
            while !text.is_char_boundary(at) { at -= 1; }
            let end = if kept { at } else { at + text[at..].chars().next().map_or(0, char::len_utf8) };
            text.replace_range(at..end, &with);
            prop_assert_eq!(Document::read(&*text).is_ok(), is_json(&text), "{}", text);
        }
    }
}
