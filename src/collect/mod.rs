//! The only part that reads a monitored database.
//!
//! In: a [`Pool`] of guarded sessions and [`CollectOptions`]. Out: a [`Snapshot`]. Parts are read concurrently, each in a
//! read-only transaction of its own with its own time-out; one that cannot be read leaves a
//! [`NotSeen`](crate::snapshot::NotSeen) record and the rest goes on. Only a server that cannot be talked to ends the
//! collection.
//!
//! What is sent: SELECT, EXPLAIN, PREPARE and DEALLOCATE, SET LOCAL, BEGIN and ROLLBACK, each with the comment
//! `/* pgwise */` after its first keyword, by which pgwise knows its own statements again.
//!
//! What the values policy covers: values from rows, which the planner's statistics hold. Under `safe` those of numbers,
//! dates, times, booleans and enums are kept, with arrays and ranges of these; text of every kind, JSON, XML, bytes,
//! uuid, network addresses and unknown types are withheld; what is kept of them is which of them are equal and in what
//! order they come, and their text where a statement or the schema spells it out anyway. Literals of the schema itself (defaults, partial predicates,
//! partition bounds, view definitions, enum labels) and of statement texts are not values from rows.

mod activity;
mod catalog;
mod error;
mod pages;
mod part;
mod plans;
mod schema;
mod scope;
mod server;
mod statements;
mod statistics;
mod tokens;

pub use error::Error;
pub use statements::{from_files, statements_from_sql};

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::connect::Pool;
use crate::progress::Progress;
use crate::snapshot::{Catalog, NotSeen, SCHEMA_VERSION, Server, Snapshot, Statement, Statements, ValuesPolicy};
use crate::sql::quote;
use part::Context;
use scope::Scope;

/// What to collect.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// Leave out statements with fewer calls.
    pub min_calls: u64,
    /// Leave out statements with less mean execution time, in milliseconds.
    pub min_time_ms: f64,
    /// Keep so many statements, those with the most total time.
    pub top: usize,
    /// Keep statements of these roles only; empty for all.
    pub users: Vec<String>,
    /// Look at tables of these schemas only; empty for all.
    pub schemas: Vec<String>,
    /// Leave out tables that match: `schema.table`, or `table` in any schema, with `*` and `?`.
    pub exclude: Vec<String>,
    /// Read the statements' counters twice, so far apart, and take the difference.
    pub interval: Option<Duration>,
    /// Take these statements (see [`statements_from_sql`]) instead of those that the server counted.
    pub statements: Option<Vec<Statement>>,
    /// Ask for every statement's plan.
    pub explain: bool,
    /// Execute statements that are proved to only read, under EXPLAIN ANALYZE.
    pub explain_analyze: bool,
    /// Which values the snapshot carries.
    pub values: ValuesPolicy,
    /// Time-out of one part, and of one statement's EXPLAIN.
    pub part_timeout: Duration,
    /// Parts, and EXPLAINs, at a time; the pool's size at most.
    pub jobs: usize,
}

impl Default for CollectOptions {
    fn default() -> Self {
        Self {
            min_calls: 1,
            min_time_ms: 0.0,
            top: 500,
            users: Vec::new(),
            schemas: Vec::new(),
            exclude: Vec::new(),
            interval: None,
            statements: None,
            explain: true,
            explain_analyze: false,
            values: ValuesPolicy::Safe,
            part_timeout: Duration::from_secs(30),
            jobs: 4,
        }
    }
}

/// Reads a database into a snapshot.
pub async fn collect(pool: &Pool, options: &CollectOptions, progress: &dyn Progress) -> Result<Snapshot, Error> {
    let begun = Instant::now();
    let schemas = (!options.schemas.is_empty()).then(|| options.schemas.clone());
    let context = Context::new(pool, options.jobs.clamp(1, pool.size()), options.part_timeout, schemas);
    progress.begin("reading the database", Some(PARTS));
    let server::Facts { mut server, now } = server::facts(&context).await?;
    progress.advance(1);
    server.extensions = step(progress, server::extensions(&context)).await?;
    let first = match (options.interval, &options.statements) {
        (Some(_), None) => statements::read(&context, &server).await?,
        _ => None,
    };
    let first_read_after = begun.elapsed();
    let mut catalog = Box::pin(read_catalog(&context, &mut server, options, progress)).await?;
    step(progress, pages::add(&context, &server, &mut catalog)).await?;
    let schema = step(progress, schema::read(&context)).await?;
    progress.end();
    let mut statements = match (&options.statements, options.interval, first) {
        (Some(given), ..) => statements::from_files(given.clone()),
        (None, Some(interval), Some(first)) => {
            wait(interval.saturating_sub(begun.elapsed().saturating_sub(first_read_after)), progress).await;
            let since = now.checked_add(first_read_after).unwrap_or(now);
            let apart = begun.elapsed().saturating_sub(first_read_after);
            second_reading(&context, &server, options, &first, (since, apart)).await?
        }
        (None, Some(_), None) => statements::none(),
        (None, None, _) => match statements::read(&context, &server).await? {
            Some(reading) => statements::filter(reading, &filter_of(options)),
            None => statements::none(),
        },
    };
    statistics::add_known(&context, options.values, &statements.items, &mut catalog).await?;
    if options.explain || options.explain_analyze {
        plans::explain_all(&context, &mut statements.items, &server, &catalog, options, progress).await?;
    }
    Ok(Snapshot {
        schema_version: SCHEMA_VERSION,
        tool: concat!("pgwise ", env!("CARGO_PKG_VERSION")).to_owned(),
        captured_at: now,
        values: options.values,
        server,
        catalog,
        schema,
        statements,
        not_seen: context.into_not_seen(),
    })
}

