use super::*;
use crate::planner::expr::types;

#[test]
fn the_tables_are_whole() {
    let facts = Facts::default();
    let names = [facts.types_named("int4"), facts.functions_named("lower"), facts.operators_named("=")];
    assert_eq!(names.map(<[Oid]>::len), [1, 3, 63]);
    assert!(facts.base.operators.values().all(|o| o.function == 0 || facts.function(o.function).is_some()));
    assert!(facts.base.operators.values().all(|o| facts.ty(o.right).is_some()));
    assert!(facts.base.casts.values().all(|c| facts.ty(c.source).is_some() && facts.ty(c.target).is_some()));
}

#[test]
fn newer_functions_are_unknown_to_older_servers() {
    assert!(Facts::default().functions_named("uuidv7").is_empty());
    let newer = Facts { base: load::builtin(18), own: Tables::default(), zone: TimeZone::UTC };
    assert!(!newer.functions_named("uuidv7").is_empty());
}

#[test]
fn default_classes_follow_binary_coercion() {
    let facts = Facts::default();
    let class = |method, ty| facts.default_opclass(method, ty).map(|c| c.name.as_str());
    assert_eq!(class(IndexMethod::Btree, types::VARCHAR), Some("text_ops"));
    assert_eq!(class(IndexMethod::Btree, 1007), Some("array_ops"));
    assert_eq!(class(IndexMethod::Gin, 1007), Some("array_ops"));
    assert_eq!(class(IndexMethod::Gin, types::JSONB), Some("jsonb_ops"));
    assert_eq!(class(IndexMethod::Btree, types::JSON), None);
    assert_eq!(class(IndexMethod::Gist, 3904), Some("range_ops"));
}

#[test]
fn families_and_sort_operators() {
    let facts = Facts::default();
    assert_eq!(facts.merge_families(96), vec![1976]);
    assert_eq!(facts.strategy(97, 1976), Some(1));
    assert_eq!(facts.member(1976, types::INT4, types::INT8, 3), Some(15));
    let int4 = SortOperators { lt: 97, eq: 96, gt: 521, hashable: true };
    assert_eq!(facts.sort_operators(types::INT4), int4);
    assert_eq!(facts.sort_operators(types::VARCHAR).lt, 664);
    assert!(facts.sort_operators(1007).hashable);
    assert_eq!(facts.sort_operators(types::JSON).eq, 0);
}
