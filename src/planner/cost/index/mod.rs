//! What reading an index costs: each method's own estimate (`amcostestimate` in `selfuncs.c`), and the heap on top
//! (`cost_index`, `cost_bitmap_heap_scan`).

mod bitmap;
mod brin;
mod btree;
mod gin;
mod heap;
mod tree;

use std::sync::Arc;

use super::expr::expr_cost;
use crate::planner::env::IndexInfo;
use crate::planner::expr::Expr;
use crate::planner::path::IndexClause;
use crate::planner::query::JoinType;
use crate::planner::rel::{BaseRel, Restrict};
use crate::planner::root::{Root, SubPlanCost};
use crate::planner::stats;
use crate::snapshot::{ColumnStats, IndexMethod};

pub use bitmap::{bitmap_and, bitmap_heap_scan, bitmap_or, bitmap_pages, node_cost};
pub use heap::{HeapPart, index_pages_fetched, index_scan};

/// `DEFAULT_PAGE_CPU_MULTIPLIER`: operators that a page costs.
const PAGE_CPU: f64 = 50.0;

/// One use of an index: what is asked of it.
#[derive(Debug, Clone, Copy)]
pub struct IndexUse<'i, 'a> {
    /// The level.
    pub root: &'i Root<'a>,
    /// What its subqueries cost.
    pub subplans: &'i [SubPlanCost],
    /// The table.
    pub base: &'i BaseRel,
    /// The index.
    pub index: &'i IndexInfo,
    /// Its keys over the relation's own columns.
    pub keys: &'i [Expr],
    /// Its predicate's conditions over the relation's own columns.
    pub predicate: &'i [Arc<Restrict>],
    /// Conditions that it applies, by ascending key column.
    pub clauses: &'i [IndexClause],
    /// How many ordering operators it applies (KNN).
    pub order_bys: usize,
    /// How often the scan is repeated, each time for another outer row.
    pub loop_count: f64,
}

/// What a method says of a use (`IndexPath`'s `indextotalcost` and so on).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MethodCost {
    /// Before the first entry.
    pub startup: f64,
    /// To the end.
    pub total: f64,
    /// Share of the table's rows that it returns.
    pub selectivity: f64,
    /// Correlation of its order with the table's.
    pub correlation: f64,
    /// Index pages read: what workers are counted by.
    pub pages: f64,
}

/// A method's estimate (`amcostestimate`).
pub fn method_cost(usage: &IndexUse<'_, '_>) -> MethodCost {
    match usage.index.method {
        IndexMethod::Btree => btree::cost(usage),
        IndexMethod::Gin => gin::cost(usage),
        IndexMethod::Brin => brin::cost(usage),
        IndexMethod::Gist | IndexMethod::Spgist => tree::cost(usage),
        IndexMethod::Hash | IndexMethod::Other => generic(usage, Given::default()).cost(),
    }
}

