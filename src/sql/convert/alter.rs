//! ALTER TABLE and its subcommands.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, AlterTableType as Type, DropBehavior};

use crate::sql::ast::TableName;
use crate::sql::ast::ddl::{AlterAction, AlterTable};

use super::ddl::{column_def, constraint, object_kind, relation};
use super::expr::optional;
use super::names;

pub(super) fn alter_table(alter: protobuf::AlterTableStmt) -> AlterTable {
    AlterTable {
        kind: object_kind(alter.objtype()),
        table: relation(alter.relation.as_ref()),
        if_exists: alter.missing_ok,
        actions: alter
            .cmds
            .into_iter()
            .filter_map(|node| match node.node {
                Some(NodeEnum::AlterTableCmd(cmd)) => Some(action(*cmd)),
                _ => None,
            })
            .collect(),
    }
}

fn action(cmd: protobuf::AlterTableCmd) -> AlterAction {
    let kind = cmd.subtype();
    let cascade = cmd.behavior() == DropBehavior::DropCascade;
    let def = cmd.def.and_then(|def| def.node);
    match (kind, def) {
        (Type::AtAddColumn, Some(NodeEnum::ColumnDef(column))) => {
            AlterAction::AddColumn { column: column_def(*column), if_not_exists: cmd.missing_ok }
        }
        (Type::AtDropColumn, _) => AlterAction::DropColumn { column: cmd.name, if_exists: cmd.missing_ok, cascade },
        (Type::AtAlterColumnType, Some(NodeEnum::ColumnDef(column))) => AlterAction::AlterType {
            column: cmd.name,
            collation: column.coll_clause.is_some(),
            ty: names::type_name(column.type_name.unwrap_or_default()),
            using: optional(column.raw_default),
        },
        (Type::AtColumnDefault | Type::AtCookedColumnDefault, _) => AlterAction::Default { column: cmd.name },
        (Type::AtSetNotNull, _) => AlterAction::SetNotNull { column: cmd.name },
        (Type::AtDropNotNull, _) => AlterAction::DropNotNull { column: cmd.name },
        (Type::AtAddIdentity, _) => AlterAction::AddIdentity { column: cmd.name },
        (Type::AtAddConstraint, Some(NodeEnum::Constraint(added))) => AlterAction::AddConstraint(constraint(*added)),
        (Type::AtValidateConstraint, _) => AlterAction::ValidateConstraint { name: cmd.name },
        (Type::AtDropConstraint, _) => AlterAction::DropConstraint { name: cmd.name, cascade },
        (Type::AtAttachPartition, def) => AlterAction::AttachPartition { partition: partition(def).0 },
        (Type::AtDetachPartition, def) => {
            let (partition, concurrently) = partition(def);
            AlterAction::DetachPartition { partition, concurrently }
        }
        (Type::AtSetLogged, _) => AlterAction::Rewrite("SET LOGGED"),
        (Type::AtSetUnLogged, _) => AlterAction::Rewrite("SET UNLOGGED"),
        (Type::AtSetTableSpace, _) => AlterAction::Rewrite("SET TABLESPACE"),
        (Type::AtSetAccessMethod, _) => AlterAction::Rewrite("SET ACCESS METHOD"),
        (Type::AtSetExpression, _) => AlterAction::Rewrite("SET EXPRESSION"),
        (Type::AtSetStatistics, _) => AlterAction::Light("SET STATISTICS"),
        (Type::AtSetOptions | Type::AtResetOptions | Type::AtSetRelOptions | Type::AtResetRelOptions, _) => {
            AlterAction::Light("SET options")
        }
        (Type::AtClusterOn | Type::AtDropCluster, _) => AlterAction::Light("CLUSTER ON"),
        (Type::AtDetachPartitionFinalize, _) => AlterAction::Light("DETACH PARTITION FINALIZE"),
        (
            Type::AtEnableTrig
            | Type::AtEnableAlwaysTrig
            | Type::AtEnableReplicaTrig
            | Type::AtEnableTrigAll
            | Type::AtEnableTrigUser,
            _,
        ) => AlterAction::Trigger("ENABLE TRIGGER"),
        (Type::AtDisableTrig | Type::AtDisableTrigAll | Type::AtDisableTrigUser, _) => {
            AlterAction::Trigger("DISABLE TRIGGER")
        }
        (Type::AtEnableRowSecurity, _) => AlterAction::Other("ENABLE ROW LEVEL SECURITY"),
        (Type::AtDisableRowSecurity, _) => AlterAction::Other("DISABLE ROW LEVEL SECURITY"),
        (Type::AtReplicaIdentity, _) => AlterAction::Other("REPLICA IDENTITY"),
        (Type::AtChangeOwner, _) => AlterAction::Other("OWNER TO"),
        (Type::AtAddInherit, _) => AlterAction::Other("INHERIT"),
        (Type::AtDropInherit, _) => AlterAction::Other("NO INHERIT"),
        (Type::AtSetStorage, _) => AlterAction::Other("SET STORAGE"),
        (Type::AtAlterConstraint, _) => AlterAction::Other("ALTER CONSTRAINT"),
        _ => AlterAction::Other("another change"),
    }
}

fn partition(def: Option<NodeEnum>) -> (TableName, bool) {
    match def {
        Some(NodeEnum::PartitionCmd(cmd)) => (relation(cmd.name.as_ref()), cmd.concurrent),
        _ => (TableName::default(), false),
    }
}
