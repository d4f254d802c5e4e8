//! pg_trgm's trigrams of a text's words.

/// Distinct trigrams of words in lower case, each with two blanks before and one after (`generate_trgm`), sorted.
pub fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        of(&format!("  {word} "), &mut found);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Every three characters that follow each other.
pub fn of(padded: &str, found: &mut Vec<String>) {
    let chars: Vec<char> = padded.chars().collect();
    found.extend(chars.windows(3).map(|w| w.iter().collect::<String>()));
}

/// Share of common trigrams among all of two texts (`cnt_sml`).
pub fn similarity(a: &str, b: &str) -> f64 {
    let (a, b) = (words(a), words(b));
    let common = a.iter().filter(|t| b.binary_search(t).is_ok()).count();
    let all = a.len() + b.len() - common;
    if all == 0 { 0.0 } else { common as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_is_pg_trgms() {
        // select similarity('word', 'two words');
        assert!((similarity("word", "two words") - 0.363_636).abs() < 1e-5);
        assert!(similarity("", "").abs() < 1e-9);
    }
}
