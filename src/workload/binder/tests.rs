//! What statements bind to, in a notation short enough for a table.

use std::fmt::Write as _;

use crate::snapshot::Catalog;
use crate::workload::query::{BlockRole, BoundQuery, Operand, QueryBlock, Target};
use crate::workload::{Resolver, Skip, bind_query, fixture};

fn try_bind(catalog: &Catalog, sql: &str) -> Result<BoundQuery, Skip> {
    bind_query(sql, &Resolver::with_catalog(catalog, &["public".to_owned()]))
}

fn bind(sql: &str) -> BoundQuery {
    let bound = try_bind(&fixture::shop(), sql).expect(sql);
    assert!(bound.unresolved.is_empty(), "{sql}: {:?}", bound.unresolved);
    bound
}

fn operand(catalog: &Catalog, block: &QueryBlock, operand: &Operand) -> String {
    let relation = &block.relations[operand.relation];
    let what = match &operand.target {
        Target::Column(attnum) => {
            let table = catalog.table(relation.table.expect("a base table")).expect("known");
            table.column(*attnum).expect("known").name.clone()
        }
        Target::Expression { sql, immutable, .. } => format!("({sql}){}", if *immutable { "" } else { "~" }),
    };
    format!("{}.{what}", relation.alias)
}

/// Every condition, join and order of every block, one a line.
fn shown(bound: &BoundQuery) -> Vec<String> {
    let catalog = fixture::shop();
    let mut lines = Vec::new();
    for block in &bound.blocks {
        for p in &block.predicates {
            let mut line = format!("{} {:?} {:?}", operand(&catalog, block, &p.operand), p.comparison, p.value);
            if let Some(reason) = &p.unsargable {
                let _ = write!(line, " !{reason:?}");
            }
            if let Some(group) = p.or_group {
                let _ = write!(line, " or{group}.{}", p.or_branch);
            }
            lines.push(line);
        }
        for j in &block.joins {
            lines.push(format!(
                "{} {} {}",
                operand(&catalog, block, &j.left),
                j.operator,
                operand(&catalog, block, &j.right)
            ));
        }
        for s in &block.order_by {
            let direction = if s.descending { "desc" } else { "asc" };
            let nulls = if s.nulls_first { "first" } else { "last" };
            let distance = s.distance.as_deref().unwrap_or("");
            lines.push(format!("order {} {direction} {nulls}{distance}", operand(&catalog, block, &s.operand)));
        }
    }
    lines
}

/// The conditions that a WHERE clause on a table gives.
fn conditions(table: &str, filter: &str) -> Vec<String> {
    shown(&bind(&format!("select 1 from {table} t where {filter}")))
}

#[track_caller]
fn check(table: &str, cases: &[(&str, &[&str])]) {
    for (filter, expected) in cases {
        assert_eq!(conditions(table, filter), *expected, "{filter}");
    }
}

#[test]
fn comparisons() {
    check(
        "users",
        &[
            ("id = $1", &["t.id Eq Parameter(1)"]),
            ("$1 = id", &["t.id Eq Parameter(1)"]),
            ("id = $1::bigint", &["t.id Eq Parameter(1)"]),
            ("age < 5 and age >= $2", &["t.age Less Literal(\"5\")", "t.age Greater Parameter(2)"]),
            ("5 > age", &["t.age Less Literal(\"5\")"]),
            ("age between $1 and $2", &["t.age Between List"]),
            ("id in ($1, $2, 3)", &["t.id In(Some(3)) List"]),
            ("id in ($1)", &["t.id Eq Parameter(1)"]),
            ("id in ($1 /*, ... */)", &["t.id In(None) List"]),
            ("id = any ($1)", &["t.id In(None) Parameter(1)"]),
            ("id = any ($1::bigint[])", &["t.id In(None) Parameter(1)"]),
            ("id = any (array[1, 2])", &["t.id In(Some(2)) List"]),
            ("id <> $1", &["t.id NotEq Parameter(1) !Negation"]),
            ("not id = $1", &["t.id NotEq Parameter(1) !Negation"]),
            ("id not in (1, 2)", &["t.id In(Some(2)) List !Negation"]),
            ("deleted_at is null", &["t.deleted_at IsNull None"]),
            ("not deleted_at is null", &["t.deleted_at IsNotNull None"]),
            ("active", &["t.active IsTrue None"]),
            ("not active", &["t.active IsFalse None"]),
            ("active = true", &["t.active IsTrue None"]),
            ("active is false", &["t.active IsFalse None"]),
            ("created_at > now() - interval '1 day'", &["t.created_at Greater Stable"]),
            ("created_at > random() * now()", &["t.created_at Greater Stable !VolatileValue"]),
            ("id = age", &["t.id Eq Stable !SameRelation"]),
            ("age > age + 1", &["t.age Greater Stable !SameRelation"]),
            ("(id, age) = ($1, $2)", &["t.id Eq Parameter(1)", "t.age Eq Parameter(2)"]),
            ("(created_at, id) < ($1, $2)", &["t.created_at Less Parameter(1)"]),
            ("1 = 1 and $1", &[]),
        ],
    );
}

