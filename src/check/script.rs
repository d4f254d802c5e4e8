//! A script's text cut into what psql would send: statements, its own commands, and the data that follows COPY.
//!
//! Works on bytes, without the parser: a statement that is wrong leaves the others alone, and a dump of any size is cut
//! in one pass.

use std::ops::Range;

/// A part of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// A statement, without its semicolon and without blanks and comments around it.
    Statement(Range<usize>),
    /// A psql meta-command: `\set x 1`.
    Meta(Range<usize>),
    /// Rows for COPY … FROM stdin.
    CopyData(Range<usize>),
    /// A quote, comment or dollar-quoted body that never ends, from where it begins.
    Unterminated(Range<usize>, &'static str),
}

/// Cuts a script.
pub(super) fn cut(text: &str) -> Vec<Part> {
    let mut scanner =
        Scanner { bytes: text.as_bytes(), at: 0, parts: vec![], span: None, brackets: 0, body: 0, word: "", text };
    scanner.run();
    scanner.parts
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    parts: Vec<Part>,
    /// The statement so far: from its first token to the end of its last.
    span: Option<(usize, usize)>,
    brackets: usize,
    /// Depth of BEGIN ATOMIC … END, within which semicolons do not separate.
    body: usize,
    /// The word before.
    word: &'a str,
}

