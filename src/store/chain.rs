//! How is a record bound to the one before it?

use sha2::{Digest, Sha256};

/// SHA-256.
pub type Hash = [u8; 32];

/// What stands before the first record.
pub const NOTHING: Hash = [0; 32];

/// One record of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the chain: 1, 2, 3 …
    pub seq: i64,
    /// 16 bytes of its own.
    pub id: Vec<u8>,
    /// Unix milliseconds.
    pub at: i64,
    /// JSON.
    pub record: String,
    /// As it was written down, SHA-256.
    pub hash: Vec<u8>,
}

impl AuditRow {
    /// The hash that the record must have behind that one. Each length goes first: no two records are
    /// written alike.
    pub fn expected(&self, replica: &str, before: &[u8]) -> Hash {
        let mut hash = Sha256::new();
        hash.update(b"jakcard audit 1");
        for part in [before, replica.as_bytes(), &self.id, self.record.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_is_changed_changes_the_hash(
            record in "\\PC{1,60}", at in any::<i64>(), seq in 1..i64::MAX, byte in any::<(usize, u8)>(),
        ) {
            let row = AuditRow { seq, id: vec![7; 16], at, record, hash: Vec::new() };
            let hash = row.expected("one", &NOTHING);
            prop_assert_ne!(row.expected("two", &NOTHING), hash);
            prop_assert_ne!(row.expected("one", &hash), hash);
            prop_assert_ne!(AuditRow { seq: seq - 1, ..row.clone() }.expected("one", &NOTHING), hash);
            prop_assert_ne!(AuditRow { at: at ^ 1, ..row.clone() }.expected("one", &NOTHING), hash);
            let mut other = row.clone();
            let (place, flip) = (byte.0 % 16, byte.1.max(1));
            other.id[place] ^= flip;
            prop_assert_ne!(other.expected("one", &NOTHING), hash);
            let mut other = row.clone();
            other.record.push(' ');
            prop_assert_ne!(other.expected("one", &NOTHING), hash);
            // Nothing moves from one member to the next unseen.
            let mut other = row.clone();
            let first = other.record.remove(0);
            prop_assert_ne!(other.expected(&format!("one{first}"), &NOTHING), hash);
        }
    }
}
