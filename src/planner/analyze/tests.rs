use super::*;
use crate::planner::query::{JoinTree, JoinType, RteKind};
use crate::snapshot::{Snapshot, file};

/// Expressions with the type that PostgreSQL 15 gave them.
const RESOLVED: &str = include_str!("resolved.tsv");

fn shop() -> Snapshot {
    file::read(&include_bytes!("../../../sample-workloads/shop/snapshot.json.zst")[..]).expect("the shop's snapshot")
}

fn analysed(env: &Env<'_>, sql: &str) -> Result<Query> {
    let statement = crate::sql::parse(sql).expect("parses").remove(0);
    crate::sql::on_large_stack(|| analyze(env, &statement, &[])).expect("a thread")
}

fn first_type(query: &Query) -> u32 {
    query.targets[0].expr.ty()
}

#[test]
fn operators_and_functions_resolve_as_the_server_resolves_them() {
    let snapshot = shop();
    let env = Env::new(&snapshot);
    let mut wrong = Vec::new();
    for line in RESOLVED.lines() {
        let (expr, ty) = line.split_once('\t').expect("two columns");
        let found =
            analysed(&env, &format!("select {expr}")).map(|q| env.facts.ty(first_type(&q)).map(|t| t.name.clone()));
        if found.as_ref().ok().and_then(Option::as_deref) != Some(ty) {
            wrong.push(format!("{expr}: {found:?}, not {ty}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}: {}", wrong.len(), RESOLVED.lines().count(), wrong.join("\n"));
}

#[test]
fn every_statement_of_the_shop_is_analysed() {
    let snapshot = shop();
    let env = Env::new(&snapshot);
    let mut failed = Vec::new();
    let queries: toml::Table = include_str!("../../../sample-workloads/shop/queries.toml").parse().expect("toml");
    for query in queries["query"].as_array().expect("a list") {
        let sql = query["sql"].as_str().expect("text");
        if let Err(error) = analysed(&env, sql) {
            failed.push(format!("{error}: {sql}"));
        }
    }
    for statement in &snapshot.statements.items {
        let Ok(mut parsed) = crate::sql::parse(&statement.query) else { continue };
        let Some(parsed) = parsed.pop().filter(|p| !matches!(p, Statement::Utility(_))) else { continue };
        let done = crate::sql::on_large_stack(|| analyze(&env, &parsed, &[])).expect("a thread");
        if let Err(error) = done {
            failed.push(format!("{error}: {}", statement.query));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn in_lists_are_arrays_where_the_server_makes_them_so() {
    let snapshot = shop();
    let env = Env::new(&snapshot);
    let qual = |sql: &str| {
        let query = analysed(&env, &format!("select 1 from orders o where {sql}")).expect("valid");
        query.jointree.quals[0].clone()
    };
    assert!(matches!(qual("o.id in (1, 2, $1)"), Expr::ScalarArrayOp(s) if s.any && s.op == 416 || s.op == 410));
    assert!(matches!(qual("o.id in (1)"), Expr::Op(_)));
    assert!(matches!(qual("o.id in (1, 2, o.user_id)"), Expr::Or(list) if list.len() == 2));
    assert!(matches!(qual("o.id not in (1, 2)"), Expr::ScalarArrayOp(s) if !s.any));
}

#[test]
fn parameters_take_the_type_of_what_they_are_compared_with() {
    let snapshot = shop();
    let env = Env::new(&snapshot);
    let query = analysed(&env, "select 1 from orders where id = $1 limit $2").expect("valid");
    let Expr::Op(op) = &query.jointree.quals[0] else { panic!("{query:?}") };
    assert_eq!(op.args[1].ty(), types::INT8);
    assert_eq!(query.limit.map(|l| l.ty()), Some(types::INT8));
}

#[test]
fn joins_subqueries_and_windows_take_their_places() {
    let snapshot = shop();
    let env = Env::new(&snapshot);
    let sql = "with w as (select user_id, count(*) n from orders group by 1)
        select u.id, n, rank() over (partition by u.country order by n desc), (select max(o.id) from orders o where o.user_id = u.id)
        from users u left join w on w.user_id = u.id order by 2 desc, u.id limit 5";
    let query = analysed(&env, sql).expect("valid");
    assert!(matches!(&query.jointree.items[0], JoinTree::Join(j) if j.kind == JoinType::Left && j.quals.len() == 1));
    assert!(matches!(&query.rtable[1].kind, RteKind::Cte { levels_up: 0, .. }));
    assert_eq!((query.ctes[0].references, query.windows.len(), query.sort.len()), (1, 1, 2));
    assert_eq!((query.windows[0].partition.len(), query.windows[0].order.len()), (1, 1));
    assert!(query.sort[0].nulls_first && query.has_sublinks && query.has_window_funcs);
    let Expr::SubLink(link) = &query.targets[3].expr else { panic!("{query:?}") };
    let Expr::Op(op) = &link.query.jointree.quals[0] else { panic!("{link:?}") };
    assert!(matches!(&op.args[1], Expr::Var(v) if v.levels_up == 1));
}
