//! How deep is a JSON text, how many items do its lists hold, and does a member stand twice?
//!
//! One pass over text that is known to be JSON, without recursion: what is too deep, too much or has
//! two meanings is known before anything is decoded.

use std::borrow::Cow;
use std::collections::HashSet;

/// What one pass tells of a JSON text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Deepest nesting of objects and lists.
    pub depth: usize,
    /// Items of all lists together.
    pub entries: usize,
    /// Byte at which the second of two members of one name begins.
    pub twin: Option<usize>,
}

/// Deepest nesting that is read. FHIR resources in Bundles stay below 30.
pub const DEEPEST: usize = 64;

/// Names of an object up to which they are compared one by one.
const FEW: usize = 24;

/// An object or list that is not closed yet.
struct Open<'a> {
    /// Where its names begin among all names; `None` for a list.
    names: Option<usize>,
    /// Its names, once there are more than a few.
    many: Option<HashSet<Cow<'a, str>>>,
    empty: bool,
}

impl Shape {
    /// The shape of a text that is JSON; of any other text nothing is told but that this ends.
    pub fn of(text: &str) -> Shape {
        let (bytes, mut shape) = (text.as_bytes(), Shape::default());
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut names: Vec<Cow<'_, str>> = Vec::new();
        // In an object, the next string is a name after `{` and after `,`.
        let mut name_is_next = false;
        let mut i = 0;
        while i < bytes.len() {
            let byte = bytes[i];
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => {}
                b']' | b'}' => {
                    if let Some(closed) = open.pop() {
                        names.truncate(closed.names.unwrap_or(names.len()));
                    }
                    name_is_next = false;
                }
                b',' => {
                    name_is_next = open.last().is_some_and(|o| o.names.is_some());
                    shape.entries += usize::from(!name_is_next);
                }
                _ => {
                    if let Some(list) = open.last_mut().filter(|o| o.names.is_none() && o.empty) {
                        list.empty = false;
                        shape.entries += 1;
                    }
                    match byte {
                        b'[' | b'{' => {
                            name_is_next = byte == b'{';
                            let names = name_is_next.then_some(names.len());
                            open.push(Open { names, many: None, empty: true });
                            shape.depth = shape.depth.max(open.len());
                        }
                        b'"' => {
                            let end = end_of_string(bytes, i + 1);
                            if name_is_next {
                                let name = name(&text[i + 1..end.min(text.len())]);
                                if let Some(object) = open.last_mut()
                                    && !object.admits(name, &mut names)
                                {
                                    shape.twin = shape.twin.or(Some(i));
                                }
                                name_is_next = false;
                            }
                            i = end;
                        }
                        _ => {}
                    }
                }
            }
            i += 1;
        }
        shape
    }
}

impl<'a> Open<'a> {
    /// Takes a name down; `false` when it is there already.
    fn admits(&mut self, name: Cow<'a, str>, names: &mut Vec<Cow<'a, str>>) -> bool {
        if let Some(many) = &mut self.many {
            return many.insert(name);
        }
        let own = &names[self.names.unwrap_or(names.len())..];
        let new = !own.contains(&name);
        if own.len() >= FEW {
            let mut many: HashSet<_> = own.iter().cloned().collect();
            many.insert(name);
            self.many = Some(many);
        } else {
            names.push(name);
        }
        new
    }
}

/// The place of the quotation mark that ends a string.
fn end_of_string(bytes: &[u8], mut i: usize) -> usize {
    while i < bytes.len() && bytes[i] != b'"' {
        i += if bytes[i] == b'\\' { 2 } else { 1 };
    }
    i
}

/// A name as it is meant: `patient\u0049d` is `patientId`.
fn name(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    serde_json::from_str(&format!("\"{raw}\"")).map_or(Cow::Borrowed(raw), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twin(text: &str) -> bool {
        serde_json::from_str::<&serde_json::value::RawValue>(text).expect("JSON");
        Shape::of(text).twin.is_some()
    }

    #[test]
    fn a_member_that_stands_twice_is_found_at_any_depth_and_nothing_else() {
        assert!(twin(r#"{"a":1,"a":2}"#));
        assert!(twin(r#"{"a":[{"b":{"c":1,"d":[],"c":null}}]}"#));
        assert!(twin(r#"{"patientId":"A", "x":{"y":[1]}, "patient\u0049d" : "B"}"#));
        assert!(twin(r#"{"":1,"":2}"#));
        assert!(!twin(r#"{"a":"a","b":["a","a",{"a":1},{"a":2}],"c":{"a":true,"b":{}}}"#));
        assert!(!twin(r#"{"a":"\",\"a\":","b":1.5e3,"aa":null}"#));
        assert!(!twin(r#"[{"a":1},{"a":1},"a","a"]"#));
        let many: Vec<String> = (0..100).map(|i| format!("\"k{i}\":{{\"k0\":{i}}}")).collect();
        assert!(!twin(&format!("{{{}}}", many.join(","))));
        for again in [0, FEW - 1, FEW, FEW + 1, 99] {
            assert!(twin(&format!("{{{},\"k{again}\":1}}", many.join(","))), "{again}");
        }
        assert_eq!(Shape::of(r#"{"a":1,"a":2}"#).twin, Some(7));
    }

    #[test]
    fn depth_and_items_are_counted_outside_strings() {
        let of = |text: &str| (Shape::of(text).depth, Shape::of(text).entries);
        assert_eq!(of(r#"{"a":"[[[\"[[,,","b":[{}]}"#), (3, 1));
        assert_eq!(of("[]"), (1, 0));
        assert_eq!(of("[ [ ] , {\"a\":1,\"b\":2} , 3 ]"), (2, 3));
        assert_eq!(of("[[1,2],[3]]"), (2, 5));
        assert_eq!(of("7"), (0, 0));
    }

    #[test]
    fn text_that_is_no_json_ends_too() {
        for text in
            ["", "\"", "\"\\", "]]]}}}", ",,,{,}", "{\"a", "[\"\u{e4}\\\u{e4}", "\"\\\u{e4}"]
        {
            Shape::of(text);
        }
        assert_eq!(Shape::of(&"[".repeat(200)).depth, 200);
    }
}
