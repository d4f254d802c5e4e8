//! Parse analysis: the syntax tree in, a typed query out (`parse_analyze`, view expansion).
//!
//! Names are resolved against the snapshot, operators and functions against [`super::facts`], and casts written out
//! where the server would imply them. Statements are taken to be valid: what the server would refuse is not looked for.

mod call;
mod candidates;
mod coerce;
mod cte;
mod dml;
mod expr;
mod from;
mod group;
mod index;
mod name;
mod operator;
mod scope;
mod select;
mod setop;
mod sort;
mod sublink;
mod window;

use std::sync::Arc;

use super::env::Env;
use super::expr::{Const, Expr, ParamSource, types};
use super::facts::Facts;
use super::value::{self, Datum};
use super::{PlannerError, Query};
use crate::sql::ast::Statement;
use scope::Level;

pub use index::{index_collation, index_column, index_expression};

type Result<T> = std::result::Result<T, PlannerError>;

/// Views within views are followed so far.
const MAX_VIEW_DEPTH: usize = 32;

/// Analyses a statement. `parameters` are the values of `$1`, `$2`, … for a custom plan (`None`: NULL); an absent one
/// stays a parameter of unknown value, as in a generic plan. To be run on a large stack (`sql::on_large_stack`).
pub fn analyze(env: &Env<'_>, statement: &Statement, parameters: &[Option<Datum>]) -> Result<Query> {
    let mut analyzer = Analyzer::new(env);
    let mut query = analyzer.statement(statement)?;
    let facts = analyzer.facts;
    let known = &analyzer.parameter_types;
    query.visit_mut(0, &mut |expr, _| settle_parameter(facts, known, parameters, expr));
    Ok(query)
}

/// Gives a parameter its type, and its value where there is one.
fn settle_parameter(facts: &Facts, known: &[crate::snapshot::Oid], values: &[Option<Datum>], expr: &mut Expr) {
    let Expr::Param(param) = expr else { return };
    let ParamSource::External(number) = param.source else { return };
    let at = usize::try_from(number).unwrap_or(1).saturating_sub(1);
    if param.ty == types::UNKNOWN {
        param.ty = known.get(at).copied().filter(|ty| *ty != types::UNKNOWN).unwrap_or(types::TEXT);
    }
    let Some(value) = values.get(at) else { return };
    let value = match value {
        Some(Datum::Text(text)) => value::parse(facts, param.ty, text).or_else(|| Some(Datum::Text(text.clone()))),
        other => other.clone(),
    };
    *expr = Expr::Const(Const { ty: param.ty, value: value.map(Arc::new), collation: param.collation });
}

/// Analysis of one statement.
struct Analyzer<'a> {
    env: &'a Env<'a>,
    facts: &'a Facts,
    /// Types of `$1`, `$2`, … as far as the context has given them.
    parameter_types: Vec<crate::snapshot::Oid>,
    /// Query levels, the outermost first.
    levels: Vec<Level>,
    /// Views entered.
    views: usize,
}

impl<'a> Analyzer<'a> {
    fn new(env: &'a Env<'a>) -> Self {
        Self { env, facts: &env.facts, parameter_types: Vec::new(), levels: Vec::new(), views: 0 }
    }

    /// A statement as a level of its own.
    fn statement(&mut self, statement: &Statement) -> Result<Query> {
        self.levels.push(Level::default());
        let done = match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            Statement::Utility(words) => Err(PlannerError::Unsupported(words.clone())),
        };
        let level = self.levels.pop();
        done?;
        level.map(|l| l.query).ok_or_else(|| PlannerError::Analyze("no query".to_owned()))
    }

    /// The innermost level.
    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }
}

/// A failure.
fn refuse<T>(reason: impl Into<String>) -> Result<T> {
    Err(PlannerError::Analyze(reason.into()))
}

#[cfg(test)]
mod tests;
