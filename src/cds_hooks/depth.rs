//! Is a JSON text nested deeper than anything FHIR needs?
//!
//! Splitting a text into raw values is iterative and takes any depth; nothing behind it should.

/// Deepest nesting that is read. FHIR resources in Bundles stay below 30.
pub const MAX_DEPTH: usize = 128;

/// The deepest nesting of braces and brackets outside strings.
pub fn depth(text: &[u8]) -> usize {
    let (mut now, mut most, mut i) = (0usize, 0usize, 0usize);
    while i < text.len() {
        match text[i] {
            b'"' => {
                i += 1;
                while i < text.len() && text[i] != b'"' {
                    i += if text[i] == b'\\' { 2 } else { 1 };
                }
            }
            b'{' | b'[' => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' => now = now.saturating_sub(1),
            _ => {}
        }
        i += 1;
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_do_not_count() {
        assert_eq!(depth(br#"{"a":"[[[\"[[","b":[{}]}"#), 3);
        assert_eq!(depth("[".repeat(200).as_bytes()), 200);
        assert_eq!(depth(br#""never closed [["#), 0);
    }
}
