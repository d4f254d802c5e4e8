//! Indexes as the planner sees them (`get_relation_info`), from the catalog and from shapes of indexes that do not exist.

use std::sync::Arc;

use crate::planner::env::{Env, GinCounts, IndexInfo, IndexKeyInfo, IndexRef};
use crate::planner::expr::Expr;
use crate::planner::facts::OpclassFact;
use crate::planner::{analyze, fold, stats};
use crate::snapshot::{Index, IndexMethod, IndexSpec, KeySpec, KeyTarget, Oid, Table};

/// Bytes of a block, where the server does not say.
const BLOCK: f64 = 8192.0;
/// `BRIN_DEFAULT_PAGES_PER_RANGE`.
const PAGES_PER_RANGE: f64 = 128.0;

/// The sizes of an index that does not exist.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizes {
    /// Blocks.
    pub pages: f64,
    /// Entries, of a partial index; others have as many as their table has rows.
    pub tuples: f64,
    /// Levels above the leaves, of a B-tree.
    pub tree_height: u32,
    /// GIN's own counts.
    pub gin: Option<GinCounts>,
}

/// An existing index. `estimated_height` serves where the snapshot does not know a B-tree's. `None`: planning cannot
/// use it (invalid, of an unknown method, an expression that was not understood).
pub fn existing(env: &Env<'_>, table: &Table, index: &Index, estimated_height: u32) -> Option<Arc<IndexInfo>> {
    if !index.valid {
        return None;
    }
    let spec = IndexSpec { include: index.include.clone(), ..index.spec(table.oid) };
    let pages = index.bytes.map_or(f64::from(index.relpages), |b| (b as f64 / block_size(env)).floor());
    let tuples = index_tuples(f64::from(index.relpages), index.reltuples, pages);
    let gin = index.gin.map(|g| GinCounts {
        pending_pages: f64::from(g.pending_pages),
        total_pages: f64::from(g.total_pages),
        entry_pages: f64::from(g.entry_pages),
        data_pages: f64::from(g.data_pages),
        entries: g.entries as f64,
    });
    let sizes = Sizes { pages, tuples, tree_height: index.tree_height.unwrap_or(estimated_height), gin };
    let mut info = build(env, table, &spec, IndexRef::Existing(index.oid), &index.name, &sizes)?;
    info.unique = index.unique && index.immediate;
    info.pages_per_range = pages_per_range(&index.options);
    for (key, from) in info.keys.iter_mut().zip(&index.keys) {
        key.stats = from.stats.clone().map(Arc::new);
        key.returnable = from.returnable.unwrap_or(key.returnable);
    }
    Some(Arc::new(info))
}

/// An index that does not exist, of the sizes that it would have. `None` where planning could not use it.
pub fn hypothetical(
    env: &Env<'_>,
    spec: &IndexSpec,
    id: IndexRef,
    name: &str,
    sizes: &Sizes,
) -> Option<Arc<IndexInfo>> {
    let table = env.snapshot.catalog.table(spec.table)?;
    build(env, table, spec, id, name, sizes).map(Arc::new)
}

fn build(env: &Env<'_>, table: &Table, spec: &IndexSpec, id: IndexRef, name: &str, sizes: &Sizes) -> Option<IndexInfo> {
    if spec.method == IndexMethod::Other {
        return None;
    }
    let (_, rows, _) = stats::relation_size(env, table);
    let predicate = match &spec.predicate {
        None => Vec::new(),
        Some(sql) => self::predicate(env, table, sql)?,
    };
    let keys = spec.keys.iter().map(|k| key_info(env, table, spec.method, k)).collect::<Option<Vec<_>>>()?;
    // Only a partial index can have fewer entries than the table has rows.
    let tuples = if predicate.is_empty() { rows } else { sizes.tuples.min(rows) };
    Some(IndexInfo {
        id,
        name: name.to_owned(),
        table: table.oid,
        method: spec.method,
        keys,
        include: spec.include.clone(),
        predicate,
        unique: spec.unique,
        pages: sizes.pages,
        tuples,
        tree_height: sizes.tree_height,
        pages_per_range: PAGES_PER_RANGE,
        gin: sizes.gin,
    })
}

