//! Configurations of indexes, really built at the source, asked about, and rolled back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use pgwise::snapshot::{Oid, Snapshot};
use pgwise::sql::quote;
use pgwise::whatif::{CandidateId, Configuration, CostRequest, ddl};
use serde_json::Value;

use crate::candidates::Proposal;
use crate::database::Source;
use crate::oracle;
use crate::random::Random;

/// What the planner does with a statement under a configuration.
#[derive(Debug, Clone)]
pub(crate) struct Truth {
    pub(crate) request: CostRequest,
    /// As EXPLAIN (FORMAT JSON) has it.
    pub(crate) plan: Value,
}

/// What was learnt by building.
#[derive(Debug, Clone, Default)]
pub(crate) struct Built {
    pub(crate) truths: Vec<Truth>,
    /// Bytes of each candidate that was built.
    pub(crate) bytes: BTreeMap<CandidateId, u64>,
}

/// The name of a candidate while it is built.
fn built_name(id: CandidateId) -> String {
    format!("pgwise_built_{id}")
}

/// The candidate that an index's name in a plan stands for.
pub(crate) fn candidate(index: &str) -> Option<CandidateId> {
    index.strip_prefix("pgwise_built_")?.parse().ok()
}

/// Every statement with the indexes that are there.
pub(crate) async fn baseline(source: &Source) -> Vec<Truth> {
    let mut truths = Vec::with_capacity(source.statements.len());
    for (statement, asked) in source.statements.iter().enumerate() {
        let plan = oracle::plan(&source.client, &asked.text, source.version_num).await.unwrap();
        truths.push(Truth { request: CostRequest { statement, configuration: Configuration::default() }, plan });
    }
    truths
}

/// Configurations to ask about: every candidate alone, several together, and some existing indexes dropped; each with
/// statements that it may make a difference to. About `pairs` in all.
pub(crate) fn requests(
    source: &Source,
    snapshot: &Snapshot,
    proposals: &[Proposal],
    pairs: usize,
    seed: u64,
) -> Vec<CostRequest> {
    let mut random = Random::new(seed);
    let droppable: Vec<(String, Oid)> = snapshot
        .catalog
        .indexes()
        .filter(|(_, index)| index.constraint.is_none() && index.valid)
        .map(|(table, index)| (table.name.clone(), index.oid))
        .collect();
    let mut configurations: BTreeSet<Configuration> = BTreeSet::new();
    for proposal in proposals {
        configurations.insert(Configuration { with: [proposal.id].into(), without: BTreeSet::new() });
    }
    configurations
        .extend(droppable.iter().map(|(_, oid)| Configuration { with: BTreeSet::new(), without: [*oid].into() }));
    // Together: as many again, of two to four candidates that some statement is concerned by.
    for _ in 0..proposals.len() {
        let text = &random.pick(&source.statements).text;
        let concerned: Vec<&Proposal> = proposals.iter().filter(|p| p.concerns(text)).collect();
        let count = 2 + random.below(3);
        let with = random.sample(&concerned, count);
        let tables: BTreeSet<&str> = with.iter().map(|p| p.table.as_str()).collect();
        let there: Vec<Oid> =
            droppable.iter().filter(|(table, _)| tables.contains(table.as_str())).map(|(_, oid)| *oid).collect();
        let without = if random.percent(25) { random.sample(&there, 1) } else { Vec::new() };
        configurations.insert(Configuration {
            with: with.iter().map(|p| p.id).collect(),
            without: without.into_iter().collect(),
        });
    }
    configurations.remove(&Configuration::default());
    let each = pairs.div_ceil(configurations.len());
    let mut requests = Vec::new();
    for configuration in configurations {
        let dropped: Vec<&str> = droppable
            .iter()
            .filter(|(_, oid)| configuration.without.contains(oid))
            .map(|(table, _)| table.as_str())
            .collect();
        let concerned: Vec<usize> = (0..source.statements.len())
            .filter(|n| {
                let text = &source.statements[*n].text;
                configuration.with.iter().any(|id| proposals[*id].concerns(text))
                    || dropped.iter().any(|table| text.contains(*table))
            })
            .collect();
        for statement in random.sample(&concerned, each) {
            requests.push(CostRequest { statement, configuration: configuration.clone() });
        }
    }
    requests
}

/// Builds each configuration in a transaction, asks, and rolls back.
pub(crate) async fn build(
    source: &Source,
    snapshot: &Snapshot,
    proposals: &[Proposal],
    requests: &[CostRequest],
) -> Built {
    let mut built = Built::default();
    let mut groups: BTreeMap<&Configuration, Vec<usize>> = BTreeMap::new();
    for request in requests {
        groups.entry(&request.configuration).or_default().push(request.statement);
    }
    for (configuration, statements) in groups {
        source.client.batch_execute("begin").await.unwrap();
        let counts = assume(source, snapshot, proposals, configuration, &mut built.bytes).await;
        for statement in statements {
            let text = &source.statements[statement].text;
            let plan = oracle::plan(&source.client, text, source.version_num).await.unwrap();
            let request = CostRequest { statement, configuration: configuration.clone() };
            built.truths.push(Truth { request, plan });
        }
        // Some of what CREATE INDEX writes is written in place, and not rolled back.
        source.client.batch_execute(&format!("rollback; {counts}")).await.unwrap();
    }
    built
}

/// Builds and drops. What it answers gives the tables' rows in `pg_class` the counts that they had.
async fn assume(
    source: &Source,
    snapshot: &Snapshot,
    proposals: &[Proposal],
    configuration: &Configuration,
    bytes: &mut BTreeMap<CandidateId, u64>,
) -> String {
    let mut tables = BTreeSet::new();
    for (table, index) in snapshot.catalog.indexes() {
        if configuration.without.contains(&index.oid) {
            let name = quote::qualified(&table.schema, &index.name);
            source.client.batch_execute(&format!("drop index {name}")).await.unwrap();
        }
    }
    for id in &configuration.with {
        let spec = &proposals[*id].spec;
        let table = snapshot.catalog.table(spec.table).unwrap();
        let sql = ddl::create_index(spec, table, Some(&built_name(*id)), ddl::Build::Plain);
        if let Err(error) = source.client.batch_execute(&sql).await {
            panic!("{sql}: {}", oracle::message(error));
        }
        let size = "select pg_relation_size($1::text::regclass), i.indcheckxmin from pg_index i \
            where i.indexrelid = $1::text::regclass";
        let row = source.client.query_one(size, &[&built_name(*id)]).await.unwrap();
        assert!(!row.get::<_, bool>(1), "{sql}: the planner does not look at it before older transactions have ended");
        bytes.insert(*id, u64::try_from(row.get::<_, i64>(0)).unwrap());
        tables.insert(spec.table);
    }
    // CREATE INDEX counts the table's rows anew, where ANALYZE has estimated them (`index_update_stats`): that is no
    // effect of an index.
    let mut restore = String::new();
    for oid in tables {
        let table = snapshot.catalog.table(oid).unwrap();
        let _ = write!(
            restore,
            "update pg_class set reltuples = {}, relpages = {}, relallvisible = {} where oid = {oid};",
            table.reltuples, table.relpages, table.relallvisible
        );
    }
    source.client.batch_execute(&restore).await.unwrap();
    restore
}
