//! The lexical structure of an SQL text, as far as it must be known to tell its parameters and keywords from what stands
//! in strings, quoted names and comments. It works on any text, also where the parser gives up.

/// A token's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or an unquoted name.
    Word,
    /// A quoted name, quotes included.
    Quoted,
    /// A string of any notation, quotes included.
    String,
    /// `$n`.
    Parameter(u32),
    /// A number.
    Number,
    /// Any other character.
    Symbol,
}

/// A token with its place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Byte offset of its first character.
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Splits a text into tokens; white space and comments are left out.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (kind, len) = match rest[0] {
            b if b.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'-' if rest.starts_with(b"--") => {
                at += rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
                continue;
            }
            b'/' if rest.starts_with(b"/*") => {
                at += comment(rest);
                continue;
            }
            b'\'' => (Kind::String, quoted(rest, 0, b'\'', false)),
            b'"' => (Kind::Quoted, quoted(rest, 0, b'"', false)),
            b'e' | b'E' if rest.get(1) == Some(&b'\'') => (Kind::String, quoted(rest, 1, b'\'', true)),
            b'b' | b'B' | b'x' | b'X' | b'n' | b'N' if rest.get(1) == Some(&b'\'') => {
                (Kind::String, quoted(rest, 1, b'\'', false))
            }
            b'u' | b'U' if rest.get(1) == Some(&b'&') && matches!(rest.get(2), Some(b'\'' | b'"')) => {
                let kind = if rest[2] == b'"' { Kind::Quoted } else { Kind::String };
                (kind, quoted(rest, 2, rest[2], false))
            }
            b'$' if rest.get(1).is_some_and(u8::is_ascii_digit) => {
                let digits = rest[1..].iter().take_while(|b| b.is_ascii_digit()).count();
                (Kind::Parameter(text[at + 1..at + 1 + digits].parse().unwrap_or(u32::MAX)), 1 + digits)
            }
            b'$' => match dollar_quoted(rest) {
                Some(len) => (Kind::String, len),
                None => (Kind::Symbol, 1),
            },
            b if b.is_ascii_digit() => {
                let part_of_number = |b: &u8| b.is_ascii_alphanumeric() || *b == b'.' || *b == b'_';
                (Kind::Number, rest.iter().take_while(|b| part_of_number(b)).count())
            }
            b if is_word_start(b) => {
                let part_of_word = |b: &u8| is_word_start(*b) || b.is_ascii_digit() || *b == b'$';
                (Kind::Word, rest.iter().take_while(|b| part_of_word(b)).count())
            }
            _ => (Kind::Symbol, 1),
        };
        tokens.push(Token { kind, text: &text[at..at + len], start: at });
        at += len;
    }
    tokens
}

/// The values of a text's plain strings: quotes taken off, doubled ones made one. Strings with escapes are left out.
pub(super) fn strings(text: &str) -> Vec<String> {
    let value = |token: Token<'_>| {
        let inside = token.text.strip_prefix('\'')?.strip_suffix('\'')?;
        (token.kind == Kind::String).then(|| inside.replace("''", "'"))
    };
    tokens(text).into_iter().filter_map(value).collect()
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

/// Length of a quoted token whose opening quote stands at `open`. A doubled quote stays inside; an unclosed one ends with
/// the text, as in a truncated statement.
fn quoted(bytes: &[u8], open: usize, quote: u8, backslash: bool) -> usize {
    let mut at = open + 1;
    while at < bytes.len() {
        if backslash && bytes[at] == b'\\' {
            at += 2;
        } else if bytes[at] == quote {
            if bytes.get(at + 1) != Some(&quote) {
                return at + 1;
            }
            at += 2;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// Length of a comment, which may hold comments.
fn comment(bytes: &[u8]) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// Length of a dollar-quoted string, if one begins here.
fn dollar_quoted(bytes: &[u8]) -> Option<usize> {
    let tag = 1 + bytes[1..].iter().take_while(|&&b| is_word_start(b) || b.is_ascii_digit()).count();
    if bytes.get(tag) != Some(&b'$') {
        return None;
    }
    let delimiter = &bytes[..=tag];
    let body = &bytes[tag + 1..];
    let end = body.windows(delimiter.len()).position(|w| w == delimiter);
    Some(end.map_or(bytes.len(), |end| tag + 1 + end + delimiter.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(text: &str) -> Vec<u32> {
        let number = |t: Token<'_>| if let Kind::Parameter(n) = t.kind { Some(n) } else { None };
        tokens(text).into_iter().filter_map(number).collect()
    }

    #[test]
    fn parameters_are_found_outside_strings_names_and_comments() {
        assert_eq!(
            parameters("select $1, '$2', \"$3\", $$ $4 $$, $q$ $5 $q$, E'\\'$6', a$7 /* $8 /* */ $9 */ -- $10\n, $11"),
            [1, 11]
        );
    }

    #[test]
    fn strings_are_what_they_stand_for() {
        assert_eq!(strings("a = 'it''s' and b = E'x' and c = '' -- 'd'"), ["it's", ""]);
    }

    #[test]
    fn truncated_texts_end_quietly() {
        for text in ["select 'abc", "select \"abc", "select /* abc", "select $q$ abc", "select E'abc\\", "select ü'"] {
            let last = tokens(text).last().map_or(0, Token::end);
            assert!(last <= text.len());
        }
    }
}
