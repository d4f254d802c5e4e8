//! Estimated sizes of indexes against indexes really built, with what the planner reads of them beside their pages: a
//! B-tree's height, the counts of a GIN index's meta page.
//!
//! Over the candidates of a database, and over columns made for it: every number of distinct values, every width, NULLs,
//! rows in and out of order.

use pgwise::snapshot::{IndexMethod, IndexSpec, KeySpec, Snapshot, Table, ValuesPolicy};
use pgwise::whatif::{ddl, size};
use tokio_postgres::Client;

use crate::candidates::Proposal;
use crate::database::Source;
use crate::judge::Size;
use crate::report;

/// Columns by what decides an index's size; N rows.
const MADE: &str = "
    create table made_N as select i as id,
        (i::bigint * 7919 % 10)::int as few, (i::bigint * 7919 % 1000)::int as hundreds, (i::bigint * 7919 % (N / 8 + 1)) as eighth,
        (N * power(random(), 3))::int as skewed, i / 20 as clustered,
        case when i % 4 > 0 then i end as seldom, case when i % 50 = 0 then i % 700 end as nearly_null,
        'n' || i % 300 as name, md5(i::text) as hash, repeat('x', i % 40) || i as ragged, repeat('word ', 5 + i % 30) || i as long,
        (i % 5000) / 7.0 as ratio, (random() * 100000)::numeric(12, 2) as amount, (i % 37)::char(6) as code,
        now() - i * interval '97 s' as at, date '2020-01-01' + i % 900 as day, (i % 3 = 0) as flag, md5(i::text)::uuid as ref,
        (random() * 1000)::float8 as weight,
        array(select (i * j * 31 % 500)::int from generate_series(1, 1 + i % 6) j) as numbers,
        array['a' || i % 20, 'b' || i % 700, 'c' || (N * power(random(), 4))::int] as labels,
        jsonb_build_object('kind', i % 12, 'city', 'city ' || i * 31 % 400, 'serial', i, 'tags', jsonb_build_array('t' || i % 9, 't' || i % 77)) as doc,
        jsonb_build_object('name', md5((i % 2000)::text), 'on', i % 2 = 0) as small_doc,
        to_tsvector('simple', (select string_agg('w' || (3000 * power(random(), 5))::int, ' ') from generate_series(1, 12) where i > 0)) as body
        from generate_series(1, N) i";

/// kind, method, keys (`column:opclass`), INCLUDE.
const ON_MADE: &[(&str, &str, &[&str], &[&str])] = &[
    ("btree", "btree", &["id"], &[]),
    ("btree", "btree", &["few"], &[]),
    ("btree", "btree", &["hundreds"], &[]),
    ("btree", "btree", &["eighth"], &[]),
    ("btree", "btree", &["skewed"], &[]),
    ("btree", "btree", &["clustered"], &[]),
    ("btree", "btree", &["seldom"], &[]),
    ("btree", "btree", &["nearly_null"], &[]),
    ("btree", "btree", &["name"], &[]),
    ("btree", "btree", &["hash"], &[]),
    ("btree", "btree", &["ragged"], &[]),
    ("btree", "btree", &["long"], &[]),
    ("btree", "btree", &["ratio"], &[]),
    ("btree", "btree", &["amount"], &[]),
    ("btree", "btree", &["code"], &[]),
    ("btree", "btree", &["at"], &[]),
    ("btree", "btree", &["ref"], &[]),
    ("btree", "btree", &["weight"], &[]),
    ("btree", "btree", &["day", "flag"], &[]),
    ("btree", "btree", &["flag", "amount"], &[]),
    ("btree", "btree", &["name", "hundreds"], &[]),
    ("btree", "btree", &["few", "ragged"], &[]),
    ("btree", "btree", &["seldom", "nearly_null", "at"], &[]),
    ("covering", "btree", &["few"], &["amount"]),
    ("covering", "btree", &["hundreds"], &["name", "amount", "at"]),
    ("covering", "btree", &["at"], &["ragged"]),
    ("covering", "btree", &["eighth"], &["seldom", "code"]),
    ("covering", "btree", &["hash"], &["flag", "nearly_null"]),
    ("expression", "btree", &["lower(ragged)"], &[]),
    ("expression", "btree", &["doc ->> 'city'"], &[]),
    ("expression", "btree", &["doc ->> 'kind'"], &[]),
    ("expression", "btree", &["small_doc ->> 'name'"], &[]),
    ("gin array", "gin", &["numbers"], &[]),
    ("gin array", "gin", &["labels"], &[]),
    ("gin array", "gin", &["numbers", "labels"], &[]),
    ("gin jsonb", "gin", &["doc"], &[]),
    ("gin jsonb", "gin", &["doc:jsonb_path_ops"], &[]),
    ("gin jsonb", "gin", &["small_doc"], &[]),
    ("gin jsonb", "gin", &["small_doc:jsonb_path_ops"], &[]),
    ("gin tsvector", "gin", &["body"], &[]),
    ("gin trgm", "gin", &["name:gin_trgm_ops"], &[]),
    ("gin trgm", "gin", &["hash:gin_trgm_ops"], &[]),
    ("gin trgm", "gin", &["ragged:gin_trgm_ops"], &[]),
    ("gin trgm", "gin", &["long:gin_trgm_ops"], &[]),
    ("gist trgm", "gist", &["name:gist_trgm_ops"], &[]),
    ("spgist", "spgist", &["ragged"], &[]),
    ("brin", "brin", &["at"], &[]),
    ("hash", "hash", &["id"], &[]),
    ("hash", "hash", &["few"], &[]),
    ("hash", "hash", &["eighth"], &[]),
    ("hash", "hash", &["hash"], &[]),
];

