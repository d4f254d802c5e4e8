//! A large stack to recurse on, and a bound on how deep a text can make anything recurse.
//!
//! PostgreSQL's parser, the protobuf decoder and our own walkers all recurse once per level of the syntax tree. A text
//! is therefore measured first ([`depth_bound`]) and then worked on by a thread whose stack holds that depth many
//! times over, in an unoptimised build too.

use std::cell::Cell;
use std::thread;

use pg_query::protobuf::{KeywordKind, ScanToken, Token};

/// Stack of the working thread. Address space only: pages are touched as deep texts need them.
const STACK_BYTES: usize = 256 << 20;

/// The greatest [`depth_bound`] accepted. Decoding takes the most stack, about 2 kB a level (10 kB unoptimised).
pub(super) const MAX_DEPTH: usize = 3_000;

thread_local! {
    static ON_LARGE_STACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` on a thread with a large stack and waits for it: directly, if the caller is on one already. `None` if
/// the system gives no thread (or the work panicked, which is a bug).
///
/// Starting the thread takes some 30 µs, so work on many statements wraps itself in one call.
pub fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    if ON_LARGE_STACK.get() {
        return Some(work());
    }
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("pgwise-sql".to_owned()).stack_size(STACK_BYTES);
        let handle = worker.spawn_scoped(scope, || {
            ON_LARGE_STACK.set(true);
            work()
        });
        handle.ok()?.join().ok()
    })
}

/// An upper bound on the depth of the syntax tree that these tokens can become.
///
/// Every operator or keyword may add a level above what its operand holds; brackets and CASE nest; a comma, AND, OR
/// and the words that begin a clause start afresh, for the grammar makes flat lists of those. Joins and set operations
/// lean to the left and so add up within their brackets.
pub(super) fn depth_bound(tokens: &[ScanToken]) -> usize {
    let mut open = vec![Level::default()];
    let mut deepest = 0;
    for token in tokens {
        let kind = token.token();
        match kind {
            Token::SqlComment | Token::CComment => {}
            Token::Ascii40 | Token::Ascii91 | Token::Case => open.push(Level::default()),
            Token::Ascii41 | Token::Ascii93 | Token::EndP => {
                if open.len() > 1 {
                    let depth = open.pop().map_or(0, Level::depth);
                    if let Some(outer) = open.last_mut() {
                        outer.inner = outer.inner.max(depth);
                    }
                }
            }
            Token::Ascii59 => {
                deepest = deepest.max(close_all(&mut open));
            }
            _ => {
                if let Some(level) = open.last_mut() {
                    level.count(kind, token.keyword_kind());
                }
            }
        }
    }
    deepest.max(close_all(&mut open))
}

fn close_all(open: &mut Vec<Level>) -> usize {
    let mut depth = 0;
    while let Some(mut level) = open.pop() {
        level.inner = level.inner.max(depth);
        depth = level.depth();
    }
    open.push(Level::default());
    depth
}

/// What stands between one pair of brackets.
#[derive(Default)]
struct Level {
    /// Operators since the last fresh start.
    operators: usize,
    /// Deepest bracket since then.
    inner: usize,
    /// Deepest stretch before that.
    stretch: usize,
    joins: usize,
    set_operations: usize,
}

impl Level {
    fn count(&mut self, token: Token, keyword: KeywordKind) {
        match token {
            Token::Ascii44
            | Token::And
            | Token::Or
            | Token::When
            | Token::Then
            | Token::Else
            | Token::Select
            | Token::Where
            | Token::On
            | Token::Having
            | Token::Set => self.restart(),
            Token::Join => self.joins += 1,
            Token::Union | Token::Intersect | Token::Except => self.set_operations += 1,
            Token::Ident
            | Token::Uident
            | Token::Fconst
            | Token::Sconst
            | Token::Usconst
            | Token::Bconst
            | Token::Xconst
            | Token::Iconst
            | Token::Param => {}
            Token::At | Token::Operator | Token::Between => self.operators += 1,
            // Most of these are names of columns and types; the ones above take operands.
            _ if matches!(keyword, KeywordKind::ColNameKeyword | KeywordKind::UnreservedKeyword) => {}
            _ => self.operators += 1,
        }
    }

    fn restart(&mut self) {
        self.stretch = self.stretch.max(self.operators + self.inner);
        self.operators = 0;
        self.inner = 0;
    }

    fn depth(mut self) -> usize {
        self.restart();
        self.stretch + self.joins + self.set_operations + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(sql: &str) -> usize {
        depth_bound(&crate::sql::text::tokens(sql).expect("scans"))
    }

    #[test]
    fn long_lists_are_shallow() {
        let list = vec!["$1"; 10_000].join(", ");
        assert!(bound(&format!("SELECT * FROM t WHERE a IN ({list})")) < 20);
        let or = vec!["a = 1"; 5_000].join(" OR ");
        assert!(bound(&format!("SELECT * FROM t WHERE {or}")) < 20);
    }

    #[test]
    fn chains_and_nests_are_deep() {
        assert!(bound(&format!("SELECT {}", vec!["a"; 500].join(" || "))) >= 499);
        assert!(bound(&format!("SELECT {}1{}", "f(".repeat(500), ")".repeat(500))) >= 500);
        assert!(bound(&vec!["SELECT 1"; 500].join(" UNION ALL ")) >= 499);
        assert!(bound(&format!("SELECT {}1{}", "CASE WHEN a THEN ".repeat(300), " END".repeat(300))) >= 300);
        // The operand in brackets stands below every operator that follows it.
        assert!(bound(&format!("SELECT ({}) {}", vec!["a"; 300].join("+"), "+ a".repeat(300))) >= 598);
    }

    #[test]
    fn runs_nested_work_in_place() {
        let id = on_large_stack(|| {
            let outer = thread::current().id();
            on_large_stack(|| thread::current().id() == outer)
        });
        assert_eq!(id, Some(Some(true)));
    }
}
