//! Names and texts come from a database that others write to. Here they lose the power to do anything but be read.

use std::borrow::Cow;
use std::fmt::Write;

/// First of Unicode's pictures for the C0 control characters: `␀`, `␁`, ….
const CONTROL_PICTURES: u32 = 0x2400;
/// The picture for DEL.
const DELETE_PICTURE: char = '\u{2421}';

/// Whether a character acts on a terminal or on the order of text, rather than being text: C0 and C1 controls, line and
/// paragraph separators, bidirectional overrides and isolates, and characters of no width.
pub(super) fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{061c}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One line: every active character replaced by a picture of itself, line breaks included.
pub fn line(text: &str) -> Cow<'_, str> {
    if text.contains(is_active) { text.chars().map(picture).collect::<String>().into() } else { text.into() }
}

/// Several lines: line breaks kept (`\r\n` as one), tabs widened, every other active character replaced.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(|l| line(&l.replace('\t', "    ")).into_owned()).collect()
}

/// Several lines as one text: line breaks kept, tabs widened, every other active character replaced.
pub(super) fn text(text: &str) -> String {
    let mut out = lines(text).join("\n");
    if text.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// One line of several: runs of white space become one space.
pub(super) fn one_line(text: &str) -> String {
    line(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

fn picture(c: char) -> char {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(CONTROL_PICTURES + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => DELETE_PICTURE,
        c if is_active(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// JSON in which no character acts: serde_json escapes C0 controls only. The others can stand in JSON only within strings, where an escape means the
/// same and does nothing to the terminal on which someone looks at the file.
pub fn json(json: &str) -> String {
    let acts = |c: char| is_active(c) && c != '\n';
    if !json.contains(acts) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        if acts(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A statement that means the same and holds no active character but line breaks between its tokens: those in quoted
/// identifiers and strings are written in SQL's own escapes (`U&"…"`, `U&'…'`, `E'…\u001B'`), line breaks included,
/// and those outside become spaces.
///
/// It reads quotes as PostgreSQL's scanner does with `standard_conforming_strings` on (the default since 9.1).
pub(super) fn statement(sql: &str) -> Cow<'_, str> {
    if !sql.contains(is_active) {
        return sql.into();
    }
    let mut out = String::with_capacity(sql.len() + 16);
    let mut rest = sql;
    while let Some(start) = rest.find(['"', '\'']) {
        let (before, quoted) = rest.split_at(start);
        out.extend(before.chars().map(|c| if is_active(c) && c != '\n' { ' ' } else { c }));
        let escapes =
            before.ends_with(['E', 'e']) && !before.trim_end_matches(['E', 'e']).ends_with(char::is_alphanumeric);
        let unicode = before.ends_with("U&") || before.ends_with("u&");
        let end = end_of_quoted(quoted, escapes);
        let (token, after) = quoted.split_at(end);
        escape_token(token, escapes, unicode, &mut out);
        rest = after;
    }
    out.extend(rest.chars().map(|c| if is_active(c) && c != '\n' { ' ' } else { c }));
    out.into()
}

/// The length in bytes of the quoted token that `text` begins with; all of it where the quote is never closed.
fn end_of_quoted(text: &str, escapes: bool) -> usize {
    let quote = text.chars().next().unwrap_or('"');
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                return at + c.len_utf8();
            }
        }
    }
    text.len()
}

fn escape_token(token: &str, escapes: bool, unicode: bool, out: &mut String) {
    if !token.contains(is_active) {
        out.push_str(token);
        return;
    }
    if !escapes && !unicode {
        out.push_str("U&");
    }
    for c in token.chars() {
        let code = u32::from(c);
        // Writing to a String cannot fail.
        let _ = match c {
            c if !is_active(c) && c == '\\' && !escapes && !unicode => write!(out, "\\\\"),
            c if !is_active(c) => write!(out, "{c}"),
            _ if escapes && code > 0xffff => write!(out, "\\U{code:08X}"),
            _ if escapes => write!(out, "\\u{code:04X}"),
            _ if code > 0xffff => write!(out, "\\+{code:06X}"),
            _ => write!(out, "\\{code:04X}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_pictures() {
        assert_eq!(line("a\u{1b}[2Jb\u{9b}c\u{7f}\n\u{202e}"), "a␛[2Jb\u{fffd}c␡␊\u{fffd}");
        assert_eq!(lines("a\tb\r\nc\rd"), ["a    b", "c␍d"]);
        assert_eq!(one_line(" select\n\t1 "), "select 1");
    }

    #[test]
    fn statements_keep_their_meaning() {
        let plain = "CREATE INDEX \"a\\b\" ON t (x);";
        assert_eq!(statement(plain), plain);
        assert_eq!(
            statement("CREATE INDEX \"a\\\u{1b}\"\"b\" ON\u{b}t (x) WHERE y = 'q\u{85}''' AND z = E'\\'\u{7}';"),
            "CREATE INDEX U&\"a\\\\\\001B\"\"b\" ON t (x) WHERE y = U&'q\\0085''' AND z = E'\\'\\u0007';"
        );
        assert_eq!(statement("DROP INDEX\n  \"a\nb\";"), "DROP INDEX\n  U&\"a\\000Ab\";");
        assert_eq!(statement("\"never closed \u{1b}"), "U&\"never closed \\001B");
    }
}