/// What was built and what was thought.
#[derive(Debug)]
pub(crate) struct Compared {
    pub(crate) size: Size,
    /// Levels above a B-tree's leaves: estimated for the pages estimated, and built.
    height: Option<(u32, u32)>,
    /// Entry pages, data pages, entries of a GIN index.
    counts: Option<([f64; 3], [f64; 3])>,
}

/// Tables of made columns, of so many rows.
pub(crate) async fn make(client: &Client, rows: &[u32]) {
    for rows in rows {
        let sql = MADE.replace('N', &rows.to_string());
        client.batch_execute(&format!("select setseed(0.5); {sql}")).await.unwrap();
        client.batch_execute(&format!("vacuum analyze made_{rows}")).await.unwrap();
    }
}

/// The indexes on one of them.
pub(crate) fn on_made(table: &Table) -> Vec<(&'static str, IndexSpec)> {
    let line = |&(kind, method, keys, include): &(&'static str, &str, &[&str], &[&str])| {
        let key = |text: &&str| {
            let (name, opclass) = text.split_once(':').map_or((*text, None), |(name, class)| (name, Some(class)));
            let key = table.column_named(name).map_or_else(|| KeySpec::expression(name), |c| KeySpec::column(c.attnum));
            KeySpec { opclass: opclass.map(str::to_owned), ..key }
        };
        let mut include: Vec<_> = include.iter().map(|name| table.column_named(name).unwrap().attnum).collect();
        include.sort_unstable();
        let method = IndexMethod::from_amname(method);
        let keys = keys.iter().map(key).collect();
        (
            kind,
            IndexSpec {
                table: table.oid,
                method,
                keys,
                include,
                predicate: None,
                unique: false,
                pages_per_range: None,
            },
        )
    };
    ON_MADE.iter().map(line).collect()
}