#[test]
fn or_groups() {
    check(
        "users",
        &[
            ("id = 1 or id = $1 or id in (5, 6)", &["t.id In(Some(4)) List"]),
            ("id = 1 or age = 2", &["t.id Eq Literal(\"1\") or1.0", "t.age Eq Literal(\"2\") or1.1"]),
            (
                "id = 1 or (age = 2 and active)",
                &["t.id Eq Literal(\"1\") or1.0", "t.age Eq Literal(\"2\") or1.1", "t.active IsTrue None or1.1"],
            ),
            (
                "not (id = 1 and age = 2)",
                &["t.id NotEq Literal(\"1\") !Negation or1.0", "t.age NotEq Literal(\"2\") !Negation or1.1"],
            ),
            ("$1 is null or id = $1", &["t.id Eq Parameter(1) !OrAcrossColumns or1.1"]),
            ("$1 in (id, age)", &["t.id Eq Parameter(1) or1.0", "t.age Eq Parameter(1) or1.1"]),
        ],
    );
    let across = shown(&bind("select 1 from users u join orders o on o.user_id = u.id where u.id = 1 or o.id = 2"));
    assert!(across.iter().filter(|l| l.contains("!OrAcrossColumns")).count() == 2, "{across:?}");
}

#[test]
fn casts_and_functions_on_columns() {
    check(
        "users",
        &[
            ("lower(email) = $1", &["t.(lower(email)) Eq Parameter(1) !FunctionOnColumn { function: \"lower\" }"]),
            ("email::text = $1", &["t.email Eq Parameter(1)"]),
            ("id::text = $1", &["t.(id::text) Eq Parameter(1) !CastOnColumn { to: \"text\" }"]),
            ("age = 5.5", &["t.(age::numeric) Eq Literal(\"5.5\") !CastOnColumn { to: \"numeric\" }"]),
            ("age = $1::numeric", &["t.(age::numeric) Eq Parameter(1) !CastOnColumn { to: \"numeric\" }"]),
            ("age = 5000000000", &["t.age Eq Literal(\"5000000000\")"]),
            ("id = 5", &["t.id Eq Literal(\"5\")"]),
            ("code = $1::text", &["t.(code::text) Eq Parameter(1) !CastOnColumn { to: \"text\" }"]),
            ("created_at::date = $1", &["t.(created_at::date)~ Eq Parameter(1) !CastOnColumn { to: \"date\" }"]),
            ("deleted_at::date = $1", &["t.(deleted_at::date) Eq Parameter(1) !CastOnColumn { to: \"date\" }"]),
            (
                "date_trunc('day', created_at) = $1",
                &["t.(date_trunc('day', created_at))~ Eq Parameter(1) !FunctionOnColumn { function: \"date_trunc\" }"],
            ),
            (
                "date_trunc('day', deleted_at) = $1",
                &["t.(date_trunc('day', deleted_at)) Eq Parameter(1) !FunctionOnColumn { function: \"date_trunc\" }"],
            ),
            (
                "date_trunc($2, deleted_at) = $1",
                &["t.(date_trunc($2, deleted_at))~ Eq Parameter(1) !FunctionOnColumn { function: \"date_trunc\" }"],
            ),
            (
                "coalesce(age, 0) = $1",
                &["t.(COALESCE(age, 0)) Eq Parameter(1) !FunctionOnColumn { function: \"coalesce\" }"],
            ),
            ("age + 1 = $1", &["t.(age + 1) Eq Parameter(1) !ExpressionOnColumn"]),
            ("slug(name) = $1", &["t.(slug(name)) Eq Parameter(1) !FunctionOnColumn { function: \"slug\" }"]),
            ("unheard(name) = $1", &["t.(unheard(name))~ Eq Parameter(1) !FunctionOnColumn { function: \"unheard\" }"]),
        ],
    );
}

