//! Candidates of whole statements, parsed and bound as they come.

use super::super::Options;
use super::super::facts::Facts;
use super::super::fixture::{ORDERS, ask, shop, tables};
use super::generate;
use crate::snapshot::{ForeignKey, ForeignKeyAction, Table, TableKind};
use crate::whatif::ddl;
use crate::workload;

/// What is generated for these statements, as phrases, with its options.
fn candidates(tables: Vec<Table>, statements: &[&str]) -> Vec<String> {
    let asks: Vec<_> = statements.iter().map(|_| ask(ORDERS, 10)).collect();
    let (mut snapshot, _) = shop(tables, &asks);
    for (item, text) in snapshot.statements.items.iter_mut().zip(statements) {
        (*text).clone_into(&mut item.query);
    }
    let bound = workload::bind(&snapshot);
    assert!(bound.skipped.is_empty(), "{:?}", bound.skipped);
    let options = Options::default();
    let facts = Facts::new(&snapshot, &bound, &options);
    let generated = generate(&facts);
    let shape = |spec: &crate::snapshot::IndexSpec| {
        let table = facts.table(spec.table).map(|t| ddl::describe(spec, t)).unwrap_or_default();
        spec.pages_per_range.map_or(table.clone(), |pages| format!("{table} / {pages}"))
    };
    generated.pool.iter().map(|(_, candidate)| shape(&candidate.spec)).collect()
}

fn has(candidates: &[String], wanted: &str) -> bool {
    candidates.iter().any(|c| c == wanted)
}

#[test]
fn the_frequency_of_a_literal_makes_a_partial_index() {
    let mut tables = tables();
    let stats = tables[0].columns[2].stats.as_mut().unwrap();
    stats.mcv_values = Some(["done", "new", "open", "held", "lost"].map(str::to_owned).to_vec());
    let rare = candidates(tables.clone(), &["select id from orders where status = 'open' and user_id = $1"]);
    assert!(has(&rare, "public.orders (user_id) WHERE status = 'open'"), "{rare:#?}");
    let common = candidates(tables, &["select id from orders where status = 'done' and user_id = $1"]);
    assert!(!common.iter().any(|c| c.contains("WHERE")), "{common:#?}");
}

#[test]
fn two_conditions_together_leave_less_than_either() {
    let mut tables = tables();
    tables[0].columns[3].stats.as_mut().unwrap().null_frac = 0.2;
    tables[0].columns[5].stats.as_mut().unwrap().null_frac = 0.1;
    let all =
        candidates(tables, &["select id from orders where created_at is null and total is null and user_id = $1"]);
    assert!(all.iter().any(|c| c.contains("created_at IS NULL") && c.contains(" AND ") && c.contains("total IS NULL")));
    assert!(has(&all, "public.orders (user_id) WHERE total IS NULL"), "{all:#?}");
}

#[test]
fn wide_values_compared_by_equality_get_a_hash() {
    let mut tables = tables();
    tables[0].columns[2].stats = Some(crate::whatif::fixture::stats(-1.0, 80, 0.0));
    tables[0].columns[2].ty.default_opclasses = vec!["btree".to_owned(), "hash".to_owned()];
    let wide = candidates(tables.clone(), &["select id from orders where status = $1"]);
    assert!(has(&wide, "public.orders USING hash (status)"), "{wide:#?}");
    let narrow = candidates(tables, &["select status from orders where user_id = $1"]);
    assert!(!narrow.iter().any(|c| c.contains("hash")), "{narrow:#?}");
}

#[test]
fn only_rows_in_order_get_a_summary() {
    let mut tables = tables();
    tables[0].columns[3].ty.default_opclasses = vec!["brin".to_owned(), "btree".to_owned()];
    let sql = ["select total from orders where created_at between $1 and $2"];
    assert!(!candidates(tables.clone(), &sql).iter().any(|c| c.contains("brin")));
    tables[0].columns[3].stats.as_mut().unwrap().correlation = Some(0.99);
    // The root of 20,000 pages × 34 bytes of summary a block × 4: between 16 and 32.
    let all = candidates(tables, &sql);
    assert!(has(&all, "public.orders USING brin (created_at) / 16"), "{all:#?}");
}

#[test]
fn equality_keys_of_two_statements_share_a_beginning() {
    let all = candidates(
        tables(),
        &[
            "select id from orders where total = $1 and user_id = $2 and views > $3",
            "select id from orders where user_id = $1",
        ],
    );
    assert!(has(&all, "public.orders (user_id, total, views)"), "{all:#?}");
}

#[test]
fn a_foreign_key_needs_no_nulls() {
    let mut tables = tables();
    tables[0].columns[1].stats.as_mut().unwrap().null_frac = 0.9;
    let categories = tables[1].oid;
    tables[0].foreign_keys.push(ForeignKey {
        name: "orders_user_id_fkey".to_owned(),
        columns: vec![2],
        references: categories,
        referenced_columns: vec![1],
        on_delete: ForeignKeyAction::NoAction,
        on_update: ForeignKeyAction::NoAction,
        validated: true,
    });
    let all = candidates(tables, &["delete from categories where id = $1"]);
    assert!(has(&all, "public.orders (user_id) WHERE user_id IS NOT NULL"), "{all:#?}");
}

#[test]
fn heirs_are_read_with_their_parent_and_foreign_tables_by_their_server() {
    let mut all = tables();
    let mut heir = all[0].clone();
    heir.oid = 30;
    "orders_old".clone_into(&mut heir.name);
    heir.inherits = vec![ORDERS];
    heir.indexes.clear();
    let mut foreign = heir.clone();
    foreign.oid = 40;
    "orders_far".clone_into(&mut foreign.name);
    foreign.kind = TableKind::Foreign;
    all.extend([heir, foreign]);
    let found = candidates(all, &["select id from orders where user_id = $1"]);
    assert!(has(&found, "public.orders (user_id)") && has(&found, "public.orders_old (user_id)"), "{found:#?}");
    assert!(!found.iter().any(|c| c.contains("orders_far")));
}
