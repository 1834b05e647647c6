//! Is a text JSON, and where in it do values stand?
//!
//! One pass, without recursion, over text of any depth. It takes what `serde_json` takes when it skips a
//! value, and costs no more than that.

use wide::u8x16;

/// What one pass tells of a JSON text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Deepest nesting of objects and lists.
    pub depth: usize,
    /// Items of all lists together.
    pub entries: usize,
}

/// A value or the name of a member, by its bytes in the text. What an object or a list holds stands behind it, and
/// behind that its closing bracket, as a node of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    start: u32,
    /// Where it ends; of an object or a list, the node after its closing bracket. The highest bits are
    /// [`HOLDS`] and [`FLAG`].
    rest: u32,
}

/// It is an object or a list.
const HOLDS: u32 = 1 << 31;
/// Of what holds others: it is an object. Of a string or a name: there are escapes in it.
const FLAG: u32 = 1 << 30;
/// Bytes of a text are fewer, and so are its nodes.
pub(super) const MOST: usize = FLAG as usize;

impl Node {
    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    fn rest(self) -> usize {
        (self.rest & !(HOLDS | FLAG)) as usize
    }

    /// Where it ends, unless it is an object or a list.
    pub(super) fn end(self) -> usize {
        self.rest()
    }

    /// The node after the one that stands here and all that it holds.
    pub(super) fn next(self, here: usize) -> usize {
        if self.holds() { self.rest() } else { here + 1 }
    }

    /// Is it an object or a list?
    pub(super) fn holds(self) -> bool {
        self.rest & HOLDS != 0
    }

    pub(super) fn escaped(self) -> bool {
        self.rest & (HOLDS | FLAG) == FLAG
    }

    pub(super) fn is_object(self) -> bool {
        self.rest & (HOLDS | FLAG) == HOLDS | FLAG
    }
}

/// A place in a text, which has fewer than [`MOST`].
fn place(at: usize) -> u32 {
    at as u32
}

/// The way through a text. What is no JSON ends it with `None`; each step is told where it begins and tells
/// where it ended.
pub(super) struct Pass<'t> {
    bytes: &'t [u8],
    /// Values in the order of the text; before the value of a member stands its name.
    pub(super) nodes: Vec<Node>,
    /// Objects and lists that are not closed yet: their nodes, and [`FLAG`] of an object.
    open: Vec<u32>,
    pub(super) shape: Shape,
    /// Beyond this nothing is noted any more: a node takes more memory than the text that it is of.
    most: Shape,
    /// It is beyond.
    pub(super) beyond: bool,
}