#[test]
fn patterns() {
    let infix = |ci, regex| format!("LikeInfix {{ case_insensitive: {ci}, regex: {regex} }}");
    let cases = [
        ("name like 'ab%'", "t.name LikePrefix Literal(\"'ab%'\")".to_owned()),
        ("name like $1", "t.name LikePrefix Parameter(1)".to_owned()),
        ("name like '%ab'", format!("t.name {} Literal(\"'%ab'\") !LeadingWildcard", infix(false, false))),
        ("name like '\\%ab'", "t.name LikePrefix Literal(\"E'\\\\\\\\%ab'\")".to_owned()),
        ("name ilike $1", format!("t.name {} Parameter(1)", infix(true, false))),
        ("name not like 'a%'", "t.name LikePrefix Literal(\"'a%'\") !Negation".to_owned()),
        ("name ~ '^abc'", "t.name LikePrefix Literal(\"'^abc'\")".to_owned()),
        ("name ~* 'abc'", format!("t.name {} Literal(\"'abc'\")", infix(true, true))),
        ("name ^@ $1", "t.name LikePrefix Parameter(1)".to_owned()),
        ("starts_with(name, $1)", "t.name LikePrefix Parameter(1)".to_owned()),
        ("name % $1", "t.name Similar Parameter(1)".to_owned()),
    ];
    for (filter, expected) in cases {
        assert_eq!(conditions("users", filter), [expected], "{filter}");
    }
}

#[test]
fn documents_arrays_and_ranges() {
    check(
        "products",
        &[
            ("attributes @> $1", &["t.attributes JsonContains Parameter(1)"]),
            ("attributes ? 'k'", &["t.attributes JsonExists Literal(\"'k'\")"]),
            ("attributes @? '$.a'", &["t.attributes JsonPath Literal(\"'$.a'\")"]),
            ("attributes->>'kind' = $1", &["t.(attributes ->> 'kind') Eq Parameter(1) !ExpressionOnColumn"]),
            ("attributes->>$2 = $1", &["t.(attributes ->> $2)~ Eq Parameter(1) !ExpressionOnColumn"]),
            (
                "(attributes->>'age')::int > $1",
                &["t.((attributes ->> 'age')::integer) Greater Parameter(1) !CastOnColumn { to: \"int4\" }"],
            ),
            ("tags && $1", &["t.tags ArrayOverlap Parameter(1)"]),
            ("tags @> array['a']", &["t.tags ArrayOverlap List"]),
            ("$1 = any (tags)", &["t.tags ArrayAny Parameter(1)"]),
            ("document @@ to_tsquery($1)", &["t.document TextSearch Stable"]),
            ("to_tsquery($1) @@ document", &["t.document TextSearch Stable"]),
            (
                "to_tsvector('english', name) @@ $1",
                &[
                    "t.(to_tsvector('english', name)) TextSearch Parameter(1) !FunctionOnColumn { function: \"to_tsvector\" }",
                ],
            ),
            ("valid @> now()", &["t.valid Range Stable"]),
            ("place <@ box '((0,0),(1,1))'", &["t.place Range Literal(\"'((0,0),(1,1))'::box\")"]),
        ],
    );
    let knn = shown(&bind("select id from products t order by place <-> $1 limit 5"));
    assert_eq!(knn, ["order t.place asc last<->"]);
}