/// Parts read before the statements.
const PARTS: u64 = 22;

/// Counts a part when it has been read.
async fn step<T>(progress: &dyn Progress, part: impl Future<Output = T>) -> T {
    let value = part.await;
    progress.advance(1);
    value
}

async fn read_catalog(
    context: &Context<'_>,
    server: &mut Server,
    options: &CollectOptions,
    progress: &dyn Progress,
) -> Result<Catalog, Error> {
    let major = server.major();
    let (settings, tablespaces, identifier, bytes) = tokio::try_join!(
        step(progress, server::settings(context)),
        step(progress, server::tablespaces(context)),
        step(progress, server::system_identifier(context)),
        step(progress, server::database_size(context)),
    )?;
    server.settings = settings;
    server.tablespaces = tablespaces;
    server.system_identifier = identifier;
    server.database_bytes = bytes;
    let (tables, indexes, constraints, views, extended_statistics, statistics) = tokio::try_join!(
        step(progress, catalog::tables::read(context)),
        step(progress, catalog::indexes::read(context)),
        step(progress, catalog::constraints::read(context)),
        step(progress, catalog::objects::views(context)),
        step(progress, catalog::extended::read(context, major, options.values)),
        step(progress, statistics::read(context, options.values, major)),
    )?;
    let (functions, operators, operator_classes, types, casts) = tokio::try_join!(
        step(progress, catalog::objects::functions(context)),
        step(progress, catalog::objects::operators(context)),
        step(progress, catalog::objects::operator_classes(context)),
        step(progress, catalog::objects::types(context)),
        step(progress, catalog::objects::casts(context)),
    )?;
    let (table_activity, index_activity, sizes) = tokio::try_join!(
        step(progress, activity::tables(context)),
        step(progress, activity::indexes(context)),
        step(progress, activity::sizes(context)),
    )?;
    let unreadable = tables.unreadable.clone();
    let locked = tables.locked.clone();
    let block_size = server.setting("block_size").and_then(|v| v.parse().ok()).unwrap_or(8192);
    let catalog = catalog::assemble(
        catalog::Parts {
            tables,
            indexes,
            constraints,
            views,
            functions,
            operators,
            operator_classes,
            types,
            casts,
            extended_statistics,
            statistics,
            table_activity,
            index_activity,
            sizes,
            block_size,
        },
        &Scope::new(options),
    );
    note_locked(context, &catalog, &locked);
    note_unreadable(context, &catalog, &unreadable, server);
    Ok(catalog)
}

/// Says which tables were locked, so that their expressions and sizes are missing.
fn note_locked(context: &Context<'_>, catalog: &Catalog, locked: &[u32]) {
    let names: Vec<String> =
        catalog.tables.iter().filter(|t| locked.contains(&t.oid)).map(crate::snapshot::Table::display_name).collect();
    if !names.is_empty() {
        context.note(NotSeen {
            part: "locked tables".to_owned(),
            reason: format!(
                "locked by another session, so that expressions, predicates, views and sizes were not read: {}",
                some_of(&names)
            ),
            remedy: Some("collect again when the locks are gone".to_owned()),
        });
    }
}

/// Says which tables' statistics the role may not see.
fn note_unreadable(context: &Context<'_>, catalog: &Catalog, unreadable: &[u32], server: &Server) {
    let tables: Vec<_> = catalog.tables.iter().filter(|t| unreadable.contains(&t.oid)).collect();
    if tables.is_empty() {
        return;
    }
    let names: Vec<String> = tables.iter().map(|t| t.display_name()).collect();
    let role = quote::ident(&server.role.name);
    let remedy = if server.major() >= 14 {
        format!("GRANT pg_read_all_data TO {role}")
    } else {
        let mut schemas: Vec<String> = tables.iter().map(|t| quote::ident(&t.schema)).collect();
        schemas.sort();
        schemas.dedup();
        let schemas = schemas.join(", ");
        format!("GRANT USAGE ON SCHEMA {schemas} TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA {schemas} TO {role}")
    };
    context.note(NotSeen {
        part: "statistics".to_owned(),
        reason: format!(
            "no privilege to read {} of {} tables, so that their statistics are hidden and their statements cannot be \
             explained: {}",
            tables.len(),
            catalog.tables.len(),
            some_of(&names)
        ),
        remedy: Some(remedy),
    });
}

/// The first few names of a list, and how many more there are.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{text} and {} more", names.len() - SHOWN) } else { text }
}

fn filter_of(options: &CollectOptions) -> statements::Filter<'_> {
    statements::Filter {
        min_calls: options.min_calls,
        min_time_ms: options.min_time_ms,
        top: options.top,
        users: &options.users,
    }
}

async fn second_reading(
    context: &Context<'_>,
    server: &Server,
    options: &CollectOptions,
    first: &statements::Reading,
    (since, apart): (Timestamp, Duration),
) -> Result<Statements, Error> {
    let Some(second) = statements::read(context, server).await? else { return Ok(statements::none()) };
    let (between, reset) = statements::difference(first, second);
    let mut statements = statements::filter(between, &filter_of(options));
    // After a reset the view's own time of it is the beginning, where it tells one.
    statements.since = statements.since.filter(|at| reset && *at > since).or(Some(since));
    statements.interval_ms = u64::try_from(apart.as_millis()).ok();
    statements.reset_during_interval = reset;
    Ok(statements)
}

async fn wait(time: Duration, progress: &dyn Progress) {
    const TICK: Duration = Duration::from_secs(1);
    progress.begin("waiting for the second reading", Some(time.as_secs()));
    let mut left = time;
    while !left.is_zero() {
        let tick = left.min(TICK);
        tokio::time::sleep(tick).await;
        left -= tick;
        progress.advance(1);
    }
    progress.end();
}
