//! The planner model: what PostgreSQL would do with a statement under a configuration, computed without asking it.
//!
//! In: a snapshot (catalog, statistics, settings), a parsed statement and the indexes assumed present. Out: a
//! [`Plan`] with the node names, costs, rows and widths of EXPLAIN. PostgreSQL's documentation and source are the
//! specification; each function names what it models. The stages follow the server's:
//!
//! `facts` and `value` know types, operators, functions and data values; `analyze` turns the syntax tree into a typed
//! [`query::Query`] (parse analysis, views expanded, constants folded); `prep` pulls up subqueries, reduces outer
//! joins, distributes quals, forms equivalence classes and leaves a [`Root`]; `stats` estimates selectivities, groups
//! and sizes; `cost` holds the cost formulas; `scan` makes the paths of base relations, `join` those of joins and
//! searches join orders; `upper` does what lies above: grouping, ordering, limits, set operations, writes.
//!
//! A [`Root`] holds everything that does not depend on the configuration and is made once a statement; a [`Planning`]
//! holds what one configuration adds. A construct that is not modelled becomes the nearest plan node, and the reason is
//! recorded in [`Root::notes`]; nothing here panics or loops on any statement.

pub mod analyze;
pub mod cost;
pub mod env;
pub mod expr;
pub mod exprs;
pub mod facts;
pub mod fold;
pub mod join;
pub mod known;
pub mod path;
pub mod plan;
pub mod prep;
pub mod query;
pub mod rel;
pub mod relids;
pub mod root;
pub mod scan;
pub mod settings;
pub mod stats;
pub mod upper;
pub mod value;
pub mod walk;
pub mod wrap;

pub use env::{Env, IndexInfo, IndexKeyInfo, IndexRef};
pub use expr::Expr;
pub use path::{Path, PathKind};
pub use plan::{Plan, PlanTree};
pub use query::Query;
pub use rel::{EquivalenceClass, PathKey, Rel, Restrict, SpecialJoin};
pub use relids::{RelId, Relids};
pub use root::{Planning, Root};

/// Why a statement has no model plan. Everything else becomes a plan with notes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlannerError {
    /// The statement cannot be analysed: an unknown column, a type that nothing is known of, a syntax error.
    #[error("{0}")]
    Analyze(String),
    /// The statement is of a kind or size that the model does not plan (utility statements, more than 120 relations).
    #[error("the planner model does not plan {0}")]
    Unsupported(String),
}
