//! What a run compares, from the environment (the Makefile's targets set it).

use std::path::PathBuf;

/// The major versions, workloads and sizes of a run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `PARITY_VERSIONS`.
    pub(crate) versions: Vec<u32>,
    /// `PARITY_WORKLOADS`: `shop`, `generated`, `grown`, `tpch`, `pgbench`; `scale` for the large twin.
    pub(crate) workloads: Vec<String>,
    /// `PARITY_SHOP_SCALE`: 1 has 300,000 orders.
    pub(crate) shop_scale: f64,
    /// `PARITY_TPCH_SCALE`: TPC-H's scale factor.
    pub(crate) tpch_scale: f64,
    /// `PARITY_TPCH_SCALE_15`: on PostgreSQL 15.
    pub(crate) tpch_scale_15: f64,
    /// `TPCH_DIR`: schema.sql, keys.sql and queries/ of TPC-H.
    pub(crate) tpch_dir: Option<PathBuf>,
    /// `PARITY_PGBENCH_SCALE`: 1 has 100,000 accounts.
    pub(crate) pgbench_scale: u32,
    /// `PARITY_GENERATED`: statements to generate.
    pub(crate) generated: usize,
    /// `PARITY_SEED`.
    pub(crate) seed: u64,
    /// `PARITY_PAIRS`: pairs of a statement and a configuration, over all databases of one version.
    pub(crate) pairs: usize,
    /// `PARITY_MADE`: rows of the tables whose columns are made for sizes.
    pub(crate) made: Vec<u32>,
    /// `PARITY_ONLY`: leave out statements that do not hold this text.
    pub(crate) only: Option<String>,
    /// `PARITY_WORST`: cases to print.
    pub(crate) worst: usize,
    /// `PARITY_MAY_MISS`: go on without a server version, or without TPC-H, that is missing.
    pub(crate) may_miss: bool,
}

impl Settings {
    pub(crate) fn from_environment() -> Self {
        let list = |name: &str, usual: &str| -> Vec<String> {
            let value = environment(name).unwrap_or_else(|| usual.to_owned());
            value.split([' ', ',']).filter(|item| !item.is_empty()).map(str::to_owned).collect()
        };
        Self {
            versions: list("PARITY_VERSIONS", "14 15 16 17 18").iter().map(|v| number(v)).collect(),
            workloads: list("PARITY_WORKLOADS", "shop generated grown tpch pgbench scale"),
            shop_scale: parsed("PARITY_SHOP_SCALE", 0.1),
            tpch_scale: parsed("PARITY_TPCH_SCALE", 0.1),
            tpch_scale_15: parsed("PARITY_TPCH_SCALE_15", 1.0),
            tpch_dir: environment("TPCH_DIR").map(PathBuf::from),
            pgbench_scale: parsed("PARITY_PGBENCH_SCALE", 5),
            generated: parsed("PARITY_GENERATED", 400),
            seed: parsed("PARITY_SEED", 1),
            pairs: parsed("PARITY_PAIRS", 2400),
            made: list("PARITY_MADE", "3000 30000 200000").iter().map(|n| number(n)).collect(),
            only: environment("PARITY_ONLY"),
            worst: parsed("PARITY_WORST", 20),
            may_miss: environment("PARITY_MAY_MISS").is_some(),
        }
    }

    pub(crate) fn wants(&self, workload: &str) -> bool {
        self.workloads.iter().any(|w| w == workload)
    }

    /// Of the pairs, those of one database: most kinds of index are the shop's.
    pub(crate) fn pairs_of(&self, database: &str) -> usize {
        let tenths = match database {
            "shop" => 6,
            "tpch" => 2,
            _ => 1,
        };
        self.pairs * tenths / 10
    }

    /// Something is missing that was asked for: the run fails unless it may do without.
    pub(crate) fn missing(&self, what: &str) {
        assert!(self.may_miss, "{what} (PARITY_MAY_MISS=1 goes on without it)");
        println!("MISSING: {what}");
    }
}

fn parsed<T: std::str::FromStr>(name: &str, usual: T) -> T {
    environment(name).map_or(usual, |value| number(&value))
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

#[expect(clippy::disallowed_methods, reason = "what to compare is the environment's to say")]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
