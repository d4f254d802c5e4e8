//! A cost source's answers beside the planner's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use pgwise::planner::PlanTree;
use pgwise::snapshot::Snapshot;
use pgwise::whatif::hypopg::Hypopg;
use pgwise::whatif::model::ModelSource;
use pgwise::whatif::twin::TwinSource;
use pgwise::whatif::{CandidateId, CostRequest, CostSource, Costed, ddl};
use serde_json::{Value, json};

use crate::candidates::Proposal;
use crate::configurations::{self, Built, Truth};
use crate::database::Source;
use crate::plan;

/// A cost source under test.
pub(crate) trait Subject {
    /// The source.
    fn source(&mut self) -> &mut dyn CostSource;

    /// The plan behind an answer, as EXPLAIN (FORMAT JSON) would print it, where the source has one to show.
    fn plan(&mut self, request: &CostRequest) -> Option<Value>;
}

impl Subject for TwinSource {
    fn source(&mut self) -> &mut dyn CostSource {
        self
    }

    fn plan(&mut self, request: &CostRequest) -> Option<Value> {
        tokio::task::block_in_place(|| self.explain(request)).ok()
    }
}

impl Subject for ModelSource {
    fn source(&mut self) -> &mut dyn CostSource {
        self
    }

    fn plan(&mut self, request: &CostRequest) -> Option<Value> {
        self.explain(request).ok().map(|plan| json!([{ "Plan": node(&plan.root) }]))
    }
}

/// A node as EXPLAIN (FORMAT JSON) prints it, its type in the words of the text format.
fn node(tree: &PlanTree) -> Value {
    json!({
        "Node Type": tree.node,
        "Alias": tree.relation,
        "Relation Name": tree.relation,
        "Index Name": tree.index,
        "Startup Cost": tree.startup_cost,
        "Total Cost": tree.total_cost,
        "Plan Rows": tree.rows,
        "Plan Width": tree.width,
        "Plans": tree.children.iter().map(node).collect::<Vec<_>>(),
    })
}

impl Subject for Hypopg {
    fn source(&mut self) -> &mut dyn CostSource {
        self
    }

    fn plan(&mut self, _: &CostRequest) -> Option<Value> {
        None
    }
}

/// One question with both answers.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) major: u32,
    pub(crate) workload: &'static str,
    pub(crate) statement: String,
    /// The configuration in words; empty for the indexes that are there.
    pub(crate) configuration: String,
    /// Kinds of the candidates that either of them uses.
    pub(crate) kinds: BTreeSet<&'static str>,
    /// The planner's plan.
    pub(crate) oracle: Value,
    /// The candidates that it uses.
    pub(crate) oracle_used: BTreeSet<CandidateId>,
    /// The source's answer.
    pub(crate) answer: Result<Costed, String>,
    /// The plan behind it, where there is one to show.
    pub(crate) shown: Option<Value>,
}

impl Row {
    /// The source's cost by the planner's.
    pub(crate) fn ratio(&self) -> Option<f64> {
        Some(relative(self.answer.as_ref().ok()?.total_cost, plan::cost(&self.oracle)))
    }

    /// How many times the one cost is the other's: at least 1; infinite without an answer.
    pub(crate) fn factor(&self) -> f64 {
        self.ratio().map_or(f64::INFINITY, |r| if r > 0.0 { r.max(1.0 / r) } else { f64::INFINITY })
    }

    /// Whether the costs are no further apart than this share.
    pub(crate) fn cost_within(&self, share: f64) -> bool {
        self.ratio().is_some_and(|r| (r - 1.0).abs() <= share)
    }

    /// Whether the rows at the top are no further apart than this share.
    pub(crate) fn rows_within(&self, share: f64) -> bool {
        self.answer.as_ref().is_ok_and(|a| (relative(a.rows, plan::rows(&self.oracle)) - 1.0).abs() <= share)
    }

    /// Whether the source uses the same candidates as the planner.
    pub(crate) fn same_indexes(&self) -> bool {
        self.answer.as_ref().is_ok_and(|a| a.used == self.oracle_used)
    }

    /// Whether either of them uses a candidate.
    pub(crate) fn uses_candidate(&self) -> bool {
        !self.oracle_used.is_empty() || self.answer.as_ref().is_ok_and(|a| !a.used.is_empty())
    }

    /// Whether the two plans have one shape, as far as there are two to compare.
    pub(crate) fn same_shape(&self) -> Option<bool> {
        let (one, other) = (plan::shape(&self.oracle), plan::shape(self.shown.as_ref()?));
        Some(candidates_alike(&one) == candidates_alike(&other))
    }

    /// Statement, configuration, figures, and the two plans beside each other.
    pub(crate) fn show(&self) -> String {
        let mut out = String::new();
        let text = self.statement.split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(out, "  [{} {}] {text}", self.major, self.workload);
        if !self.configuration.is_empty() {
            let _ = writeln!(out, "    with {}", self.configuration);
        }
        let right = match (&self.answer, &self.shown) {
            (Err(why), _) => vec![why.clone()],
            (Ok(_), Some(shown)) => plan::lines(shown),
            (Ok(answer), None) => std::iter::once(format!("cost={:.2} rows={:.0}", answer.total_cost, answer.rows))
                .chain(answer.scans.iter().map(|(alias, scan)| format!("  {alias}: {scan}")))
                .collect(),
        };
        let _ = writeln!(
            out,
            "    ratio {}; the planner | the source",
            self.ratio().map_or_else(|| "none".to_owned(), |r| format!("{r:.5}"))
        );
        out.push_str(&plan::side_by_side(&plan::lines(&self.oracle), &right));
        if let Some(difference) = self.first_difference() {
            let _ = writeln!(out, "    first apart: {}", difference.detail);
        }
        out
    }

