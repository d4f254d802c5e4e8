//! `-- pgwise: ignore rule, rule (reason)`: findings that a file's author has answered for.

use std::ops::Range;

/// One such comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ignore {
    /// The comment, in bytes.
    pub(super) range: Range<usize>,
    /// The rules it names; none in a comment that names none.
    pub(super) rules: Vec<String>,
    /// Why, in brackets.
    pub(super) reason: Option<String>,
    /// Whether it holds for the whole file (`ignore-file`).
    pub(super) file: bool,
    /// Whether a finding was held back by it.
    pub(super) used: bool,
}

const MARK: &str = "-- pgwise: ignore";

/// The comments of a file.
pub(super) fn find(text: &str) -> Vec<Ignore> {
    let mut found = vec![];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some(position) = line.find(MARK) else { continue };
        let comment = line[position..].trim_end();
        let rest = &comment[MARK.len()..];
        let (file, rest) = rest.strip_prefix("-file").map_or((false, rest), |rest| (true, rest));
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            continue;
        }
        let (rules, reason) = match rest.split_once('(') {
            Some((rules, reason)) => (rules, Some(reason.trim_end().trim_end_matches(')').trim().to_owned())),
            None => (rest, None),
        };
        found.push(Ignore {
            range: start + position..start + position + comment.len(),
            rules: rules.split([',', ' ']).map(str::trim).filter(|r| !r.is_empty()).map(str::to_owned).collect(),
            reason: reason.filter(|r| !r.is_empty()),
            file,
            used: false,
        });
    }
    found
}

/// Marks the comment that holds back a finding of `rule` on a statement, if one does: for the whole file, on one of the
/// statement's lines, or right above it (with nothing but blanks and comments between).
pub(super) fn holds(ignores: &mut [Ignore], text: &str, statement: &Range<usize>, rule: &str) -> bool {
    let line_end = text[statement.end..].find('\n').map_or(text.len(), |n| statement.end + n);
    let hit = ignores.iter_mut().find(|ignore| {
        let near = || {
            let inside = ignore.range.start >= statement.start && ignore.range.start < line_end;
            let alone = text[..ignore.range.start].rsplit('\n').next().is_none_or(|l| l.trim().is_empty());
            let above = alone
                && ignore.range.end <= statement.start
                && text[ignore.range.end..statement.start]
                    .lines()
                    .all(|l| l.trim().is_empty() || l.trim().starts_with("--"));
            inside || above
        };
        ignore.rules.iter().any(|r| r == rule) && (ignore.file || near())
    });
    hit.map(|ignore| ignore.used = true).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_reason_are_read() {
        let found = find("-- pgwise: ignore drop-column, rename (nobody reads it)\nx;\n-- pgwise: ignorance\n");
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].rules, ["drop-column", "rename"]);
        assert_eq!(found[0].reason.as_deref(), Some("nobody reads it"));
        assert!(find("-- pgwise: ignore-file rename")[0].file);
    }

    #[test]
    fn a_comment_holds_for_the_statement_below_it_and_on_its_line() {
        let text = "-- pgwise: ignore a (b)\n\n-- words\nDROP TABLE t;\nDROP TABLE u; -- pgwise: ignore a (c)\nDROP TABLE v;\n";
        let mut ignores = find(text);
        let place = |s: &str| text.find(s).map(|at| at..at + s.len()).unwrap();
        assert!(holds(&mut ignores, text, &place("DROP TABLE t"), "a"));
        assert!(!holds(&mut ignores, text, &place("DROP TABLE t"), "b"));
        assert!(holds(&mut ignores, text, &place("DROP TABLE u"), "a"));
        assert!(!holds(&mut ignores, text, &place("DROP TABLE v"), "a"));
        assert!(ignores.iter().all(|i| i.used));
    }
}
