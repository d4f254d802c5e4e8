//! Rules of thumb against the planner's word.

use pgwise::snapshot::{IndexMethod, IndexSpec, KeySpec};
use pgwise::whatif::hypopg::Hypopg;
use pgwise::whatif::rule::Rule;
use pgwise::whatif::{CandidateId, CostRequest, CostSource, ddl};
use pgwise::workload;
use tokio::runtime::Handle;

use super::hypopg::{STATEMENTS, blocking, index, request, shop};
use super::snapshot::{self, pool};
use crate::harness;

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_claims_about_what_the_planner_does() {
    let Some((database, snapshot)) = shop("whatif_rule").await else { return };
    let pool = pool(&database, 2).await;
    let mut planner = Hypopg::open(pool, &snapshot, Handle::current()).await.unwrap();
    let specs: Vec<(CandidateId, IndexSpec)> = vec![
        (0, index(&snapshot, "orders", &["customer_id"])),
        (1, index(&snapshot, "orders", &["customer_id", "created_at"])),
        (2, index(&snapshot, "customers", &["city"])),
        (3, index(&snapshot, "days", &["id"])),
        (4, index(&snapshot, "orders", &["status"])),
    ];
    let requests: Vec<CostRequest> = (0..STATEMENTS.len())
        .flat_map(|s| [&[][..], &[0], &[1], &[2], &[3], &[4]].map(|with| request(s, with)))
        .collect();
    let asked = (specs.clone(), requests.clone());
    let planned = blocking(move || {
        assert!(planner.register(&asked.0).iter().all(Result::is_ok));
        planner.cost(&asked.1)
    })
    .await;
    let bound = workload::bind(&snapshot);
    let mut rule = Rule::new(&snapshot, &bound);
    assert!(rule.register(&specs).iter().all(Result::is_ok));
    let ruled = rule.cost(&requests);
    let mut agreed = 0;
    for ((request, planned), ruled) in requests.iter().zip(&planned).zip(&ruled) {
        let (Ok(planned), Ok(ruled)) = (planned, ruled) else {
            assert_eq!(planned.is_ok(), ruled.is_ok(), "{planned:?} {ruled:?}");
            continue;
        };
        let text = STATEMENTS[request.statement];
        let with = &request.configuration.with;
        eprintln!("{:>10.1} planner {:>10.1} rule  {with:?} {text}", planned.total_cost, ruled.total_cost);
        // A rule may miss a better plan; it must not promise one that the planner does not see.
        assert!(ruled.total_cost >= planned.total_cost * 0.85 - 5.0, "{text} with {with:?}\n{planned:#?}\n{ruled:#?}");
        agreed += usize::from(!with.is_empty() && !planned.used.is_empty() && planned.used == ruled.used);
    }
    assert!(agreed >= 7, "{agreed} indexes found useful by both");
}

const DOCUMENTS: &str = "
    create extension if not exists pg_trgm;
    create table docs (id int primary key, body text, data jsonb, tags text[], words tsvector);
    insert into docs select i, 'document number ' || i || ' about ' || md5(i::text),
        jsonb_build_object('kind', 'k' || i % 400, 'n', i % 50), array['t' || i % 500, 'u' || i % 90],
        to_tsvector('simple', 'word' || i % 700 || ' other' || i % 30) from generate_series(1, 60000) i;
    analyze docs";

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_speaks_for_gin_where_hypopg_cannot() {
    let database = harness::database("whatif_rule_gin").await;
    database.execute(DOCUMENTS).await;
    let statements = [
        "select id from docs where data @> '{\"kind\": \"k7\"}'",
        "select id from docs where tags @> array['t7']",
        "select id from docs where words @@ to_tsquery('simple', 'word7')",
        "select id from docs where body like '%5f3a%'",
    ];
    let snapshot = snapshot::take(&database, &statements).await;
    let bound = workload::bind(&snapshot);
    assert!(bound.skipped.is_empty(), "{:?}", bound.skipped);
    let table = snapshot.catalog.table_named("public", "docs").unwrap();
    let gin = |column: &str, opclass: Option<&str>| {
        let mut key = KeySpec::column(table.column_named(column).unwrap().attnum);
        key.opclass = opclass.map(str::to_owned);
        IndexSpec {
            table: table.oid,
            method: IndexMethod::Gin,
            keys: vec![key],
            include: vec![],
            predicate: None,
            unique: false,
            pages_per_range: None,
        }
    };
    let specs = vec![
        (0, gin("data", Some("jsonb_path_ops"))),
        (1, gin("tags", None)),
        (2, gin("words", None)),
        (3, gin("body", Some("gin_trgm_ops"))),
    ];
    let mut rule = Rule::new(&snapshot, &bound);
    assert!(rule.register(&specs).iter().all(Result::is_ok));
    let client = database.client().await;
    for (id, spec) in &specs {
        let [base, with] = &rule.cost(&[request(*id, &[]), request(*id, &[*id])])[..] else { panic!("two answers") };
        let (base, with) = (base.as_ref().unwrap(), with.as_ref().unwrap());
        let sql = ddl::create_index(spec, table, Some("built"), ddl::Build::Plain);
        client.batch_execute(&sql).await.unwrap();
        let plan: serde_json::Value =
            client.query_one(&format!("explain (format json) {}", statements[*id]), &[]).await.unwrap().get(0);
        client.batch_execute("drop index built").await.unwrap();
        let built = plan[0]["Plan"]["Total Cost"].as_f64().unwrap();
        eprintln!(
            "{:>9.1} now {:>9.1} by rule {built:>9.1} built  {}",
            base.total_cost, with.total_cost, statements[*id]
        );
        assert!(with.used.contains(id), "{with:?}");
        assert!(with.total_cost < base.total_cost && with.total_cost >= built * 0.8, "{with:?}");
    }
}