    /// Where the two plans part, as far as there are two to compare.
    pub(crate) fn first_difference(&self) -> Option<plan::Difference> {
        plan::first_difference(&self.oracle, self.shown.as_ref()?, 0.001)
    }
}

/// A quotient in which nothing by nothing is 1.
fn relative(one: f64, other: f64) -> f64 {
    if one == other { 1.0 } else { one / other }
}

/// A candidate has one name while it is built and others in a source.
fn candidates_alike(shape: &str) -> String {
    shape.replace("pgwise_built_", "pgwise_candidate_")
}

/// Costs further apart than this are worth a look at the plans.
const APART: f64 = 0.000_01;

/// Asks a source everything that the planner was asked, and for its plan where the answers are apart.
pub(crate) fn ask(
    subject: &mut dyn Subject,
    database: &Source,
    snapshot: &Snapshot,
    proposals: &[Proposal],
    truths: &[Truth],
) -> Vec<Row> {
    let requests: Vec<CostRequest> = truths.iter().map(|t| t.request.clone()).collect();
    let answers = tokio::task::block_in_place(|| subject.source().cost(&requests));
    assert_eq!(answers.len(), truths.len());
    let rows = truths.iter().zip(answers).map(|(truth, answer)| {
        let asked = &database.statements[truth.request.statement];
        let indexes = plan::indexes(&truth.plan);
        let oracle_used: BTreeSet<_> = indexes.iter().filter_map(|name| configurations::candidate(name)).collect();
        let used = answer.as_ref().map(|a| a.used.clone()).unwrap_or_default();
        let mut row = Row {
            major: database.major(),
            workload: asked.workload,
            statement: asked.text.clone(),
            configuration: describe(&truth.request, snapshot, proposals),
            kinds: oracle_used.union(&used).map(|id| proposals[*id].kind).collect(),
            oracle: truth.plan.clone(),
            oracle_used,
            answer: answer.map_err(|error| error.to_string()),
            shown: None,
        };
        if !row.cost_within(APART) || !row.same_indexes() {
            row.shown = subject.plan(&truth.request);
        }
        row
    });
    rows.collect()
}

fn describe(request: &CostRequest, snapshot: &Snapshot, proposals: &[Proposal]) -> String {
    let with = request.configuration.with.iter().map(|id| {
        let spec = &proposals[*id].spec;
        format!("[{id}] {}", ddl::describe(spec, snapshot.catalog.table(spec.table).unwrap()))
    });
    let indexes = snapshot.catalog.indexes().filter(|(_, index)| request.configuration.without.contains(&index.oid));
    let without = indexes.map(|(_, index)| format!("without {}", index.name));
    with.chain(without).collect::<Vec<_>>().join("; ")
}

/// A size estimated and the size built.
#[derive(Debug, Clone)]
pub(crate) struct Size {
    pub(crate) kind: &'static str,
    pub(crate) index: String,
    pub(crate) estimated: u64,
    pub(crate) built: u64,
}

impl Size {
    /// By which share the estimate is off.
    pub(crate) fn error(&self) -> f64 {
        self.estimated as f64 / self.built as f64 - 1.0
    }

    /// Whether it is as near as is asked for: a tenth for B-trees, three tenths for the others; a page more or less
    /// always.
    pub(crate) fn is_near(&self) -> bool {
        let allowed = if self.is_btree() { 0.10 } else { 0.30 };
        self.error().abs() <= allowed || self.estimated.abs_diff(self.built) <= 8192
    }

    pub(crate) fn is_btree(&self) -> bool {
        ["btree", "covering", "partial", "expression", "pattern"].contains(&self.kind)
    }
}

/// Makes the candidates known to a source; the sizes that it estimates, beside those built.
pub(crate) fn register(
    subject: &mut dyn Subject,
    snapshot: &Snapshot,
    proposals: &[Proposal],
    built: &Built,
) -> (Vec<Size>, BTreeMap<CandidateId, String>) {
    let specs: Vec<_> = proposals.iter().map(|p| (p.id, p.spec.clone())).collect();
    let answers = tokio::task::block_in_place(|| subject.source().register(&specs));
    let (mut sizes, mut refused) = (Vec::new(), BTreeMap::new());
    for (proposal, answer) in proposals.iter().zip(answers) {
        match answer {
            Ok(registered) => {
                let (Some(estimated), Some(bytes)) = (registered.estimated_bytes, built.bytes.get(&proposal.id)) else {
                    continue;
                };
                let table = snapshot.catalog.table(proposal.spec.table).unwrap();
                let index = ddl::describe(&proposal.spec, table);
                sizes.push(Size { kind: proposal.kind, index, estimated, built: *bytes });
            }
            Err(error) => {
                refused.insert(proposal.id, error.to_string());
            }
        }
    }
    (sizes, refused)
}
