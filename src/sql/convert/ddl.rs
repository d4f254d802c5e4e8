//! Schema changes, session settings and transaction control.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, ConstrType, DropBehavior, Node, ObjectType, SortByDir, SortByNulls};

use crate::sql::ast::ddl::{
    ColumnDef, Command, Constraint, ConstraintKind, CreateIndex, CreateTable, Ddl, Drop, IndexConstraint, IndexElement,
    ObjectKind, Rename, Transaction,
};
use crate::sql::ast::{Expr, Literal, TableName};

use super::expr::{boxed, exprs, optional};
use super::{alter, names, query};

/// A statement as a command; `words` names what has no place of its own.
pub(super) fn command(node: Node, words: impl FnOnce() -> String) -> Command {
    let Some(node) = node.node else { return Command::Ddl(Box::new(Ddl::Other(words()))) };
    let ddl = match ddl(node) {
        Ok(ddl) => ddl,
        Err(node) => match query::dml(*node) {
            Some(statement) => return Command::Query(Box::new(statement)),
            None => Ddl::Other(words()),
        },
    };
    Command::Ddl(Box::new(ddl))
}

fn ddl(node: NodeEnum) -> Result<Ddl, Box<NodeEnum>> {
    Ok(match node {
        NodeEnum::CreateStmt(create) => Ddl::CreateTable(create_table(create)),
        NodeEnum::CreateTableAsStmt(create) => create_as(&create),
        NodeEnum::SelectStmt(select) if select.into_clause.is_some() => Ddl::CreateTable(CreateTable {
            name: relation(select.into_clause.and_then(|into| into.rel).as_ref()),
            as_query: true,
            ..CreateTable::default()
        }),
        NodeEnum::IndexStmt(index) => Ddl::CreateIndex(create_index(*index)),
        NodeEnum::AlterTableStmt(alter) => Ddl::AlterTable(alter::alter_table(alter)),
        NodeEnum::DropStmt(drop) => Ddl::Drop(drop_statement(&drop)),
        NodeEnum::RenameStmt(rename) => Ddl::Rename(rename_statement(*rename)),
        NodeEnum::AlterObjectSchemaStmt(set) => Ddl::SetSchema {
            kind: object_kind(set.object_type()),
            name: set.relation.as_ref().map(names::table),
            schema: set.newschema,
        },
        NodeEnum::TruncateStmt(truncate) => Ddl::Truncate {
            cascade: truncate.behavior() == DropBehavior::DropCascade,
            tables: relations(&truncate.relations),
        },
        NodeEnum::ReindexStmt(reindex) => Ddl::Reindex {
            what: match reindex.kind() {
                protobuf::ReindexObjectType::ReindexObjectIndex => "INDEX",
                protobuf::ReindexObjectType::ReindexObjectSchema => "SCHEMA",
                protobuf::ReindexObjectType::ReindexObjectSystem => "SYSTEM",
                protobuf::ReindexObjectType::ReindexObjectDatabase => "DATABASE",
                _ => "TABLE",
            },
            concurrently: option_on(&reindex.params, "concurrently"),
            name: reindex.relation.as_ref().map(names::table),
        },
        NodeEnum::ClusterStmt(cluster) => Ddl::Cluster { table: cluster.relation.as_ref().map(names::table) },
        NodeEnum::VacuumStmt(vacuum) if vacuum.is_vacuumcmd => Ddl::Vacuum {
            full: option_on(&vacuum.options, "full"),
            tables: vacuum.rels.iter().filter_map(vacuumed).collect(),
        },
        NodeEnum::RefreshMatViewStmt(refresh) => Ddl::Refresh {
            view: relation(refresh.relation.as_ref()),
            concurrently: refresh.concurrent,
            no_data: refresh.skip_data,
        },
        NodeEnum::CreateTrigStmt(trigger) => Ddl::CreateTrigger { table: relation(trigger.relation.as_ref()) },
        NodeEnum::RuleStmt(rule) => Ddl::CreateRule { table: relation(rule.relation.as_ref()) },
        NodeEnum::CreatePolicyStmt(policy) => Ddl::Policy { table: relation(policy.table.as_ref()) },
        NodeEnum::AlterPolicyStmt(policy) => Ddl::Policy { table: relation(policy.table.as_ref()) },
        NodeEnum::ViewStmt(view) => {
            Ddl::CreateView { name: relation(view.view.as_ref()), replace: view.replace, materialized: false }
        }
        NodeEnum::CreateEnumStmt(create) => Ddl::CreateEnum { name: dotted(&create.type_name) },
        NodeEnum::AlterEnumStmt(alter) if alter.old_val.is_empty() => {
            Ddl::AddEnumValue { name: dotted(&alter.type_name), value: alter.new_val }
        }
        NodeEnum::AlterEnumStmt(alter) => Ddl::RenameEnumValue { name: dotted(&alter.type_name) },
        NodeEnum::LockStmt(lock) => Ddl::Lock { tables: relations(&lock.relations), mode: lock.mode },
        NodeEnum::CopyStmt(copy) if copy.is_from => Ddl::CopyFrom { table: relation(copy.relation.as_ref()) },
        NodeEnum::DoStmt(block) => do_block(&block.args),
        NodeEnum::CreateSchemaStmt(create) => Ddl::CreateSchema { name: create.schemaname },
        NodeEnum::VariableSetStmt(set) => Ddl::Set {
            name: set.name.to_ascii_lowercase(),
            value: (!set.args.is_empty()).then(|| setting_value(set.args)),
            local: set.is_local,
        },
        NodeEnum::TransactionStmt(transaction) => {
            use protobuf::TransactionStmtKind as Kind;
            Ddl::Transaction(match transaction.kind() {
                Kind::TransStmtBegin | Kind::TransStmtStart => Transaction::Begin,
                Kind::TransStmtCommit => Transaction::Commit,
                Kind::TransStmtRollback => Transaction::Rollback,
                _ => Transaction::Other,
            })
        }
        other => return Err(Box::new(other)),
    })
}

