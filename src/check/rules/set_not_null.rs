//! SET NOT NULL, which reads every row.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::Work;
use crate::sql::ast::ddl::{AlterAction, Ddl};
use crate::sql::quote::ident;

pub(in crate::check) const RULE: Rule = Rule {
    id: "set-not-null",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "SET NOT NULL reads the whole table under ACCESS EXCLUSIVE",
    thresholds: &[],
    problem: "The server checks that no row holds a null, while nobody can read or write the table; and the statement fails if one does.",
    detection: "SET NOT NULL on a column that no valid CHECK (column IS NOT NULL) proves, on a table that the same change did not create. With a snapshot, a null fraction above zero is an error: the statement will fail.",
    example: "`ALTER TABLE users ALTER COLUMN email SET NOT NULL;` fires; after `ADD CONSTRAINT c CHECK (email IS NOT NULL) NOT VALID` and `VALIDATE CONSTRAINT c` it does not.",
    remedy: "ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID; VALIDATE CONSTRAINT …; SET NOT NULL (which then reads nothing); DROP CONSTRAINT ….",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    let Some(Ddl::AlterTable(alter)) = context.step.ddl() else { return };
    for action in &alter.actions {
        let AlterAction::SetNotNull { column } = action else { continue };
        let known = context.known(&alter.table);
        let proved = known.is_some_and(|t| {
            t.column(column).is_some_and(|c| c.not_null)
                || t.checks.iter().any(|c| c.validated && c.not_null.contains(column))
        });
        if proved {
            continue;
        }
        let Some(exposure) = context.exposure(&alter.table, Work::Scan) else { continue };
        let table = context.display(&alter.table);
        let nulls = known.and_then(|t| t.column(column)).and_then(|c| c.null_frac).filter(|f| *f > 0.0);
        let mut evidence = exposure.numbers();
        let message = match nulls {
            Some(share) => {
                evidence.push(("null_pct", share * 100.0));
                format!("this fails: about {:.1} % of the rows of {table} have no {column}", share * 100.0)
            }
            None => {
                format!("this blocks every read and write of {table} while all rows are checked{}", exposure.phrase())
            }
        };
        let (name, quoted) = (Context::sql_name(&alter.table), ident(column));
        let constraint = ident(&format!("{}_{column}_not_null", alter.table.name));
        found.push(Draft {
            object: format!("{table}.{column}"),
            message,
            evidence,
            remedy: Some(format!(
                "ALTER TABLE {name} ADD CONSTRAINT {constraint} CHECK ({quoted} IS NOT NULL) NOT VALID;\n\
                 ALTER TABLE {name} VALIDATE CONSTRAINT {constraint}; -- in another transaction\n\
                 ALTER TABLE {name} ALTER COLUMN {quoted} SET NOT NULL, DROP CONSTRAINT {constraint};"
            )),
            severity: (nulls.is_some() || exposure.is_big()).then_some(Severity::Error),
            ..Draft::default()
        });
    }
}
