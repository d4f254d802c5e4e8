//! What only the planner looks at: ranges, combinations of columns, operators, index pages.

use pgwise::snapshot::{Snapshot, ValuesPolicy};

use super::{catalog_only, snapshot_of, with_role};
use crate::harness::{self, Database};
use pgwise::collect::CollectOptions;

const SCHEMA: &str = "
    create table stays (id int primary key, city text, zip text, nights int, during int4range, tags text[],
        code varchar(12) collate \"C\");
    insert into stays select i, 'planted-' || i % 20, 'planted-' || i % 40, i % 7,
        case when i % 10 = 0 then 'empty' else int4range(i, i + i % 30) end, array['planted-' || i % 5],
        'planted-' || i % 20
        from generate_series(1, 4000) i;
    create table cities (name text);
    insert into cities select 'planted-' || i % 20 from generate_series(1, 300) i;
    create index stays_tags on stays using gin (tags);
    create index stays_during on stays using gist (during);
    create index stays_upper on stays (upper(city));
    create index stays_city_3 on stays (id) where city = 'planted-3';
    create statistics stays_both (ndistinct, dependencies, mcv) on city, zip, nights from stays;
    analyze stays, cities";

async fn taken(database: &Database, values: ValuesPolicy) -> Snapshot {
    snapshot_of(database.url(), &CollectOptions { values, ..catalog_only() }).await
}

#[tokio::test]
async fn what_estimates_rest_on_is_carried() {
    let database = harness::database("collect_planner").await;
    database.execute(SCHEMA).await;
    let pages = database.extension("pageinspect").await;
    let trigrams = database.extension("pg_trgm").await;
    let snapshot = taken(&database, ValuesPolicy::All).await;
    let catalog = &snapshot.catalog;
    let stays = catalog.table_named("public", "stays").expect("stays");
    let range = stays.column_named("during").and_then(|c| c.stats.as_ref()?.range.as_ref()).expect("range statistics");
    assert!((range.empty_frac - 0.13).abs() < 0.05, "{}", range.empty_frac);
    assert_eq!(range.bounds_histogram.as_ref().map(Vec::len), Some(range.bounds_len));
    assert!(range.bounds_len > 50 && range.length_histogram.len() > 50);

    let object = &catalog.extended_statistics[0];
    let data = object.data.as_ref().expect("analysed");
    assert_eq!(data.n_distinct.len(), 4, "three pairs and the triple");
    let zip_decides_city = data.dependencies.iter().find(|d| d.from == [3] && d.to == 2).expect("found");
    assert!((zip_decides_city.degree - 1.0).abs() < 1e-9);
    assert!(data.mcv.len() > 50 && data.mcv.iter().all(|i| i.values.iter().all(Option::is_some)));

    let index = |name: &str| stays.indexes.iter().find(|i| i.name == name).expect("an index");
    assert_eq!(index("stays_upper").keys[0].ty.as_ref().map(|t| t.base.as_str()), Some("text"));
    assert_eq!(index("stays_pkey").keys[0].ty.as_ref().map(|t| (t.length, t.alignment.as_str())), Some((4, "i")));
    assert_eq!(index("stays_during").keys[0].returnable, Some(true));
    assert_eq!(stays.column_named("code").map(|c| c.ty.modifier), Some(16));
    assert_eq!(stays.column_named("during").and_then(|c| c.ty.subtype.clone()).as_deref(), Some("int4"));
    if pages {
        assert_eq!(index("stays_pkey").tree_height, Some(1));
        let gin = index("stays_tags").gin.expect("counts");
        assert_eq!((gin.entries, gin.pending_pages), (5, 0));
        assert!(gin.total_pages >= gin.entry_pages + gin.data_pages);
    }
    if trigrams {
        let similar = catalog.operators.iter().find(|o| o.name == "%").expect("an operator");
        assert_eq!((similar.restrict.as_deref(), similar.left.as_deref()), (Some("matchingsel"), Some("text")));
        let class = catalog.operator_classes.iter().find(|c| c.name == "gin_trgm_ops").expect("a class");
        assert_eq!((class.method.as_str(), class.stored.as_deref()), ("gin", Some("integer")));
        assert!(
            class.operators.iter().any(|o| o.operator == "pg_catalog.~~(text,text)" || o.operator == "~~(text,text)")
        );
        assert!(catalog.functions.iter().any(|f| f.name == "similarity" && f.strict && f.returns == "real"));
    }
}

#[tokio::test]
async fn withheld_values_keep_their_order_and_those_that_are_known_anyway() {
    let database = harness::database("collect_withheld").await;
    database.execute(SCHEMA).await;
    let (all, safe) = (taken(&database, ValuesPolicy::All).await, taken(&database, ValuesPolicy::Safe).await);
    let stats = |snapshot: &Snapshot, table: &str, column: &str| {
        let table = snapshot.catalog.table_named("public", table).expect("table").clone();
        table.column_named(column).and_then(|c| c.stats.clone()).expect("statistics")
    };
    // Values of two columns that sort alike compare as they do.
    let ranked = |table: &str, column: &str| -> Vec<(String, u32)> {
        let ranks = stats(&safe, table, column).withheld.expect("ranks").mcv_ranks;
        let values = stats(&all, table, column).mcv_values.expect("values");
        assert_eq!(ranks.len(), values.len());
        values.into_iter().zip(ranks).collect()
    };
    let mut together = ranked("stays", "city");
    together.extend(ranked("cities", "name"));
    for (a, one) in &together {
        for (b, other) in &together {
            assert_eq!(a == b, one == other, "{a} {b}");
        }
    }
    let known = stats(&safe, "stays", "city").withheld.expect("known").known;
    assert_eq!(known.iter().map(|k| k.value.as_str()).collect::<Vec<_>>(), ["planted-3"], "the predicate says it");
    let values = stats(&all, "stays", "city").mcv_values.expect("values");
    assert_eq!(values[known[0].position], "planted-3");
    let data = safe.catalog.extended_statistics[0].data.as_ref().expect("data");
    assert!(data.values_withheld);
    assert!(data.mcv.iter().all(|i| i.values[0].is_none() && i.values[1].is_none() && i.values[2].is_some()));
}

#[tokio::test]
async fn range_statistics_are_asked_for_where_they_are_hidden() {
    let database = harness::database("collect_ranges").await;
    database.execute(SCHEMA).await;
    let role = format!("{}_monitor", database.name());
    database
        .execute(&format!(
            "create role {role} login password 'x'; grant pg_monitor to {role}; grant select on stays to {role}"
        ))
        .await;
    let snapshot = snapshot_of(&with_role(database.url(), &role), &catalog_only()).await;
    database.execute(&format!("drop owned by {role}; drop role {role}")).await;
    let stays = snapshot.catalog.table_named("public", "stays").expect("stays");
    let seen = stays.column_named("during").and_then(|c| c.stats.as_ref()?.range.as_ref()).is_some();
    let noted = snapshot.not_seen.iter().find(|n| n.part == "range statistics");
    assert_eq!(seen, snapshot.server.major() >= 17);
    assert_eq!(noted.is_some(), !seen);
    assert!(noted.is_none_or(|n| n.remedy.as_deref().is_some_and(|r| r.contains("GRANT SELECT"))));
}
