//! One spelling for National Drug Codes.
//!
//! An NDC names labeler, product and package as 4-4-2, 5-3-2 or 5-4-1 digits with hyphens, as
//! 5-4-2, or as eleven digits without hyphens. Ten digits without hyphens are ambiguous.

/// The labeler and product as nine digits (5-4), for each way the text can be read.
pub fn labeler_products(text: &str) -> Vec<String> {
    let text = text.trim();
    let parts: Vec<&str> = text.split('-').collect();
    if !text.chars().all(|c| c.is_ascii_digit() || c == '-') {
        return Vec::new();
    }
    match parts.as_slice() {
        [labeler, product] | [labeler, product, _]
            if (1..=5).contains(&labeler.len()) && (1..=4).contains(&product.len()) =>
        {
            vec![padded(labeler, product)]
        }
        [digits] if digits.len() == 12 && digits.starts_with('0') => labeler_products(&digits[1..]),
        [digits] if digits.len() == 11 => vec![digits[..9].to_owned()],
        [digits] if digits.len() == 10 => vec![
            padded(&digits[..4], &digits[4..8]),
            padded(&digits[..5], &digits[5..8]),
            padded(&digits[..5], &digits[5..9]),
        ],
        [digits] if digits.len() == 9 => vec![(*digits).to_owned()],
        _ => Vec::new(),
    }
}

fn padded(labeler: &str, product: &str) -> String {
    format!("{labeler:0>5}{product:0>4}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_one_package_name_the_same_product() {
        for ndc in ["0069-1001-01", "00069-1001-01", "00069100101", "000069100101", "0069-1001"] {
            assert_eq!(labeler_products(ndc), ["000691001"], "{ndc}");
        }
        assert!(labeler_products("0069100101").contains(&"000691001".to_owned()));
        assert_eq!(labeler_products("50881-005-60"), ["508810005"]);
    }

    #[test]
    fn what_is_no_ndc_names_nothing() {
        for text in ["", "tofacitinib", "12345", "1-2-3-4", "0069_1001_01"] {
            assert!(labeler_products(text).is_empty(), "{text}");
        }
    }
}
