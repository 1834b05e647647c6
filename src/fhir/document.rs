//! A JSON text, taken apart once: every later question is answered without scanning it again.
//!
//! One pass, without recursion, notes where each value begins, where it ends and where the next one is, how
//! deep the text is, how many items its lists hold, and where a member stands twice in an object: what is
//! too deep, too much or has two meanings is known before anything is decoded. That costs no more than
//! the scan by which `serde_json` skips a value. Whether the text is JSON at all is asked of `serde_json`.

use super::json::Json;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::HashSet;

/// Deepest nesting that is read. FHIR resources in Bundles stay below 30.
pub const DEEPEST: usize = 64;

/// A text of exactly one JSON value, taken apart.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    text: Cow<'a, str>,
    /// Values in the order of the text; before the value of a member stands its name.
    nodes: Vec<Node>,
    shape: Shape,
}

/// What one pass tells of a JSON text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Deepest nesting of objects and lists.
    pub depth: usize,
    /// Items of all lists together.
    pub entries: usize,
    /// Bytes at which the second of two members of one name begins.
    pub twins: Vec<usize>,
}

/// A value or the name of a member, by its bytes in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    start: u32,
    end: u32,
    /// The node after this one and all that it holds; the highest bit is [`MARK`].
    next: u32,
}

/// Of an object or a list: a member stands twice somewhere in it. Of a string or a name: it holds
/// escapes.
const MARK: u32 = 1 << 31;

impl Node {
    pub(super) fn start(self) -> usize {
        self.start as usize
    }

    pub(super) fn end(self) -> usize {
        self.end as usize
    }

    pub(super) fn next(self) -> usize {
        (self.next & !MARK) as usize
    }

    pub(super) fn marked(self) -> bool {
        self.next & MARK != 0
    }
}

impl<'a> Document<'a> {
    /// Takes a text apart.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn read(text: impl Into<Cow<'a, str>>) -> Result<Document<'a>, serde_json::Error> {
        let text = text.into();
        serde_json::from_str::<IgnoredAny>(&text)?;
        let (nodes, shape) = take_apart(&text);
        Ok(Document { text, nodes, shape })
    }

    /// The value.
    pub fn root(&self) -> Json<'_> {
        Json::at(self, 0)
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How it is built.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}

/// An object or a list that is not closed yet.
struct Open {
    node: usize,
    /// Its names begin here in the list of all names of open objects.
    names: usize,
    is_object: bool,
    /// All its names, when they are too many to compare one by one.
    many: Option<HashSet<String>>,
}

/// Names of one object that are compared one by one.
const FEW: usize = 48;

/// The nodes of a text that is JSON, and its shape.
fn take_apart(text: &str) -> (Vec<Node>, Shape) {
    let bytes = text.as_bytes();
    let mut shape = Shape::default();
    let mut nodes: Vec<Node> = Vec::with_capacity(bytes.len() / 10 + 8);
    let mut open: Vec<Open> = Vec::new();
    // The names of all open objects: a print of each, and its node.
    let mut names: Vec<(u64, usize)> = Vec::new();
    // In an object, the next string is a name after `{` and after `,`.
    let mut is_name = false;
    let mut in_list = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let (start, index) = (at, nodes.len());
        match byte {
            b'"' => {
                let (end, escaped) = string_end(bytes, at + 1);
                at = end;
                nodes.push(node(start, at, index + 1));
                if escaped {
                    nodes[index].next |= MARK;
                }
                shape.entries += usize::from(in_list);
                if is_name {
                    is_name = false;
                    if is_twin(text, &nodes, index, &mut names, open.last_mut()) {
                        shape.twins.push(start);
                        // What holds a marked value is marked already.
                        let unmarked = |open: &&Open| !nodes[open.node].marked();
                        let holding: Vec<usize> =
                            open.iter().rev().take_while(unmarked).map(|open| open.node).collect();
                        for node in holding {
                            nodes[node].next |= MARK;
                        }
                    }
                }
            }
            b'{' | b'[' => {
                at += 1;
                shape.entries += usize::from(in_list);
                (is_name, in_list) = (byte == b'{', byte == b'[');
                nodes.push(node(start, at, index + 1));
                open.push(Open { node: index, names: names.len(), is_object: is_name, many: None });
                shape.depth = shape.depth.max(open.len());
            }
            b'}' | b']' => {
                at += 1;
                is_name = false;
                if let Some(closed) = open.pop() {
                    names.truncate(closed.names);
                    let node = &mut nodes[closed.node];
                    node.end = place(at);
                    node.next = (node.next & MARK) | place(index);
                }
                in_list = open.last().is_some_and(|open| !open.is_object);
            }
            b',' => {
                at += 1;
                is_name = !in_list && !open.is_empty();
            }
            b':' | b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            // A number, `true`, `false`, `null`.
            _ => {
                let ends = |b: &u8| matches!(b, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                at += bytes[at..].iter().position(ends).unwrap_or(bytes.len() - at);
                nodes.push(node(start, at, index + 1));
                shape.entries += usize::from(in_list);
            }
        }
    }
    (nodes, shape)
}

