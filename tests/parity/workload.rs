//! The workloads: what is loaded, and the statements asked about.
//!
//! A statement is either parameterised (`$n`), and its generic plan is meant, or has literals, and its plan is the custom
//! one.

use std::path::{Path, PathBuf};
use std::process::Command;

use pgwise::demo::{Sample, SampleName};
use pgwise::snapshot::ValuesPolicy;
use pgwise::sql::quote;
use tokio_postgres::Client;

use crate::database::Source;
use crate::servers::Running;
use crate::settings::Settings;
use crate::{candidates, generate, oracle};

/// A list of statements over a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Workload {
    /// The sample shop's statements, generic and with values.
    Shop,
    /// Statements composed at random over the shop's tables.
    Generated,
    /// Statements composed at random over a shop that has grown since its statistics were taken.
    Grown,
    /// TPC-H's queries.
    Tpch,
    /// The transactions that pgbench runs by itself, generic and with values.
    Pgbench,
}

impl Workload {
    const ALL: [Self; 5] = [Self::Shop, Self::Generated, Self::Grown, Self::Tpch, Self::Pgbench];

    /// The workloads wanted, by the database that they share.
    pub(crate) fn by_database(settings: &Settings) -> Vec<(&'static str, Vec<Self>)> {
        let mut databases: Vec<(&'static str, Vec<Self>)> = Vec::new();
        for workload in Self::ALL.into_iter().filter(|w| settings.wants(w.name())) {
            match databases.last_mut().filter(|(name, _)| *name == workload.database()) {
                Some((_, workloads)) => workloads.push(workload),
                None => databases.push((workload.database(), vec![workload])),
            }
        }
        databases
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Shop => "shop",
            Self::Generated => "generated",
            Self::Grown => "grown",
            Self::Tpch => "tpch",
            Self::Pgbench => "pgbench",
        }
    }

    /// The database that it runs on.
    pub(crate) fn database(self) -> &'static str {
        match self {
            Self::Shop | Self::Generated => "shop",
            Self::Grown => "grown",
            Self::Tpch => "tpch",
            Self::Pgbench => "pgbench",
        }
    }

    /// Whether the server may decline some of its statements.
    pub(crate) fn may_refuse(self) -> bool {
        matches!(self, Self::Generated | Self::Grown)
    }

    /// Its statements.
    pub(crate) async fn statements(self, source: &Source, settings: &Settings) -> Vec<String> {
        match self {
            Self::Shop => shop(source).await,
            Self::Generated | Self::Grown => {
                let snapshot = source.snapshot(ValuesPolicy::All).await;
                let mut statements = generate::statements(source, &snapshot, settings.generated, settings.seed).await;
                if self == Self::Grown {
                    statements.extend(newest(source).await);
                }
                statements
            }
            Self::Tpch => queries(settings.tpch_dir.as_deref().unwrap()),
            Self::Pgbench => pgbench(settings),
        }
    }
}

/// Loads a database, or says what is missing.
pub(crate) async fn load(
    name: &str,
    client: &Client,
    running: &Running,
    url: &str,
    version_num: u32,
    settings: &Settings,
) -> Result<(), String> {
    match name {
        "shop" | "grown" => load_shop(client, settings.shop_scale).await,
        "tpch" => {
            let scale = if version_num / 10_000 == 15 { settings.tpch_scale_15 } else { settings.tpch_scale };
            load_tpch(client, settings, scale).await?;
        }
        _ => load_pgbench(running, url, settings.pgbench_scale)?,
    }
    let hypopg = "select 1 from pg_available_extensions where name = 'hypopg'";
    if !client.query(hypopg, &[]).await.map_err(oracle::message)?.is_empty() {
        client.batch_execute("create extension hypopg").await.map_err(oracle::message)?;
    }
    // Once more, so that every page is known to be visible, and the numbers of rows are counted and not estimated.
    client.batch_execute("vacuum (freeze, analyze)").await.map_err(oracle::message)?;
    if name == "grown" {
        client.batch_execute(GROWTH).await.map_err(oracle::message)?;
    }
    Ok(())
}

