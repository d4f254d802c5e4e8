//! Each rule fires where it should and stays silent on its near misses.

use std::collections::BTreeSet;

use super::{InputFile, Options, Wrapping, check};
use crate::report::{CheckReport, Severity};

fn run(path: &str, text: &str) -> CheckReport {
    let file = InputFile { path: path.to_owned(), text: text.to_owned(), judged: true };
    // A timeout is set, so that missing-lock-timeout speaks only where it is meant.
    check(&[file], None, None, &Options { assume_lock_timeout: true, ..Options::default() })
}

fn rules(text: &str) -> BTreeSet<String> {
    run("m.sql", text).findings.into_iter().map(|f| f.rule).collect()
}

fn assert_fires(rule: &str, text: &str) {
    let found = rules(text);
    assert!(found.contains(rule), "{rule} is silent on {text}: {found:?}");
}

fn assert_quiet(rule: &str, text: &str) {
    assert!(!rules(text).contains(rule), "{rule} fires on {text}");
}

#[test]
fn rules_fire_and_know_their_near_misses() {
    let cases = [
        ("index-not-concurrent", "CREATE INDEX i ON t (a);", "CREATE INDEX CONCURRENTLY i ON t (a);"),
        (
            "index-not-concurrent",
            "CREATE UNIQUE INDEX i ON t (a);",
            "CREATE TABLE t (a int8); CREATE INDEX i ON t (a);",
        ),
        (
            "concurrently-in-transaction",
            "BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT;",
            "BEGIN; COMMIT; CREATE INDEX CONCURRENTLY i ON t (a);",
        ),
        (
            "constraint-without-not-valid",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;",
        ),
        (
            "constraint-without-not-valid",
            "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (id);",
            "CREATE TABLE t (a int8); ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (id);",
        ),
        (
            "set-not-null",
            "ALTER TABLE t ALTER COLUMN a SET NOT NULL;",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; \
             ALTER TABLE t ALTER COLUMN a SET NOT NULL;",
        ),
        (
            "unique-without-index",
            "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a);",
            "CREATE UNIQUE INDEX CONCURRENTLY u ON t (a); ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u;",
        ),
        (
            "add-column-rewrite",
            "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid();",
            "ALTER TABLE t ADD COLUMN a text NOT NULL DEFAULT 'x';",
        ),
        (
            "add-column-rewrite",
            "ALTER TABLE t ADD COLUMN a bigserial;",
            "ALTER TABLE t ADD COLUMN a timestamptz DEFAULT now();",
        ),
        (
            "alter-type-rewrite",
            "ALTER TABLE t ALTER COLUMN a TYPE bigint;",
            "CREATE TABLE t (a int); ALTER TABLE t ALTER COLUMN a TYPE bigint;",
        ),
        ("rename", "ALTER TABLE t RENAME COLUMN a TO b;", "ALTER INDEX i RENAME TO j;"),
        ("drop-table", "DROP TABLE t;", "CREATE TABLE t (a int8); DROP TABLE t;"),
        ("drop-column", "ALTER TABLE t DROP COLUMN a;", "ALTER TABLE t ALTER COLUMN a DROP DEFAULT;"),
        (
            "work-after-exclusive-lock",
            "BEGIN; ALTER TABLE t ADD COLUMN a int; UPDATE t SET a = 1 WHERE b; COMMIT;",
            "BEGIN; ALTER TABLE t ADD COLUMN a int; COMMIT; UPDATE t SET a = 1 WHERE b;",
        ),
        (
            "validate-in-same-transaction",
            "BEGIN; ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; COMMIT;",
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c;",
        ),
        ("drop-index-not-concurrent", "DROP INDEX i;", "DROP INDEX CONCURRENTLY i;"),
        ("drop-index-not-concurrent", "REINDEX INDEX i;", "REINDEX INDEX CONCURRENTLY i;"),
        ("update-without-where", "UPDATE t SET a = 1;", "UPDATE t SET a = 1 WHERE id < 100;"),
        (
            "add-not-null-without-default",
            "ALTER TABLE t ADD COLUMN a int NOT NULL;",
            "ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0;",
        ),
        (
            "unindexed-foreign-key-added",
            "CREATE TABLE t (id int8 PRIMARY KEY, u int8 REFERENCES users);",
            "CREATE TABLE t (id int8 PRIMARY KEY, u int8 REFERENCES users); CREATE INDEX ON t (u, id);",
        ),
        (
            "redundant-index-added",
            "CREATE TABLE t (a int8, b int8); CREATE INDEX x ON t (a, b); CREATE INDEX y ON t (a);",
            "CREATE TABLE t (a int8, b int8); CREATE INDEX x ON t (a, b); CREATE INDEX y ON t (b);",
        ),
        (
            "redundant-index-added",
            "CREATE TABLE t (a int8, b int8); CREATE INDEX x ON t (a); CREATE INDEX y ON t (a, b);",
            "CREATE TABLE t (a int8 UNIQUE, b int8); CREATE INDEX y ON t (a, b);",
        ),
        ("column-type", "CREATE TABLE t (at timestamp);", "CREATE TABLE t (at timestamptz, name text, id bigint);"),
        ("long-exclusive-lock", "VACUUM FULL t;", "VACUUM t;"),
        ("syntax-error", "ALTER TABEL t ADD a int;", "ALTER TABLE t ADD a int;"),
        ("syntax-error", "SELECT 'abc;", "SELECT 'abc';"),
        (
            "unused-ignore",
            "-- pgwise: ignore rename (x)\nCREATE TABLE t (a int8);",
            "-- pgwise: ignore rename (x)\nALTER TABLE t RENAME TO u;",
        ),
    ];
    for (rule, fires, near_miss) in cases {
        assert_fires(rule, fires);
        assert_quiet(rule, near_miss);
    }
}