fn key_info(env: &Env<'_>, table: &Table, method: IndexMethod, key: &KeySpec) -> Option<IndexKeyInfo> {
    let (attno, expr) = match &key.target {
        KeyTarget::Column(attno) => (*attno, analyze::index_column(env, table.column(*attno)?)),
        KeyTarget::Expression(sql) => (0, fold::fold(env, analyze::index_expression(env, table, sql).ok()?)),
    };
    let class = opclass(env, method, key.opclass.as_deref(), env.facts.base_type(expr.ty()))?;
    let collation = match &key.collation {
        Some(name) => analyze::index_collation(env, name),
        None => expr.collation(),
    };
    let collation_is_c = match (&key.collation, attno) {
        (Some(_), _) => is_c(collation),
        (None, 0) => is_c(collation) || (collation == DEFAULT_COLLATION && default_is_c(table)),
        (None, attno) => table.column(attno).is_some_and(|c| c.collation_is_c),
    };
    Some(IndexKeyInfo {
        attno,
        family: class.family,
        input: class.input,
        collation: if collatable(env, class.input) { collation } else { 0 },
        collation_is_c,
        opclass: class.name.clone(),
        descending: key.descending,
        nulls_first: key.nulls_first,
        stats: None,
        returnable: returnable(method, &class.name),
        expr,
    })
}

/// `DEFAULT_COLLATION_OID`.
const DEFAULT_COLLATION: Oid = 100;

/// `C`, `POSIX`, `ucs_basic`.
fn is_c(collation: Oid) -> bool {
    matches!(collation, 950 | 951 | 962)
}

/// Whether the database sorts as C, by a column that has its collation.
fn default_is_c(table: &Table) -> bool {
    let default = |c: &&crate::snapshot::Column| c.collation.as_deref().is_some_and(|n| n.contains("default"));
    table.columns.iter().find(default).is_some_and(|c| c.collation_is_c)
}

fn collatable(env: &Env<'_>, ty: Oid) -> bool {
    env.facts.ty(ty).is_none_or(|t| t.collation != 0)
}

/// The last part of a name, without quotes.
fn bare(name: &str) -> String {
    let last = name.rsplit_once('.').map_or(name, |(_, last)| last);
    last.trim_matches('"').to_owned()
}

fn opclass<'e>(env: &'e Env<'_>, method: IndexMethod, name: Option<&str>, ty: Oid) -> Option<&'e OpclassFact> {
    match name.map(bare) {
        Some(name) => env.facts.opclass_named(method, &name, ty),
        None => env.facts.default_opclass(method, ty),
    }
}

/// A partial index's predicate as the planner reads it (`RelationGetIndexPredicate`): folded, then an implicit AND.
fn predicate(env: &Env<'_>, table: &Table, sql: &str) -> Option<Vec<Expr>> {
    match fold::fold(env, analyze::index_expression(env, table, sql).ok()?) {
        Expr::And(conditions) => Some(conditions),
        other => Some(vec![other]),
    }
}

/// Whether an index-only scan gets the key back (`amcanreturn`).
fn returnable(method: IndexMethod, opclass: &str) -> bool {
    match method {
        IndexMethod::Btree | IndexMethod::Spgist => true,
        // Classes that keep what they index.
        IndexMethod::Gist => {
            ["point_ops", "box_ops", "inet_ops", "range_ops"].contains(&opclass) || opclass.starts_with("gist_")
        }
        _ => false,
    }
}

fn pages_per_range(options: &[String]) -> f64 {
    options.iter().find_map(|o| o.strip_prefix("pages_per_range=")?.parse().ok()).unwrap_or(PAGES_PER_RANGE)
}

fn block_size(env: &Env<'_>) -> f64 {
    env.snapshot.server.setting_f64("block_size").filter(|size| *size >= 1024.0).unwrap_or(BLOCK)
}

/// Entries of a partial index at its size now (`estimate_rel_size`): the first block holds metadata.
fn index_tuples(relpages: f64, reltuples: f64, pages: f64) -> f64 {
    let meta = if relpages > 0.0 { 1.0 } else { 0.0 };
    let (data, old) = ((pages - meta).max(0.0), relpages - meta);
    if reltuples >= 0.0 && old > 0.0 { (reltuples / old * data).round_ties_even() } else { reltuples.max(0.0) }
}
