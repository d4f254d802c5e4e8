//! Which locks a statement takes on which tables, and how much work it does while it holds them.
//!
//! Sources: `AlterTableGetLockLevel` and ATRewriteTables in tablecmds.c, DefineIndex and ReindexIndex in indexcmds.c,
//! lock.h for the conflict table, and each command's page in the documentation.

use crate::sql::ast::TableName;
use crate::sql::ast::ddl::{
    AlterAction, AlterTable, ColumnDef, Command, ConstraintKind, Ddl, IndexConstraint, ObjectKind,
};
use crate::sql::ast::{Expr, Statement};

use super::schema::{Lookup, Schema};

/// PostgreSQL's table lock modes, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LockMode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

impl LockMode {
    /// Its name as SQL spells it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }

    fn from_number(mode: i32) -> Self {
        match mode {
            1 => Self::AccessShare,
            2 => Self::RowShare,
            3 => Self::RowExclusive,
            4 => Self::ShareUpdateExclusive,
            5 => Self::Share,
            6 => Self::ShareRowExclusive,
            7 => Self::Exclusive,
            _ => Self::AccessExclusive,
        }
    }

    /// What waits while it is held, in words.
    pub(super) fn blocks(self) -> &'static str {
        match self {
            Self::AccessExclusive => "every read and write",
            Self::Exclusive | Self::ShareRowExclusive | Self::Share => "every write",
            _ => "nothing that queries do",
        }
    }
}

/// What a statement does while it holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// A change of the catalog.
    Catalog,
    /// A read of every row.
    Scan,
    /// An index built over every row.
    IndexBuild,
    /// The table written anew, with all its indexes.
    Rewrite,
}

/// A lock on a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) table: TableName,
    pub(super) mode: LockMode,
    pub(super) work: Work,
}

