//! Reports in every format, from example reports; and the schemas that describe them.

#![allow(clippy::unwrap_used, reason = "a test's helper fails by panicking, as the test does")]

use std::path::{Path, PathBuf};

use pgwise::report::{Format, Report, Severity, Style, Verdict, check_schema, render, report_schema, snapshot_schema};

const EXAMPLES: [&str; 5] = ["full", "empty", "skipped", "healthy", "hostile"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn example(name: &str) -> Report {
    let path = root().join("fixtures/reports").join(name).with_extension("json");
    let text = std::fs::read_to_string(&path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn table(width: u16) -> Style {
    Style { width, colour: false, all: false }
}

/// The text of a coloured rendering with its escape sequences taken out.
fn without_colour(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn every_format_of_every_example_stays_as_it_is() {
    for name in EXAMPLES {
        let report = example(name);
        for width in [80, 120] {
            insta::assert_snapshot!(format!("{name}-table-{width}"), render(&report, Format::Table, &table(width)));
        }
        insta::assert_snapshot!(format!("{name}-sql"), render(&report, Format::Sql, &Style::default()));
        insta::assert_snapshot!(format!("{name}-markdown"), render(&report, Format::Markdown, &Style::default()));
    }
    let all = Style { width: 100, colour: false, all: true };
    insta::assert_snapshot!("full-table-all", render(&example("full"), Format::Table, &all));
}

#[test]
fn colour_changes_no_character_and_its_absence_is_complete() {
    for name in EXAMPLES {
        let report = example(name);
        let plain = render(&report, Format::Table, &table(100));
        let coloured = render(&report, Format::Table, &Style { colour: true, ..table(100) });
        assert!(coloured.contains('\u{1b}'), "{name} has no colour");
        assert_eq!(without_colour(&coloured), plain, "{name}");
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    use unicode_width::UnicodeWidthStr;
    for name in EXAMPLES {
        let report = example(name);
        for width in [60, 72, 80, 120, 200] {
            let text = render(&report, Format::Table, &table(width));
            // Statements to run are never broken: whoever copies them needs them whole.
            let statement = |line: &str| line.starts_with("    ") && (line.contains(" public.") || line.contains("--"));
            for line in text.lines().filter(|l| !statement(l)) {
                assert!(line.width() <= usize::from(width), "{name} at {width}: {} columns: {line}", line.width());
            }
        }
    }
}

#[test]
fn nothing_active_gets_through_in_any_format() {
    let report = example("hostile");
    for format in [Format::Table, Format::Json, Format::Sql, Format::Markdown] {
        for all in [false, true] {
            let text = render(&report, format, &Style { width: 100, colour: false, all });
            let active = text.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
            assert_eq!(active, None, "{format:?}");
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{format:?}");
        }
    }
}

#[test]
fn a_script_holds_nothing_but_comments_and_its_statements() {
    let script = render(&example("hostile"), Format::Sql, &Style::default());
    let outside: Vec<&str> = script.lines().filter(|l| !l.starts_with("--") && !l.is_empty()).collect();
    assert_eq!(outside.len(), 2, "{outside:#?}");
    assert_eq!(outside[0], "\\set ON_ERROR_STOP on");
    assert!(outside[1].starts_with("CREATE INDEX CONCURRENTLY x ON public.U&\"ev\"\"il\\001B"), "{outside:#?}");
    assert!(outside[1].ends_with("\" USING btree (a);"), "{outside:#?}");
}

#[test]
fn creates_come_before_drops_in_a_script() {
    let script = render(&example("full"), Format::Sql, &Style::default());
    let first_drop = script.find("\nDROP INDEX").unwrap();
    let last_create = script.rfind("\nCREATE INDEX").unwrap();
    assert!(last_create < first_drop, "{script}");
    assert!(!script.to_ascii_uppercase().contains("\nBEGIN"), "{script}");
}

#[test]
fn nothing_found_is_not_nothing_looked_at() {
    assert_eq!(example("empty").verdict(), Verdict::NothingLookedAt);
    assert_eq!(example("skipped").verdict(), Verdict::NothingLookedAt);
    assert_eq!(example("healthy").verdict(), Verdict::NothingFound);
    for format in [Format::Table, Format::Sql, Format::Markdown] {
        let text = |name| render(&example(name), format, &Style::default());
        assert!(text("empty").contains("Nothing to judge: looked at 0 tables and 0 statements"), "{format:?}");
        assert!(text("skipped").contains("all 42 statements were left out"), "{format:?}");
        assert!(text("healthy").contains("12 statements analysed"), "{format:?}");
    }
}

#[test]
fn a_recommendation_counts_as_a_warning() {
    let mut report = example("full");
    assert_eq!(report.worst(), Some(Severity::Error));
    report.findings.clear();
    assert_eq!(report.worst(), Some(Severity::Warning));
    assert!(report.reaches(Severity::Info) && report.reaches(Severity::Warning) && !report.reaches(Severity::Error));
    assert!(!example("healthy").reaches(Severity::Info));
}

#[test]
fn json_reads_back_as_the_same_report_and_validates() {
    let schema = jsonschema::validator_for(&report_schema()).unwrap();
    for name in EXAMPLES {
        let report = example(name);
        let text = render(&report, Format::Json, &Style::default());
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report, "{name}");
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = schema.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    let broken = serde_json::json!({"schema_version": 1});
    assert!(!schema.is_valid(&broken));
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the one switch by which a developer rewrites the documentation")]
fn the_schemas_in_docs_are_those_of_the_types() {
    let schemas = [("check", check_schema()), ("report", report_schema()), ("snapshot", snapshot_schema())];
    for (name, schema) in schemas {
        let path = root().join("docs/schema").join(name).with_extension("schema.json");
        let text = format!("{schema:#}\n");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            write(&path, &text);
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "{} has drifted from the types: run UPDATE_DOCS=1 cargo test", path.display());
    }
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

#[tokio::test]
async fn a_script_does_what_it_says_on_tables_with_hostile_names() {
    let report = example("hostile");
    let table = report.recommendations[0].table.strip_prefix("public.").unwrap();
    let database = crate::harness::database("report").await;
    let quoted = pgwise::sql::quote::qualified("public", table);
    database.execute(&format!("create table users (id int); create table {quoted} (a int)")).await;
    let script = render(&report, Format::Sql, &Style::default());
    // psql sends one statement at a time, and keeps its own commands and comments to itself.
    for line in script.lines().filter(|l| !l.starts_with('\\') && !l.starts_with("--") && !l.is_empty()) {
        database.execute(line).await;
    }
    let client = database.client().await;
    let indexed = "select tablename from pg_indexes where indexname = 'x'";
    assert_eq!(client.query_one(indexed, &[]).await.unwrap().get::<_, String>(0), table);
    client.query_one("select count(*) from users", &[]).await.unwrap();
}

#[tokio::test]
async fn a_script_keeps_every_character_of_names_and_literals() {
    use pgwise::sql::quote;
    let database = crate::harness::database("escapes").await;
    let client = database.client().await;
    let mut report = example("hostile");
    let texts = [
        "\u{1b}[31m",
        "a\nb\r\nc",
        "back\\slash \\u0041 \u{7}",
        "it's \"q\" \u{202e}",
        "tag \u{e0041}\u{7f}",
        "E'\u{9b}",
    ];
    for (n, text) in texts.iter().enumerate() {
        database.execute(&format!("create table t{n} ({} int)", quote::ident(text))).await;
        let (column, literal) = (quote::ident(text), quote::literal(text));
        report.recommendations[0].ddl = format!("COMMENT ON COLUMN t{n}.{column} IS {literal};");
        let script = render(&report, Format::Sql, &Style::default());
        let line = script.lines().find(|l| l.starts_with("COMMENT")).unwrap();
        database.execute(line).await;
        let comment = format!("select col_description('t{n}'::regclass, 1)");
        assert_eq!(client.query_one(&comment, &[]).await.unwrap().get::<_, String>(0), *text, "{line}");
    }
}

#[tokio::test]
async fn a_collected_snapshot_validates_against_its_schema() {
    let database = crate::harness::database("schema").await;
    database
        .execute(
            "create table parent (id int primary key, tags text[], at timestamptz default now(), j jsonb, check (id > 0)); \
             create table child (id int, p int references parent, r int4range) \
             partition by range (id); \
             create table child_1 partition of child for values from (0) to (1000); \
             create index on child (lower(r)) include (id) where p is not null; \
             create statistics together on id, at from parent; \
             create view v as select parent.id, child.r from parent join child on parent.id = child.p; \
             insert into parent select g, array[g::text], now(), '{\"a\": 1}' from generate_series(1, 500) g; \
             insert into child select g, g, int4range(g, g + 5) from generate_series(1, 500) g; \
             analyze",
        )
        .await;
    let options = pgwise::collect::CollectOptions::default();
    let pool = database.pool().await;
    let snapshot = pgwise::collect::collect(&pool, &options, &pgwise::progress::Silent).await.unwrap();
    assert!(snapshot.catalog.tables.len() >= 3);
    let schema = jsonschema::validator_for(&snapshot_schema()).unwrap();
    let json = serde_json::to_value(&snapshot).unwrap();
    let errors: Vec<String> = schema.iter_errors(&json).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}