impl Scanner<'_> {
    fn run(&mut self) {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            match byte {
                b if b.is_ascii_whitespace() => self.at += 1,
                // A byte order mark, wherever files were joined.
                0xEF if self.bytes[self.at..].starts_with(b"\xEF\xBB\xBF") => self.at += 3,
                b'-' if self.next_is(b'-') => self.line_comment(),
                b'/' if self.next_is(b'*') => self.block_comment(),
                b'\'' => self.quoted(b'\'', false, "a string"),
                b'"' => self.quoted(b'"', false, "a quoted name"),
                b'$' => self.dollar(),
                b'\\' => self.meta(),
                b'(' => self.token(1, |s| s.brackets += 1),
                b')' => self.token(1, |s| s.brackets = s.brackets.saturating_sub(1)),
                b';' if self.brackets == 0 && self.body == 0 => self.end_statement(),
                b if is_word(b) => self.word(),
                _ => self.token(1, |_| ()),
            }
        }
        self.emit();
    }

    fn next_is(&self, byte: u8) -> bool {
        self.bytes.get(self.at + 1) == Some(&byte)
    }

    /// Takes so many bytes into the statement.
    fn token(&mut self, length: usize, effect: impl FnOnce(&mut Self)) {
        let end = (self.at + length).min(self.bytes.len());
        self.span = Some((self.span.map_or(self.at, |(from, _)| from), end));
        self.at = end;
        effect(self);
    }

    fn word(&mut self) {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|b| !is_word(*b) && *b != b'$').unwrap_or(rest.len());
        let word = self.text.get(self.at..self.at + length).unwrap_or("");
        // E'…' knows escapes; N'…', B'…', X'…' and U&'…' do not.
        if matches!(word, "e" | "E") && rest.get(length) == Some(&b'\'') {
            self.token(length, |_| ());
            return self.quoted(b'\'', true, "a string");
        }
        if word.eq_ignore_ascii_case("atomic") && self.word.eq_ignore_ascii_case("begin") {
            self.body = 1;
        } else if self.body > 0 && word.eq_ignore_ascii_case("case") {
            self.body += 1;
        } else if self.body > 0 && word.eq_ignore_ascii_case("end") {
            self.body -= 1;
        }
        self.word = word;
        self.token(length.max(1), |_| ());
    }

    fn line_comment(&mut self) {
        self.at = self.bytes[self.at..].iter().position(|b| *b == b'\n').map_or(self.bytes.len(), |n| self.at + n + 1);
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let mut depth = 0_usize;
        while self.at < self.bytes.len() {
            if self.bytes[self.at..].starts_with(b"/*") {
                depth += 1;
                self.at += 2;
            } else if self.bytes[self.at..].starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return;
                }
            } else {
                self.at += 1;
            }
        }
        self.unterminated(start, "a comment");
    }

    fn quoted(&mut self, quote: u8, escapes: bool, what: &'static str) {
        let start = self.at;
        let mut at = start + 1;
        while let Some(byte) = self.bytes.get(at).copied() {
            if escapes && byte == b'\\' {
                at += 2;
            } else if byte != quote {
                at += 1;
            } else if self.bytes.get(at + 1) == Some(&quote) {
                at += 2;
            } else {
                return self.token(at + 1 - start, |_| ());
            }
        }
        self.unterminated(start, what);
    }

    /// `$tag$ … $tag$`, or a parameter.
    fn dollar(&mut self) {
        let start = self.at;
        let rest = &self.text[start + 1..];
        let tag = rest.find('$').map(|end| &rest[..end]);
        let tag = tag.filter(|t| t.bytes().all(is_word) && !t.starts_with(|c: char| c.is_ascii_digit()));
        let Some(tag) = tag else { return self.token(1, |_| ()) };
        let delimiter = &self.text[start..start + tag.len() + 2];
        let body = start + delimiter.len();
        match self.text[body..].find(delimiter) {
            Some(end) => self.token(body + end + delimiter.len() - start, |_| ()),
            None => self.unterminated(start, "a dollar-quoted text"),
        }
    }

    fn unterminated(&mut self, start: usize, what: &'static str) {
        let from = self.span.take().map_or(start, |(from, _)| from);
        self.parts.push(Part::Unterminated(start..self.bytes.len(), what));
        // What came before it in the statement is lost with it, but stays named by the part's statement.
        if from < start {
            self.parts.push(Part::Statement(from..start));
        }
        self.at = self.bytes.len();
    }

    /// A backslash outside of quotes is psql's, to the end of the line; one after a statement (`\gset`) ends it.
    fn meta(&mut self) {
        self.emit();
        let start = self.at;
        let end = self.bytes[start..].iter().position(|b| *b == b'\n').map_or(self.bytes.len(), |n| start + n);
        self.parts.push(Part::Meta(start..end));
        self.at = end;
    }

    fn end_statement(&mut self) {
        let span = self.span;
        self.at += 1;
        self.emit();
        if let Some((from, to)) = span
            && reads_stdin(&self.text[from..to])
        {
            self.copy_data();
        }
    }

    fn emit(&mut self) {
        if let Some((from, to)) = self.span.take() {
            self.parts.push(Part::Statement(from..to));
        }
        self.brackets = 0;
        self.body = 0;
        self.word = "";
    }

    fn copy_data(&mut self) {
        let line_end = |from: usize| self.bytes[from..].iter().position(|b| *b == b'\n').map(|n| from + n + 1);
        let Some(start) = line_end(self.at) else { return };
        let mut at = start;
        while at < self.bytes.len() {
            let end = line_end(at).unwrap_or(self.bytes.len());
            if self.text[at..end].trim_end() == "\\." {
                self.parts.push(Part::CopyData(start..at));
                self.at = end;
                return;
            }
            at = end;
        }
        self.parts.push(Part::CopyData(start..self.bytes.len()));
        self.at = self.bytes.len();
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether a statement is COPY … FROM stdin: its rows follow in the script.
fn reads_stdin(statement: &str) -> bool {
    let mut words = statement.split_whitespace().map(str::to_ascii_lowercase);
    words.next().is_some_and(|first| first == "copy")
        && words
            .zip(statement.split_whitespace().skip(2).map(str::to_ascii_lowercase))
            .any(|(a, b)| a == "from" && b.trim_end_matches(';') == "stdin")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Vec<&str> {
        cut(text)
            .into_iter()
            .filter_map(|p| match p {
                Part::Statement(range) => Some(&text[range]),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn semicolons_separate_only_outside_of_quotes_brackets_and_bodies() {
        let text = "select ';' ; select $x$;$x$; create rule r as on insert to t do (select 1; select 2);\n\
                    create function f() returns int begin atomic select case when true then 1 end; select 2; end; -- ; end\n\
                    /* ; /* ; */ ; */ select E'\\';' || \"a;b\"";
        let found = statements(text);
        assert_eq!(found.len(), 5, "{found:?}");
        assert_eq!(found[4], "select E'\\';' || \"a;b\"");
    }

    #[test]
    fn rows_of_copy_and_commands_of_psql_are_no_statements() {
        let text =
            "\\set ON_ERROR_STOP on\nCOPY t (a, b) FROM stdin;\n1\tit's;\n2\t$$\n\\.\nselect 1 \\gset\nselect 2;";
        let parts = cut(text);
        assert!(matches!(parts[0], Part::Meta(_)), "{parts:?}");
        assert!(matches!(&parts[2], Part::CopyData(r) if text[r.clone()].contains("it's")), "{parts:?}");
        assert_eq!(statements(text), ["COPY t (a, b) FROM stdin", "select 1", "select 2"]);
    }

    #[test]
    fn what_never_ends_is_said_with_its_beginning() {
        let text = "select 1; select 'abc; select 2;";
        assert!(cut(text).contains(&Part::Unterminated(17..text.len(), "a string")), "{:?}", cut(text));
        assert!(matches!(cut("select $$ a")[0], Part::Unterminated(Range { start: 7, .. }, _)));
        assert!(matches!(cut("/* /* */ select 1")[0], Part::Unterminated(Range { start: 0, .. }, "a comment")));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cut_within_its_bounds_and_in_order(text in "[-a-z'\"$;()\\\\*/ \n€]{0,60}") {
            let mut last = 0;
            for part in cut(&text) {
                let range = match part {
                    Part::Statement(r) | Part::Meta(r) | Part::CopyData(r) | Part::Unterminated(r, _) => r,
                };
                proptest::prop_assert!(text.get(range.clone()).is_some());
                last = last.max(range.end);
            }
            proptest::prop_assert!(last <= text.len());
        }
    }
}