impl<'t> Pass<'t> {
    pub(super) fn new(bytes: &'t [u8], most: Shape) -> Pass<'t> {
        // Compact FHIR has a node in every seven bytes or more; room that is not used costs nothing.
        let nodes = Vec::with_capacity(bytes.len() / 6 + 8);
        let (open, shape) = (Vec::with_capacity(16), Shape::default());
        Pass { bytes, nodes, open, shape, most, beyond: false }
    }

    /// To the end of the text.
    pub(super) fn run(&mut self) -> Option<()> {
        let (mut at, mut byte) = self.after_space(0)?;
        let mut in_object = false;
        loop {
            if in_object {
                (at, byte) = self.name(at, byte)?;
            }
            // Here a value begins.
            if matches!(byte, b'{' | b'[') {
                in_object = byte == b'{';
                self.open(at, in_object);
                (at, byte) = self.after_space(at + 1)?;
                if byte != if in_object { b'}' } else { b']' } {
                    self.begin(in_object);
                    continue;
                }
                at = self.close(at);
            } else {
                at = self.scalar(at, byte)?;
            }
            // Here one has ended.
            loop {
                let Some(open) = self.open.last() else {
                    return self.after_space(at).is_none().then_some(());
                };
                in_object = open & FLAG != 0;
                (at, byte) = self.after_space(at)?;
                match (byte, in_object) {
                    (b'}', true) | (b']', false) => at = self.close(at),
                    (b',', _) => break,
                    _ => return None,
                }
            }
            (at, byte) = self.after_space(at + 1)?;
            self.begin(in_object);
        }
    }

    /// The next byte that is no white space, and where it is.
    #[inline]
    fn after_space(&self, from: usize) -> Option<(usize, u8)> {
        let mut at = from;
        loop {
            match *self.bytes.get(at)? {
                b' ' | b'\n' | b'\r' | b'\t' => at += 1,
                byte => return Some((at, byte)),
            }
        }
    }

    fn open(&mut self, at: usize, is_object: bool) {
        let flag = if is_object { FLAG } else { 0 };
        self.open.push(place(self.nodes.len()) | flag);
        self.shape.depth = self.shape.depth.max(self.open.len());
        self.look();
        self.note(at, at + 1, HOLDS | flag);
    }

    fn close(&mut self, at: usize) -> usize {
        let end = at + 1;
        self.note(at, end, 0);
        let next = place(self.nodes.len());
        // Nothing is noted any more of a text beyond its bounds.
        if let Some(closed) = self.open.pop()
            && let Some(node) = self.nodes.get_mut((closed & !FLAG) as usize)
        {
            node.rest = next | HOLDS | (closed & FLAG);
        }
        end
    }

    /// A member or an item begins.
    fn begin(&mut self, in_object: bool) {
        if !in_object {
            self.shape.entries += 1;
            self.look();
        }
    }

    /// Is the text still within its bounds?
    fn look(&mut self) {
        if self.shape.depth > self.most.depth || self.shape.entries > self.most.entries {
            self.nodes = Vec::new();
            self.beyond = true;
        }
    }

    #[inline]
    fn note(&mut self, start: usize, end: usize, flags: u32) {
        if !self.beyond {
            self.nodes.push(Node { start: place(start), rest: place(end) | flags });
        }
    }

    /// The name of a member and the colon behind it; where its value begins, and with which byte.
    #[inline]
    fn name(&mut self, at: usize, byte: u8) -> Option<(usize, u8)> {
        if byte != b'"' {
            return None;
        }
        let end = self.string(at)?;
        let (colon, b':') = self.after_space(end)? else { return None };
        self.after_space(colon + 1)
    }

    #[inline]
    fn scalar(&mut self, start: usize, first: u8) -> Option<usize> {
        let end = match first {
            b'"' => return self.string(start),
            b't' => self.word(start, b"true"),
            b'f' => self.word(start, b"false"),
            b'n' => self.word(start, b"null"),
            _ => self.number(start),
        }?;
        self.note(start, end, 0);
        Some(end)
    }

    fn word(&self, at: usize, word: &[u8]) -> Option<usize> {
        let end = at + word.len();
        (self.bytes.get(at..end)? == word).then_some(end)
    }

    fn number(&self, start: usize) -> Option<usize> {
        let mut at = self.one_of(start, b"-").unwrap_or(start);
        at = match self.one_of(at, b"0") {
            Some(at) => at,
            None => self.digits(at)?,
        };
        if let Some(point) = self.one_of(at, b".") {
            at = self.digits(point)?;
        }
        if let Some(e) = self.one_of(at, b"eE") {
            at = self.digits(self.one_of(e, b"+-").unwrap_or(e))?;
        }
        Some(at)
    }

    /// Behind one of these bytes, if one stands there.
    fn one_of(&self, at: usize, bytes: &[u8]) -> Option<usize> {
        self.bytes.get(at).is_some_and(|byte| bytes.contains(byte)).then_some(at + 1)
    }

    fn digits(&self, at: usize) -> Option<usize> {
        let digits = self.bytes[at..].iter().take_while(|b| b.is_ascii_digit()).count();
        (digits > 0).then_some(at + digits)
    }

    #[inline]
    fn string(&mut self, start: usize) -> Option<usize> {
        let (mut at, mut flag) = (start + 1, 0);
        loop {
            // Sixteen bytes at a time, until one of them is not a plain one.
            while let Some(sixteen) = self.bytes.get(at..at + 16) {
                let hits = not_plain(u8x16::new(sixteen.try_into().expect("sixteen bytes")));
                if hits != 0 {
                    at += hits.trailing_zeros() as usize;
                    break;
                }
                at += 16;
            }
            match *self.bytes.get(at)? {
                b'"' => break,
                b'\\' => {
                    flag = FLAG;
                    at = self.escape(at)?;
                }
                0..=0x1f => return None,
                _ => at += 1,
            }
        }
        self.note(start, at + 1, flag);
        Some(at + 1)
    }

    #[cold]
    fn escape(&self, at: usize) -> Option<usize> {
        let digits = match self.bytes.get(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 0,
            b'u' => 4,
            _ => return None,
        };
        let end = at + 2 + digits;
        let code = self.bytes.get(at + 2..end)?;
        code.iter().all(u8::is_ascii_hexdigit).then_some(end)
    }
}

/// Which bytes are a quote, a backslash or a control character: bit n tells of byte n.
#[inline]
fn not_plain(bytes: u8x16) -> u32 {
    let is = |byte: u8| bytes.simd_eq(u8x16::splat(byte));
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    (is(b'"') | is(b'\\') | control).to_bitmask()
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

    #[test]
    fn a_byte_means_the_same_at_every_place_of_a_string() {
        for (byte, before) in (0..0x80_u8).flat_map(|byte| (0..34).map(move |n| (byte, n))) {
            let text = format!("\"{}{}{}\"", "x".repeat(before), char::from(byte), "y".repeat(20));
            assert_eq!(Document::read(&*text).is_ok(), is_json(&text), "{byte:#x} at {before}");
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