/// The locks that a statement takes, in the order in which it takes them. Concurrent forms are told with the lock that
/// they hold while they work.
pub(super) fn locks(command: &Command, schema: &Schema, version: u32) -> Vec<Held> {
    use LockMode::{AccessExclusive, RowExclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
    let held = |table: &TableName, mode, work| Held { table: table.clone(), mode, work };
    let ddl = match command {
        Command::Query(statement) => return dml(statement),
        Command::Ddl(ddl) => ddl.as_ref(),
    };
    match ddl {
        Ddl::CreateTable(create) => {
            let mut locks: Vec<Held> =
                create.partition_of.iter().map(|parent| held(parent, ShareUpdateExclusive, Work::Catalog)).collect();
            let columns = create.columns.iter().flat_map(|c| &c.constraints);
            for constraint in columns.chain(&create.constraints) {
                if let ConstraintKind::ForeignKey { references, .. } = &constraint.kind {
                    locks.push(held(references, ShareRowExclusive, Work::Catalog));
                }
            }
            locks
        }
        Ddl::CreateIndex(create) => {
            let mode = if create.concurrently { ShareUpdateExclusive } else { Share };
            // ON ONLY a partitioned table builds nothing.
            let partitioned = schema.table(&create.table).known().is_some_and(|t| t.partitioned);
            let work = if create.only && partitioned { Work::Catalog } else { Work::IndexBuild };
            vec![held(&create.table, mode, work)]
        }
        Ddl::AlterTable(alter) => alter_table(alter, schema, version),
        Ddl::Drop(drop) => drop
            .names
            .iter()
            .filter_map(|name| match drop.kind {
                ObjectKind::Table | ObjectKind::MaterializedView => Some(held(name, AccessExclusive, Work::Catalog)),
                ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy => {
                    Some(held(name, AccessExclusive, Work::Catalog))
                }
                ObjectKind::Index => {
                    let mode = if drop.concurrently { ShareUpdateExclusive } else { AccessExclusive };
                    schema.index(name).map(|(table, _)| held(&name_of(&table.key), mode, Work::Catalog))
                }
                _ => None,
            })
            .collect(),
        Ddl::Rename(rename) => match (rename.kind, &rename.relation) {
            // Since 12 renaming an index takes only this.
            (ObjectKind::Index, Some(name)) => schema
                .index(name)
                .map(|(table, _)| held(&name_of(&table.key), ShareUpdateExclusive, Work::Catalog))
                .into_iter()
                .collect(),
            (
                ObjectKind::Table | ObjectKind::Column | ObjectKind::Constraint | ObjectKind::MaterializedView,
                Some(name),
            ) => {
                vec![held(name, AccessExclusive, Work::Catalog)]
            }
            _ => vec![],
        },
        Ddl::SetSchema { kind: ObjectKind::Table | ObjectKind::MaterializedView, name: Some(name), .. } => {
            vec![held(name, AccessExclusive, Work::Catalog)]
        }
        Ddl::Truncate { tables, .. } => tables.iter().map(|t| held(t, AccessExclusive, Work::Catalog)).collect(),
        Ddl::Reindex { what, name: Some(name), concurrently } => {
            let table =
                if *what == "INDEX" { schema.index(name).map(|(t, _)| name_of(&t.key)) } else { Some(name.clone()) };
            let mode = if *concurrently { ShareUpdateExclusive } else { Share };
            table.map(|t| held(&t, mode, Work::IndexBuild)).into_iter().collect()
        }
        Ddl::Cluster { table: Some(table) } => vec![held(table, AccessExclusive, Work::Rewrite)],
        Ddl::Vacuum { tables, full } => {
            let (mode, work) =
                if *full { (AccessExclusive, Work::Rewrite) } else { (ShareUpdateExclusive, Work::Scan) };
            tables.iter().map(|t| held(t, mode, work)).collect()
        }
        Ddl::Refresh { view, concurrently, no_data } => {
            let mode = if *concurrently { LockMode::Exclusive } else { AccessExclusive };
            vec![held(view, mode, if *no_data { Work::Catalog } else { Work::Rewrite })]
        }
        Ddl::CreateTrigger { table } => vec![held(table, ShareRowExclusive, Work::Catalog)],
        Ddl::CreateRule { table } | Ddl::Policy { table } => vec![held(table, AccessExclusive, Work::Catalog)],
        Ddl::Lock { tables, mode } => {
            tables.iter().map(|t| held(t, LockMode::from_number(*mode), Work::Catalog)).collect()
        }
        Ddl::CopyFrom { table } => vec![held(table, RowExclusive, Work::Catalog)],
        _ => vec![],
    }
}

fn name_of(key: &(String, String)) -> TableName {
    TableName { schema: Some(key.0.clone()), name: key.1.clone() }
}

fn dml(statement: &Statement) -> Vec<Held> {
    let table = match statement {
        Statement::Insert(insert) => &insert.table,
        Statement::Update(update) => &update.table,
        Statement::Delete(delete) => &delete.table,
        Statement::Merge(merge) => &merge.table,
        Statement::Query(_) | Statement::Utility(_) => return vec![],
    };
    vec![Held { table: table.clone(), mode: LockMode::RowExclusive, work: Work::Catalog }]
}

fn alter_table(alter: &AlterTable, schema: &Schema, version: u32) -> Vec<Held> {
    if alter.kind != ObjectKind::Table && alter.kind != ObjectKind::MaterializedView {
        return vec![];
    }
    // One ALTER TABLE takes the strongest lock that any of its parts needs, at once.
    let (mut mode, mut work) = (LockMode::ShareUpdateExclusive, Work::Catalog);
    let mut others = vec![];
    for action in &alter.actions {
        let (needs, does) = alter_action(action, alter, schema, version, &mut others);
        mode = mode.max(needs);
        work = work.max(does);
    }
    let mut locks = vec![Held { table: alter.table.clone(), mode, work }];
    locks.extend(others);
    locks
}

fn alter_action(
    action: &AlterAction,
    alter: &AlterTable,
    schema: &Schema,
    version: u32,
    others: &mut Vec<Held>,
) -> (LockMode, Work) {
    use LockMode::{AccessExclusive, ShareRowExclusive, ShareUpdateExclusive};
    match action {
        AlterAction::AddColumn { column, .. } => {
            let mut work = if rewrites(column) { Work::Rewrite } else { Work::Catalog };
            for constraint in &column.constraints {
                match &constraint.kind {
                    ConstraintKind::Index { .. } => work = work.max(Work::IndexBuild),
                    ConstraintKind::Check(_) => work = work.max(Work::Scan),
                    ConstraintKind::ForeignKey { references, .. } => {
                        others.push(Held { table: references.clone(), mode: ShareRowExclusive, work: Work::Catalog });
                    }
                    _ => {}
                }
            }
            (AccessExclusive, work)
        }
        AlterAction::AlterType { column, ty, using, collation } => {
            let (name, modifiers) = super::schema::type_text(ty);
            let before = schema.table(&alter.table).known().and_then(|t| t.column(column));
            let free = !collation
                && using.is_none()
                && before.is_some_and(|b| is_free_change((&b.ty, &b.modifiers), (&name, &modifiers)));
            (AccessExclusive, if free { Work::Catalog } else { Work::Rewrite })
        }
        AlterAction::SetNotNull { column } => {
            let table = schema.table(&alter.table).known();
            // A valid CHECK proves it since 12 (`NotNullImpliedByRelConstraints`), and so does NOT NULL itself.
            let proved = table.is_some_and(|t| {
                t.column(column).is_some_and(|c| c.not_null)
                    || t.checks.iter().any(|c| c.validated && c.not_null.contains(column))
            });
            (AccessExclusive, if proved { Work::Catalog } else { Work::Scan })
        }
        AlterAction::AddConstraint(constraint) => match &constraint.kind {
            ConstraintKind::ForeignKey { references, .. } => {
                others.push(Held { table: references.clone(), mode: ShareRowExclusive, work: Work::Catalog });
                (ShareRowExclusive, if constraint.not_valid { Work::Catalog } else { Work::Scan })
            }
            ConstraintKind::Index { using_index: Some(_), kind, columns } => {
                // PRIMARY KEY USING INDEX scans for nulls unless the columns are NOT NULL already.
                let proved = *kind != IndexConstraint::Primary || columns.is_empty();
                (AccessExclusive, if proved { Work::Catalog } else { Work::Scan })
            }
            ConstraintKind::Index { .. } => (AccessExclusive, Work::IndexBuild),
            _ => (AccessExclusive, if constraint.not_valid { Work::Catalog } else { Work::Scan }),
        },
        AlterAction::ValidateConstraint { .. } => (ShareUpdateExclusive, Work::Scan),
        AlterAction::AttachPartition { partition } => {
            let known = schema.table(partition).known();
            let work = if known.is_some_and(|t| t.created_here) { Work::Catalog } else { Work::Scan };
            others.push(Held { table: partition.clone(), mode: AccessExclusive, work });
            (ShareUpdateExclusive, Work::Catalog)
        }
        AlterAction::DetachPartition { partition, concurrently } => {
            let mode = if *concurrently && version >= 14 { ShareUpdateExclusive } else { AccessExclusive };
            others.push(Held { table: partition.clone(), mode: AccessExclusive, work: Work::Catalog });
            (mode, Work::Catalog)
        }
        AlterAction::AddIdentity { .. }
        | AlterAction::Default { .. }
        | AlterAction::DropNotNull { .. }
        | AlterAction::DropColumn { .. }
        | AlterAction::DropConstraint { .. }
        | AlterAction::Other(_) => (AccessExclusive, Work::Catalog),
        AlterAction::Rewrite(_) => (AccessExclusive, Work::Rewrite),
        AlterAction::Light(_) => (ShareUpdateExclusive, Work::Catalog),
        AlterAction::Trigger(_) => (ShareRowExclusive, Work::Catalog),
    }
}

/// Whether adding a column writes the table anew (`ATExecAddColumn`, since 11): a stored generated column, an identity
/// or serial column, or a default that differs from row to row.
pub(super) fn rewrites(column: &ColumnDef) -> bool {
    is_serial(&column.ty.name)
        || column.constraints.iter().any(|c| match &c.kind {
            ConstraintKind::Generated { stored } => *stored,
            ConstraintKind::Identity => true,
            ConstraintKind::Default(expr) => is_volatile(expr),
            _ => false,
        })
}

/// Whether a type's name is one of the serial pseudo-types.
pub(super) fn is_serial(name: &str) -> bool {
    matches!(name, "serial" | "bigserial" | "smallserial" | "serial2" | "serial4" | "serial8")
}

/// Whether a default may differ from row to row: it calls a function that is volatile, or that nobody knows.
pub(super) fn is_volatile(expr: &Expr) -> bool {
    const NOT_VOLATILE: [&str; 24] = [
        "now",
        "current_timestamp",
        "transaction_timestamp",
        "statement_timestamp",
        "current_date",
        "current_time",
        "localtime",
        "localtimestamp",
        "current_user",
        "session_user",
        "current_schema",
        "lower",
        "upper",
        "coalesce",
        "length",
        "to_tsvector",
        "jsonb_build_object",
        "json_build_object",
        "date_trunc",
        "make_interval",
        "timezone",
        "to_timestamp",
        "array_length",
        "md5",
    ];
    match expr {
        Expr::Call(call) if call.schema.is_some() || !NOT_VOLATILE.contains(&call.name.as_str()) => return true,
        _ => {}
    }
    let mut volatile = false;
    expr.for_each_child(&mut |child| volatile |= is_volatile(child));
    volatile
}

/// Whether a change of type needs no rewrite (`ATColumnChangeRequiresRewrite`): binary-coercible, or a wider modifier.
pub(super) fn is_free_change(from: (&str, &str), to: (&str, &str)) -> bool {
    let number = |text: &str, at: usize| text.split(',').nth(at).and_then(|n| n.trim().parse::<i64>().ok());
    let wider = || match (number(from.1, 0), number(to.1, 0)) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(a), Some(b)) => b >= a,
    };
    match (from.0, to.0) {
        ("varchar" | "varbit", same) if same == from.0 => wider(),
        ("varchar", "text") | ("text", "varchar") if to.1.is_empty() => true,
        ("cidr", "inet") => true,
        ("numeric", "numeric") => {
            let scale = |text: &str| number(text, 1).unwrap_or(0);
            to.1.is_empty() || (!from.1.is_empty() && wider() && scale(from.1) == scale(to.1))
        }
        ("timestamp" | "timestamptz" | "time" | "timetz" | "interval", same) if same == from.0 => wider(),
        (a, b) => a == b && from.1 == to.1,
    }
}