/// What happens to a shop between two rounds of autovacuum: a tenth more orders and events, all of them new; carts touched,
/// old jobs gone.
const GROWTH: &str = "
    insert into orders (id, user_id, address_id, status, total, created_at)
        select m.id + i, 1 + i * 613 % u.n, 1 + i % u.n, 'pending', 5 + i % 900, m.at + i * interval '2 minutes'
        from (select max(id) as id, max(created_at) as at, count(*) as n from orders) m, (select count(*) as n from users) u,
            lateral generate_series(1, m.n / 10) i;
    insert into events (id, user_id, session_id, kind, payload, created_at)
        select m.id + i, 1 + i * 613 % u.n, md5(i::text)::uuid, 'view', '{}', m.at + i * interval '1 minute'
        from (select max(id) as id, max(created_at) as at, count(*) as n from events) m, (select count(*) as n from users) u,
            lateral generate_series(1, m.n / 10) i;
    update carts set updated_at = updated_at + interval '40 days' where id % 5 = 0 and checked_out_at is null;
    delete from jobs where id < (select max(id) / 20 from jobs)";

async fn load_shop(client: &Client, scale: f64) {
    let sample = Sample::load(SampleName::Shop).unwrap();
    client.batch_execute(&format!("create extension pg_trgm; set shop.scale = '{scale}'")).await.unwrap();
    for step in &sample.steps {
        client.batch_execute(&step.sql).await.unwrap();
    }
}

/// Values for parameters: so many executions of each statement.
const SAMPLED: usize = 3;

/// Every statement of the sample as it is, and with the values of some of its executions.
async fn shop(source: &Source) -> Vec<String> {
    let tables = "select relname, greatest(reltuples, 1)::bigint from pg_class \
        where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname";
    let sizes = source.texts(tables).await;
    let mut statements: Vec<String> = candidates::SHOP_STATEMENTS.iter().map(|&s| s.to_owned()).collect();
    for query in Sample::load(SampleName::Shop).unwrap().queries {
        statements.push(query.sql.clone());
        let Some(values) = query.values else { continue };
        let mut sql = values.replace("$1", &query.calls.to_string());
        for size in &sizes {
            let [Some(table), Some(rows)] = &size[..] else { continue };
            sql = sql.replace(&format!("{{{table}}}"), rows);
        }
        let types = parameter_types(source, &query.sql).await;
        let executions = source.texts(&sql).await;
        let step = (executions.len() / SAMPLED).max(1);
        for values in executions.iter().step_by(step).take(SAMPLED) {
            let literals: Vec<String> = values.iter().zip(&types).map(|(v, ty)| literal(v.as_deref(), ty)).collect();
            statements.push(oracle::bind(&query.sql, &literals));
        }
    }
    statements
}

/// Statements about the newest rows, of which the statistics say nothing.
async fn newest(source: &Source) -> Vec<String> {
    let mut statements = Vec::new();
    for table in ["orders", "events", "payments", "jobs"] {
        let sql = format!("select max(id), max(id) - 100, max(id) / 100 * 95, max(id) + 1000 from {table}");
        let values: Vec<String> = source.texts(&sql).await.into_iter().flatten().flatten().collect();
        let [last, near, share, beyond] = &values[..] else { panic!("{sql}: {values:?}") };
        statements.extend([
            format!("select * from {table} where id >= {last}"),
            format!("select * from {table} where id > {near}"),
            format!("select * from {table} where id > {near} and id < {beyond}"),
            format!("select * from {table} where id between {share} and {last}"),
            format!("select count(*) from {table} where id < {near}"),
            format!("select * from {table} where id > {beyond}"),
            format!("select * from {table} where id > {share} order by id desc limit 10"),
        ]);
    }
    statements.extend([
        "select o.id, p.amount from orders o join payments p on p.id = o.id limit 20".to_owned(),
        "select o.id, u.email from orders o join users u on u.id = o.user_id order by o.id desc limit 20".to_owned(),
        "select max(id) from orders".to_owned(),
    ]);
    statements
}

fn literal(value: Option<&str>, ty: &str) -> String {
    value.map_or_else(|| "null".to_owned(), |v| format!("{}::{ty}", quote::literal(v)))
}