#[test]
fn joins_of_every_spelling() {
    for sql in [
        "select 1 from users u join orders o on o.user_id = u.id",
        "select 1 from users u, orders o where o.user_id = u.id",
        "select 1 from users u left join orders o on (o.user_id = u.id)",
        "select 1 from (users u join orders o on o.user_id = u.id) j",
    ] {
        assert_eq!(shown(&bind(sql)), ["o.user_id = u.id"], "{sql}");
    }
    let using = bind("select id from orders join order_items using (id) where id = 3");
    assert_eq!(shown(&using), ["orders.id Eq Literal(\"3\")", "orders.id = order_items.id"]);
    let natural = shown(&bind("select 1 from orders natural join order_items"));
    assert_eq!(natural, ["orders.id = order_items.id"]);
}

#[test]
fn outer_joins_filter_one_side() {
    let on = "select 1 from users u left join orders o on o.user_id = u.id and o.total > 5 and u.age > 3";
    assert_eq!(shown(&bind(on)), ["o.total Greater Literal(\"5\")", "o.user_id = u.id"]);
    let anti = "select 1 from users u left join orders o on o.user_id = u.id where o.id is null and u.age = 1";
    let bound = bind(anti);
    assert_eq!(shown(&bound), ["u.age Eq Literal(\"1\")", "o.user_id = u.id"]);
    assert!(bound.blocks[0].relations[1].nullable && !bound.blocks[0].relations[0].nullable);
}

#[test]
fn subqueries_views_and_ctes_are_merged_when_simple() {
    for sql in [
        "select 1 from (select id, user_id as who from orders) s where s.who = $1",
        "with s as (select id, user_id as who from orders) select 1 from s where who = $1",
        "with s (id, who) as (select id, user_id from orders) select 1 from s x where x.who = $1",
        "select 1 from (select * from (select * from orders) a) s (id, who) where who = $1",
        "select 1 from (select user_id from orders where user_id = $1) s",
    ] {
        let bound = bind(sql);
        assert_eq!(shown(&bound), ["orders.user_id Eq Parameter(1)"], "{sql}");
        assert_eq!(bound.blocks.len(), 1, "{sql}");
    }
    let view = shown(&bind("select id from active_users where mail = $1"));
    assert_eq!(
        view,
        ["users.active IsTrue None", "users.(lower(email)) Eq Parameter(1) !FunctionOnColumn { function: \"lower\" }",]
    );
}

#[test]
fn conditions_are_pushed_into_blocks_of_their_own() {
    let grouped = bind("select * from order_totals where user_id = $1 and n > 5");
    assert_eq!(shown(&grouped), ["orders.user_id Eq Parameter(1)"]);
    assert_eq!(grouped.blocks[1].role, BlockRole::From);
    let union = "select 1 from (select id from users union all select user_id from orders) s where id = $1";
    assert_eq!(shown(&bind(union)), ["users.id Eq Parameter(1)", "orders.user_id Eq Parameter(1)"]);
    let limited = "select 1 from (select id from users order by age limit 5) s where id = $1";
    assert_eq!(shown(&bind(limited)), ["order users.age asc last"]);
    let twice = "with s as (select id, age from users) select 1 from s a, s b where a.id = $1 and b.id = a.id";
    assert!(shown(&bind(twice)).is_empty());
    let fed = "select 1 from orders o join (select user_id u, count(*) from order_items i join orders using (id) \
               group by 1) s on s.u = o.user_id";
    assert!(shown(&bind(fed)).contains(&"o.user_id Eq Stable".to_owned()));
}

