//! What a statement does to the schema.

use crate::sql::ast::ddl::{
    AlterAction, AlterTable, ColumnDef, Constraint, ConstraintKind, CreateIndex, CreateTable, Ddl, IndexConstraint,
    ObjectKind,
};
use crate::sql::ast::{Expr, TableName, TypeName};
use crate::sql::{ast::Literal, canonical_conjuncts, deparse, deparse_expr};

use super::build::canonical;
use super::{Check, Column, ForeignKey, Index, IndexKey, Lookup, Schema, Table};

impl Schema {
    /// Plays a statement. `judged`: whether its file is one of those that are judged.
    pub(in crate::check) fn apply(&mut self, ddl: &Ddl, judged: bool) {
        match ddl {
            Ddl::CreateTable(create) => self.create_table(create, judged),
            Ddl::CreateIndex(create) => self.create_index(create, judged),
            Ddl::AlterTable(alter) => self.alter_table(alter, judged),
            Ddl::Drop(drop) => {
                for name in &drop.names {
                    match drop.kind {
                        ObjectKind::Table | ObjectKind::MaterializedView => self.drop_table(name),
                        ObjectKind::Index => self.drop_index(name),
                        ObjectKind::Schema => self.tables.retain(|key, _| key.0 != name.name),
                        _ => {}
                    }
                }
            }
            Ddl::Rename(rename) => {
                if let Some(relation) = &rename.relation {
                    self.rename(rename.kind, relation, rename.part.as_deref(), &rename.to);
                }
            }
            Ddl::SetSchema { name: Some(name), schema, .. } => {
                if let Some(mut table) = self.take(name) {
                    table.key.0.clone_from(schema);
                    self.tables.insert(table.key.clone(), table);
                }
            }
            Ddl::AddEnumValue { value, .. } => self.added_enum_values.push(value.clone()),
            Ddl::Set { name, value, .. } if name == "search_path" => {
                let set = value.as_deref().unwrap_or("public").split(',').map(|s| s.trim().trim_matches('"'));
                self.search_path =
                    set.filter(|s| !s.is_empty() && *s != "pg_catalog" && *s != "$user").map(str::to_owned).collect();
            }
            _ => {}
        }
    }

    /// The table that a name means, to change it; one that nobody knows is noted first, as far as it is known.
    fn table_mut(&mut self, name: &TableName) -> Option<&mut Table> {
        let key = match self.table(name) {
            Lookup::Known(table) => table.key.clone(),
            Lookup::Missing => return None,
            Lookup::Unknown => self.key_for(name),
        };
        Some(self.tables.entry(key.clone()).or_insert_with(|| Table { key, ..Table::default() }))
    }

    fn take(&mut self, name: &TableName) -> Option<Table> {
        let key = self.table(name).known()?.key.clone();
        self.tables.remove(&key)
    }

    fn create_table(&mut self, create: &CreateTable, judged: bool) {
        let key = self.key_for(&create.name);
        if create.if_not_exists && self.tables.contains_key(&key) {
            return;
        }
        let mut table = Table {
            key: key.clone(),
            created_here: judged,
            columns_known: create.like.is_empty() && !create.as_query && create.inherits.is_empty(),
            rows: judged.then_some(0.0),
            partitioned: create.partitioned,
            temporary: create.temporary,
            ..Table::default()
        };
        if let Some(parent) = create.partition_of.as_ref().and_then(|p| self.table(p).known()) {
            table.columns.clone_from(&parent.columns);
            table.columns_known = parent.columns_known;
        }
        for column in &create.columns {
            add_column(&mut table, column, judged, self);
        }
        for constraint in &create.constraints {
            add_constraint(&mut table, constraint, None, judged, self);
        }
        self.tables.insert(key, table);
    }

    fn create_index(&mut self, create: &CreateIndex, judged: bool) {
        if let Some(name) = &create.name
            && create.if_not_exists
            && self.index(&TableName { schema: create.table.schema.clone(), name: name.clone() }).is_some()
        {
            return;
        }
        let index = index_of(create, judged);
        if let Some(table) = self.table_mut(&create.table) {
            table.indexes.push(index);
        }
    }

