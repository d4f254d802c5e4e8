//! What a twin's server does not have: stand-ins, and statements that are not judged.

use pgwise::snapshot::{Snapshot, ValuesPolicy};
use pgwise::whatif::twin::{TwinOptions, TwinSource};
use pgwise::whatif::{CostError, CostSource, Costed};
use tokio::runtime::Handle;

use crate::harness::{self, Database};
use crate::twin::{build_with, cost, explain, request, take};

const SCHEMA: &str = "
    create table places (id int primary key, kind int not null, spot text not null, title text collate \"C\",
        label text default 'x', doc jsonb, check (kind >= 0));
    insert into places select i, i % 200, 'spot ' || i, 'title ' || i % 900, 'l', jsonb_build_object('k', i % 50)
        from generate_series(1, 20000) i;
    create index places_kind on places (kind);
    create index places_spot on places (spot);
    create index places_doc on places using gin (doc);
    create table visits (id int primary key, place int not null references places, on_day date) partition by range (id);
    create table visits_1 partition of visits for values from (0) to (20000);
    create table visits_2 partition of visits for values from (20000) to (90000);
    insert into visits select i, 1 + i % 20000, date '2025-01-01' + i % 300 from generate_series(1, 40000) i;
    create view spots as select id, spot from places;
    create table others (id int primary key, word text);
    insert into others select i, 'w' || i from generate_series(1, 5000) i";

const STATEMENTS: [&str; 9] = [
    "select id, kind from places where kind = 7",
    "select id from places where spot = $1",
    "select * from places where id = $1",
    "select id from places where title = $1",
    "select count(*) from spots where id < 100",
    "select spot from spots where id = 5",
    "select * from others where id = $1",
    "select id, kind from places where doc @> '{\"k\": 7}'",
    "select v.id from visits v join places p on p.id = v.place where p.kind = $1 and v.on_day = $2",
];

async fn places(topic: &str) -> (Database, Snapshot) {
    let database = harness::database(topic).await;
    database.execute(SCHEMA).await;
    database.execute("vacuum analyze").await;
    let statements: Vec<String> = STATEMENTS.iter().map(|&s| s.to_owned()).collect();
    let snapshot = take(&database, &statements, ValuesPolicy::All).await;
    (database, snapshot)
}

/// The twin's answers about every statement, and what it lacks; `None` without server programs.
async fn answers(snapshot: &Snapshot) -> Option<(Vec<Result<Costed, CostError>>, Vec<String>)> {
    let twin = build_with(snapshot, TwinOptions::default()).await?;
    let lacks = twin.left_out().iter().map(|l| format!("{}: {}", l.object, l.reason)).collect();
    let mut source = TwinSource::new(twin, snapshot, Handle::current());
    let asked: Vec<_> = (0..snapshot.statements.items.len()).map(|s| request(s, &[], &[])).collect();
    let answers = tokio::task::spawn_blocking(move || source.cost(&asked)).await.expect("answers");
    Some((answers, lacks))
}