#[test]
fn the_first_strong_lock_of_a_file_without_a_timeout_is_told_once() {
    let file = |text: &str| InputFile { path: "m.sql".to_owned(), text: text.to_owned(), judged: true };
    let count = |text: &str| {
        let report = check(&[file(text)], None, None, &Options::default());
        report.findings.iter().filter(|f| f.rule == "missing-lock-timeout").count()
    };
    assert_eq!(count("ALTER TABLE t ADD COLUMN a int; ALTER TABLE t ADD COLUMN b int;"), 1);
    assert_eq!(count("SET lock_timeout = '2s'; ALTER TABLE t ADD COLUMN a int;"), 0);
    assert_eq!(count("CREATE TABLE t (a int8); ALTER TABLE t ADD COLUMN b int;"), 0);
}

#[test]
fn a_file_is_judged_on_the_schema_that_earlier_files_left() {
    let file = |path: &str, text: &str, judged| InputFile { path: path.to_owned(), text: text.to_owned(), judged };
    let first = "CREATE TABLE t (id int8 PRIMARY KEY); CREATE INDEX t_a ON t (a);";
    let files = [file("1.sql", first, false), file("2.sql", "CREATE INDEX t_a2 ON t (a);", true)];
    let report = check(&files, None, None, &Options { assume_lock_timeout: true, ..Options::default() });
    let found: Vec<&str> = report.findings.iter().map(|f| f.rule.as_str()).collect();
    // The table is older than the change, so that it may hold rows.
    assert_eq!(found, ["index-not-concurrent", "redundant-index-added"]);
}

#[test]
fn findings_carry_the_statement_s_place_and_comments_hold_them_back() {
    let report = run("m.sql", "-- é\nCREATE TABLE a (x int8);\n  CREATE INDEX i\n    ON t (a);\n");
    let place = report.findings[0].location.as_ref().unwrap();
    assert_eq!((place.line, place.column, place.end_line, place.end_column), (3, 3, Some(4), Some(13)));
    let held = run("m.sql", "-- pgwise: ignore index-not-concurrent (quiet table)\nCREATE INDEX i ON t (a);");
    assert_eq!((held.findings.len(), held.ignored), (0, 1));
}

#[test]
fn runners_wrap_files_in_transactions_unless_told_not_to() {
    let text = "CREATE INDEX CONCURRENTLY i ON t (a);";
    let fires = |path: &str, text: &str| {
        run(path, text)
            .findings
            .iter()
            .any(|f| f.rule == "concurrently-in-transaction" && f.severity == Severity::Error)
    };
    assert!(fires("V1__x.sql", text));
    assert!(fires("1_x.up.sql", text));
    assert!(!fires("1_x.up.sql", &format!("-- no-transaction\n{text}")));
    assert!(!fires("001.sql", text));
    let file = InputFile { path: "001.sql".to_owned(), text: text.to_owned(), judged: true };
    let report = check(&[file], None, None, &Options { transaction: Wrapping::Always, ..Options::default() });
    assert!(report.findings.iter().any(|f| f.rule == "concurrently-in-transaction"));
}

#[test]
fn one_wrong_statement_leaves_the_others_alone() {
    let report = run(
        "m.sql",
        "CREAT TABLE x;\nCREATE INDEX i ON t (a);\n\\d t\nCOPY t FROM stdin;\nDROP TABLE u;\n\\.\nDROP TABLE v;",
    );
    let found: Vec<(&str, &str)> = report.findings.iter().map(|f| (f.rule.as_str(), f.object.as_str())).collect();
    assert_eq!(found, [("syntax-error", "m.sql"), ("index-not-concurrent", "t"), ("drop-table", "v")]);
}

proptest::proptest! {
    #[test]
    fn any_text_is_judged_without_a_panic(text in "(CREATE|ALTER|DROP|TABLE|INDEX|ON|t|u|\\(|\\)|a|b|;|,|ADD|COLUMN|int|'|\"|\\$\\$|-- |\n| |NOT|NULL|é){0,40}") {
        let _ = run("m.sql", &text);
    }
}
