//! Relations, restrictions, equivalence classes and join-order limits: what `prep` leaves for path making. None of it
//! depends on the configuration.

use std::sync::{Arc, OnceLock};

use super::expr::Expr;
use super::query::JoinType;
use super::relids::{RelId, Relids};
use crate::snapshot::Oid;

/// The cost of evaluating an expression (`QualCost`).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct QualCost {
    /// Once.
    pub startup: f64,
    /// Per row.
    pub per_tuple: f64,
}

impl std::ops::Add for QualCost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { startup: self.startup + other.startup, per_tuple: self.per_tuple + other.per_tuple }
    }
}

/// A target list with its cost and width (`PathTarget`).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PathTarget {
    /// What is emitted.
    pub exprs: Vec<Expr>,
    /// `sortgroupref` of each expression, 0 for none; as long as `exprs`.
    pub refs: Vec<u32>,
    /// Cost of computing it per row, beyond what Vars cost (nothing).
    pub cost: QualCost,
    /// Average bytes.
    pub width: i32,
}

/// A relation (`RelOptInfo`) without its paths: a base relation, an inheritance child, or a join.
#[derive(Debug, Clone)]
pub struct Rel {
    /// Its members. A child has its topmost parent's.
    pub relids: Relids,
    /// What it is.
    pub kind: RelKind,
    /// Rows after restriction (and, for a join, after its join clauses); at least 1.
    pub rows: f64,
    /// What it emits.
    pub target: Arc<PathTarget>,
    /// Whether a cheap start matters (`consider_startup`).
    pub consider_startup: bool,
    /// Whether cheap-start parameterised paths matter (`consider_param_startup`): only under semi and anti joins.
    pub consider_param_startup: bool,
    /// Whether workers may compute it (`consider_parallel`).
    pub consider_parallel: bool,
    /// Conditions on it alone.
    pub restrict: Vec<Arc<Restrict>>,
    /// Conditions with other relations that are not in an equivalence class (`joininfo`).
    pub join_info: Vec<Arc<Restrict>>,
    /// Whether an equivalence class gives it join clauses (`has_eclass_joins`).
    pub has_eclass_joins: bool,
    /// Relations that it refers to laterally, directly or through others (`lateral_relids`).
    pub lateral: Relids,
    /// Of these, those referred to directly (`direct_lateral_relids`).
    pub direct_lateral: Relids,
    /// Relations that refer to it laterally (`lateral_referencers`).
    pub lateral_referencers: Relids,
    /// Whether pruning or contradiction proved it empty (`IS_DUMMY_REL`).
    pub dummy: bool,
}

/// The kinds of relation.
#[derive(Debug, Clone)]
pub enum RelKind {
    /// A base entry of the range table, or an inheritance child.
    Base(BaseRel),
    /// A join.
    Join,
}

/// What only base relations have.
#[derive(Debug, Clone)]
pub struct BaseRel {
    /// The entry.
    pub rel: RelId,
    /// The table, for a table.
    pub table: Option<Oid>,
    /// Blocks.
    pub pages: f64,
    /// Rows before restriction.
    pub tuples: f64,
    /// Share of all-visible blocks.
    pub all_visible: f64,
    /// Live partitions or inheritance children (after pruning), as relations of their own, in order; empty for a plain
    /// table. For plain inheritance the parent itself comes first.
    pub children: Vec<Arc<Rel>>,
    /// For a child: the parent's entry.
    pub parent: Option<RelId>,
    /// `parallel_workers` storage option.
    pub parallel_workers: Option<i32>,
}

impl Rel {
    /// The base part, for a base relation.
    pub fn base(&self) -> Option<&BaseRel> {
        match &self.kind {
            RelKind::Base(base) => Some(base),
            RelKind::Join => None,
        }
    }
}

