//! Plans: every statement gets one or a reason, and none is executed unless asked for and proved harmless.

use pgwise::collect::{CollectOptions, statements_from_sql};
use pgwise::snapshot::{PlanKind, PlanOutcome, Snapshot, StatementSource, ValuesPolicy};

use super::{count, prepared, snapshot_of};

fn outcome<'a>(snapshot: &'a Snapshot, part_of_text: &str) -> &'a PlanOutcome {
    &snapshot.statements.items.iter().find(|s| s.query.contains(part_of_text)).expect("the statement").plan
}

#[tokio::test]
async fn statements_of_files_are_explained_whatever_they_hold() {
    let database = prepared("collect_files").await;
    let statements = statements_from_sql(
        "-- calls: 40\n-- mean_ms: 2.5\nselect * from orders where id = $1;
         select * from orders where at > now() - interval $1;
         select * from users where $1 is null or name = $2;
         select * from hidden_away where at < $1;
         select id from \"Sales Dept\".\"Mixed \"\"Case\"\"\" where \"Id\" = 5;
         select \"Id\" from \"Sales Dept\".\"Mixed \"\"Case\"\"\" where \"Id\" = 6;
         update orders set status = $1 where id = any($2);
         delete from users where email = $1;
         select * from events where at = $1;
         insert into orders (id) values ($1);
         with gone as (delete from orders returning id) select count(*) from gone;
         select * from nowhere;
         select * from orders where;
         vacuum users;",
    );
    let options = CollectOptions { statements: Some(statements), ..CollectOptions::default() };
    let snapshot = snapshot_of(database.url(), &options).await;
    assert_eq!(snapshot.statements.source, StatementSource::Files);
    assert_eq!(snapshot.statements.items.len(), 13);
    let weighted = &snapshot.statements.items[0];
    assert_eq!((weighted.calls, weighted.total_ms), (40, 100.0));

    let generic = outcome(&snapshot, "where id = $1").captured().expect("a plan");
    assert_eq!(generic.kind, PlanKind::Generic);
    assert!(generic.json["Plan"]["Node Type"].is_string(), "{}", generic.json);
    assert!(!generic.settings.contains_key("plan_cache_mode"));
    for explained in [
        "interval $1",
        "is null or",
        "hidden_away",
        "where \"Id\" = 6",
        "any($2)",
        "delete from users",
        "insert",
        "gone",
    ] {
        assert!(outcome(&snapshot, explained).captured().is_some(), "{explained}: {:?}", outcome(&snapshot, explained));
    }
    assert_eq!(outcome(&snapshot, "\"Id\" = 6").captured().map(|p| p.kind), Some(PlanKind::Literal));
    for (failed, because) in
        [("nowhere", "does not exist"), ("where;", "cut off"), ("select id from", "does not exist")]
    {
        let failed = failed.trim_end_matches(';');
        let outcome = if failed == "where" {
            &snapshot.statements.items.iter().find(|s| s.query.ends_with("orders where")).expect("cut").plan
        } else {
            outcome(&snapshot, failed)
        };
        assert!(matches!(outcome, PlanOutcome::Failed { reason } if reason.contains(because)), "{outcome:?}");
    }
    // No partition is lost to a parameter that nobody knows.
    let partitions = outcome(&snapshot, "from events").captured().expect("a plan").json.to_string();
    assert!(partitions.contains("events_2024") && partitions.contains("events_2025_a"), "{partitions}");
    // Nothing was executed.
    assert_eq!(count(&database, "select count(*) from orders").await, 5000);
    assert_eq!(count(&database, "select count(*) from users").await, 2000);
}

#[tokio::test]
async fn only_statements_proved_to_read_are_executed() {
    let database = prepared("collect_analyze").await;
    database
        .execute(
            "create sequence numbers;
             create view sneaky as select bump(1) as n, id from orders;
             create table guarded (id int); alter table guarded enable row level security;",
        )
        .await;
    let read = "select count(*) from orders where user_id = $1;
         select * from users where email = $1;
         select * from users where email like $1 limit $2;
         select * from orders where id = any($1);
         select count(*) from orders where at > now() - interval $1;
         select 1 from orders where id = 7;
         select * from paid limit 3;";
    let refused = "select nextval('numbers');
         select bump($1);
         select * from sneaky limit 1;
         select * from orders where id = $1 for update;
         with gone as (delete from orders returning id) select count(*) from gone;
         update orders set total = 1;
         select pg_advisory_lock(42);
         select pg_sleep(0.1), id from orders;
         select * from guarded;";
    let statements = statements_from_sql(&format!("{read}{refused}"));
    let options = CollectOptions { statements: Some(statements), explain_analyze: true, ..CollectOptions::default() };
    let snapshot = snapshot_of(database.url(), &options).await;
    let analyzed = |text: &str| outcome(&snapshot, text).captured().is_some_and(|p| p.kind == PlanKind::Analyzed);
    for statement in statements_from_sql(read) {
        assert!(analyzed(&statement.query), "{}: {:?}", statement.query, snapshot.not_seen);
    }
    for statement in statements_from_sql(refused) {
        assert!(!analyzed(&statement.query), "{}", statement.query);
    }
    let plan = &outcome(&snapshot, "where email = $1").captured().expect("a plan").json["Plan"];
    // The value was drawn from the column: there is such a user.
    assert_eq!(plan["Actual Rows"].as_f64(), Some(1.0), "{plan}");
    assert!(plan["Shared Hit Blocks"].is_u64());
    assert!(!serde_json::to_string(&snapshot.statements).expect("json").contains("planted"));
    assert!(snapshot.not_seen.iter().any(|n| n.part == "explain analyze" && n.reason.contains("volatile")));

    let options = CollectOptions { values: ValuesPolicy::All, ..options };
    let snapshot = snapshot_of(database.url(), &options).await;
    assert!(serde_json::to_string(&snapshot.statements).expect("json").contains("planted-"));
    let client = database.client().await;
    let untouched = client.query_one("select not is_called from numbers", &[]).await.expect("sequence");
    assert!(untouched.get::<_, bool>(0));
    assert_eq!(count(&database, "select count(*) from orders").await, 5000);
    assert_eq!(count(&database, "select count(*) from pg_locks where locktype = 'advisory'").await, 0);
}
