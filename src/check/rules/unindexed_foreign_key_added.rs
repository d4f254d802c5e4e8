//! Foreign keys that nothing supports.

use crate::report::Severity;
use crate::rules::{Area, Rule};

use crate::check::context::Context;
use crate::check::draft::Draft;
use crate::check::locks::Work;
use crate::check::schema::Index;
use crate::sql::ast::TableName;
use crate::sql::ast::ddl::{AlterAction, ColumnDef, Constraint, ConstraintKind, Ddl};
use crate::sql::quote::ident_list;

pub(in crate::check) const RULE: Rule = Rule {
    id: "unindexed-foreign-key-added",
    area: Area::Migration,
    severity: Severity::Warning,
    title: "A foreign key is added without an index on its columns",
    thresholds: &[],
    problem: "Every DELETE on the referenced table, and every UPDATE of its key, looks for referencing rows: without an index that reads the whole referencing table, once for each row deleted. Joins along the key suffer the same way.",
    detection: "A foreign key added by the change whose referencing table, at the end of the file, has no valid B-tree that begins with the key's columns in any order (partial indexes on `column IS NOT NULL` count), and is not small.",
    example: "`ALTER TABLE orders ADD COLUMN coupon_id bigint REFERENCES coupons;` fires, unless the file creates an index on coupon_id.",
    remedy: "CREATE INDEX CONCURRENTLY on the referencing columns.",
};

pub(in crate::check) fn run(context: &Context<'_>, found: &mut Vec<Draft>) {
    for (table, columns) in added(context.step.ddl()) {
        let supported = |index: &Index| leads_with(index, &columns);
        if context.known(table).is_some_and(|t| t.indexes.iter().any(supported))
            || supported_later(context, table, &columns)
        {
            continue;
        }
        let own = own_index(context.step.ddl(), &columns);
        if own
            || context.exposure(table, Work::Catalog).is_none() && context.known(table).is_some_and(|t| !t.created_here)
        {
            continue;
        }
        let name = context.display(table);
        let keys = ident_list(columns.iter().map(String::as_str));
        found.push(Draft {
            object: format!("{name}({})", columns.join(", ")),
            message: format!(
                "no index of {name} begins with {}: every delete on the referenced table reads all of {name}",
                columns.join(", ")
            ),
            remedy: Some(format!("CREATE INDEX CONCURRENTLY ON {} ({keys});", Context::sql_name(table))),
            ..Draft::default()
        });
    }
}

/// The foreign keys that a statement adds: referencing table and columns.
fn added(ddl: Option<&Ddl>) -> Vec<(&TableName, Vec<String>)> {
    let key = |constraint: &Constraint, column: Option<&str>| match &constraint.kind {
        ConstraintKind::ForeignKey { columns, .. } if columns.is_empty() => column.map(|c| vec![c.to_owned()]),
        ConstraintKind::ForeignKey { columns, .. } => Some(columns.clone()),
        _ => None,
    };
    let of_column = |column: &ColumnDef| -> Vec<Vec<String>> {
        column.constraints.iter().filter_map(|c| key(c, Some(&column.name))).collect()
    };
    match ddl {
        Some(Ddl::CreateTable(create)) => {
            let columns = create.columns.iter().flat_map(of_column);
            columns.chain(create.constraints.iter().filter_map(|c| key(c, None))).map(|c| (&create.name, c)).collect()
        }
        Some(Ddl::AlterTable(alter)) => alter
            .actions
            .iter()
            .flat_map(|action| match action {
                AlterAction::AddColumn { column, .. } => of_column(column),
                AlterAction::AddConstraint(constraint) => key(constraint, None).into_iter().collect(),
                _ => vec![],
            })
            .map(|c| (&alter.table, c))
            .collect(),
        _ => vec![],
    }
}

/// Whether the statement itself makes an index that serves: a key of the table that it creates.
fn own_index(ddl: Option<&Ddl>, columns: &[String]) -> bool {
    let Some(Ddl::CreateTable(create)) = ddl else { return false };
    let of_table = create.constraints.iter().filter_map(|c| match &c.kind {
        ConstraintKind::Index { columns: keys, .. } => Some(keys.clone()),
        _ => None,
    });
    let of_columns = create.columns.iter().filter_map(|c| {
        let backed = c.constraints.iter().any(|k| matches!(k.kind, ConstraintKind::Index { .. }));
        backed.then(|| vec![c.name.clone()])
    });
    of_table.chain(of_columns).any(|keys| begins_with(&keys, columns))
}

/// Whether a later statement of the file makes one.
fn supported_later(context: &Context<'_>, table: &TableName, columns: &[String]) -> bool {
    context.steps[context.position..].iter().any(|step| match step.ddl() {
        Some(Ddl::CreateIndex(create)) if create.table == *table && create.method == "btree" => {
            let keys: Vec<String> = create.keys.iter().filter_map(|k| k.column.clone()).collect();
            begins_with(&keys, columns) && create.keys.iter().take(columns.len()).all(|k| k.column.is_some())
        }
        _ => false,
    })
}

fn leads_with(index: &Index, columns: &[String]) -> bool {
    let keys: Vec<String> = index.keys.iter().map_while(|k| k.column.clone()).collect();
    let whole = index.predicate.as_deref().is_none_or(|p| p.contains("IS NOT NULL") && !p.contains(" AND "));
    index.valid && index.method == "btree" && whole && begins_with(&keys, columns)
}

/// Whether the first keys are the columns, in any order.
fn begins_with(keys: &[String], columns: &[String]) -> bool {
    keys.len() >= columns.len() && columns.iter().all(|c| keys[..columns.len()].contains(c))
}