async fn parameter_types(source: &Source, text: &str) -> Vec<String> {
    source.client.batch_execute(&format!("prepare pgwise_types as {text}")).await.unwrap();
    let sql = "select parameter_types::text[] from pg_prepared_statements where name = 'pgwise_types'";
    let types = source.client.query_one(sql, &[]).await.unwrap().get(0);
    source.client.batch_execute("deallocate pgwise_types").await.unwrap();
    types
}

async fn load_tpch(client: &Client, settings: &Settings, scale: f64) -> Result<(), String> {
    const TABLES: [&str; 8] = ["region", "nation", "part", "supplier", "partsupp", "customer", "orders", "lineitem"];
    let folder = settings.tpch_dir.as_ref().ok_or("TPCH_DIR does not say where TPC-H's schema and queries are")?;
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read_to_string(&path).map_err(|e| format!("TPC-H's {}: {e}", path.display()))
    };
    let (schema, keys) = (read("schema.sql")?, read("keys.sql")?);
    let data = tempfile::Builder::new().prefix("pgwise-tpch-").tempdir().map_err(|e| e.to_string())?;
    // The server reads the files, under an account of its own.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(data.path(), mode).map_err(|e| e.to_string())?;
    let mut generator = Command::new("tpchgen-cli");
    generator.arg("--scale-factor").arg(scale.to_string()).arg("--output-dir").arg(data.path());
    run(generator, "tpchgen-cli (pip install tpchgen-cli)")?;
    client.batch_execute(&schema).await.map_err(oracle::message)?;
    for table in TABLES {
        let path = data.path().join(format!("{table}.tbl"));
        // Every line ends with one separator too many.
        let program = quote::literal(&format!("sed 's/|$//' '{}'", path.display()));
        let copy = format!("copy {table} from program {program} with (delimiter '|')");
        client.batch_execute(&copy).await.map_err(oracle::message)?;
    }
    client.batch_execute(&keys).await.map_err(oracle::message)
}

fn queries(folder: &Path) -> Vec<String> {
    let listed = std::fs::read_dir(folder.join("queries")).unwrap();
    let mut files: Vec<PathBuf> = listed.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let text = |file: &PathBuf| std::fs::read_to_string(file).unwrap().trim().trim_end_matches(';').to_owned();
    files.iter().filter(|f| f.extension().is_some_and(|e| e == "sql")).map(text).collect()
}

fn load_pgbench(running: &Running, url: &str, scale: u32) -> Result<(), String> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let folders = running.folder.clone().into_iter().chain(versions.map(|version| version.path().join("bin")));
    let program = folders.map(|folder| folder.join("pgbench")).find(|program| program.is_file());
    let mut pgbench = Command::new(program.unwrap_or_else(|| "pgbench".into()));
    pgbench.args(["-i", "-q", "-s", &scale.to_string(), url]);
    run(pgbench, "pgbench")
}

/// Its built-in scripts' statements.
fn pgbench(settings: &Settings) -> Vec<String> {
    const STATEMENTS: [&str; 6] = [
        "update pgbench_accounts set abalance = abalance + $2 where aid = $1",
        "select abalance from pgbench_accounts where aid = $1",
        "update pgbench_tellers set tbalance = tbalance + $2 where tid = $1",
        "update pgbench_branches set bbalance = bbalance + $2 where bid = $1",
        "insert into pgbench_history (aid, tid, bid, delta, mtime) values ($1, $2, $3, $4, current_timestamp)",
        "select count(*) from pgbench_accounts where bid = $1 and abalance > $2",
    ];
    let mut statements: Vec<String> = STATEMENTS.iter().map(|&s| s.to_owned()).collect();
    for n in 1..=SAMPLED {
        let key = n * settings.pgbench_scale as usize / SAMPLED + 1;
        let literals = [key.to_string(), "-117".to_owned(), "1".to_owned(), "250".to_owned()];
        statements.extend(STATEMENTS.iter().map(|text| oracle::bind(text, &literals)));
    }
    statements
}

fn run(mut command: Command, what: &str) -> Result<(), String> {
    let output = command.output().map_err(|e| format!("{what}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{what}: {}", said.lines().last().unwrap_or("failed")))
}