#[test]
fn subqueries_in_expressions() {
    let exists = "select 1 from users u where exists (select 1 from orders o where o.user_id = u.id and o.total > 3)";
    assert_eq!(shown(&bind(exists)), ["u.id Eq Subquery", "o.user_id Eq Stable", "o.total Greater Literal(\"3\")",]);
    let not_exists = "select 1 from users u where not exists (select 1 from orders o where o.user_id = u.id)";
    assert_eq!(shown(&bind(not_exists)), ["o.user_id Eq Stable"]);
    let in_list = "select 1 from users where id in (select user_id from orders where total > $1)";
    assert_eq!(
        shown(&bind(in_list)),
        ["users.id In(None) Subquery", "orders.total Greater Parameter(1)", "orders.user_id Eq Stable",]
    );
    let scalar = "select 1 from orders where total = (select max(total) from orders o2)";
    assert_eq!(shown(&bind(scalar)), ["orders.total Eq Subquery"]);
    let correlated = "select (select count(*) from orders o where o.user_id = u.id) from users u where u.id = $1";
    assert_eq!(shown(&bind(correlated)), ["u.id Eq Parameter(1)", "o.user_id Eq Stable"]);
    let lateral = "select 1 from users u cross join lateral (select id from orders o where o.user_id = u.id \
                   order by created_at desc limit 3) x where u.age = 1";
    assert_eq!(
        shown(&bind(lateral)),
        ["u.age Eq Literal(\"1\")", "o.user_id Eq Stable", "order o.created_at desc first",]
    );
}

#[test]
fn order_group_distinct_limit() {
    let bound = bind("select id, lower(email) as m from users order by m desc nulls last, 1 limit 10 offset $1");
    assert_eq!(shown(&bound), ["order users.(lower(email)) desc last", "order users.id asc last"]);
    assert_eq!(bound.blocks[0].limit, Some(crate::workload::Limit::Rows(10)));
    assert!(bound.blocks[0].offset);
    let grouped = bind("select user_id, count(*) from orders group by 1 order by 2 desc");
    assert!(grouped.blocks[0].aggregates && grouped.blocks[0].group_by.len() == 1);
    assert!(grouped.blocks[0].order_by.is_empty());
    let distinct = bind("select distinct on (user_id) user_id, id from orders order by user_id, created_at desc");
    assert_eq!(distinct.blocks[0].distinct.len(), 1);
    assert_eq!(distinct.blocks[0].order_by.len(), 2);
}

#[test]
fn columns_read() {
    let columns = |sql: &str| {
        let r = &bind(sql).blocks[0].relations[0];
        (r.columns.iter().copied().collect::<Vec<i16>>(), r.whole_row, r.needs_heap)
    };
    assert_eq!(columns("select count(*) from orders where user_id = 1"), (vec![2], false, false));
    assert_eq!(columns("select * from order_items where id = 1"), (vec![1, 2, 3, 4], true, false));
    assert_eq!(columns("select i from order_items i"), (vec![1, 2, 3, 4], true, false));
    assert_eq!(columns("select o.id from orders o where note is null for update"), (vec![1, 6], false, true));
    assert_eq!(columns("select id from (select * from orders) s"), (vec![1], false, false));
    assert_eq!(
        columns("select 1 from users u where exists (select * from orders o where o.user_id = u.id)"),
        (vec![1], false, false)
    );
}

