//! A JSON text, taken apart once: every later question is answered without scanning it again.
//!
//! One pass, without recursion, tells whether the text is JSON, and notes where each value begins, where it
//! ends and where the next one is, how deep the text is and how many items its lists hold: what is too
//! deep or too much is known before anything is decoded. That costs less than the scan by which
//! `serde_json` skips a value; the words for a text that is no JSON are those of `serde_json`.

use super::json::Json;
use super::scan::{MOST, Node, Pass, Shape};
use serde::de::{Error, IgnoredAny};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// Deepest nesting that is read. FHIR resources in Bundles stay below 30.
pub const DEEPEST: usize = 64;

/// A text of exactly one JSON value, taken apart.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    text: Cow<'a, str>,
    /// Values in the order of the text; before the value of a member stands its name.
    nodes: Vec<Node>,
}

/// Why a text was not taken apart.
#[derive(Debug)]
pub enum NotRead {
    /// It is not JSON, in the words of `serde_json`.
    NotJson(serde_json::Error),
    /// It is JSON of this shape, which is beyond the bounds.
    Beyond(Shape),
}

impl<'a> Document<'a> {
    /// Takes a text apart.
    ///
    /// # Errors
    /// It is not JSON.
    pub fn read(text: impl Into<Cow<'a, str>>) -> Result<Document<'a>, serde_json::Error> {
        let unbounded = Shape { depth: usize::MAX, entries: usize::MAX };
        Document::within(text, unbounded).map_err(|why| match why {
            NotRead::NotJson(error) => error,
            NotRead::Beyond(_) => Error::custom("beyond all bounds"),
        })
    }

    /// The same, of a text that may be hostile: one that is deeper or holds more items is not taken apart.
    ///
    /// # Errors
    /// It is not JSON, or beyond the bounds.
    pub fn within(text: impl Into<Cow<'a, str>>, most: Shape) -> Result<Document<'a>, NotRead> {
        let text = text.into();
        let not_json = |why: &str| NotRead::NotJson(Error::custom(why));
        if text.len() >= MOST {
            return Err(not_json("longer than 1 GB"));
        }
        let mut pass = Pass::new(text.as_bytes(), most);
        if pass.run().is_none() {
            serde_json::from_str::<IgnoredAny>(&text).map_err(NotRead::NotJson)?;
            return Err(not_json("no JSON"));
        }
        if pass.beyond {
            return Err(NotRead::Beyond(pass.shape));
        }
        let nodes = pass.nodes;
        Ok(Document { text, nodes })
    }

    /// The value.
    pub fn root(&self) -> Json<'_> {
        Json::at(self, 0)
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Where the value of a node ends.
    pub(super) fn end(&self, at: usize) -> usize {
        let node = self.nodes[at];
        // Before the node behind what holds others stands its closing bracket.
        if node.holds() { self.nodes[node.next(at) - 1].end() } else { node.end() }
    }

    /// The byte at which, in an object of this text, a member stands for the second time: the first such
    /// byte. Inside of these values, which stand in the order of the text, nobody looks.
    pub fn twin_outside<'v>(&self, values: impl Iterator<Item = Json<'v>>) -> Option<usize> {
        let values = values.map(Json::nodes);
        let end = self.nodes.len();
        let mut from = 0;
        values
            .chain(std::iter::once(end..end))
            .filter_map(|value| {
                let beside = std::mem::replace(&mut from, value.end)..value.start;
                self.twin(beside)
            })
            .min()
    }

    /// The same, among these nodes.
    pub(super) fn twin(&self, nodes: Range<usize>) -> Option<usize> {
        let mut prints = [0; FEW];
        let objects = nodes.filter(|index| self.nodes[*index].is_object());
        let doubtful = objects.filter(|object| self.may_have_twin(*object, &mut prints));
        doubtful.filter_map(|object| self.twin_of(object)).min()
    }

    /// Do two names of an object look alike, or are they many?
    fn may_have_twin(&self, object: usize, prints: &mut [u64; FEW]) -> bool {
        // Bits of the prints that were met: most names need no comparison.
        let mut met = 0_u64;
        for (count, name) in self.names(object).enumerate() {
            let print = self.print(name);
            let Some(room) = prints.get_mut(count) else { return true };
            *room = print;
            let bit = 1 << (print.wrapping_mul(SPREAD) >> 58);
            if met & bit != 0 && prints[..count].contains(&print) {
                return true;
            }
            met |= bit;
        }
        false
    }

    /// The names of an object.
    fn names(&self, object: usize) -> impl Iterator<Item = Node> {
        let end = self.nodes[object].next(object) - 1;
        let (mut at, nodes) = (object + 1, &self.nodes[..end]);
        std::iter::from_fn(move || {
            let name = *nodes.get(at)?;
            at = nodes.get(at + 1)?.next(at + 1);
            Some(name)
        })
    }

    /// The length and the first bytes of a name: names that differ in them are not the same.
    fn print(&self, name: Node) -> u64 {
        if name.escaped() {
            return print(&self::name(&self.text, name));
        }
        let (start, length) = (name.start() + 1, name.end() - name.start() - 2);
        match self.text.as_bytes()[start..].first_chunk() {
            // Names are short: the eight bytes hold what stands behind it, too.
            Some(eight) if length < 8 => {
                let own = (1 << (8 * length)) - 1;
                shifted(u64::from_le_bytes(*eight) & own, length)
            }
            Some(eight) => shifted(u64::from_le_bytes(*eight), length),
            None => print(&self::name(&self.text, name)),
        }
    }

    fn twin_of(&self, object: usize) -> Option<usize> {
        let mut seen = HashSet::new();
        let mut names = self.names(object);
        let twin = names.find(|name| !seen.insert(self::name(&self.text, *name)));
        twin.map(Node::start)
    }
}

/// Names of one object that are compared by their prints.
const FEW: usize = 48;

/// An odd number whose bits are mixed: the upper bits of a product with it depend on all of the other factor.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The print of a name that stands alone.
fn print(name: &[u8]) -> u64 {
    let first = name.iter().take(8).rev().fold(0, |all, byte| all << 8 | u64::from(*byte));
    shifted(first, name.len())
}

fn shifted(first: u64, length: usize) -> u64 {
    first.rotate_left(7) ^ length as u64
}

/// A name as it is meant: `patient\u0049d` is `patientId`. One whose escapes mean nothing (half a
/// surrogate pair) stands as it was written.
#[inline]
pub(super) fn name(text: &str, node: Node) -> Cow<'_, [u8]> {
    let meant = if node.escaped() { unescape(&text[node.start()..node.end()]) } else { None };
    match meant {
        None => Cow::Borrowed(&text.as_bytes()[node.start() + 1..node.end() - 1]),
        Some(meant) => Cow::Owned(meant.into_bytes()),
    }
}