    fn drop_table(&mut self, name: &TableName) {
        if let Some(table) = self.take(name) {
            for other in self.tables.values_mut() {
                other.foreign_keys.retain(|f| f.references != table.key);
            }
        }
    }

    fn drop_index(&mut self, name: &TableName) {
        let Some(key) = self.index(name).map(|(table, _)| table.key.clone()) else { return };
        if let Some(table) = self.tables.get_mut(&key) {
            table.indexes.retain(|i| i.name != name.name);
        }
    }

    fn rename(&mut self, kind: ObjectKind, relation: &TableName, part: Option<&str>, to: &str) {
        match (kind, part) {
            (ObjectKind::Column, Some(column)) => {
                let Some(table) = self.table_mut(relation) else { return };
                let rename = |name: &mut String| {
                    if name == column {
                        to.clone_into(name);
                    }
                };
                table.columns.iter_mut().for_each(|c| rename(&mut c.name));
                for index in &mut table.indexes {
                    index.keys.iter_mut().filter_map(|k| k.column.as_mut()).for_each(rename);
                    index.include.iter_mut().for_each(rename);
                }
                table.foreign_keys.iter_mut().flat_map(|f| &mut f.columns).for_each(rename);
            }
            (ObjectKind::Table | ObjectKind::MaterializedView, None) => {
                if let Some(mut table) = self.take(relation) {
                    let before = table.key.clone();
                    to.clone_into(&mut table.key.1);
                    for key in self.tables.values_mut().flat_map(|t| &mut t.foreign_keys) {
                        if key.references == before {
                            key.references.clone_from(&table.key);
                        }
                    }
                    self.tables.insert(table.key.clone(), table);
                }
            }
            (ObjectKind::Index, None) => {
                let Some((key, name)) = self.index(relation).map(|(t, i)| (t.key.clone(), i.name.clone())) else {
                    return;
                };
                let index = self.tables.get_mut(&key).and_then(|t| t.indexes.iter_mut().find(|i| i.name == name));
                if let Some(index) = index {
                    to.clone_into(&mut index.name);
                }
            }
            _ => {}
        }
    }

    fn alter_table(&mut self, alter: &AlterTable, judged: bool) {
        // Constraints look at other tables while this one is changed.
        let before = self.clone_for_lookup(alter);
        let Some(table) = self.table_mut(&alter.table) else { return };
        for action in &alter.actions {
            match action {
                AlterAction::AddColumn { column, if_not_exists: true } if table.column(&column.name).is_some() => {}
                AlterAction::AddColumn { column, .. } => add_column(table, column, judged, &before),
                AlterAction::DropColumn { column, .. } => drop_column(table, column),
                AlterAction::AlterType { column, ty, .. } => {
                    if let Some(column) = table.columns.iter_mut().find(|c| c.name == *column) {
                        (column.ty, column.modifiers) = type_text(ty);
                    }
                }
                AlterAction::SetNotNull { column } | AlterAction::DropNotNull { column } => {
                    let set = matches!(action, AlterAction::SetNotNull { .. });
                    if let Some(column) = table.columns.iter_mut().find(|c| c.name == *column) {
                        column.not_null = set;
                    }
                }
                AlterAction::AddConstraint(constraint) => add_constraint(table, constraint, None, judged, &before),
                AlterAction::ValidateConstraint { name } => {
                    let named = |n: &Option<String>| n.as_deref() == Some(name.as_str());
                    table.checks.iter_mut().filter(|c| named(&c.name)).for_each(|c| c.validated = true);
                    table.foreign_keys.iter_mut().filter(|f| named(&f.name)).for_each(|f| f.validated = true);
                }
                AlterAction::DropConstraint { name, .. } => {
                    table.checks.retain(|c| c.name.as_deref() != Some(name));
                    table.foreign_keys.retain(|f| f.name.as_deref() != Some(name));
                    table.indexes.retain(|i| i.constraint.as_deref() != Some(name));
                }
                _ => {}
            }
        }
    }