#[test]
fn writes() {
    let written = |sql: &str| {
        let bound = bind(sql);
        let writes: Vec<String> = bound
            .writes
            .iter()
            .map(|w| format!("{:?} {} {:?}", w.kind, w.table, w.columns.iter().collect::<Vec<_>>()))
            .collect();
        (format!("{:?}", bound.kind), writes, shown(&bound))
    };
    let (kind, writes, _) = written("insert into order_items (order_id) values ($1) returning id");
    assert_eq!((kind.as_str(), writes), ("Insert", vec!["Insert 103 [1, 2, 3, 4]".to_owned()]));
    let (_, writes, conditions) =
        written("update orders o set total = $1, note = u.name from users u where u.id = o.user_id and o.id = $2");
    assert_eq!(writes, ["Update 102 [4, 6]"]);
    assert_eq!(conditions, ["o.id Eq Parameter(2)", "u.id = o.user_id"]);
    let (_, writes, conditions) = written("delete from orders using users where user_id = users.id and age = 1");
    assert_eq!(writes, ["Delete 102 [1, 2, 3, 4, 5, 6]"]);
    assert_eq!(conditions, ["users.age Eq Literal(\"1\")", "orders.user_id = users.id"]);
    let (_, writes, _) = written(
        "insert into orders (id) values (1) on conflict (id) do update set total = excluded.total where orders.id > 5",
    );
    assert_eq!(writes, ["Insert 102 [1, 2, 3, 4, 5, 6]", "Update 102 [4]"]);
    let (_, _, conditions) = written("insert into orders (id) select id from users where age = $1");
    assert_eq!(conditions, ["users.age Eq Parameter(1)"]);
    let (kind, writes, _) = written(
        "merge into orders o using users u on o.user_id = u.id when matched then update set note = 'x' \
         when not matched then insert (id) values (1)",
    );
    assert_eq!((kind.as_str(), writes.len()), ("Merge", 2));
    let queue = "with job as (select id from orders where status = 'new' order by id limit 1 for update skip locked) \
                 update orders set status = 'done' from job where orders.id = job.id";
    let (_, writes, conditions) = written(queue);
    assert_eq!(writes, ["Update 102 [3]"]);
    assert_eq!(conditions, ["orders.id Eq Stable", "orders.status Eq Literal(\"'new'\")", "order orders.id asc last"]);
    let (kind, _, _) = written("with gone as (delete from orders where id = 1 returning *) select * from gone");
    assert_eq!(kind, "Delete");
}

#[test]
fn partial_predicates_are_made_of_literals() {
    let texts = |filter: &str| -> Vec<Option<String>> {
        let bound = bind(&format!("select 1 from users t where {filter}"));
        bound.blocks[0].predicates.iter().map(|p| p.as_index_predicate.clone()).collect()
    };
    assert_eq!(texts("deleted_at is null"), [Some("deleted_at IS NULL".to_owned())]);
    assert_eq!(texts("active and age > 5"), [Some("active".to_owned()), Some("age > 5".to_owned())]);
    assert_eq!(texts("not active"), [Some("NOT active".to_owned())]);
    assert_eq!(texts("email::text = 'x'"), [Some("email = 'x'".to_owned())]);
    assert_eq!(texts("id in (1, 2)"), [Some("id IN (1, 2)".to_owned())]);
    assert_eq!(texts("age = $1"), [None]);
    assert_eq!(texts("created_at > now()"), [None]);
}

#[test]
fn what_a_subquery_implies_is_no_partial_predicate() {
    for sql in [
        "select 1 from users t where exists (select from orders o where o.user_id = t.id)",
        "select 1 from users t where id in (select user_id from orders)",
        "select 1 from users t where id not in (select user_id from orders)",
        "select 1 from users t where (id, age) in ((1, 2), (3, 4))",
    ] {
        let bound = bind(sql);
        let predicates = bound.blocks.iter().flat_map(|b| &b.predicates);
        let texts: Vec<&str> = predicates.filter_map(|p| p.as_index_predicate.as_deref()).collect();
        assert!(texts.is_empty(), "{sql}: {texts:?}");
    }
}

#[test]
fn names() {
    let catalog = fixture::shop();
    let partition = bind("select 1 from events_2024 where user_id = $1");
    assert_eq!(partition.tables().into_iter().collect::<Vec<_>>(), [fixture::EVENTS]);
    assert_eq!(shown(&bind("select 1 from audit where id = 1")), ["audit.id Eq Literal(\"1\")"]);
    let code = |sql: &str| try_bind(&catalog, sql).map_err(|skip| skip.code);
    assert_eq!(code("select * from nowhere").unwrap_err(), "unknown-table");
    assert_eq!(code("select * from other.users").unwrap_err(), "unknown-table");
    assert_eq!(code("select * from pg_class").unwrap_err(), "system-catalog");
    assert_eq!(code("vacuum users").unwrap_err(), "utility");
    assert_eq!(code("").unwrap_err(), "empty");
    assert_eq!(code("select 1; select 2").unwrap_err(), "multiple-statements");
    assert_eq!(code("select * from users where id =").unwrap_err(), "truncated");
    assert_eq!(code("selekt").unwrap_err(), "syntax");
    let partly = try_bind(&catalog, "select nope from users u join nowhere n on n.id = u.id where u.id = ?").unwrap();
    assert_eq!(partly.unresolved, ["table nowhere is not in the catalog"]);
    assert_eq!(partly.parameters, 1);
    let looping = try_bind(&catalog, "select * from looping").map(|b| b.unresolved);
    assert!(looping.is_ok(), "{looping:?}");
    let recursive = "with recursive t as (select id, user_id from orders where id = $1 union all \
                     select o.id, o.user_id from orders o join t on o.user_id = t.id) select * from t where id = 3";
    assert_eq!(shown(&bind(recursive)), ["orders.id Eq Parameter(1)", "o.user_id Eq Stable"]);
}

