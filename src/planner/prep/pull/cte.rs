//! WITH queries that are used once are subqueries (`SS_process_ctes`, `inline_cte`).

use crate::planner::env::Env;
use crate::planner::expr::Expr;
use crate::planner::exprs::contains_volatile;
use crate::planner::query::{Command, Cte, Query, RteKind};

/// Inlines what may be, and drops what nothing reads.
pub(super) fn inline(env: &Env<'_>, query: &mut Query) {
    let mut kept = Vec::new();
    for cte in std::mem::take(&mut query.ctes) {
        if cte.query.command == Command::Select && cte.references == 0 {
            continue;
        }
        if inlinable(env, &cte) {
            // It may stand at several depths (NOT MATERIALIZED), in this level and in WITH queries that follow.
            let mut place = |kind: &mut RteKind, depth: u32| {
                let here =
                    matches!(kind, RteKind::Cte { name, levels_up, .. } if *levels_up == depth && *name == cte.name);
                if here {
                    let mut copy = cte.query.clone();
                    copy.raise_levels(i32::try_from(depth).unwrap_or(0), 1);
                    *kind = RteKind::Subquery(Box::new(copy));
                }
            };
            query.visit_entries_mut(0, &mut place);
        } else {
            kept.push(cte);
        }
    }
    query.ctes = kept;
}

fn inlinable(env: &Env<'_>, cte: &Cte) -> bool {
    let wanted = cte.materialized == Some(false) || (cte.materialized.is_none() && cte.references == 1);
    let mut volatile = false;
    cte.query.visit(0, &mut |e: &Expr, _| volatile = volatile || contains_volatile(&env.facts, e));
    wanted && !cte.recursive && cte.query.command == Command::Select && cte.query.row_marks.is_empty() && !volatile
}