    /// What the constraints of an ALTER TABLE need to know about other tables: their names only.
    fn clone_for_lookup(&self, alter: &AlterTable) -> Schema {
        let needed =
            alter.actions.iter().any(|a| matches!(a, AlterAction::AddColumn { .. } | AlterAction::AddConstraint(_)));
        let tables = if needed {
            self.tables.keys().map(|k| (k.clone(), Table { key: k.clone(), ..Table::default() })).collect()
        } else {
            std::collections::BTreeMap::new()
        };
        Schema { tables, search_path: self.search_path.clone(), complete: self.complete, added_enum_values: vec![] }
    }
}

fn add_column(table: &mut Table, def: &ColumnDef, judged: bool, schema: &Schema) {
    let (ty, modifiers) = type_text(&def.ty);
    let mut column = Column { name: def.name.clone(), ty, modifiers, ..Column::default() };
    for constraint in &def.constraints {
        match &constraint.kind {
            ConstraintKind::NotNull(_) | ConstraintKind::Index { kind: IndexConstraint::Primary, .. } => {
                column.not_null = true;
            }
            ConstraintKind::Default(_) | ConstraintKind::Generated { .. } => column.has_default = true,
            ConstraintKind::Identity => (column.has_default, column.not_null) = (true, true),
            _ => {}
        }
    }
    if matches!(def.ty.name.as_str(), "serial" | "bigserial" | "smallserial" | "serial4" | "serial8" | "serial2") {
        (column.has_default, column.not_null) = (true, true);
    }
    table.columns.retain(|c| c.name != def.name);
    table.columns.push(column);
    for constraint in &def.constraints {
        add_constraint(table, constraint, Some(&def.name), judged, schema);
    }
}

/// Adds a constraint; `column` is the column that holds it, if one does.
fn add_constraint(table: &mut Table, constraint: &Constraint, column: Option<&str>, judged: bool, schema: &Schema) {
    let own = |columns: &[String]| -> Vec<String> {
        if columns.is_empty() { column.into_iter().map(str::to_owned).collect() } else { columns.to_vec() }
    };
    match &constraint.kind {
        ConstraintKind::Index { kind, columns, using_index } => {
            let name = constraint.name.clone().unwrap_or_else(|| default_name(table, &own(columns), *kind));
            if *kind == IndexConstraint::Primary {
                for column in own(columns) {
                    table.columns.iter_mut().filter(|c| c.name == column).for_each(|c| c.not_null = true);
                }
            }
            if let Some(index) = using_index.as_ref().and_then(|u| table.indexes.iter_mut().find(|i| i.name == *u)) {
                index.constraint = Some(name.clone());
                index.name = name;
                index.primary = *kind == IndexConstraint::Primary;
                return;
            }
            table.indexes.push(Index {
                name: name.clone(),
                method: if *kind == IndexConstraint::Exclude { "gist" } else { "btree" }.to_owned(),
                keys: own(columns).into_iter().map(|c| IndexKey { column: Some(c), ..IndexKey::default() }).collect(),
                unique: *kind != IndexConstraint::Exclude,
                constraint: Some(name),
                primary: *kind == IndexConstraint::Primary,
                valid: true,
                created_here: judged,
                ..Index::default()
            });
        }
        ConstraintKind::ForeignKey { columns, references, .. } => {
            let references =
                schema.table(references).known().map_or_else(|| schema.key_for(references), |t| t.key.clone());
            table.foreign_keys.push(ForeignKey {
                name: constraint.name.clone(),
                columns: own(columns),
                references,
                validated: !constraint.not_valid,
            });
        }
        ConstraintKind::Check(expr) => {
            let text = deparse_expr(expr, &deparse::unqualified).unwrap_or_default();
            table.checks.push(Check {
                name: constraint.name.clone(),
                not_null: proved_not_null(&text),
                validated: !constraint.not_valid,
            });
        }
        ConstraintKind::NotNull(Some(column)) if !constraint.not_valid => {
            table.columns.iter_mut().filter(|c| c.name == *column).for_each(|c| c.not_null = true);
        }
        _ => {}
    }
}