fn node(start: usize, end: usize, next: usize) -> Node {
    Node { start: place(start), end: place(end), next: place(next) }
}

/// Bodies and answers are limited to far less than 2 GB.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX) & !MARK
}

/// Does the newest name stand in its object already? Remembers it.
fn is_twin(
    text: &str,
    nodes: &[Node],
    index: usize,
    names: &mut Vec<(u64, usize)>,
    object: Option<&mut Open>,
) -> bool {
    let Some(object) = object else { return false };
    let name = |index: usize| unescaped(text, nodes[index]);
    if let Some(many) = &mut object.many {
        return !many.insert(name(index).into_owned());
    }
    let own = name(index);
    let print = print(own.as_bytes());
    let before = &names[object.names..];
    let is_twin = before.iter().any(|(p, at)| *p == print && name(*at) == own);
    names.push((print, index));
    if names.len() - object.names > FEW {
        let all = names[object.names..].iter().map(|(_, at)| name(*at).into_owned());
        object.many = Some(all.collect());
    }
    is_twin
}

/// The content of a string.
pub(super) fn unescaped(text: &str, node: Node) -> Cow<'_, str> {
    let quoted = &text[node.start()..node.end()];
    match node.marked() {
        false => Cow::Borrowed(&quoted[1..quoted.len() - 1]),
        true => Cow::Owned(serde_json::from_str(quoted).unwrap_or_default()),
    }
}

/// The length and the first bytes of a name: names that differ in them are not the same.
fn print(name: &[u8]) -> u64 {
    let mut first = [0; 8];
    let n = name.len().min(8);
    first[..n].copy_from_slice(&name[..n]);
    u64::from_le_bytes(first).rotate_left(7) ^ name.len() as u64
}

/// Where the string ends whose content begins here, behind its quote, and whether it holds escapes.
fn string_end(bytes: &[u8], mut at: usize) -> (usize, bool) {
    let mut escaped = false;
    loop {
        // Eight bytes at a time, until one of them is a quote or a backslash.
        while let Some(eight) = bytes[at..].first_chunk::<8>() {
            let hits = quotes_and_backslashes(u64::from_le_bytes(*eight));
            if hits != 0 {
                at += hits.trailing_zeros() as usize / 8;
                break;
            }
            at += 8;
        }
        match bytes.get(at) {
            Some(b'"') => return (at + 1, escaped),
            Some(b'\\') => (at, escaped) = (at + 2, true),
            Some(_) => at += 1,
            None => return (bytes.len(), escaped),
        }
    }
}

