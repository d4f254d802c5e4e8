//! What existing indexes already serve.
//!
//! Two indexes are compared by what decides their use: method, keys with operator class, collation and direction (a
//! B-tree is read backwards too), predicate, INCLUDE. The comparison is about shape alone; whether an index of another
//! shape happens to be good enough is the planner's to say.

use crate::snapshot::{Index, IndexMethod, IndexSpec, KeySpec, KeyTarget, Table};

use super::candidates::Candidate;

/// The operator class that serves everything `jsonb_path_ops` does.
const PATH_OPCLASS: &str = "jsonb_path_ops";

/// The existing index that serves all that the candidate could, if there is one.
pub(super) fn server_of<'a>(table: &'a Table, candidate: &Candidate) -> Option<&'a Index> {
    table.indexes.iter().filter(|i| i.valid).find(|index| serves(index, table, candidate))
}

fn serves(index: &Index, table: &Table, candidate: &Candidate) -> bool {
    let own = index.spec(table.oid);
    let wanted = &candidate.spec;
    if !covers_predicate(own.predicate.as_deref(), wanted.predicate.as_deref()) {
        return false;
    }
    match (own.method, wanted.method) {
        (IndexMethod::Btree, IndexMethod::Btree) => {
            leads(&own, wanted, candidate.equality_keys) && covers_include(&own, wanted)
        }
        // A hash index serves equality on its one key and nothing else.
        (IndexMethod::Hash, IndexMethod::Btree) => {
            wanted.keys.len() == 1
                && candidate.equality_keys == 1
                && wanted.include.is_empty()
                && same_target(&own.keys[0].target, &wanted.keys[0].target)
        }
        (IndexMethod::Gin, IndexMethod::Gin) => wanted.keys.iter().all(|k| own.keys.iter().any(|o| same_gin_key(o, k))),
        // gist_trgm_ops serves what gin_trgm_ops does.
        (IndexMethod::Gist, IndexMethod::Gin) => wanted
            .keys
            .iter()
            .all(|k| own.keys.iter().any(|o| same_target(&o.target, &k.target) && is_trigram(o) && is_trigram(k))),
        (IndexMethod::Gist | IndexMethod::Spgist, IndexMethod::Gist) => {
            wanted.keys.iter().all(|k| own.keys.iter().any(|o| same_target(&o.target, &k.target)))
        }
        _ => false,
    }
}

/// Whether the index's leading keys are the wanted ones: the leading equality keys in any order, the rest in theirs,
/// and the directions all as wanted or all reversed.
fn leads(own: &IndexSpec, wanted: &IndexSpec, equality_keys: usize) -> bool {
    let length = wanted.keys.len();
    if own.keys.len() < length {
        return false;
    }
    let equality = equality_keys.min(length);
    let (own_equal, own_rest) = own.keys[..length].split_at(equality);
    let (equal, rest) = wanted.keys.split_at(equality);
    let same_set = equal.iter().all(|k| own_equal.iter().any(|o| same_key(o, k)));
    let aligned = |flip: bool| {
        own_rest.iter().zip(rest).all(|(o, k)| {
            same_key(o, k) && o.descending == (k.descending != flip) && o.nulls_first == (k.nulls_first != flip)
        })
    };
    same_set && (aligned(false) || aligned(true))
}

/// Whether `wide` makes `narrow` superfluous: the narrow one's keys lead the wide one's, in the same order, and the
/// wide one holds what the narrow one includes.
pub(super) fn prefix_of(narrow: &IndexSpec, wide: &IndexSpec) -> bool {
    narrow.method == IndexMethod::Btree
        && wide.method == IndexMethod::Btree
        && leads(wide, narrow, 0)
        && covers_include(wide, narrow)
        && same_predicate(narrow.predicate.as_deref(), wide.predicate.as_deref())
}

/// Whether two indexes are the same in all that serves a query.
pub(super) fn same_shape(a: &IndexSpec, b: &IndexSpec) -> bool {
    a.method == b.method
        && a.keys.len() == b.keys.len()
        && a.include == b.include
        && same_predicate(a.predicate.as_deref(), b.predicate.as_deref())
        && a.keys
            .iter()
            .zip(&b.keys)
            .all(|(a, b)| same_key(a, b) && a.descending == b.descending && a.nulls_first == b.nulls_first)
}

fn covers_include(own: &IndexSpec, wanted: &IndexSpec) -> bool {
    wanted.include.iter().all(|c| own.include.contains(c) || own.keys.iter().any(|k| k.target == KeyTarget::Column(*c)))
}

/// A whole index covers every predicate; a partial one its own.
fn covers_predicate(own: Option<&str>, wanted: Option<&str>) -> bool {
    own.is_none() || same_predicate(own, wanted)
}

fn same_predicate(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => same_sql(a, b),
        _ => false,
    }
}

fn same_key(a: &KeySpec, b: &KeySpec) -> bool {
    same_target(&a.target, &b.target) && a.opclass == b.opclass && a.collation == b.collation
}

fn same_gin_key(own: &KeySpec, wanted: &KeySpec) -> bool {
    let larger = own.opclass.is_none() && wanted.opclass.as_deref() == Some(PATH_OPCLASS);
    same_target(&own.target, &wanted.target)
        && (own.opclass == wanted.opclass || larger || (is_trigram(own) && is_trigram(wanted)))
}

fn is_trigram(key: &KeySpec) -> bool {
    key.opclass.as_deref().is_some_and(|o| o.ends_with("_trgm_ops"))
}

fn same_target(a: &KeyTarget, b: &KeyTarget) -> bool {
    match (a, b) {
        (KeyTarget::Column(a), KeyTarget::Column(b)) => a == b,
        (KeyTarget::Expression(a), KeyTarget::Expression(b)) => same_sql(a, b),
        _ => false,
    }
}

/// Whether two expressions are one, however the catalog or a query prints them.
fn same_sql(a: &str, b: &str) -> bool {
    a == b
}