/// Builds each index, measures it, and drops it again.
pub(crate) async fn compare(
    client: &Client,
    snapshot: &Snapshot,
    indexes: &[(&'static str, IndexSpec)],
) -> Vec<Compared> {
    let mut all = Vec::new();
    for (kind, spec) in indexes {
        let table = snapshot.catalog.table(spec.table).unwrap();
        let fraction = share(client, table, spec).await;
        let sql = ddl::create_index(spec, table, Some("pgwise_built"), ddl::Build::Plain);
        client.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let bytes: i64 = client.query_one("select pg_relation_size('pgwise_built')", &[]).await.unwrap().get(0);
        let built = u64::try_from(bytes).unwrap();
        let estimated = size::index_bytes(snapshot, spec, table, fraction).unwrap();
        let (mut height, mut counts) = (None, None);
        match spec.method {
            IndexMethod::Btree => {
                let sql = "select fastlevel::int from bt_metap('pgwise_built')";
                let truly: i32 = client.query_one(sql, &[]).await.unwrap().get(0);
                height = Some((size::btree_height(spec, table, estimated / 8192), u32::try_from(truly).unwrap()));
            }
            IndexMethod::Gin => {
                let sql = "select n_entry_pages::float8, n_data_pages::float8, n_entries::float8 \
                    from gin_metapage_info(get_raw_page('pgwise_built', 0))";
                let row = client.query_one(sql, &[]).await.unwrap();
                let c = size::gin_counts(snapshot, spec, table, fraction, estimated / 8192);
                let thought = [f64::from(c.entry_pages), f64::from(c.data_pages), c.entries as f64];
                counts = Some((thought, [row.get(0), row.get(1), row.get(2)]));
            }
            _ => {}
        }
        client.batch_execute("drop index pgwise_built").await.unwrap();
        let index = ddl::describe(spec, table);
        all.push(Compared { size: Size { kind, index, estimated, built }, height, counts });
    }
    all
}

/// The share of rows that a predicate keeps, as the planner estimates it.
async fn share(client: &Client, table: &Table, spec: &IndexSpec) -> f64 {
    let Some(predicate) = &spec.predicate else { return 1.0 };
    let sql = format!("explain (format json) select from {} where {predicate}", table.name);
    let plan: serde_json::Value = client.query_one(&sql, &[]).await.unwrap().get(0);
    let rows = plan[0]["Plan"]["Plan Rows"].as_f64().unwrap();
    // Not below a parallel plan's node.
    rows / table.rows().unwrap()
}

/// The candidates of a database and of its made tables.
pub(crate) async fn of_database(source: &Source, proposals: &[Proposal], made: &[u32]) -> Vec<Compared> {
    source.client.batch_execute("create extension if not exists pageinspect").await.unwrap();
    make(&source.client, made).await;
    let snapshot = source.snapshot(ValuesPolicy::All).await;
    let mut indexes: Vec<_> = proposals.iter().map(|p| (p.kind, p.spec.clone())).collect();
    for rows in made {
        indexes.extend(on_made(snapshot.catalog.table_named("public", &format!("made_{rows}")).unwrap()));
    }
    compare(&source.client, &snapshot, &indexes).await
}

/// Prints every size and, by method, how many are near; answers the shares of B-trees, GIN indexes and others that are.
pub(crate) fn show(all: &[Compared]) -> [f64; 3] {
    for Compared { size, height, counts } in all {
        let mark = if size.is_near() { ' ' } else { '!' };
        let (estimated, built, error) = (size.estimated, size.built, size.error() * 100.0);
        print!("{mark} {built:>10} estimated {estimated:>10} {error:>+6.1} %  {} {}", size.kind, size.index);
        if let Some((thought, truly)) = height
            && thought != truly
        {
            print!("  height {truly}, estimated {thought}");
        }
        if let Some(([pages, data, entries], [true_pages, true_data, true_entries])) = counts {
            print!("  entry pages {pages}/{true_pages}, data {data}/{true_data}, entries {entries}/{true_entries}");
        }
        println!();
    }
    let near = |wanted: &dyn Fn(&Size) -> bool| {
        let sizes: Vec<&Size> = all.iter().map(|c| &c.size).filter(|s| wanted(s)).collect();
        (report::pct(sizes.iter().filter(|s| s.is_near()).count(), sizes.len()), sizes.len())
    };
    let gin = |s: &Size| s.kind.starts_with("gin");
    let shares = [near(&Size::is_btree), near(&gin), near(&|s: &Size| !s.is_btree() && !gin(s))];
    for (what, (share, of)) in ["B-trees", "GIN", "others"].into_iter().zip(shares) {
        println!("{what}: {share} % of {of} near");
    }
    let heights: Vec<_> = all.iter().filter_map(|c| c.height).collect();
    let right = heights.iter().filter(|(thought, truly)| thought == truly).count();
    println!("heights of B-trees: {} % of {} right", report::pct(right, heights.len()), heights.len());
    let near = |thought: f64, truly: f64| (thought - truly).abs() <= (0.3 * truly).max(1.0);
    for (n, what) in ["entry pages", "data pages", "entries"].into_iter().enumerate() {
        let counts: Vec<_> = all.iter().filter_map(|c| c.counts).collect();
        let right = counts.iter().filter(|(thought, truly)| near(thought[n], truly[n])).count();
        println!("GIN, {what}: {} % of {} within 30 %", report::pct(right, counts.len()), counts.len());
    }
    shares.map(|(share, _)| share)
}
