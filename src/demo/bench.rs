//! A loaded sample, ready to be run and measured as often as one likes, there and in copies of its database.

use super::apply;
use super::error::Error;
use super::load;
use super::measure::{self, Measured, PlannedQuery};
use super::outcome::AppliedStatement;
use super::sample::Sample;
use super::{ConnectOptions, Pool, Report, writing};
use crate::progress::Progress;

/// A sample's database and the parameters of its statements.
#[derive(Debug, Clone)]
pub struct Bench {
    pool: Pool,
    plan: std::sync::Arc<[PlannedQuery]>,
}

impl Bench {
    /// Loads the sample into an empty database, and forgets what loading did to the counters.
    pub async fn load(
        database: &ConnectOptions,
        sample: &Sample,
        scale: f64,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let pool = Pool::connect(database, writing()).await?;
        load::check_empty(&pool).await?;
        load::load(&pool, sample, scale, progress).await?;
        pool.close();
        let bench = Self::loaded(database, sample).await?;
        bench.settle(progress).await?;
        measure::reset(&bench.pool).await?;
        Ok(bench)
    }

    /// A database that holds the sample already.
    pub async fn loaded(database: &ConnectOptions, sample: &Sample) -> Result<Self, Error> {
        let pool = Pool::connect(database, writing()).await?;
        let plan = measure::plan(&pool, sample).await?.into();
        Ok(Self { pool, plan })
    }

    /// The same statements with the same parameters in another database, which holds the same rows: a copy.
    pub async fn in_copy(&self, database: &ConnectOptions) -> Result<Self, Error> {
        Ok(Self { pool: Pool::connect(database, writing()).await?, plan: self.plan.clone() })
    }

    /// Runs the whole workload so many times.
    pub async fn runs(&self, runs: u32, phase: &str, progress: &dyn Progress) -> Result<Vec<Vec<Measured>>, Error> {
        measure::runs(&self.pool, &self.plan, runs, phase, progress).await
    }

    /// Follows a report's advice. What it changes shows its whole effect after [`Self::settle`].
    pub async fn apply(&self, report: &Report, progress: &dyn Progress) -> Result<Vec<AppliedStatement>, Error> {
        apply::apply(&self.pool, report, progress).await
    }

    /// Fresh statistics and visibility, so that what follows measures plans and not neglect.
    pub async fn settle(&self, progress: &dyn Progress) -> Result<(), Error> {
        measure::settle(&self.pool, progress).await
    }

    /// Closes the connections: a database can be copied only when nobody is in it.
    pub fn close(self) {
        self.pool.close();
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }
}