pub(super) fn relation(range: Option<&protobuf::RangeVar>) -> TableName {
    range.map(names::table).unwrap_or_default()
}

fn relations(nodes: &[Node]) -> Vec<TableName> {
    let table = |node: &Node| match &node.node {
        Some(NodeEnum::RangeVar(range)) => Some(names::table(range)),
        _ => None,
    };
    nodes.iter().filter_map(table).collect()
}

fn vacuumed(node: &Node) -> Option<TableName> {
    match &node.node {
        Some(NodeEnum::VacuumRelation(vacuum)) => vacuum.relation.as_ref().map(names::table),
        _ => None,
    }
}

/// A name of one or more parts, as the last two of them.
fn dotted(parts: &[Node]) -> TableName {
    let mut parts = names::strings(parts);
    let name = parts.pop().unwrap_or_default();
    TableName { schema: parts.pop(), name }
}

/// Whether an option is given without a value, or with one that means yes.
fn option_on(options: &[Node], name: &str) -> bool {
    options.iter().any(|node| match &node.node {
        Some(NodeEnum::DefElem(option)) if option.defname.eq_ignore_ascii_case(name) => match &option.arg {
            None => true,
            Some(arg) => match &arg.node {
                Some(NodeEnum::String(s)) => !matches!(s.sval.to_ascii_lowercase().as_str(), "off" | "false" | "0"),
                Some(NodeEnum::Integer(i)) => i.ival != 0,
                Some(NodeEnum::Boolean(b)) => b.boolval,
                _ => true,
            },
        },
        _ => false,
    })
}

fn create_table(create: protobuf::CreateStmt) -> CreateTable {
    let range = create.relation.unwrap_or_default();
    let mut table = CreateTable {
        name: names::table(&range),
        temporary: range.relpersistence == "t",
        unlogged: range.relpersistence == "u",
        if_not_exists: create.if_not_exists,
        partitioned: create.partspec.is_some(),
        ..CreateTable::default()
    };
    let parents = relations(&create.inh_relations);
    if create.partbound.is_some() {
        table.partition_of = parents.into_iter().next();
    } else {
        table.inherits = parents;
    }
    for element in create.table_elts {
        match element.node {
            Some(NodeEnum::ColumnDef(column)) => table.columns.push(column_def(*column)),
            Some(NodeEnum::Constraint(constraint)) => table.constraints.push(self::constraint(*constraint)),
            Some(NodeEnum::TableLikeClause(like)) => table.like.push(relation(like.relation.as_ref())),
            _ => {}
        }
    }
    table
}