/// The name that PostgreSQL gives an index constraint without one (`ChooseIndexName`), but for its shortening.
fn default_name(table: &Table, columns: &[String], kind: IndexConstraint) -> String {
    let name = &table.key.1;
    match kind {
        IndexConstraint::Primary => format!("{name}_pkey"),
        IndexConstraint::Unique => format!("{name}_{}_key", columns.join("_")),
        IndexConstraint::Exclude => format!("{name}_{}_excl", columns.join("_")),
    }
}

/// Takes a column out, with the indexes and constraints that hold it (`ATExecDropColumn`).
fn drop_column(table: &mut Table, column: &str) {
    table.indexes.retain(|i| !index_reads(i, column));
    table.foreign_keys.retain(|f| !f.columns.iter().any(|c| c == column));
    table.columns.retain(|c| c.name != column);
}

/// Whether an index goes when the column goes.
pub(in crate::check) fn index_reads(index: &Index, column: &str) -> bool {
    let quoted = crate::sql::quote::ident(column);
    let names = |text: &str| text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '"')).any(|w| w == quoted);
    index.keys.iter().any(|k| k.column.as_deref() == Some(column) || k.expression.as_deref().is_some_and(names))
        || index.include.iter().any(|c| c == column)
        || index.predicate.as_deref().is_some_and(names)
}

/// An index as a statement describes it.
pub(in crate::check) fn index_of(create: &CreateIndex, judged: bool) -> Index {
    let text = |expr: &Expr| deparse_expr(expr, &deparse::unqualified).unwrap_or_default();
    let dotted = |name: &TableName| match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    };
    let keys: Vec<IndexKey> = create
        .keys
        .iter()
        .map(|key| IndexKey {
            column: key.column.clone(),
            expression: key.expression.as_ref().map(text),
            opclass: key.opclass.as_ref().map(dotted),
            collation: key.collation.as_ref().map(dotted),
            descending: key.descending,
            nulls_first: key.nulls_first,
        })
        .collect();
    let named =
        keys.iter().map(|k| k.column.clone().unwrap_or_else(|| "expr".to_owned())).collect::<Vec<_>>().join("_");
    Index {
        name: create.name.clone().unwrap_or_else(|| format!("{}_{named}_idx", create.table.name)),
        method: create.method.clone(),
        keys,
        include: create.include.clone(),
        predicate: create.predicate.as_ref().map(|p| canonical(&text(p))),
        unique: create.unique,
        valid: true,
        created_here: judged,
        ..Index::default()
    }
}

/// A type's name and modifiers as text: `("numeric", "12,2")`.
pub(in crate::check) fn type_text(ty: &TypeName) -> (String, String) {
    let modifier = |e: &Expr| match e {
        Expr::Literal(Literal::Integer(n)) => n.to_string(),
        Expr::Literal(Literal::Number(n) | Literal::String(n)) => n.clone(),
        _ => String::new(),
    };
    let base = match ty.name.as_str() {
        "serial" | "serial4" => "int4",
        "bigserial" | "serial8" => "int8",
        "smallserial" | "serial2" => "int2",
        name => name,
    };
    let name = if ty.array { format!("_{base}") } else { base.to_owned() };
    (name, ty.modifiers.iter().map(modifier).collect::<Vec<_>>().join(","))
}

/// The columns that a check's expression proves not null: those of its conjuncts that say so.
pub(super) fn proved_not_null(expression: &str) -> Vec<String> {
    let conjuncts = canonical_conjuncts(expression).unwrap_or_default();
    conjuncts
        .iter()
        .filter_map(|c| {
            let column = c.trim_matches(['(', ')']).strip_suffix(" IS NOT NULL")?.trim_matches(['(', ')']);
            let plain = column.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '"'));
            plain.then(|| column.trim_matches('"').to_owned())
        })
        .collect()
}
