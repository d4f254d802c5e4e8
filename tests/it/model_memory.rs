//! What the planner model remembers of one question changes no answer to another: a source that has been asked many
//! answers like one that has been asked nothing.

use std::collections::BTreeSet;
use std::sync::Arc;

use pgwise::snapshot::{IndexMethod, IndexSpec, KeySpec, Snapshot};
use pgwise::whatif::model::ModelSource;
use pgwise::whatif::{CandidateId, Configuration, CostRequest, CostSource as _};

#[path = "../../benches/support/mod.rs"]
mod support;

use support::Random;

/// Levels of all kinds below others, whose plans depend on the configuration too.
const NESTED: &[&str] = &[
    "select u.id, (select max(o.created_at) from orders o where o.user_id = u.id) from users u where u.country = $1",
    "select id from products p where price > (select avg(price) from products where category_id = p.category_id)",
    "select id from users where created_at > $1 union select user_id from orders where status = $2 order by 1",
    "with recent as materialized (select user_id, total from orders where created_at > $1) \
        select u.email, r.total from recent r join users u on u.id = r.user_id where u.country = $2",
    "select s.user_id, u.email from (select user_id, sum(total) as spent from orders where created_at > $1 \
        group by user_id) s join users u on u.id = s.user_id where s.spent > $2 and u.created_at > $3",
    "select max(created_at), min(created_at) from orders where status = $1",
    "select o.id from orders o left join payments p on p.order_id = o.id where p.id is null and o.created_at > $1",
    "select id from orders where user_id not in (select user_id from carts where updated_at > $1)",
    "select p.id from products p, lateral (select r.rating from reviews r where r.product_id = p.id \
        order by r.created_at desc limit 1) l where l.rating < $1 and p.price > $2",
    "select id from orders where (status = $1 and created_at > $2) or user_id = $3 or coupon_id = $4",
    "delete from carts where user_id in (select id from users where deleted_at < $1)",
];

/// Indexes of other kinds than [`support::candidates`] makes.
fn others(snapshot: &Snapshot) -> Vec<IndexSpec> {
    let spec = |table: &str, columns: &[&str], include: &[&str], predicate: Option<&str>, method| {
        let table = snapshot.catalog.table_named("public", table).expect("a table of the shop");
        let attnum = |name: &&str| table.column_named(name).expect("a column").attnum;
        let mut include: Vec<i16> = include.iter().map(attnum).collect();
        include.sort_unstable();
        IndexSpec {
            table: table.oid,
            method,
            keys: columns.iter().map(|c| KeySpec::column(attnum(c))).collect(),
            include,
            predicate: predicate.map(str::to_owned),
            unique: false,
            pages_per_range: None,
        }
    };
    let mut found = vec![
        spec("orders", &["user_id"], &["created_at", "total"], None, IndexMethod::Btree),
        spec("orders", &["created_at"], &["user_id", "total", "status"], None, IndexMethod::Btree),
        spec("order_items", &["order_id"], &["quantity", "unit_price", "product_id"], None, IndexMethod::Btree),
        spec("carts", &["updated_at"], &[], Some("checked_out_at IS NULL"), IndexMethod::Btree),
        spec("products", &["category_id", "price"], &[], Some("deleted_at IS NULL"), IndexMethod::Btree),
        spec("orders", &["created_at"], &[], None, IndexMethod::Brin),
        spec("orders", &["status"], &[], None, IndexMethod::Hash),
        spec("products", &["tags"], &[], None, IndexMethod::Gin),
        spec("products", &["attributes"], &[], None, IndexMethod::Gin),
    ];
    found.push(IndexSpec {
        keys: vec![KeySpec::expression("lower(email)")],
        ..spec("users", &["email"], &[], None, IndexMethod::Btree)
    });
    found
}

struct Questions {
    snapshot: Arc<Snapshot>,
    candidates: Vec<(CandidateId, IndexSpec)>,
    /// Candidates on the tables that each statement names, and existing indexes of these.
    concerned: Vec<(Vec<CandidateId>, Vec<u32>)>,
}

impl Questions {
    fn new() -> Self {
        let own: Vec<String> = support::shop().statements.items.into_iter().map(|s| s.query).collect();
        let texts: Vec<&str> =
            own.iter().map(String::as_str).chain(support::JOINS.iter().chain(NESTED).copied()).collect();
        let snapshot = support::with_statements(support::shop(), &texts);
        let all: BTreeSet<IndexSpec> =
            texts.iter().flat_map(|text| support::candidates(&snapshot, text)).chain(others(&snapshot)).collect();
        let candidates: Vec<(CandidateId, IndexSpec)> = all.into_iter().enumerate().collect();
        let concerned = texts.iter().map(|text| {
            let tables: Vec<_> = snapshot.catalog.tables.iter().filter(|t| text.contains(&t.name)).collect();
            let on = |spec: &IndexSpec| tables.iter().any(|t| t.oid == spec.table);
            let ids = candidates.iter().filter(|(_, spec)| on(spec)).map(|(id, _)| *id).collect();
            (ids, tables.iter().flat_map(|t| &t.indexes).map(|i| i.oid).collect())
        });
        let concerned = concerned.collect();
        Self { snapshot: Arc::new(snapshot), candidates, concerned }
    }

    fn source(&self) -> ModelSource {
        let mut source = ModelSource::new(&self.snapshot, 1).expect("a source");
        for answer in source.register(&self.candidates) {
            answer.expect("a candidate that the model knows");
        }
        source
    }

    fn any(&self, statement: usize, random: &mut Random) -> CostRequest {
        let (candidates, existing) = &self.concerned[statement];
        let mut configuration = Configuration::default();
        if !candidates.is_empty() {
            configuration.with.extend((0..random.below(7)).map(|_| *random.pick(candidates)));
        }
        if !existing.is_empty() && random.below(4) == 0 {
            configuration.without.insert(*random.pick(existing));
        }
        CostRequest { statement, configuration }
    }
}

#[test]
fn answers_do_not_depend_on_what_was_asked_before() {
    let questions = Questions::new();
    let mut random = Random::new(11);
    let mut experienced = questions.source();
    let statements = 0..questions.snapshot.statements.items.len();
    for _ in 0..6 {
        for statement in statements.clone() {
            let asked: Vec<CostRequest> = (0..4).map(|_| questions.any(statement, &mut random)).collect();
            experienced.cost(&asked);
        }
        let fresh = questions.source();
        for statement in statements.clone() {
            let request = questions.any(statement, &mut random);
            let (known, anew) = (experienced.explain(&request), fresh.explain(&request));
            let text = &questions.snapshot.statements.items[statement].query;
            assert_eq!(known, anew, "{text}\n{request:?}");
        }
    }
}
