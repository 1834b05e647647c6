//! What a table says of a code: looked up without a copy of it.

use super::System;
use hashbrown::HashMap;

/// Values by code, each code in its system.
#[derive(Debug)]
pub struct Codes<V> {
    by_system: HashMap<System, HashMap<String, V>>,
}

impl<V> Default for Codes<V> {
    fn default() -> Codes<V> {
        Codes { by_system: HashMap::new() }
    }
}

impl<V> Codes<V> {
    /// The value of a code.
    pub fn get(&self, system: System, code: &str) -> Option<&V> {
        self.by_system.get(&system)?.get(code)
    }

    /// Sets the value of a code.
    pub fn insert(&mut self, system: System, code: impl Into<String>, value: V) {
        self.by_system.entry(system).or_default().insert(code.into(), value);
    }
}

impl<V> Codes<Vec<V>> {
    /// Adds one of several values of a code.
    pub fn push(&mut self, system: System, code: impl Into<String>, value: V) {
        self.by_system.entry(system).or_default().entry(code.into()).or_default().push(value);
    }
}
