//! What existing indexes already serve.
//!
//! Two indexes are compared by what decides their use: method, keys with operator class, collation and direction (a
//! B-tree is read backwards too), predicate, INCLUDE. The comparison is about shape alone; whether an index of another
//! shape happens to be good enough is the planner's to say.

use crate::snapshot::{Index, IndexMethod, IndexSpec, KeySpec, KeyTarget, Table};

use crate::sql;

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
        (IndexMethod::Gist | IndexMethod::Spgist, IndexMethod::Gist | IndexMethod::Spgist)
        | (IndexMethod::Brin, IndexMethod::Brin) => wanted
            .keys
            .iter()
            .all(|k| own.keys.iter().any(|o| same_target(&o.target, &k.target) && is_trigram(o) == is_trigram(k))),
        // Equality and ranges of a hash or a summary are a B-tree's too, in any order that it may have.
        (IndexMethod::Btree, IndexMethod::Hash | IndexMethod::Brin) | (IndexMethod::Hash, IndexMethod::Hash) => {
            let leading = own.keys.first().zip(wanted.keys.first());
            leading.is_some_and(|(o, k)| same_target(&o.target, &k.target) && o.collation == k.collation)
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
    narrow.table == wide.table
        && narrow.method == IndexMethod::Btree
        && wide.method == IndexMethod::Btree
        && leads(wide, narrow, 0)
        && covers_include(wide, narrow)
        && same_predicate(narrow.predicate.as_deref(), wide.predicate.as_deref())
}

/// Whether two indexes are the same in all that serves a query.
pub(super) fn same_shape(a: &IndexSpec, b: &IndexSpec) -> bool {
    a.table == b.table
        && a.method == b.method
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

/// A whole index covers every predicate; a partial one those that ask for all that it asks and perhaps more
/// (`predicate_implied_by`, as far as equal conjuncts go).
fn covers_predicate(own: Option<&str>, wanted: Option<&str>) -> bool {
    match (own, wanted) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(own), Some(wanted)) => {
            own == wanted
                || sql::canonical_conjuncts(own).is_some_and(|own| {
                    sql::canonical_conjuncts(wanted).is_some_and(|wanted| own.iter().all(|c| wanted.contains(c)))
                })
        }
    }
}

fn same_predicate(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            a == b || sql::canonical_conjuncts(a).is_some_and(|a| Some(a) == sql::canonical_conjuncts(b))
        }
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
    a == b || sql::canonical_expr(a).is_some_and(|a| Some(a) == sql::canonical_expr(b))
}

#[cfg(test)]
mod tests {
    use super::super::candidates::Family;
    use super::super::fixture;
    use super::*;

    fn wanted(keys: Vec<KeySpec>, equality_keys: usize) -> Candidate {
        Candidate {
            spec: IndexSpec {
                table: fixture::ORDERS,
                method: IndexMethod::Btree,
                keys,
                include: vec![],
                predicate: None,
                unique: false,
                pages_per_range: None,
            },
            family: Family::Btree,
            asked_by: std::collections::BTreeSet::new(),
            equality_keys,
            fraction: 1.0,
            for_foreign_key: false,
            parents: vec![],
        }
    }

    fn with(index: Index) -> Table {
        let mut table = fixture::tables().swap_remove(0);
        table.indexes = vec![index];
        table
    }

    fn columns(columns: &[i16]) -> Vec<KeySpec> {
        columns.iter().map(|c| KeySpec::column(*c)).collect()
    }

    #[test]
    fn equality_keys_serve_in_any_order_and_the_rest_in_theirs() {
        let table = with(fixture::index(1, "i", &[3, 2, 4]));
        assert!(server_of(&table, &wanted(columns(&[2, 3, 4]), 2)).is_some());
        assert!(server_of(&table, &wanted(columns(&[2, 3]), 2)).is_some());
        assert!(server_of(&table, &wanted(columns(&[2]), 1)).is_none());
        assert!(server_of(&table, &wanted(columns(&[3, 4]), 1)).is_none());
    }

    #[test]
    fn a_btree_is_read_backwards_but_not_both_ways_at_once() {
        let mut index = fixture::index(1, "i", &[2, 4, 6]);
        for key in &mut index.keys[1..] {
            key.descending = true;
            key.nulls_first = true;
        }
        let table = with(index);
        assert!(server_of(&table, &wanted(columns(&[2, 4, 6]), 1)).is_some());
        let mut mixed = columns(&[2, 4, 6]);
        mixed[2].descending = true;
        mixed[2].nulls_first = true;
        assert!(server_of(&table, &wanted(mixed, 1)).is_none());
    }

    #[test]
    fn hash_serves_equality_on_its_key_alone() {
        let mut index = fixture::index(1, "i", &[2]);
        index.method_name = "hash".to_owned();
        let table = with(index);
        assert!(server_of(&table, &wanted(columns(&[2]), 1)).is_some());
        assert!(server_of(&table, &wanted(columns(&[2]), 0)).is_none());
        assert!(server_of(&table, &wanted(columns(&[2, 4]), 1)).is_none());
    }

    #[test]
    fn opclass_and_collation_are_compared() {
        let mut index = fixture::index(1, "i", &[3]);
        index.keys[0].collation_is_default = false;
        index.keys[0].collation = Some("pg_catalog.\"de-x-icu\"".to_owned());
        assert!(server_of(&with(index), &wanted(columns(&[3]), 1)).is_none());
        let mut pattern = columns(&[3]);
        pattern[0].opclass = Some("text_pattern_ops".to_owned());
        assert!(server_of(&with(fixture::index(1, "i", &[3])), &wanted(pattern, 0)).is_none());
    }

    #[test]
    fn a_partial_index_serves_what_asks_for_as_much() {
        let mut index = fixture::index(1, "i", &[2]);
        index.predicate = Some("(created_at IS NULL)".to_owned());
        let table = with(index);
        let mut candidate = wanted(columns(&[2]), 1);
        assert!(server_of(&table, &candidate).is_none());
        candidate.spec.predicate = Some("created_at IS NULL AND status = 'x'".to_owned());
        assert!(server_of(&table, &candidate).is_some());
        candidate.spec.predicate = Some("created_at IS NOT NULL".to_owned());
        assert!(server_of(&table, &candidate).is_none());
    }

    #[test]
    fn expressions_are_compared_however_they_are_printed() {
        let mut index = fixture::index(1, "i", &[3]);
        index.keys[0].column = None;
        index.keys[0].expression = Some("lower((status)::text)".to_owned());
        let candidate = wanted(vec![KeySpec::expression("lower(status)")], 1);
        assert!(server_of(&with(index), &candidate).is_some());
    }

    #[test]
    fn invalid_indexes_serve_nothing() {
        let mut index = fixture::index(1, "i", &[2]);
        index.valid = false;
        assert!(server_of(&with(index), &wanted(columns(&[2]), 1)).is_none());
    }
}
