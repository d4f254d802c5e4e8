//! Indexes that could exist, of every kind.

use pgwise::snapshot::{AttrNumber, Catalog, IndexMethod, IndexSpec, KeySpec};
use pgwise::sql::canonical_expr;
use pgwise::whatif::CandidateId;

/// A candidate.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    pub(crate) id: CandidateId,
    /// What the results are told apart by: `covering`, `gin jsonb`, …
    pub(crate) kind: &'static str,
    pub(crate) spec: IndexSpec,
    /// Words that a statement must hold for the index to have a bearing on it: the table, and a name of the first key's.
    pub(crate) table: String,
    pub(crate) words: Vec<String>,
}

impl Proposal {
    /// Whether a statement may be planned otherwise with this index.
    pub(crate) fn concerns(&self, text: &str) -> bool {
        let has = |wanted: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == wanted);
        has(&self.table) && self.words.iter().any(|word| has(word))
    }
}

/// kind, table, method, keys (`column`, `column desc`, `column:opclass` or an expression), INCLUDE, predicate.
type Line = (&'static str, &'static str, &'static str, &'static [&'static str], &'static [&'static str], &'static str);

const SHOP: &[Line] = &[
    ("btree", "orders", "btree", &["status"], &[], ""),
    ("btree", "orders", "btree", &["created_at"], &[], ""),
    ("btree", "orders", "btree", &["total"], &[], ""),
    ("btree", "orders", "btree", &["address_id"], &[], ""),
    ("btree", "orders", "btree", &["coupon_id"], &[], ""),
    ("btree", "orders", "btree", &["status", "created_at"], &[], ""),
    ("btree", "orders", "btree", &["user_id", "created_at desc"], &[], ""),
    ("btree", "orders", "btree", &["created_at", "id"], &[], ""),
    ("btree", "orders", "btree", &["user_id", "status", "created_at"], &[], ""),
    ("btree", "order_items", "btree", &["product_id"], &[], ""),
    ("btree", "order_items", "btree", &["product_id", "order_id"], &[], ""),
    ("btree", "order_items", "btree", &["quantity", "unit_price"], &[], ""),
    ("btree", "payments", "btree", &["order_id"], &[], ""),
    ("btree", "payments", "btree", &["provider_ref"], &[], ""),
    ("btree", "payments", "btree", &["provider", "captured_at"], &[], ""),
    ("btree", "reviews", "btree", &["product_id"], &[], ""),
    ("btree", "reviews", "btree", &["product_id", "created_at"], &[], ""),
    ("btree", "reviews", "btree", &["user_id"], &[], ""),
    ("btree", "reviews", "btree", &["rating", "created_at"], &[], ""),
    ("btree", "events", "btree", &["user_id", "created_at"], &[], ""),
    ("btree", "events", "btree", &["kind", "created_at"], &[], ""),
    ("btree", "events", "btree", &["created_at"], &[], ""),
    ("btree", "jobs", "btree", &["state", "run_at"], &[], ""),
    ("btree", "jobs", "btree", &["kind"], &[], ""),
    ("btree", "products", "btree", &["category_id", "price"], &[], ""),
    ("btree", "products", "btree", &["views"], &[], ""),
    ("btree", "products", "btree", &["price"], &[], ""),
    ("btree", "products", "btree", &["created_at"], &[], ""),
    ("btree", "users", "btree", &["country", "created_at"], &[], ""),
    ("btree", "users", "btree", &["created_at"], &[], ""),
    ("btree", "addresses", "btree", &["user_id"], &[], ""),
    ("btree", "addresses", "btree", &["city", "zip"], &[], ""),
    ("btree", "carts", "btree", &["user_id"], &[], ""),
    ("btree", "carts", "btree", &["updated_at"], &[], ""),
    ("btree", "inventory", "btree", &["quantity"], &[], ""),
    ("btree", "coupons", "btree", &["valid_until"], &[], ""),
    ("covering", "orders", "btree", &["user_id"], &["status", "total", "created_at"], ""),
    ("covering", "orders", "btree", &["created_at"], &["id", "user_id", "status", "total"], ""),
    ("covering", "order_items", "btree", &["order_id"], &["product_id", "quantity", "unit_price"], ""),
    ("covering", "order_items", "btree", &["product_id"], &["order_id", "quantity"], ""),
    ("covering", "inventory", "btree", &["product_id"], &["warehouse_id", "quantity"], ""),
    ("covering", "users", "btree", &["email"], &["id", "full_name"], ""),
    ("partial", "carts", "btree", &["updated_at"], &[], "checked_out_at is null"),
    ("partial", "carts", "btree", &["user_id"], &[], "checked_out_at is null"),
    ("partial", "orders", "btree", &["created_at"], &[], "status = 'pending'"),
    ("partial", "orders", "btree", &["user_id"], &[], "coupon_id is not null"),
    ("partial", "jobs", "btree", &["run_at"], &[], "state = 'queued'"),
    ("partial", "products", "btree", &["category_id", "price"], &[], "deleted_at is null"),
    ("partial", "users", "btree", &["country", "created_at"], &[], "deleted_at is null"),
    ("expression", "users", "btree", &["lower(email)"], &[], ""),
    ("expression", "products", "btree", &["lower(name)"], &[], ""),
    ("expression", "addresses", "btree", &["lower(city)"], &[], ""),
    ("expression", "products", "btree", &["attributes ->> 'brand'"], &[], ""),
    ("pattern", "users", "btree", &["email:text_pattern_ops"], &[], ""),
    ("pattern", "products", "btree", &["name:text_pattern_ops"], &[], ""),
    ("pattern", "payments", "btree", &["provider_ref:text_pattern_ops"], &[], ""),
    ("gin jsonb", "products", "gin", &["attributes"], &[], ""),
    ("gin jsonb", "products", "gin", &["attributes:jsonb_path_ops"], &[], ""),
    ("gin jsonb", "events", "gin", &["payload:jsonb_path_ops"], &[], ""),
    ("gin jsonb", "carts", "gin", &["items"], &[], ""),
    ("gin array", "products", "gin", &["tags"], &[], ""),
    ("gin tsvector", "products", "gin", &["search"], &[], ""),
    ("gin trgm", "products", "gin", &["name:gin_trgm_ops"], &[], ""),
    ("gin trgm", "users", "gin", &["email:gin_trgm_ops"], &[], ""),
    ("gin trgm", "reviews", "gin", &["body:gin_trgm_ops"], &[], ""),
    ("gist range", "carts", "gist", &["tstzrange(updated_at, checked_out_at)"], &[], ""),
    ("gist trgm", "products", "gist", &["name:gist_trgm_ops"], &[], ""),
    ("spgist", "users", "spgist", &["email"], &[], ""),
    ("brin", "orders", "brin", &["created_at"], &[], ""),
    ("brin", "events", "brin", &["created_at"], &[], ""),
    ("brin", "order_items", "brin", &["order_id"], &[], ""),
    ("brin", "payments", "brin", &["captured_at"], &[], ""),
    ("hash", "users", "hash", &["email"], &[], ""),
    ("hash", "payments", "hash", &["provider_ref"], &[], ""),
    ("hash", "orders", "hash", &["user_id"], &[], ""),
    ("hash", "events", "hash", &["session_id"], &[], ""),
];

/// Statements that ask for what the shop's own do not.
pub(crate) const SHOP_STATEMENTS: &[&str] = &[
    "select id from carts where tstzrange(updated_at, checked_out_at) && tstzrange('2025-03-01', '2025-03-02')",
    "select id from carts where tstzrange(updated_at, checked_out_at) @> timestamptz '2025-03-01 10:00'",
    "select id from carts where items @> '[{\"product_id\": 7}]'",
    "select id from events where payload @> '{\"product_id\": 77}' and kind = 'checkout'",
    "select id from products where attributes ? 'brand' and attributes @> '{\"colour\": \"red\"}'",
    "select id from products where attributes ->> 'brand' = $1",
    "select id from products where tags && array['tag-7', 'tag-8', 'tag-9']",
    "select id from products where search @@ to_tsquery('english', 'lamp & garden & !steel')",
    "select id from users where email like 'Customer77%'",
    "select id from payments where provider_ref like 'pay_ab%'",
    "select id from products where name % 'wooden lamp'",
    "select id from reviews where body ilike '%would not%'",
    "select id from users where email >= 'Customer5' and email < 'Customer50'",
    "select id from addresses where lower(city) = 'city 77' and zip like '1%'",
    "select id from orders where created_at between '2025-06-01' and '2025-06-02' and status = 'pending'",
    "select id from order_items where order_id between 1000 and 1400",
    "select session_id, count(*) from events where session_id = $1 group by session_id",
];

const TPCH: &[Line] = &[
    ("btree", "lineitem", "btree", &["l_shipdate"], &[], ""),
    ("btree", "lineitem", "btree", &["l_partkey"], &[], ""),
    ("btree", "lineitem", "btree", &["l_suppkey", "l_partkey"], &[], ""),
    ("btree", "lineitem", "btree", &["l_orderkey", "l_quantity"], &[], ""),
    ("btree", "lineitem", "btree", &["l_receiptdate", "l_shipmode"], &[], ""),
    ("btree", "lineitem", "btree", &["l_returnflag", "l_orderkey"], &[], ""),
    ("btree", "orders", "btree", &["o_orderdate"], &[], ""),
    ("btree", "orders", "btree", &["o_custkey"], &[], ""),
    ("btree", "orders", "btree", &["o_orderpriority", "o_orderdate"], &[], ""),
    ("btree", "customer", "btree", &["c_mktsegment"], &[], ""),
    ("btree", "customer", "btree", &["c_nationkey"], &[], ""),
    ("btree", "customer", "btree", &["c_acctbal", "c_phone"], &[], ""),
    ("btree", "part", "btree", &["p_size", "p_type"], &[], ""),
    ("btree", "part", "btree", &["p_brand", "p_container", "p_size"], &[], ""),
    ("btree", "partsupp", "btree", &["ps_suppkey"], &[], ""),
    ("btree", "supplier", "btree", &["s_nationkey"], &[], ""),
    ("btree", "nation", "btree", &["n_name"], &[], ""),
    ("covering", "lineitem", "btree", &["l_shipdate"], &["l_extendedprice", "l_discount", "l_quantity"], ""),
    ("covering", "lineitem", "btree", &["l_orderkey"], &["l_commitdate", "l_receiptdate"], ""),
    ("covering", "orders", "btree", &["o_orderdate"], &["o_orderkey", "o_custkey"], ""),
    ("partial", "lineitem", "btree", &["l_orderkey"], &[], "l_returnflag = 'R'"),
    ("partial", "orders", "btree", &["o_orderkey"], &[], "o_orderstatus = 'F'"),
    ("expression", "customer", "btree", &["substring(c_phone from 1 for 2)"], &[], ""),
    ("pattern", "part", "btree", &["p_type:text_pattern_ops"], &[], ""),
    ("brin", "lineitem", "brin", &["l_shipdate"], &[], ""),
    ("brin", "orders", "brin", &["o_orderdate"], &[], ""),
    ("hash", "lineitem", "hash", &["l_partkey"], &[], ""),
    ("hash", "orders", "hash", &["o_custkey"], &[], ""),
];

const PGBENCH: &[Line] = &[
    ("btree", "pgbench_accounts", "btree", &["bid"], &[], ""),
    ("btree", "pgbench_accounts", "btree", &["bid", "abalance"], &[], ""),
    ("btree", "pgbench_accounts", "btree", &["abalance"], &[], ""),
    ("covering", "pgbench_accounts", "btree", &["aid"], &["abalance"], ""),
    ("partial", "pgbench_accounts", "btree", &["bid"], &[], "abalance > 0"),
    ("hash", "pgbench_accounts", "hash", &["aid"], &[], ""),
    ("brin", "pgbench_accounts", "brin", &["aid"], &[], ""),
];

/// The candidates for a database, numbered from 0.
pub(crate) fn propose(database: &str, catalog: &Catalog) -> Vec<Proposal> {
    let lines = match database {
        "shop" | "grown" => SHOP,
        "tpch" => TPCH,
        _ => PGBENCH,
    };
    lines.iter().enumerate().map(|(id, line)| proposal(id, line, catalog)).collect()
}

fn proposal(id: CandidateId, &(kind, table, method, keys, include, predicate): &Line, catalog: &Catalog) -> Proposal {
    let of = catalog.table_named("public", table).unwrap();
    let number = |name: &str| -> Option<AttrNumber> { of.column_named(name).map(|c| c.attnum) };
    let key = |text: &&str| {
        let (rest, opclass) = match text.split_once(':') {
            Some((rest, opclass)) if !rest.contains('\'') => (rest, Some(opclass.to_owned())),
            _ => (*text, None),
        };
        let (name, descending) = rest.strip_suffix(" desc").map_or((rest, false), |name| (name, true));
        let target = number(name).map_or_else(|| KeySpec::expression(canonical(name)), KeySpec::column);
        // A descending key has its NULLs first unless told otherwise.
        KeySpec { opclass, descending, nulls_first: descending, ..target }
    };
    let mut include: Vec<AttrNumber> = include.iter().map(|name| number(name).unwrap()).collect();
    include.sort_unstable();
    let words = keys[0].split(|c: char| !c.is_alphanumeric() && c != '_');
    let words = words.filter(|word| of.column_named(word).is_some()).map(str::to_owned).collect();
    let spec = IndexSpec {
        table: of.oid,
        method: IndexMethod::from_amname(method),
        keys: keys.iter().map(key).collect(),
        include,
        predicate: (!predicate.is_empty()).then(|| canonical(predicate)),
        unique: false,
        pages_per_range: None,
    };
    Proposal { id, kind, spec, table: table.to_owned(), words }
}

/// As the advisor writes expressions.
fn canonical(sql: &str) -> String {
    canonical_expr(sql).unwrap_or_else(|| sql.to_owned())
}