/// The highest bit of every byte that is a quote or a backslash; the lowest such bit is exact.
fn quotes_and_backslashes(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let zeros = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes & (ONES << 7);
    zeros(eight ^ (ONES * u64::from(b'"'))) | zeros(eight ^ (ONES * u64::from(b'\\')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn shape(text: &str) -> Shape {
        Document::read(text).expect("JSON").shape().clone()
    }

    fn twins(text: &str) -> bool {
        let document = Document::read(text).expect("JSON");
        let told = document.root().has_twin_members();
        assert_eq!(told, !document.shape().twins.is_empty());
        told
    }

    #[test]
    fn a_member_that_stands_twice_is_found_at_any_depth_and_nothing_else() {
        assert!(twins(r#"{"a":1,"a":2}"#));
        assert!(twins(r#"{"a":[{"b":{"c":1,"d":[],"c":null}}]}"#));
        assert!(twins(r#"{"patientId":"A", "x":{"y":[1]}, "patient\u0049d" : "B"}"#));
        assert!(twins(r#"{"patient\u0049d":"A","patientId":"B"}"#));
        assert!(twins(r#"{"":1,"":2}"#));
        assert!(!twins(r#"{"a":"a","b":["a","a",{"a":1},{"a":2}],"c":{"a":true,"b":{}}}"#));
        assert!(!twins(r#"{"a":"\",\"a\":","b":1.5e3,"aa":null}"#));
        assert!(!twins(r#"[{"a":1},{"a":1},"a","a"]"#));
        assert!(!twins(r#"{"abcdefgh1":1,"abcdefgh2":[{"x":1},{"x":2}],"":0}"#));
        let many: Vec<String> = (0..100).map(|i| format!("\"k{i}\":{{\"k0\":{i}}}")).collect();
        assert!(!twins(&format!("{{{}}}", many.join(","))));
        for again in [0, FEW - 1, FEW, FEW + 1, 99] {
            assert!(twins(&format!("{{{},\"k{again}\":1}}", many.join(","))), "{again}");
        }
        assert_eq!(shape(r#"{"a":1,"a":2}"#).twins, [7]);
    }

    #[test]
    fn a_twin_is_told_of_what_holds_it_and_of_nothing_beside_it() {
        let text = r#"[{"a":{"b":1,"b":2}},{"a":{"b":1}}]"#.to_owned();
        let document = Document::read(text).expect("JSON");
        let told: Vec<bool> = document.root().items().map(Json::has_twin_members).collect();
        assert_eq!(told, [true, false]);
    }

    #[test]
    fn depth_and_items_are_counted_outside_strings() {
        let of = |text: &str| (shape(text).depth, shape(text).entries);
        assert_eq!(of(r#"{"a":"[[[\"[[,,","b":[{}]}"#), (3, 1));
        assert_eq!(of("[]"), (1, 0));
        assert_eq!(of("[ [ ] , {\"a\":1,\"b\":2} , 3 ]"), (2, 3));
        assert_eq!(of("[[1,2],[3]]"), (2, 5));
        assert_eq!(of("7"), (0, 0));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(of(&deep), (100_000, 99_999));
    }

    /// The value, read through the document.
    fn rebuilt(json: Json<'_>) -> Value {
        if json.is_object() {
            let members = json.members().map(|(name, value)| (name.into_owned(), rebuilt(value)));
            return Value::Object(members.collect());
        }
        if json.is_array() {
            return Value::Array(json.all_items().map(rebuilt).collect());
        }
        match json.string() {
            Some(text) => Value::String(text.into_owned()),
            None => serde_json::from_str(json.text()).expect("a scalar"),
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
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
        fn what_is_taken_apart_is_what_was_written(value in any_json(), pretty: bool) {
            let text = if pretty { format!(" {value:#}\n") } else { value.to_string() };
            let document = Document::read(text).expect("JSON");
            let root = document.root();
            prop_assert!(!root.has_twin_members());
            prop_assert_eq!(rebuilt(root), value);
        }
    }
}
