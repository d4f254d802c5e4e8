//! The order of text.

/// Class of a character at the first level of ISO 14651: punctuation, digits, letters.
fn class(c: char) -> u8 {
    if c.is_alphabetic() {
        3
    } else if c.is_numeric() {
        2
    } else {
        1
    }
}

/// The letter that a Latin letter with a mark is sorted with.
fn plain(c: char) -> char {
    match c {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        other => other,
    }
}

/// Bytes whose order is about that of a linguistic collation (`strxfrm`): punctuation, digits, letters without regard to
/// case or marks, then lower case before upper. The C library's and ICU's tables are far larger and differ from version
/// to version; what is lost is the order among signs, scripts, and letters with marks.
pub fn sort_key(text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len() * 3 + 1);
    let mut cases = Vec::with_capacity(text.len());
    for c in text.chars() {
        let lower = c.to_lowercase().next().unwrap_or(c);
        let base = plain(lower);
        key.push(class(base));
        let mut buffer = [0; 4];
        key.extend_from_slice(base.encode_utf8(&mut buffer).as_bytes());
        cases.push(1 + u8::from(base != lower) * 2 + u8::from(c != lower));
    }
    key.push(0);
    key.extend(cases);
    key
}
