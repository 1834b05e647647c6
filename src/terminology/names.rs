//! Which rows of a table do the words of a text name? Whole words, never parts of words.

use hashbrown::HashMap;

/// Names of one word or several, by their first word.
#[derive(Debug, Default)]
pub struct Names {
    by_first: HashMap<String, Vec<(Vec<String>, usize)>>,
}

impl Names {
    /// Builds the lookup over the names of each row.
    pub fn new<'a>(rows: impl Iterator<Item = &'a [String]>) -> Names {
        let mut names = Names::default();
        for (index, row) in rows.enumerate() {
            for name in row {
                let words: Vec<String> = words(&name.to_lowercase()).map(str::to_owned).collect();
                let Some(first) = words.first().cloned() else { continue };
                names.by_first.entry(first).or_default().push((words, index));
            }
        }
        names
    }

    /// The rows that the text names, in the order of the table.
    pub fn find(&self, text: &str) -> Vec<usize> {
        let text = text.to_lowercase();
        let words: Vec<&str> = words(&text).collect();
        let mut found: Vec<usize> = Vec::new();
        for at in 0..words.len() {
            for (name, index) in self.by_first.get(words[at]).into_iter().flatten() {
                if starts(&words[at..], name) && !found.contains(index) {
                    found.push(*index);
                }
            }
        }
        found.sort_unstable();
        found
    }
}

impl Names {
    /// The names among words, the longest at each place and none inside another: row, first word and
    /// the word after the last.
    pub fn longest(&self, words: &[&str]) -> Vec<(usize, usize, usize)> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let here: Vec<(usize, usize)> = self
                .by_first
                .get(words[at])
                .into_iter()
                .flatten()
                .filter(|(name, _)| starts(&words[at..], name))
                .map(|(name, index)| (name.len(), *index))
                .collect();
            let Some(longest) = here.iter().map(|(length, _)| *length).max() else {
                at += 1;
                continue;
            };
            let rows = here.iter().filter(|(length, _)| *length == longest);
            found.extend(rows.map(|(_, index)| (*index, at, at + longest)));
            at += longest;
        }
        found
    }
}

/// Do the words begin with these?
pub fn starts(words: &[&str], with: &[String]) -> bool {
    words.len() >= with.len() && with.iter().zip(words).all(|(a, b)| a == b)
}

/// Letters and digits that stand together.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty())
}