fn create_as(create: &protobuf::CreateTableAsStmt) -> Ddl {
    let range = create.into.as_ref().and_then(|into| into.rel.clone()).unwrap_or_default();
    if create.objtype() == ObjectType::ObjectMatview {
        return Ddl::CreateView { name: names::table(&range), replace: false, materialized: true };
    }
    Ddl::CreateTable(CreateTable {
        name: names::table(&range),
        temporary: range.relpersistence == "t",
        unlogged: range.relpersistence == "u",
        if_not_exists: create.if_not_exists,
        as_query: true,
        ..CreateTable::default()
    })
}

pub(super) fn column_def(column: protobuf::ColumnDef) -> ColumnDef {
    let constraints = column.constraints.into_iter().filter_map(|node| match node.node {
        Some(NodeEnum::Constraint(constraint)) => Some(self::constraint(*constraint)),
        _ => None,
    });
    ColumnDef {
        name: column.colname,
        constraints: constraints.collect(),
        ty: names::type_name(column.type_name.unwrap_or_default()),
        offset: usize::try_from(column.location).unwrap_or(0),
    }
}

pub(super) fn constraint(constraint: protobuf::Constraint) -> Constraint {
    let index = |kind, constraint: &protobuf::Constraint| ConstraintKind::Index {
        kind,
        columns: names::strings(&constraint.keys),
        using_index: (!constraint.indexname.is_empty()).then(|| constraint.indexname.clone()),
    };
    let kind = match constraint.contype() {
        ConstrType::ConstrNull => ConstraintKind::Null,
        ConstrType::ConstrNotnull => ConstraintKind::NotNull(names::strings(&constraint.keys).pop()),
        ConstrType::ConstrDefault => ConstraintKind::Default(boxed(constraint.raw_expr)),
        ConstrType::ConstrIdentity => ConstraintKind::Identity,
        // `v` is VIRTUAL; versions before 18 know only STORED.
        ConstrType::ConstrGenerated => ConstraintKind::Generated { stored: constraint.generated_kind != "v" },
        ConstrType::ConstrCheck => ConstraintKind::Check(boxed(constraint.raw_expr)),
        ConstrType::ConstrPrimary => index(IndexConstraint::Primary, &constraint),
        ConstrType::ConstrUnique => index(IndexConstraint::Unique, &constraint),
        ConstrType::ConstrExclusion => index(IndexConstraint::Exclude, &constraint),
        ConstrType::ConstrForeign => ConstraintKind::ForeignKey {
            columns: names::strings(&constraint.fk_attrs),
            references: relation(constraint.pktable.as_ref()),
            referenced: names::strings(&constraint.pk_attrs),
        },
        _ => ConstraintKind::Attribute,
    };
    Constraint {
        name: (!constraint.conname.is_empty()).then_some(constraint.conname),
        kind,
        not_valid: constraint.skip_validation,
    }
}

fn create_index(index: protobuf::IndexStmt) -> CreateIndex {
    let range = index.relation.unwrap_or_default();
    let include = |node: &Node| match &node.node {
        Some(NodeEnum::IndexElem(element)) => Some(element.name.clone()),
        _ => None,
    };
    CreateIndex {
        name: (!index.idxname.is_empty()).then_some(index.idxname),
        only: !range.inh,
        table: names::table(&range),
        method: if index.access_method.is_empty() { "btree".to_owned() } else { index.access_method },
        include: index.index_including_params.iter().filter_map(include).collect(),
        keys: index.index_params.into_iter().filter_map(index_element).collect(),
        predicate: optional(index.where_clause),
        unique: index.unique,
        concurrently: index.concurrent,
        if_not_exists: index.if_not_exists,
    }
}

fn index_element(node: Node) -> Option<IndexElement> {
    let Some(NodeEnum::IndexElem(element)) = node.node else { return None };
    let descending = element.ordering() == SortByDir::SortbyDesc;
    let nulls_first = match element.nulls_ordering() {
        SortByNulls::SortbyNullsFirst => true,
        SortByNulls::SortbyNullsLast => false,
        _ => descending,
    };
    let named = |parts: &[Node]| (!parts.is_empty()).then(|| dotted(parts));
    Some(IndexElement {
        opclass: named(&element.opclass),
        collation: named(&element.collation),
        column: (!element.name.is_empty()).then(|| element.name.clone()),
        expression: optional(element.expr),
        descending,
        nulls_first,
    })
}