/// Every statement is either refused, as told, or costs what it does at the source.
async fn judged(database: &Database, snapshot: &Snapshot, refused: &[usize], words: &[&str]) {
    let Some((answers, lacks)) = answers(snapshot).await else { return };
    for word in words {
        assert!(lacks.iter().any(|l| l.contains(word)), "{word}: {lacks:?}");
    }
    let client = database.client().await;
    client.batch_execute("set plan_cache_mode = force_generic_plan").await.expect("a setting");
    for (n, (statement, answer)) in snapshot.statements.items.iter().zip(&answers).enumerate() {
        let text = &statement.query;
        match answer {
            Err(CostError::Statement(why)) => assert!(refused.contains(&n), "{text}: {why}"),
            Err(error) => panic!("{text}: {error}"),
            Ok(answer) => {
                assert!(!refused.contains(&n), "{text} is judged without {lacks:?}");
                let there = cost(&explain(&client, text).await.expect("a plan"));
                assert!(
                    (answer.total_cost / there - 1.0).abs() < 0.001,
                    "{text}: {} against {there}",
                    answer.total_cost
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_type_takes_only_its_own_statements_along() {
    let (database, mut snapshot) = places("twin_type").await;
    let table = snapshot.catalog.tables.iter_mut().find(|t| t.name == "places").expect("places");
    let column = table.columns.iter_mut().find(|c| c.name == "spot").expect("spot");
    column.ty.name = "gone.shape(Point,4326)".to_owned();
    column.collation = None;
    judged(&database, &snapshot, &[1, 2, 5], &["type gone.shape(Point,4326) of column public.places.spot"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_collation_takes_only_its_own_statements_along() {
    let (database, mut snapshot) = places("twin_collation").await;
    let table = snapshot.catalog.tables.iter_mut().find(|t| t.name == "places").expect("places");
    let column = table.columns.iter_mut().find(|c| c.name == "title").expect("title");
    column.collation = Some("pg_catalog.\"xx_YY\"".to_owned());
    judged(&database, &snapshot, &[2, 3], &["collation pg_catalog.\"xx_YY\" of column public.places.title"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_function_takes_no_table_along() {
    let (database, mut snapshot) = places("twin_function").await;
    let table = snapshot.catalog.tables.iter_mut().find(|t| t.name == "places").expect("places");
    let column = table.columns.iter_mut().find(|c| c.name == "label").expect("label");
    column.default = Some("gone.label()".to_owned());
    judged(&database, &snapshot, &[2], &["default of column public.places.label"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_index_takes_the_statements_along_that_could_use_it() {
    let (database, mut snapshot) = places("twin_index").await;
    for (name, refused) in [("places_doc", vec![2, 7]), ("places_kind", vec![0, 1, 2, 3, 4, 5, 7, 8])] {
        let table = snapshot.catalog.tables.iter_mut().find(|t| t.name == "places").expect("places");
        let index = table.indexes.iter_mut().find(|i| i.name == name).expect("the index");
        let definition = index.definition.replace("CREATE INDEX gone ON public.places USING gone (doc)".to_owned());
        judged(&database, &snapshot, &refused, &[&format!("index public.{name}")]).await;
        let table = snapshot.catalog.tables.iter_mut().find(|t| t.name == "places").expect("places");
        table.indexes.iter_mut().find(|i| i.name == name).expect("the index").definition = definition;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_is_lacking_counts_as_its_parent() {
    let (database, mut snapshot) = places("twin_partition").await;
    let table = snapshot.catalog.tables.iter_mut().find(|t| t.name == "visits_2").expect("visits_2");
    table.partition_of.as_mut().expect("a partition").bound = "FOR VALUES FROM (gone.f()) TO (9)".to_owned();
    judged(&database, &snapshot, &[8], &["place of public.visits_2 under its parent"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_names_what_was_not_evaluated() {
    let (_database, mut snapshot) = places("twin_not_evaluated").await;
    let table = snapshot.catalog.tables.iter_mut().find(|t| t.name == "places").expect("places");
    table.columns.iter_mut().find(|c| c.name == "spot").expect("spot").ty.name = "gone.shape".to_owned();
    let file = tempfile::NamedTempFile::with_suffix(".json").expect("a file");
    std::fs::write(file.path(), serde_json::to_string(&snapshot).expect("JSON")).expect("a file");
    if build_with(&snapshot, TwinOptions::default()).await.is_none() {
        return;
    }
    let folder = harness::programs();
    let mut arguments = vec!["analyze", "--what-if", "twin", "--format", "json", "--snapshot"];
    arguments.extend(file.path().to_str());
    if let Some(folder) = folder.as_ref().and_then(|f| f.to_str()) {
        arguments.extend(["--pg-bin", folder]);
    }
    let run = harness::binary::pgwise(&arguments);
    run.ends(0, 60);
    let report = run.json();
    let entries = report["not_evaluated"].as_array().expect("a list");
    for n in [1, 2, 5] {
        let entry =
            entries.iter().find(|e| e["what"] == format!("statement {n}")).unwrap_or_else(|| panic!("{entries:?}"));
        assert!(entry["reason"].as_str().is_some_and(|r| r.contains("the twin lacks type gone.shape")), "{entry}");
    }
    assert!(!entries.iter().any(|e| e["what"] == "statement 0"), "{entries:?}");
}

const FOREIGN: &str = "
    create server far foreign data wrapper postgres_fdw options (fdw_startup_cost '77', host 'nowhere.invalid');
    create foreign table remote (id int not null, v text) server far options (fetch_size '50');
    create foreign table estimated (id int not null, v text) server far options (use_remote_estimate 'true');
    create table near (id int primary key, v text);
    insert into near select i, 'v' || i from generate_series(1, 5000) i";

#[tokio::test(flavor = "multi_thread")]
async fn foreign_tables_are_there_as_far_as_they_are_planned_here() {
    let database = harness::database("twin_foreign").await;
    if !database.extension("postgres_fdw").await {
        return;
    }
    database.execute(FOREIGN).await;
    database.execute("analyze near").await;
    let counts = "set allow_system_table_mods = on; \
        update pg_class set reltuples = 70000, relpages = 900 where relname in ('remote', 'estimated')";
    database.execute(counts).await;
    let statements = [
        "select * from remote where id = $1",
        "select * from near n join remote r on r.id = n.id where n.v = $1",
        "select * from estimated where id = $1",
        "select * from near where id = $1",
    ];
    let statements: Vec<String> = statements.iter().map(|&s| s.to_owned()).collect();
    let mut snapshot = take(&database, &statements, ValuesPolicy::All).await;
    judged(&database, &snapshot, &[2], &["use_remote_estimate"]).await;

    // A wrapper that the twin's server does not have.
    for object in snapshot.schema.iter_mut().flat_map(|schema| &mut schema.objects) {
        object.sql = object.sql.take().map(|sql| sql.replace("WRAPPER postgres_fdw", "WRAPPER oracle_fdw"));
    }
    for table in &mut snapshot.catalog.tables {
        if let Some(foreign) = &mut table.foreign {
            foreign.wrapper = "oracle_fdw".to_owned();
        }
    }
    judged(&database, &snapshot, &[0, 1, 2], &["foreign server far", "table public.remote"]).await;
}
