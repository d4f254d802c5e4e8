//! Parse analysis: the syntax tree in, a typed query out (`parse_analyze`, view expansion, `eval_const_expressions`).

use super::env::Env;
use super::value::Datum;
use super::{PlannerError, Query};
use crate::sql::ast::Statement;

/// Analyses a statement. `parameters` are the values of `$1`, `$2`, … for a custom plan (`None`: NULL); an absent one
/// stays a parameter of unknown value, as in a generic plan.
pub fn analyze(_env: &Env<'_>, _statement: &Statement, _parameters: &[Option<Datum>]) -> Result<Query, PlannerError> {
    Err(PlannerError::Unsupported("this statement".to_owned()))
}
