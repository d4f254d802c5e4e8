//! Loading the sample workload.

use super::error::Error;
use super::sample::Sample;
use crate::connect::Pool;
use crate::progress::Progress;

/// More would not fit the sequences' start.
const MAX_SCALE: f64 = 100.0;

/// Refuses a database that has tables or views of its user's (those of extensions aside).
pub(super) async fn check_empty(pool: &Pool) -> Result<(), Error> {
    const RELATIONS: &str = "select /* pgwise */ count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace \
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
        and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid \
        and d.deptype = 'e')";
    const COUNTING: &str = "select /* pgwise */ \
        coalesce(current_setting('shared_preload_libraries', true), '') like '%pg_stat_statements%'";
    let session = pool.get().await?;
    let target = || pool.target().to_owned();
    let relations: i64 = session.query_one(RELATIONS, &[]).await.map_err(|e| session.error(e))?.get(0);
    if relations > 0 {
        return Err(Error::NotEmpty { target: target(), relations });
    }
    let counting: bool = session.query_one(COUNTING, &[]).await.map_err(|e| session.error(e))?.get(0);
    if !counting {
        return Err(Error::NotCounting { target: target() });
    }
    Ok(())
}

/// Runs the sample's steps in one session, after creating the extensions that pgwise reads from.
pub(super) async fn load(pool: &Pool, sample: &Sample, scale: f64, progress: &dyn Progress) -> Result<(), Error> {
    // HypoPG where the server has it: without it the analysis judges by rule.
    const EXTENSIONS: &str = "select /* pgwise */ name from pg_available_extensions \
        where name in ('pg_stat_statements', 'hypopg') and installed_version is null order by name";
    if !(scale > 0.0 && scale <= MAX_SCALE) {
        return Err(Error::Scale(scale));
    }
    let session = pool.get().await?;
    for row in session.query(EXTENSIONS, &[]).await.map_err(|e| session.error(e))? {
        let name: String = row.get(0);
        session.batch_execute(&format!("create extension {name}")).await.map_err(|e| Error::Statement {
            doing: format!("creating the extension {name}"),
            source: session.error(e),
        })?;
    }
    let name = sample.name.as_str();
    session.batch_execute(&format!("set {name}.scale = '{scale}'")).await.map_err(|e| session.error(e))?;
    progress.begin(&format!("loading {name}"), Some(sample.steps.len() as u64));
    for step in &sample.steps {
        session
            .batch_execute(&step.sql)
            .await
            .map_err(|e| Error::Statement { doing: format!("loading {}", step.label), source: session.error(e) })?;
        progress.advance(1);
    }
    progress.end();
    // It holds functions of the loader's in its temporary schema.
    session.discard();
    Ok(())
}
