//! Commands that hold ACCESS EXCLUSIVE while they work.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::sql::ast::ddl::{AlterAction, Ddl};

pub(in crate::check) const RULE: Rule = Rule {
    id: "long-exclusive-lock",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "VACUUM FULL, CLUSTER, REFRESH and table rewrites block every read",
    thresholds: &[],
    problem: "These write the table anew, or empty it, under ACCESS EXCLUSIVE: nobody reads or writes it until they are done.",
    detection: "VACUUM FULL, CLUSTER, REFRESH MATERIALIZED VIEW without CONCURRENTLY, TRUNCATE, SET LOGGED, SET UNLOGGED, SET TABLESPACE and SET ACCESS METHOD on tables that the same change did not create and that are not small.",
    example: "`VACUUM FULL orders;` fires; `VACUUM orders;` and `REFRESH MATERIALIZED VIEW CONCURRENTLY totals;` do not.",
    remedy: "pg_repack or pg_squeeze instead of VACUUM FULL and CLUSTER; REFRESH … CONCURRENTLY, which needs a unique index on the view.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let (what, remedy) = match context.step.ddl() {
        Some(Ddl::Vacuum { full: true, .. }) => ("VACUUM FULL", "use pg_repack or pg_squeeze"),
        Some(Ddl::Cluster { .. }) => ("CLUSTER", "use pg_repack or pg_squeeze"),
        Some(Ddl::Refresh { concurrently: false, .. }) => {
            ("REFRESH MATERIALIZED VIEW", "REFRESH MATERIALIZED VIEW CONCURRENTLY, with a unique index on the view")
        }
        Some(Ddl::Truncate { .. }) => ("TRUNCATE", "delete in batches where the table is read meanwhile"),
        Some(Ddl::AlterTable(alter)) => {
            let rewrite = alter.actions.iter().find_map(|a| match a {
                AlterAction::Rewrite(what) => Some(*what),
                _ => None,
            });
            let Some(what) = rewrite else { return };
            (what, "copy the rows into a new table in batches, and swap the names")
        }
        _ => return,
    };
    for held in &context.step.locks {
        let Some(exposure) = context.exposure(&held.table, held.work) else { continue };
        let table = context.display(&held.table);
        found.push(Draft {
            message: format!("{what} holds {} on {table} until it is done{}", held.mode.as_str(), exposure.phrase()),
            object: table,
            evidence: exposure.numbers(),
            remedy: Some(remedy.to_owned()),
            severity: exposure.is_big().then_some(Severity::Error),
            ..Draft::default()
        });
    }
}
