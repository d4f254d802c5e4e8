//! A snapshot of just what the what-if sources read.

use std::collections::BTreeMap;

use pgwise::snapshot::{
    Blocks, Catalog, Column, ColumnStats, ColumnType, Extension, PartitionOf, Persistence, PlanOutcome, RecoveryState,
    Role, Server, Snapshot, Statement, StatementSource, Statements, Table, TableKind, TypeKind, ValuesPolicy,
};
use tokio_postgres::Client;

/// Reads the tables of schema `public` and takes the statements as given.
pub(super) async fn take(client: &Client, statements: &[&str]) -> Snapshot {
    let mut tables = Vec::new();
    let listed = "select c.oid, c.relname::text, c.relkind::text, c.reltuples::float8, c.relpages, \
                  (pg_relation_size(c.oid) / 8192)::int, i.inhparent, (pg_partition_root(c.oid))::oid \
                  from pg_class c left join pg_inherits i on i.inhrelid = c.oid \
                  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by c.oid";
    for row in client.query(listed, &[]).await.unwrap() {
        let oid: u32 = row.get(0);
        let kind: String = row.get(2);
        let partition_of =
            row.get::<_, Option<u32>>(6).map(|parent| PartitionOf { parent, root: row.get(7), bound: String::new() });
        tables.push(Table {
            oid,
            schema: "public".to_owned(),
            name: row.get(1),
            owner: "postgres".to_owned(),
            kind: if kind == "p" { TableKind::Partitioned } else { TableKind::Ordinary },
            persistence: Persistence::Permanent,
            reltuples: row.get(3),
            relpages: row.get::<_, i32>(4).unsigned_abs(),
            relallvisible: 0,
            actual_pages: Some(row.get::<_, i32>(5).unsigned_abs()),
            heap_bytes: None,
            toast_bytes: None,
            indexes_bytes: None,
            partition_key: None,
            partition_of,
            inherits: vec![],
            options: vec![],
            row_security: false,
            replica_identity: "d".to_owned(),
            columns: columns(client, oid).await,
            indexes: vec![],
            foreign_keys: vec![],
            checks: vec![],
            activity: None,
        });
    }
    let catalog = Catalog { tables, ..Catalog::default() };
    Snapshot {
        schema_version: 1,
        tool: "test".to_owned(),
        captured_at: jiff::Timestamp::UNIX_EPOCH,
        values: ValuesPolicy::All,
        server: server(client).await,
        catalog,
        statements: Statements {
            source: StatementSource::Files,
            since: None,
            interval_ms: None,
            reset_during_interval: false,
            evicted: None,
            total_calls: 0,
            total_time_ms: 0.0,
            items: statements.iter().map(|text| statement(text)).collect(),
            left_out: vec![],
        },
        not_seen: vec![],
    }
}

async fn columns(client: &Client, table: u32) -> Vec<Column> {
    let listed = "select a.attnum, a.attname::text, format_type(a.atttypid, a.atttypmod), t.typname::text, \
                  t.typcategory::text, t.typlen, s.null_frac::float8, s.avg_width, s.n_distinct::float8, \
                  coalesce(s.most_common_freqs::float8[], '{}'), s.correlation::float8, \
                  s.elem_count_histogram::float8[] \
                  from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_class c on c.oid = a.attrelid \
                  left join pg_stats s on s.schemaname = 'public' and s.tablename = c.relname \
                  and s.attname = a.attname \
                  where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum";
    client
        .query(listed, &[&table])
        .await
        .unwrap()
        .iter()
        .map(|row| {
            let stats =
                row.get::<_, Option<f64>>(6).map(|null_frac| ColumnStats {
                    null_frac,
                    avg_width: row.get(7),
                    n_distinct: row.get(8),
                    mcv_freqs: row.get(9),
                    mcv_values: None,
                    histogram_len: 0,
                    histogram_bounds: None,
                    correlation: row.get(10),
                    elements: row.get::<_, Option<Vec<f64>>>(11).map(|count_histogram| {
                        pgwise::snapshot::ElementStats { freqs: vec![], values: None, count_histogram }
                    }),
                    values_withheld: true,
                });
            Column {
                attnum: row.get(0),
                name: row.get(1),
                ty: ColumnType {
                    name: row.get(2),
                    base: row.get(3),
                    schema: "pg_catalog".to_owned(),
                    kind: TypeKind::Base,
                    category: row.get(4),
                    element: None,
                    length: row.get(5),
                    default_opclasses: vec!["btree".to_owned()],
                    enum_labels: None,
                },
                not_null: false,
                default: None,
                identity: None,
                generated: false,
                collation: None,
                collation_is_c: false,
                statistics_target: None,
                storage: "p".to_owned(),
                stats,
                stats_inherited: None,
            }
        })
        .collect()
}

async fn server(client: &Client) -> Server {
    let version_num: String = client.query_one("show server_version_num", &[]).await.unwrap().get(0);
    let extensions = client
        .query(
            "select extname::text, extversion, nspname::text from pg_extension e join pg_namespace n \
             on n.oid = extnamespace order by 1",
            &[],
        )
        .await
        .unwrap()
        .iter()
        .map(|row| Extension {
            name: row.get(0),
            schema: Some(row.get(2)),
            installed_version: Some(row.get(1)),
            available_version: None,
        })
        .collect();
    Server {
        version_num: version_num.parse().unwrap(),
        version: String::new(),
        database: String::new(),
        database_bytes: None,
        system_identifier: None,
        started_at: None,
        stats_reset: None,
        blocks_hit: None,
        blocks_read: None,
        settings: BTreeMap::new(),
        extensions,
        role: Role {
            name: "postgres".to_owned(),
            superuser: true,
            read_all_stats: true,
            read_all_settings: true,
            read_all_data: true,
            create_in_database: true,
        },
        recovery: RecoveryState::Primary,
        search_path: vec!["public".to_owned()],
    }
}

fn statement(text: &str) -> Statement {
    Statement {
        queryid: "1".to_owned(),
        user: None,
        query: text.to_owned(),
        calls: 1,
        total_ms: 1.0,
        mean_ms: 1.0,
        min_ms: None,
        max_ms: None,
        stddev_ms: None,
        plan_ms: None,
        rows: 1,
        blocks: Blocks::default(),
        wal_bytes: None,
        plan: PlanOutcome::NotAsked,
    }
}