#[test]
fn shapes() {
    let key = |sql: &str| bind(sql).shape_key();
    let one = key("select o.id from orders o where o.user_id = $1 and o.status in ('new', 'paid')");
    assert_eq!(one, key("SELECT id FROM public.orders WHERE user_id = 5 AND status IN ($1, $2, $3)"));
    assert_ne!(one, key("select id from orders where user_id > 5 and status in ('new', 'paid')"));
    assert_ne!(key("select id from orders t where t.id = 1"), key("select id from users t where t.id = 1"));
}

#[test]
fn deep_and_wide_statements() {
    let unions = vec!["select id from users where age = 1"; 500].join(" union all ");
    assert_eq!(bind(&unions).blocks.len(), 501);
    let list = vec!["$1"; 10_000].join(", ");
    assert_eq!(conditions("users", &format!("id in ({list})")), ["t.id In(Some(10000)) List"]);
    let ors = (0..3_000).map(|i| format!("(id = {i} and age = {i})")).collect::<Vec<_>>().join(" or ");
    assert_eq!(conditions("users", &ors).len(), 6_000);
    let chain = vec!["name"; 2_000].join(" || ");
    assert_eq!(conditions("users", &format!("{chain} = 'x'")).len(), 1);
    let nested = format!("select id from users where {}id = 1{}", "(age = 1 and (".repeat(700), "))".repeat(700));
    assert_eq!(shown(&bind(&nested)).len(), 2);
    let subqueries = format!("{}users{} where id = $1", "select id from (".repeat(400), ") s".repeat(400));
    assert!(try_bind(&fixture::shop(), &subqueries).is_err(), "a table name in brackets is no subquery");
    let subqueries =
        format!("{}select id from users{} where id = $1", "select id from (".repeat(400), ") s".repeat(400));
    assert_eq!(shown(&bind(&subqueries)), ["users.id Eq Parameter(1)"]);
    let doubling: Vec<String> =
        (1..40).map(|i| format!("c{i} as not materialized (select a.id from c{} a, c{} b)", i - 1, i - 1)).collect();
    let doubling =
        format!("with c0 as not materialized (select id from users), {} select * from c39", doubling.join(", "));
    assert!(!try_bind(&fixture::shop(), &doubling).expect("binds").unresolved.is_empty());
}

proptest::proptest! {
    #[test]
    fn soup_never_panics(words in proptest::collection::vec(proptest::sample::select(SOUP), 0..20)) {
        let _ = try_bind(&fixture::shop(), &format!("select * from users u {}", words.join(" ")));
        let _ = try_bind(&fixture::shop(), &format!("select {} from orders", words.join(" ")));
    }
}

const SOUP: &[&str] = &[
    "where",
    "(",
    ")",
    ",",
    "u.id",
    "id",
    "*",
    "=",
    ">",
    "$1",
    "'x'",
    "1",
    "and",
    "or",
    "not",
    "in",
    "case when",
    "then",
    "end",
    "join orders o on",
    "left join events using (id)",
    "group by",
    "order by",
    "limit",
    "union select",
    "exists (select",
    "is null",
    "between",
    "like",
    "array[",
    "]",
    "count(*)",
    "active_users",
    "(select max(id) from orders)",
    "u",
    "having",
    "over ()",
    "::text",
    "any (",
    "lateral",
    "from",
    "age",
];