/// A condition with what planning knows of it (`RestrictInfo`). Shared; its caches do not depend on the configuration.
#[derive(Debug)]
pub struct Restrict {
    /// Number within the [`super::Root`], for identity (`rinfo_serial`, pointer equality).
    pub id: usize,
    /// The condition.
    pub clause: Expr,
    /// Whether it is applied as a filter rather than as a join condition of an outer join (`is_pushed_down`).
    pub is_pushed_down: bool,
    /// No variables of this level and nothing volatile (`pseudoconstant`).
    pub pseudoconstant: bool,
    /// Delayed by an outer join (`outerjoin_delayed`, before 16).
    pub outerjoin_delayed: bool,
    /// Relations it reads.
    pub clause_relids: Relids,
    /// Relations needed to evaluate it.
    pub required: Relids,
    /// For an outer join's own clause: the relations on the side that is kept (`outer_relids`).
    pub outer_relids: Relids,
    /// Relations that it reads and an outer join below it may have made NULL (`nullable_relids`, before 16): no scan
    /// of these may check it. From 16 the outer join's own number in `clause_relids` says the same; keep it so here.
    pub nullable: Relids,
    /// Relations of the left operand of a binary operator, empty otherwise.
    pub left: Relids,
    /// Relations of the right operand.
    pub right: Relids,
    /// A binary operator between two disjoint sets of relations (`can_join`).
    pub can_join: bool,
    /// B-tree families in which the operator is equality, if it can be merged (`mergeopfamilies`).
    pub merge_families: Vec<Oid>,
    /// The operator, if it can be hashed (`hashjoinoperator`), 0 otherwise.
    pub hash_op: Oid,
    /// For an OR: the branches, each an implicit AND of conditions (`orclause`).
    pub or_branches: Option<Vec<Vec<Arc<Restrict>>>>,
    /// The class that it came from or that its sides belong to: left and right.
    pub left_ec: Option<EcId>,
    /// See `left_ec`.
    pub right_ec: Option<EcId>,
    /// The class that generated it (`parent_ec`).
    pub parent_ec: Option<EcId>,
    /// Normal selectivity (`norm_selec`).
    pub norm_selectivity: OnceLock<f64>,
    /// Selectivity as an outer join's clause (`outer_selec`).
    pub outer_selectivity: OnceLock<f64>,
    /// Evaluation cost (`eval_cost`), unless it holds a SubPlan.
    pub eval_cost: OnceLock<QualCost>,
    /// Bucket size estimates of the left and right side as hash keys: (bucket size fraction, frequency of the
    /// commonest value), per table size of no matter (`left_bucketsize`, `left_mcvfreq`).
    pub left_bucket: OnceLock<(f64, f64)>,
    /// See `left_bucket`.
    pub right_bucket: OnceLock<(f64, f64)>,
}

/// Position in [`super::Root::ecs`].
pub type EcId = usize;

/// Expressions known to be equal (`EquivalenceClass`).
#[derive(Debug, Clone)]
pub struct EquivalenceClass {
    /// B-tree families whose equality it is.
    pub families: Vec<Oid>,
    /// Collation.
    pub collation: Oid,
    /// What is equal.
    pub members: Vec<EcMember>,
    /// Conditions it was made from.
    pub sources: Vec<Arc<Restrict>>,
    /// Every relation in its members.
    pub relids: Relids,
    /// A member is a constant.
    pub has_const: bool,
    /// Its only member is volatile.
    pub has_volatile: bool,
    /// The `sortgroupref` it was made for, if volatile; 0 otherwise.
    pub sortref: u32,
    /// A derived clause could not be made for lack of an operator (`ec_broken`).
    pub broken: bool,
    /// It comes from below an outer join, so that its constants are not as constant as they look
    /// (`ec_below_outer_join`, before 16).
    pub below_outer_join: bool,
    /// The class it was merged into: follow to the end.
    pub merged: Option<EcId>,
}

/// A member of an equivalence class.
#[derive(Debug, Clone)]
pub struct EcMember {
    /// The expression.
    pub expr: Expr,
    /// Relations it reads.
    pub relids: Relids,
    /// Type under which it is compared (`em_datatype`).
    pub ty: Oid,
    /// Whether it is a constant to this query level.
    pub is_const: bool,
    /// From below an outer join that can null it: not usable everywhere (`em_nullable_relids`).
    pub nullable: Relids,
}

/// An ordering by one equivalence class (`PathKey`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathKey {
    /// What it orders by (canonical: never a merged class).
    pub ec: EcId,
    /// B-tree family.
    pub family: Oid,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
}

/// A limit on join order (`SpecialJoinInfo`).
#[derive(Debug, Clone)]
pub struct SpecialJoin {
    /// Base relations that must be on the left for the join to be done.
    pub min_left: Relids,
    /// … on the right.
    pub min_right: Relids,
    /// Relations syntactically on the left.
    pub syn_left: Relids,
    /// … on the right.
    pub syn_right: Relids,
    /// Left, full, semi or anti.
    pub kind: JoinType,
    /// Whether its condition is strict for some left relation.
    pub lhs_strict: bool,
    /// Semi join: the right side can be made unique by sorting / by hashing (`semi_can_btree`, `semi_can_hash`).
    pub semi_can_btree: bool,
    /// See `semi_can_btree`.
    pub semi_can_hash: bool,
    /// Semi join: equality operators and right-hand expressions to make unique.
    pub semi_operators: Vec<Oid>,
    /// See `semi_operators`.
    pub semi_rhs: Vec<Expr>,
}

impl SpecialJoin {
    /// What stands for it in an inner join of these sides, where there is none: for selectivities.
    pub fn inner(left: Relids, right: Relids) -> Self {
        Self {
            min_left: left,
            min_right: right,
            syn_left: left,
            syn_right: right,
            kind: JoinType::Inner,
            lhs_strict: false,
            semi_can_btree: false,
            semi_can_hash: false,
            semi_operators: Vec::new(),
            semi_rhs: Vec::new(),
        }
    }
}
