//! Subqueries in expressions that stay subqueries (`SS_process_sublinks`, `make_subplan`), and references out of a level
//! (`SS_replace_correlation_vars`).

use super::prepare::{Scope, level};
use super::pull::sublinks::simple_exists;
use crate::planner::expr::{Expr, OpExpr, OpKind, Param, ParamSource, SubLink, SubPlanExpr, Var, types};
use crate::planner::query::Query;
use crate::planner::root::{ExecParam, Root, SubPlan, SubPlanKind};
use crate::planner::{PlannerError, Relids};
use crate::sql::ast::SublinkKind;

/// Replaces what a level reads of enclosing levels by parameters; gives what they stand for, in terms of the level
/// above (`levels_up` 0: its own columns).
pub(super) fn cut_loose(query: &mut Query) -> Vec<ExecParam> {
    let mut params: Vec<ExecParam> = Vec::new();
    query.visit_mut(0, &mut |e, depth| {
        let Expr::Var(var) = e else { return };
        if var.levels_up <= depth {
            return;
        }
        let up = var.levels_up - depth - 1;
        let outer = ExecParam { expr: Expr::Var(Var { levels_up: up, ..*var }), levels_up: up };
        let number = params.iter().position(|p| *p == outer).unwrap_or_else(|| {
            params.push(outer);
            params.len() - 1
        });
        *e = Expr::Param(Param { source: ParamSource::Exec(number), ty: var.ty, collation: var.collation });
    });
    params
}

/// The relations of the level above that parameters read.
pub(super) fn supplied_by(params: &[ExecParam]) -> Relids {
    params.iter().filter(|p| p.levels_up == 0).fold(Relids::EMPTY, |set, p| set | p.expr.relids())
}

/// Makes a SubPlan or an initplan of every sublink of a level's expressions.
pub(super) fn process(root: &mut Root<'_>, scope: &Scope) -> Result<(), PlannerError> {
    if !root.query.has_sublinks {
        return Ok(());
    }
    let mut query = std::mem::take(&mut root.query);
    let mut failed = None;
    query.for_each_expr_mut(&mut |e| replace(root, scope, e, &mut failed));
    root.query = query;
    failed.map_or(Ok(()), Err)
}

fn replace(root: &mut Root<'_>, scope: &Scope, e: &mut Expr, failed: &mut Option<PlannerError>) {
    e.for_each_child_mut(&mut |child| replace(root, scope, child, failed));
    if let Expr::SubLink(link) = e {
        let link = std::mem::replace(
            &mut **link,
            SubLink { kind: SublinkKind::Exists, tests: Vec::new(), query: Query::default(), ty: types::BOOL },
        );
        match make(root, scope, link) {
            Ok(made) => *e = made,
            Err(error) => *failed = Some(error),
        }
    }
}

fn make(root: &mut Root<'_>, scope: &Scope, link: SubLink) -> Result<Expr, PlannerError> {
    let kind = match link.kind {
        SublinkKind::Exists => SubPlanKind::Exists,
        SublinkKind::Any => SubPlanKind::Any,
        SublinkKind::All => SubPlanKind::All,
        SublinkKind::Scalar => SubPlanKind::Expr,
        SublinkKind::Array => SubPlanKind::Array,
    };
    let mut query = link.query;
    if kind == SubPlanKind::Exists
        && let Some(simple) = simple_exists(&query)
    {
        query = simple;
    }
    let params = cut_loose(&mut query);
    let uncorrelated = !params.iter().any(|p| p.levels_up == 0);
    let fraction = match kind {
        SubPlanKind::Exists => 1.0,
        SubPlanKind::Any | SubPlanKind::All => 0.5,
        SubPlanKind::Expr | SubPlanKind::Array => 0.0,
    };
    let facts = &root.env.facts;
    let hashable = kind == SubPlanKind::Any && link.tests.iter().all(|(left, op)| facts.hashable(*op, left.ty()));
    let outputs: Vec<(u32, u32)> =
        query.targets.iter().filter(|t| !t.junk).map(|t| (t.expr.ty(), t.expr.collation())).collect();
    let mut sub = level(root.env, query, scope, fraction)?;
    // What a level further up supplies, this level hands on.
    let args: Vec<Expr> = params.iter().filter(|p| p.levels_up == 0).map(|p| p.expr.clone()).collect();
    sub.exec_params.splice(0..0, params);
    let id = root.subplans.len();
    root.subplans.push(SubPlan { root: Box::new(sub), kind, uncorrelated, hashable });
    let fresh = |root: &mut Root<'_>, ty, collation| {
        let param = Param { source: ParamSource::Exec(root.exec_params.len()), ty, collation };
        root.exec_params.push(ExecParam { expr: Expr::Param(param), levels_up: 0 });
        Expr::Param(param)
    };
    let once = uncorrelated && matches!(kind, SubPlanKind::Exists | SubPlanKind::Expr | SubPlanKind::Array);
    if once {
        let collation = outputs.first().map_or(0, |o| o.1);
        return Ok(fresh(root, link.ty, collation));
    }
    let mut tests = Vec::with_capacity(link.tests.len());
    for ((left, op), (ty, collation)) in link.tests.into_iter().zip(outputs) {
        let right = fresh(root, ty, collation);
        let args = vec![left, right];
        tests.push(Expr::Op(Box::new(OpExpr { op, args, ty: types::BOOL, collation, kind: OpKind::Plain })));
    }
    Ok(Expr::SubPlan(Box::new(SubPlanExpr { id, tests, args, ty: link.ty })))
}
