//! Which tool a migration file is written for, which of its parts run forward, and whether in a transaction.

use std::ops::Range;

/// A migration tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// psql or something unknown: statements run as the file says.
    Plain,
    /// Flyway: `V1__name.sql`, `U1__name.sql`, `R__name.sql`. Refinery names its files the same way.
    Flyway,
    /// sqlx and golang-migrate: `1_name.up.sql`, `1_name.down.sql`.
    UpDownFiles,
    /// Diesel: `1_name/up.sql`, `1_name/down.sql`.
    Diesel,
    /// dbmate: `-- migrate:up`, `-- migrate:down`.
    Dbmate,
    /// goose: `-- +goose Up`, `-- +goose Down`.
    Goose,
    /// Prisma: `1_name/migration.sql`.
    Prisma,
    /// Alembic's `--sql` output.
    Alembic,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recognised {
    pub(super) runner: Runner,
    /// The parts that run forward, in bytes; none in a file that only undoes.
    pub(super) forward: Vec<Range<usize>>,
    /// Whether the tool runs them in one transaction.
    pub(super) in_transaction: bool,
}

/// Recognises a file by its path and its text.
pub(super) fn recognise(path: &str, text: &str) -> Recognised {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or(path);
    let folder = parts.next().unwrap_or("");
    let whole = || std::iter::once(0..text.len()).collect();
    if let Some(found) = sections(text, "-- migrate:", Runner::Dbmate, "transaction:false") {
        return found;
    }
    if let Some(found) = sections(text, "-- +goose ", Runner::Goose, "NO TRANSACTION") {
        return found;
    }
    let backward = name.ends_with(".down.sql") || name == "down.sql" || is_flyway(name, b"U");
    let forward = if backward { vec![] } else { whole() };
    let (runner, in_transaction) = if name.ends_with(".up.sql") || name.ends_with(".down.sql") {
        (Runner::UpDownFiles, !header_says(text, "no-transaction"))
    } else if matches!(name, "up.sql" | "down.sql") && starts_with_digit(folder) {
        (Runner::Diesel, true)
    } else if name == "migration.sql" && starts_with_digit(folder) {
        // Prisma sends the file as one batch, which the server runs in one implicit transaction.
        (Runner::Prisma, true)
    } else if is_flyway(name, b"VURB") {
        (Runner::Flyway, true)
    } else if text.contains("-- Running upgrade ") || text.contains("alembic_version") {
        // Its BEGIN and COMMIT stand in the text.
        (Runner::Alembic, false)
    } else {
        (Runner::Plain, false)
    };
    Recognised { runner, forward, in_transaction }
}

/// `V12_3__name.sql`, or `R__name.sql`.
fn is_flyway(name: &str, kinds: &[u8]) -> bool {
    let Some(kind) = name.bytes().next().filter(|b| kinds.contains(b)) else { return false };
    let Some((version, _)) = name[1..].split_once("__") else { return false };
    let versioned = !version.is_empty() && version.chars().all(|c| c.is_ascii_digit() || matches!(c, '_' | '.'));
    if kind == b'R' { version.is_empty() } else { versioned }
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether the comments before the first statement hold a word.
fn header_says(text: &str, word: &str) -> bool {
    text.lines().map(str::trim).take_while(|l| l.is_empty() || l.starts_with("--")).any(|l| l.contains(word))
}

/// The forward sections of a file that marks them by comments; `None` where it has no such comment.
fn sections(text: &str, mark: &str, runner: Runner, no_transaction: &str) -> Option<Recognised> {
    let mut forward: Vec<Range<usize>> = vec![];
    let mut open: Option<usize> = None;
    let mut met = false;
    let mut in_transaction = true;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some(rest) = line.trim_start().strip_prefix(mark) else { continue };
        let word = rest.split_whitespace().next().unwrap_or("");
        let direction = match word.to_ascii_lowercase().as_str() {
            "up" => Some(true),
            "down" => Some(false),
            _ => None,
        };
        met = true;
        if rest.contains(no_transaction) && direction != Some(false) {
            in_transaction = false;
        }
        let Some(up) = direction else { continue };
        if let Some(from) = open.take() {
            forward.push(from..start);
        }
        open = up.then_some(at);
    }
    if let Some(from) = open {
        forward.push(from..text.len());
    }
    met.then_some(Recognised { runner, forward, in_transaction })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forward(path: &str, text: &str) -> (Runner, String, bool) {
        let found = recognise(path, text);
        (found.runner, found.forward.into_iter().map(|r| &text[r]).collect(), found.in_transaction)
    }

    #[test]
    fn only_what_runs_forward_is_kept() {
        let dbmate = "-- migrate:up transaction:false\nA;\n-- migrate:down\nB;\n";
        assert_eq!(forward("db/1_x.sql", dbmate), (Runner::Dbmate, "A;\n".into(), false));
        let goose = "-- +goose Up\n-- +goose StatementBegin\nA;\n-- +goose StatementEnd\n-- +goose Down\nB;\n";
        let (runner, up, wrapped) = forward("1_x.sql", goose);
        assert!(runner == Runner::Goose && up.contains("A;") && !up.contains("B;") && wrapped, "{up}");
        assert_eq!(forward("1_x.down.sql", "B;"), (Runner::UpDownFiles, String::new(), true));
        assert_eq!(forward("m/2024_x/down.sql", "B;"), (Runner::Diesel, String::new(), true));
        assert_eq!(forward("sql/U2__x.sql", "B;").1, "");
    }

    #[test]
    fn tools_are_told_apart_by_names() {
        assert!(!forward("1_x.up.sql", "-- no-transaction\nA;").2);
        assert_eq!(forward("m/2024_x/migration.sql", "A;").0, Runner::Prisma);
        assert_eq!(forward("V1.2__add.sql", "A;").0, Runner::Flyway);
        assert_eq!(forward("R__views.sql", "A;").0, Runner::Flyway);
        assert_eq!(forward("Vacation__x.sql", "A;").0, Runner::Plain);
        assert_eq!(forward("001_add.sql", "A;"), (Runner::Plain, "A;".into(), false));
    }
}
