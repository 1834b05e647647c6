//! Which tokens did this process let in that have not expired?
//!
//! In memory, and bounded: a full memory lets nobody in rather than somebody twice.

use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// A token, in 16 bytes.
type Key = [u8; 16];

/// Seconds that are forgotten together.
const SLICE: i64 = 60;

/// The tokens that were used and have not expired.
#[derive(Debug)]
pub struct Seen {
    most: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    until: HashMap<Key, i64>,
    by_slice: BTreeMap<i64, Vec<Key>>,
}

/// As many tokens as can be remembered are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Seen {
    /// Remembers this many tokens at most.
    pub fn new(most: usize) -> Seen {
        Seen { most, inner: Mutex::default() }
    }

    /// Whether the token is used for the first time; remembered until then (seconds since 1970).
    ///
    /// # Errors
    /// There is no room for it.
    pub fn first_use(&self, issuer: &str, jti: &str, until: i64, now: i64) -> Result<bool, Full> {
        let key = key(issuer, jti);
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.forget(now);
        if inner.until.get(&key).is_some_and(|known| *known > now) {
            return Ok(false);
        }
        if inner.until.len() >= self.most {
            return Err(Full);
        }
        inner.until.insert(key, until);
        inner.by_slice.entry(until.div_euclid(SLICE)).or_default().push(key);
        Ok(true)
    }

    /// Tokens that are remembered.
    pub fn remembered(&self) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).until.len()
    }
}

impl Inner {
    /// Forgets the slices that are over.
    fn forget(&mut self, now: i64) {
        let current = now.div_euclid(SLICE);
        while let Some(slice) = self.by_slice.first_entry().filter(|s| *s.key() < current) {
            for key in slice.remove() {
                if self.until.get(&key).is_some_and(|until| *until <= now) {
                    self.until.remove(&key);
                }
            }
        }
    }
}

/// The length of the issuer keeps `a` + `bc` apart from `ab` + `c`.
fn key(issuer: &str, jti: &str) -> Key {
    let mut hash = Sha256::new();
    hash.update((issuer.len() as u64).to_be_bytes());
    hash.update(issuer);
    hash.update(jti);
    let mut key = Key::default();
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_is_accepted_once_until_it_expires() {
        let seen = Seen::new(10);
        assert_eq!(seen.first_use("a", "1", 100, 0), Ok(true));
        assert_eq!(seen.first_use("a", "1", 100, 99), Ok(false));
        assert_eq!(seen.first_use("b", "1", 100, 99), Ok(true), "another issuer");
        assert_eq!(seen.first_use("a", "1", 200, 100), Ok(true), "the first is over");
        assert_eq!(seen.first_use("a", "1", 200, 199), Ok(false));
    }

    #[test]
    fn a10_of_a_million_tokens_none_is_let_in_twice_and_the_memory_is_bounded() {
        let most = 1_000_000;
        let seen = Seen::new(most);
        let use_all = |now: i64| {
            let tokens = (0..most as i64).map(|n| (n.to_string(), 1 + n % 3660));
            let firsts = tokens.map(|(jti, until)| seen.first_use("i", &jti, until, now));
            firsts.filter(|first| *first == Ok(true)).count()
        };
        assert_eq!(use_all(0), most, "each is used once");
        assert_eq!(use_all(0), 0, "and no more");
        assert_eq!(seen.first_use("i", "one more", 60, 0), Err(Full));
        assert_eq!(seen.remembered(), most);
        let inner = seen.inner.lock().unwrap();
        // A slot of the map is its key, its time and a byte; a key stands once more in its slice.
        let slots = inner.until.capacity() * 8 / 7 * (size_of::<(Key, i64)>() + 1);
        let slices: usize = inner.by_slice.values().map(|s| s.capacity() * size_of::<Key>()).sum();
        assert!(slots + slices < 100 << 20, "{slots} and {slices} bytes");
        drop(inner);
        assert_eq!(seen.first_use("i", "one more", 8000, 7320), Ok(true));
        assert_eq!(seen.remembered(), 1, "what is over is forgotten");
    }

    #[test]
    fn a_full_memory_lets_nobody_in_and_frees_itself() {
        let seen = Seen::new(2);
        assert_eq!(seen.first_use("a", "1", 100, 0), Ok(true));
        assert_eq!(seen.first_use("a", "2", 100, 0), Ok(true));
        assert_eq!(seen.first_use("a", "3", 100, 0), Err(Full));
        assert_eq!(seen.first_use("a", "1", 100, 0), Ok(false), "what is known stays known");
        assert_eq!(seen.first_use("a", "3", 300, 200), Ok(true));
        assert_eq!(seen.remembered(), 1);
    }

    #[test]
    fn a_million_replays_are_refused() {
        let seen = Seen::new(1_000_000);
        let all = || (0..1_000_000).map(|n| n.to_string());
        assert_eq!(
            all().filter(|n| seen.first_use("a", n, 3600, 0) == Ok(true)).count(),
            1_000_000
        );
        assert_eq!(all().filter(|n| seen.first_use("a", n, 3600, 1) == Ok(true)).count(), 0);
    }

    proptest! {
        #[test]
        fn it_remembers_like_a_list_does(calls in prop::collection::vec((0..5u8, 0..400i64, 0..90i64), 0..60)) {
            let seen = Seen::new(1000);
            let (mut now, mut list) = (0, Vec::new());
            for (jti, life, wait) in calls {
                now += wait;
                let known = list.iter().any(|(j, until)| *j == jti && *until > now);
                prop_assert_eq!(seen.first_use("i", &jti.to_string(), now + life, now), Ok(!known));
                if !known {
                    list.push((jti, now + life));
                }
            }
        }
    }
}