impl<'i, 'a> IndexUse<'i, 'a> {
    /// The conditions as the index applies them (`get_quals_from_indexclauses`).
    fn quals(&self) -> impl Iterator<Item = &'i Arc<Restrict>> + use<'i, 'a> {
        self.clauses.iter().flat_map(|c| &c.quals)
    }

    /// Selectivity of conditions together with what of the predicate they do not imply
    /// (`add_predicate_to_index_quals`).
    fn selectivity<'q>(&self, quals: impl Iterator<Item = &'q Arc<Restrict>>) -> f64 {
        let quals: Vec<Arc<Restrict>> = quals.cloned().collect();
        let facts = &self.root.env.facts;
        let mut all: Vec<Arc<Restrict>> = Vec::new();
        if !self.predicate.is_empty() {
            let clauses: Vec<&Expr> = quals.iter().map(|q| &q.clause).collect();
            let extra = self.predicate.iter().filter(|p| {
                !crate::planner::scan::predicate::implied_by(facts, std::slice::from_ref(&&p.clause), &clauses)
            });
            all.extend(extra.cloned());
        }
        all.extend(quals);
        stats::clauselist_selectivity(self.root, &all, Some(self.base.rel), JoinType::Inner, None)
    }

    /// Statistics of a key: the column's, or the index's own for an expression.
    fn key_stats(&self, column: usize) -> Option<&'i ColumnStats> {
        let key = self.index.keys.get(column)?;
        if key.attno == 0 {
            return key.stats.as_deref();
        }
        self.root.table(self.base.rel)?.column(key.attno)?.stats.as_ref()
    }

    /// Cost of computing what the keys are compared with (`index_other_operands_eval_cost`): once a scan.
    fn operands_cost(&self) -> f64 {
        let env = self.root.env;
        self.quals()
            .map(|qual| {
                let other: &[Expr] = match &qual.clause {
                    Expr::Op(op) => op.args.get(1..).unwrap_or_default(),
                    Expr::RowCompare(compare) => &compare.right,
                    Expr::ScalarArrayOp(saop) => std::slice::from_ref(&saop.right),
                    _ => &[],
                };
                other.iter().map(|e| expr_cost(env, self.subplans, e)).map(|c| c.startup + c.per_tuple).sum::<f64>()
            })
            .sum()
    }

    /// Descents that ANY conditions among `quals` make.
    fn array_scans<'q>(&self, quals: impl Iterator<Item = &'q Arc<Restrict>>) -> f64 {
        quals.fold(1.0, |scans, qual| match &qual.clause {
            Expr::ScalarArrayOp(saop) => scans * stats::array_length(self.root, &saop.right).max(1.0),
            _ => scans,
        })
    }
}

/// What a method works out before [`generic`].
#[derive(Debug, Clone, Copy, Default)]
struct Given {
    /// Entries visited in one descent; 0 for unknown.
    tuples: f64,
    /// Descents by ANY conditions; 0 for unknown.
    array_scans: f64,
}

/// What [`generic`] works out (`GenericCosts`).
#[derive(Debug, Clone, Copy)]
struct Generic {
    startup: f64,
    total: f64,
    selectivity: f64,
    correlation: f64,
    pages: f64,
    array_scans: f64,
}

impl Generic {
    fn cost(self) -> MethodCost {
        MethodCost {
            startup: self.startup,
            total: self.total,
            selectivity: self.selectivity,
            correlation: self.correlation,
            pages: self.pages,
        }
    }
}

/// `genericcostestimate`.
fn generic(usage: &IndexUse<'_, '_>, given: Given) -> Generic {
    let settings = &usage.root.env.settings;
    let index = usage.index;
    let array_scans = if given.array_scans >= 1.0 { given.array_scans } else { usage.array_scans(usage.quals()) };
    let selectivity = usage.selectivity(usage.quals());
    let mut tuples = given.tuples;
    if tuples <= 0.0 {
        tuples = (selectivity * usage.base.tuples / array_scans).round_ties_even();
    }
    let tuples = tuples.min(index.tuples).max(1.0);
    let pages =
        if index.pages > 1.0 && index.tuples > 1.0 { (tuples * index.pages / index.tuples).ceil() } else { 1.0 };
    let scans = array_scans * usage.loop_count;
    let disk = if scans > 1.0 {
        let fetched = index_pages_fetched(usage.root, pages * scans, index.pages, index.pages);
        fetched * settings.random_page_cost / usage.loop_count
    } else {
        pages * settings.random_page_cost
    };
    let operands = usage.operands_cost();
    let operators = settings.cpu_operator_cost * (usage.quals().count() + usage.order_bys) as f64;
    Generic {
        startup: operands,
        total: disk + operands + tuples * array_scans * (settings.cpu_index_tuple_cost + operators),
        selectivity,
        correlation: 0.0,
        pages,
        array_scans,
    }
}
