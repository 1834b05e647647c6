//! One JSON value of a document, borrowed and not yet decoded.
//!
//! Real EHRs send an object where FHIR wants a list, a list where it wants an object, and `null`
//! where it wants nothing. Reading is tolerant: a value of the wrong kind is no value.

use super::document::{Document, name, unescape};
use super::scan::Node;
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// One value of a [`Document`].
#[derive(Clone, Copy)]
pub struct Json<'a> {
    document: &'a Document<'a>,
    at: usize,
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl<'a> Json<'a> {
    pub(super) fn at(document: &'a Document<'a>, at: usize) -> Json<'a> {
        Json { document, at }
    }

    fn node(self) -> Node {
        self.document.nodes()[self.at]
    }

    /// The node after this value.
    fn next(self) -> usize {
        self.node().next(self.at)
    }

    /// The value's text.
    pub fn text(self) -> &'a str {
        &self.document.text()[self.place()]
    }

    /// Its bytes in the text of the document.
    pub fn place(self) -> Range<usize> {
        self.node().start()..self.document.end(self.at)
    }

    fn first(self) -> u8 {
        self.document.text().as_bytes()[self.node().start()]
    }

    /// Is it `{…}`?
    pub fn is_object(self) -> bool {
        self.node().is_object()
    }

    /// Is it `[…]`?
    pub fn is_array(self) -> bool {
        self.first() == b'['
    }

    /// Is it `null`?
    pub fn is_null(self) -> bool {
        self.first() == b'n'
    }

    /// Where in the document a member stands twice in one of its objects: which of the two is meant
    /// cannot be told. The first such byte.
    pub fn twin(self) -> Option<usize> {
        self.document.twin(self.nodes())
    }

    /// Its nodes and those of all that it holds.
    pub(super) fn nodes(self) -> Range<usize> {
        self.at..self.next()
    }

    /// The string; only strings with escapes are copied. Half a surrogate pair is no string.
    pub fn string(self) -> Option<Cow<'a, str>> {
        if self.first() != b'"' {
            return None;
        }
        let (start, end) = (self.node().start(), self.node().end());
        let text = self.document.text();
        match self.node().escaped() {
            false => Some(Cow::Borrowed(&text[start + 1..end - 1])),
            true => unescape(&text[start..end]).map(Cow::Owned),
        }
    }

    /// The number, also when it stands in quotation marks.
    pub fn decimal(self) -> Option<Decimal> {
        match self.first() {
            b'"' => crate::terminology::decimal::parse(&self.string()?),
            b'-' | b'0'..=b'9' => crate::terminology::decimal::parse(self.text()),
            _ => None,
        }
    }

    /// `true` or `false`.
    pub fn boolean(self) -> Option<bool> {
        match self.text() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The members of an object, in the order sent; nothing else has any.
    pub fn members(self) -> impl Iterator<Item = (Cow<'a, str>, Json<'a>)> {
        self.pairs().filter_map(|(key, value)| Some((key.string()?, value)))
    }

    /// The same; the name of a member is a string, as it stands.
    pub fn pairs(self) -> Pairs<'a> {
        let end = if self.is_object() { self.next() - 1 } else { 0 };
        Pairs { document: self.document, nodes: &self.document.nodes()[..end], at: self.at + 1 }
    }

    /// As the name of a member it is meant so, in bytes: quicker to compare than text.
    #[inline]
    pub fn name(self) -> Cow<'a, [u8]> {
        name(self.document.text(), self.node())
    }

    /// The items of a list; one value is a list of one, `null` a list of none, and a `null` in a list
    /// is no item.
    pub fn items(self) -> Items<'a> {
        Items { values: self.all_items() }
    }

    /// The items of a list, `null` or not; one value is a list of one.
    pub fn all_items(self) -> Values<'a> {
        match self.is_array() {
            true => self.inside(),
            false => Values { of: Some(self.document), at: self.at, end: self.next() },
        }
    }

    /// The first item of a list, or the one value.
    pub fn one(self) -> Option<Json<'a>> {
        self.items().next()
    }

    fn inside(self) -> Values<'a> {
        Values { of: Some(self.document), at: self.at + 1, end: self.next() - 1 }
    }
}

/// The members of an object: names and values.
pub struct Pairs<'a> {
    document: &'a Document<'a>,
    /// The nodes of the document up to the closing bracket.
    nodes: &'a [Node],
    at: usize,
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Json<'a>, Json<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let key = Json { document: self.document, at: self.at };
        let value = Json { at: self.at + 1, ..key };
        self.at = self.nodes.get(value.at)?.next(value.at);
        Some((key, value))
    }
}

/// Values side by side.
#[derive(Clone, Default)]
pub struct Values<'a> {
    of: Option<&'a Document<'a>>,
    at: usize,
    end: usize,
}

impl<'a> Iterator for Values<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        if self.at >= self.end {
            return None;
        }
        let json = Json { document: self.of?, at: self.at };
        self.at = json.next();
        Some(json)
    }
}

/// The items of a list; of no list, none.
#[derive(Clone, Default)]
pub struct Items<'a> {
    values: Values<'a>,
}

impl<'a> Iterator for Items<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        self.values.find(|item| !item.is_null())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_is_no_string_and_what_stands_beside_it_is_read() {
        let text = r#"{"status":"\ud800","text":"a\u00e9","\udc00":1,"id":"x"}"#;
        let document = Document::read(text).expect("JSON");
        let members: Vec<_> = document.root().members().collect();
        let names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["status", "text", "id"]);
        let strings: Vec<_> = members.iter().map(|(_, value)| value.string()).collect();
        assert_eq!(strings, [None, Some("aé".into()), Some("x".into())]);
    }
}