/// The content of a string that stands in quotes and holds escapes; `None` when they mean nothing.
#[cold]
pub(super) fn unescape(quoted: &str) -> Option<String> {
    serde_json::from_str(quoted).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::scan::tests::any_json;
    use proptest::prelude::*;
    use serde_json::Value;

    fn twins(text: &str) -> bool {
        let document = Document::read(text).expect("JSON");
        let place = document.root().twin();
        assert_eq!(place, document.twin_outside(std::iter::empty()));
        place.is_some()
    }

    #[test]
    fn a_member_that_stands_twice_is_found_at_any_depth_and_nothing_else() {
        assert!(twins(r#"{"a":1,"a":2}"#));
        assert!(twins(r#"{"a":[{"b":{"c":1,"d":[],"c":null}}]}"#));
        assert!(twins(r#"{"patientId":"A", "x":{"y":[1]}, "patient\u0049d" : "B"}"#));
        assert!(twins(r#"{"patient\u0049d":"A","patientId":"B"}"#));
        assert!(twins(r#"{"\u0061bc":"A","abc":"B"}"#));
        assert!(twins(r#"{"":1,"":2}"#));
        assert!(!twins(r#"{"a":"a","b":["a","a",{"a":1},{"a":2}],"c":{"a":true,"b":{}}}"#));
        assert!(!twins(r#"{"a":"\",\"a\":","b":1.5e3,"aa":null}"#));
        assert!(!twins(r#"[{"a":1},{"a":1},"a","a"]"#));
        assert!(!twins(r#"{"":1,"\ud800":2,"\ud801":3}"#), "half a pair is no name at all");
        assert!(twins(r#"{"\ud800":1,"\ud800":2}"#));
        assert!(!twins(r#"{"abcdefgh1":1,"abcdefgh2":[{"x":1},{"x":2}],"":0}"#));
        let many: Vec<String> = (0..100).map(|i| format!("\"k{i}\":{{\"k0\":{i}}}")).collect();
        assert!(!twins(&format!("{{{}}}", many.join(","))));
        for again in [0, FEW - 1, FEW, FEW + 1, 99] {
            assert!(twins(&format!("{{{},\"k{again}\":1}}", many.join(","))), "{again}");
        }
        let place = |text: &str| Document::read(text.to_owned()).expect("JSON").root().twin();
        assert_eq!(place(r#"{"a":1,"a":2}"#), Some(7));
        assert_eq!(place(r#"{"b":{"a":1,"a":2},"b":3}"#), Some(12), "the first in the text");
    }

    #[test]
    fn a_twin_is_told_of_what_holds_it_and_of_nothing_beside_it() {
        let text = r#"[{"a":{"b":1,"b":2}},{"a":{"b":1}}]"#.to_owned();
        let document = Document::read(text).expect("JSON");
        let items: Vec<Json<'_>> = document.root().items().collect();
        assert_eq!([items[0].twin(), items[1].twin()], [Some(13), None]);
        assert_eq!(document.twin_outside(items[..1].iter().copied()), None);
        assert_eq!(document.twin_outside(items[1..].iter().copied()), Some(13));
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

    /// Does a member stand twice? Asked of every object by name, without any guess.
    fn by_name(json: Json<'_>) -> bool {
        let names: Vec<_> = json.pairs().map(|(key, _)| key.name()).collect();
        let once: HashSet<_> = names.iter().collect();
        once.len() < names.len()
            || json.pairs().any(|(_, value)| by_name(value))
            || (json.is_array() && json.all_items().any(by_name))
    }

    /// An object whose names are few, so that many stand twice.
    fn crowded() -> impl Strategy<Value = String> {
        let name = "(a|b|c|ab|abcdefgh1|abcdefgh2|\\\\u0061|)";
        let leaf = Just("1".to_owned());
        leaf.prop_recursive(4, 40, 6, move |inner| {
            let members = prop::collection::vec((name, inner.clone()), 0..6);
            let object = members.prop_map(|members| {
                let member = |(name, value): &(String, String)| format!("\"{name}\":{value}");
                format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(","))
            });
            let list = prop::collection::vec(inner, 0..4);
            prop_oneof![object, list.prop_map(|items| format!("[{}]", items.join(",")))]
        })
    }

    proptest! {
        #[test]
        fn what_is_taken_apart_is_what_was_written(value in any_json(), pretty: bool) {
            let text = if pretty { format!(" {value:#}\n") } else { value.to_string() };
            let document = Document::read(text).expect("JSON");
            let root = document.root();
            prop_assert_eq!(root.twin(), None);
            prop_assert_eq!(rebuilt(root), value);
        }

        #[test]
        fn prints_hide_no_twin(text in crowded()) {
            let document = Document::read(&*text).expect("JSON");
            let found = document.root().twin();
            prop_assert_eq!(found.is_some(), by_name(document.root()), "{}", text);
        }
    }
}