fn drop_statement(drop: &protobuf::DropStmt) -> Drop {
    let kind = object_kind(drop.remove_type());
    // The objects of a table are named as schema, table, object.
    let of_table = matches!(kind, ObjectKind::Trigger | ObjectKind::Rule | ObjectKind::Policy);
    let name = |node: &Node| match &node.node {
        Some(NodeEnum::List(list)) if of_table => {
            let items = list.items.split_last().map_or(&[][..], |(_, table)| table);
            Some(dotted(items))
        }
        Some(NodeEnum::List(list)) => Some(dotted(&list.items)),
        Some(NodeEnum::TypeName(ty)) => Some(dotted(&ty.names)),
        Some(NodeEnum::String(s)) => Some(TableName { schema: None, name: s.sval.clone() }),
        Some(NodeEnum::ObjectWithArgs(object)) => Some(dotted(&object.objname)),
        _ => None,
    };
    Drop {
        kind,
        names: drop.objects.iter().filter_map(name).collect(),
        if_exists: drop.missing_ok,
        concurrently: drop.concurrent,
        cascade: drop.behavior() == DropBehavior::DropCascade,
    }
}

fn rename_statement(rename: protobuf::RenameStmt) -> Rename {
    let kind = object_kind(rename.rename_type());
    let named = rename.object.as_ref().and_then(|object| match &object.node {
        Some(NodeEnum::String(s)) => Some(TableName { schema: None, name: s.sval.clone() }),
        Some(NodeEnum::List(list)) => Some(dotted(&list.items)),
        Some(NodeEnum::TypeName(ty)) => Some(dotted(&ty.names)),
        _ => None,
    });
    let schema = (kind == ObjectKind::Schema).then(|| TableName { schema: None, name: rename.subname.clone() });
    Rename {
        kind,
        relation: rename.relation.as_ref().map(names::table).or(schema).or(named),
        part: (!rename.subname.is_empty() && kind != ObjectKind::Schema).then(|| rename.subname.clone()),
        to: rename.newname,
    }
}

pub(super) fn object_kind(kind: ObjectType) -> ObjectKind {
    match kind {
        ObjectType::ObjectTable | ObjectType::ObjectForeignTable => ObjectKind::Table,
        ObjectType::ObjectColumn | ObjectType::ObjectAttribute => ObjectKind::Column,
        ObjectType::ObjectTabconstraint | ObjectType::ObjectDomconstraint => ObjectKind::Constraint,
        ObjectType::ObjectIndex => ObjectKind::Index,
        ObjectType::ObjectView => ObjectKind::View,
        ObjectType::ObjectMatview => ObjectKind::MaterializedView,
        ObjectType::ObjectSequence => ObjectKind::Sequence,
        ObjectType::ObjectSchema => ObjectKind::Schema,
        ObjectType::ObjectType | ObjectType::ObjectDomain => ObjectKind::Type,
        ObjectType::ObjectFunction
        | ObjectType::ObjectProcedure
        | ObjectType::ObjectRoutine
        | ObjectType::ObjectAggregate => ObjectKind::Function,
        ObjectType::ObjectTrigger => ObjectKind::Trigger,
        ObjectType::ObjectRule => ObjectKind::Rule,
        ObjectType::ObjectPolicy => ObjectKind::Policy,
        ObjectType::ObjectExtension => ObjectKind::Extension,
        _ => ObjectKind::Other,
    }
}

fn do_block(args: &[Node]) -> Ddl {
    let (mut body, mut language) = (String::new(), "plpgsql".to_owned());
    for node in args {
        let Some(NodeEnum::DefElem(option)) = &node.node else { continue };
        let Some(NodeEnum::String(text)) = option.arg.as_ref().and_then(|arg| arg.node.as_ref()) else { continue };
        match option.defname.as_str() {
            "as" => body.clone_from(&text.sval),
            "language" => language.clone_from(&text.sval),
            _ => {}
        }
    }
    Ddl::Do { body, language }
}

/// A setting's value as text, elements of a list separated by commas.
fn setting_value(args: Vec<Node>) -> String {
    let text = |expr: Expr| match expr {
        Expr::Literal(Literal::String(s) | Literal::Number(s)) => s,
        Expr::Literal(Literal::Integer(i)) => i.to_string(),
        Expr::Literal(Literal::Boolean(b)) => b.to_string(),
        _ => String::new(),
    };
    exprs(args).into_iter().map(text).collect::<Vec<_>>().join(", ")
}