/// Whether a table holds rows as far as anyone knows.
pub(super) fn holds_rows(schema: &Schema, table: &TableName) -> bool {
    match schema.table(table) {
        Lookup::Known(t) => !t.created_here && !t.temporary && t.rows != Some(0.0),
        Lookup::Unknown => true,
        Lookup::Missing => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(sql: &str, version: u32) -> (LockMode, Work) {
        let command = crate::sql::parse_command(sql).unwrap().unwrap();
        let locks = locks(&command, &Schema::new(None), version);
        (locks[0].mode, locks[0].work)
    }

    #[test]
    fn locks_are_those_that_postgresql_takes() {
        use LockMode::{AccessExclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
        let cases = [
            ("CREATE INDEX i ON t (a)", Share, Work::IndexBuild),
            ("CREATE INDEX CONCURRENTLY i ON t (a)", ShareUpdateExclusive, Work::IndexBuild),
            ("ALTER TABLE t ADD COLUMN a int DEFAULT 1", AccessExclusive, Work::Catalog),
            ("ALTER TABLE t ADD COLUMN a timestamptz DEFAULT now()", AccessExclusive, Work::Catalog),
            ("ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()", AccessExclusive, Work::Rewrite),
            ("ALTER TABLE t ADD COLUMN a bigserial", AccessExclusive, Work::Rewrite),
            ("ALTER TABLE t ALTER COLUMN a SET NOT NULL", AccessExclusive, Work::Scan),
            ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id)", ShareRowExclusive, Work::Scan),
            (
                "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id) NOT VALID",
                ShareRowExclusive,
                Work::Catalog,
            ),
            ("ALTER TABLE t VALIDATE CONSTRAINT f", ShareUpdateExclusive, Work::Scan),
            ("ALTER TABLE t ALTER COLUMN a SET STATISTICS 500", ShareUpdateExclusive, Work::Catalog),
            ("VACUUM FULL t", AccessExclusive, Work::Rewrite),
            ("UPDATE t SET a = 1", LockMode::RowExclusive, Work::Catalog),
        ];
        for (sql, mode, work) in cases {
            assert_eq!(held(sql, 15), (mode, work), "{sql}");
        }
        assert_eq!(held("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", 14).0, ShareUpdateExclusive);
        assert_eq!(held("ALTER TABLE t DETACH PARTITION p", 14).0, AccessExclusive);
    }

    #[test]
    fn free_changes_of_type_are_known() {
        assert!(is_free_change(("varchar", "50"), ("varchar", "100")));
        assert!(is_free_change(("varchar", "50"), ("text", "")));
        assert!(is_free_change(("numeric", "10,2"), ("numeric", "12,2")));
        assert!(!is_free_change(("numeric", "10,2"), ("numeric", "12,3")));
        assert!(!is_free_change(("varchar", "100"), ("varchar", "50")));
        assert!(!is_free_change(("int4", ""), ("int8", "")));
        assert!(!is_free_change(("timestamp", ""), ("timestamptz", "")));
    }
}
