//! What a snapshot's catalog carries of types, functions, operators, operator classes and casts.
//!
//! The snapshot names everything as the server prints it; names are looked up along the search path first. An object
//! whose types are not known (a type that the role could not see) is left out.

use rustc_hash::{FxHashMap, FxHashSet};

use super::own::Maker;
use super::printed::{self, Printed};
use super::{AmopFact, CastFact, FunctionFact, OpclassFact, OperatorFact, TypeFact};
use crate::planner::expr::types;
use crate::snapshot::{Aggregate, Catalog, Function, IndexMethod, Oid, OperatorClass, Table, TypeKind, UserType};

/// `procost` of a function that says nothing, by language (`CreateFunction`).
const COST_OF_C: f64 = 1.0;
const COST_OF_OTHERS: f64 = 100.0;
/// `prorows` of a function that returns rows and says nothing.
const ROWS: f64 = 1000.0;

impl Maker<'_> {
    /// Types with their arrays, first without what refers to other types.
    pub(super) fn user_types(&mut self, all: &[UserType]) {
        let oids: Vec<Oid> = all.iter().map(|ty| self.user_type(ty)).collect();
        for (oid, ty) in oids.into_iter().zip(all) {
            let base = ty.base.as_deref().and_then(|t| self.printed_type(t)).unwrap_or(0);
            let subtype = ty.subtype.as_deref().and_then(|t| self.printed_type(t)).unwrap_or(0);
            let named = |f: &crate::snapshot::Field| Some((f.name.clone(), self.printed_type(&f.ty)?));
            let fields = ty.fields.iter().filter_map(named).collect();
            if let Some(fact) = self.tables.types.get_mut(&oid) {
                (fact.base, fact.subtype, fact.fields) = (base, subtype, fields);
            }
        }
    }

    fn user_type(&mut self, ty: &UserType) -> Oid {
        let (oid, array) = (self.oid(), self.oid());
        let fact = TypeFact {
            oid,
            name: ty.name.clone(),
            len: ty.length,
            by_value: ty.by_value,
            align: match ty.alignment.as_str() {
                "c" => 1,
                "s" => 2,
                "d" => 8,
                _ => 4,
            },
            category: ty.category.chars().next().unwrap_or('U'),
            preferred: ty.preferred,
            kind: kind(ty.kind),
            element: 0,
            array,
            base: 0,
            collation: if ty.collatable { 100 } else { 0 },
            labels: ty.enum_labels.clone().unwrap_or_default(),
            subtype: 0,
            fields: Vec::new(),
        };
        self.type_with_array(&ty.schema, fact);
        oid
    }

    /// Row types of tables that functions return.
    pub(super) fn row_types(&mut self, catalog: &Catalog) {
        let returned: FxHashSet<String> =
            catalog.functions.iter().map(|f| printed::type_name(&f.returns).name).collect();
        for table in catalog.tables.iter().filter(|t| returned.contains(&t.name)) {
            self.row_type(table);
        }
    }

    fn row_type(&mut self, table: &Table) {
        let field = |c: &crate::snapshot::Column| Some((c.name.clone(), self.known(&c.ty.schema, &c.ty.base)?));
        let fields = table.columns.iter().filter_map(field).collect();
        let (oid, array) = (self.oid(), self.oid());
        let fact = TypeFact {
            oid,
            name: table.name.clone(),
            len: -1,
            by_value: false,
            align: 8,
            category: 'C',
            preferred: false,
            kind: 'c',
            element: 0,
            array,
            base: 0,
            collation: 0,
            labels: Vec::new(),
            subtype: 0,
            fields,
        };
        self.type_with_array(&table.schema, fact);
    }

    /// Functions and, when all are known by name, what aggregates are made of.
    pub(super) fn functions(&mut self, all: &[Function]) {
        let mut on_path: Vec<&Function> = all.iter().filter(|f| !f.returns.is_empty()).collect();
        on_path.sort_by_key(|f| self.path.iter().position(|s| *s == f.schema).unwrap_or(usize::MAX));
        let mut aggregates = Vec::new();
        for function in on_path {
            let Some(fact) = self.function(function) else { continue };
            if let Some(aggregate) = &function.aggregate {
                aggregates.push((fact.oid, aggregate));
            }
            self.tables.schemas.insert(fact.oid, function.schema.clone());
            self.tables.add_function(Some(self.base), fact);
        }
        for (oid, aggregate) in aggregates {
            self.aggregate(oid, aggregate);
        }
    }

    fn function(&mut self, function: &Function) -> Option<FunctionFact> {
        let args = self.printed_types(function.argument_types.iter().map(String::as_str))?;
        let result = self.printed_type(&function.returns)?;
        let native = matches!(function.language.as_str(), "c" | "internal");
        let signature = &function.signature;
        let names = if signature.names.iter().all(String::is_empty) { Vec::new() } else { signature.names.clone() };
        let columns = signature.columns.iter().map(|c| Some((c.name.clone(), self.printed_type(&c.ty)?)));
        let out_columns = columns.collect::<Option<Vec<_>>>()?;
        Some(FunctionFact {
            arg_names: names,
            defaults: signature.defaults.clone(),
            // A single output column's name is the function's unless it has one.
            out_columns: if out_columns.iter().any(|(name, _)| name.is_empty()) { Vec::new() } else { out_columns },
            variadic: signature.variadic.as_deref().and_then(|t| self.printed_type(t)).unwrap_or(0),
            cost: function.cost.unwrap_or(if native { COST_OF_C } else { COST_OF_OTHERS }),
            rows: if function.returns_set && function.rows <= 0.0 { ROWS } else { function.rows },
            retset: function.returns_set,
            strict: function.strict,
            volatility: function.volatility,
            parallel_safe: function.parallel == "s",
            kind: function.kind.chars().next().unwrap_or('f'),
            support: function.support.as_deref().map_or_else(String::new, |s| printed::qualified(s).1),
            ..FunctionFact::plain(self.oid(), &function.name, args, result)
        })
    }

    fn aggregate(&mut self, oid: Oid, aggregate: &Aggregate) {
        let function = |text: &Option<String>| text.as_deref().and_then(|t| self.printed_function(t)).unwrap_or(0);
        let transition = self.printed_type(&aggregate.transition_type).unwrap_or(0);
        let transition_func = self.printed_function(&aggregate.transition_function).unwrap_or(0);
        let (final_func, combine_func) = (function(&aggregate.final_function), function(&aggregate.combine_function));
        let (serial, deserial) = (function(&aggregate.serial_function), function(&aggregate.deserial_function));
        let sort_op = aggregate.sort_operator.as_deref().and_then(|t| self.printed_operator(t)).unwrap_or(0);
        if let Some(fact) = self.tables.functions.get_mut(&oid) {
            fact.aggregate_kind = aggregate.kind.chars().next().unwrap_or('n');
            fact.direct_args = usize::try_from(aggregate.direct_arguments).unwrap_or(0);
            fact.transition_space = aggregate.transition_bytes;
            (fact.transition, fact.transition_func, fact.final_func) = (transition, transition_func, final_func);
            (fact.combine_func, fact.serial_func, fact.deserial_func) = (combine_func, serial, deserial);
            fact.sort_op = sort_op;
        }
    }

    /// Operators; their commutators and negators when all are known.
    pub(super) fn operators(&mut self, all: &[crate::snapshot::Operator]) {
        let mut pairs = Vec::new();
        for operator in all {
            let left = match operator.left.as_deref() {
                Some(ty) => self.printed_type(ty),
                None => Some(0),
            };
            let (right, result) = (self.printed_type(&operator.right), self.printed_type(&operator.result));
            let (Some(left), Some(right), Some(result)) = (left, right, result) else { continue };
            if self.operator_of(&operator.name, left, right).is_some() {
                continue;
            }
            let estimator =
                |text: &Option<String>| text.as_deref().map_or_else(String::new, |t| printed::qualified(t).1);
            let fact = OperatorFact {
                oid: self.oid(),
                name: operator.name.clone(),
                left,
                right,
                result,
                commutator: 0,
                negator: 0,
                function: self.printed_function(&operator.function).unwrap_or(0),
                restrict: estimator(&operator.restrict),
                join: estimator(&operator.join),
                can_merge: operator.mergeable,
                can_hash: operator.hashable,
            };
            pairs.push((fact.oid, operator));
            self.tables.schemas.insert(fact.oid, operator.schema.clone());
            self.tables.add_operator(Some(self.base), fact);
        }
        for (oid, operator) in pairs {
            let commutator = operator.commutator.as_deref().and_then(|t| self.printed_operator(t)).unwrap_or(0);
            let negator = operator.negator.as_deref().and_then(|t| self.printed_operator(t)).unwrap_or(0);
            if let Some(fact) = self.tables.operators.get_mut(&oid) {
                (fact.commutator, fact.negator) = (commutator, negator);
            }
        }
    }

    /// Operator classes with their families' members.
    pub(super) fn operator_classes(&mut self, all: &[OperatorClass]) {
        let mut families: FxHashMap<(&str, &str), Oid> = FxHashMap::default();
        for class in all {
            let Some(input) = self.printed_type(&class.input) else { continue };
            let method = IndexMethod::from_amname(&class.method);
            if class.default && self.tables.default_opclasses.contains_key(&(method, input)) {
                continue;
            }
            let key = (class.family.as_str(), class.method.as_str());
            let family = *families.entry(key).or_insert_with(|| self.oid());
            let stored = class.stored.as_deref().and_then(|t| self.printed_type(t)).unwrap_or(0);
            let (oid, name, default) = (self.oid(), class.name.clone(), class.default);
            self.tables.add_opclass(OpclassFact { oid, name, method, family, input, key: stored, default });
            for member in &class.operators {
                let Some(operator) = self.printed_operator(&member.operator) else { continue };
                let Some((left, right)) = self.operands(operator) else { continue };
                let (strategy, ordering) = (member.strategy, member.ordering);
                self.tables.add_amop(AmopFact { family, strategy, left, right, operator, ordering });
            }
        }
    }

    /// Casts.
    pub(super) fn casts(&mut self, all: &[crate::snapshot::UserCast]) {
        for cast in all {
            let (Some(source), Some(target)) = (self.printed_type(&cast.source), self.printed_type(&cast.target))
            else {
                continue;
            };
            let function = cast.function.as_deref().and_then(|t| self.printed_function(t)).unwrap_or(0);
            let letter = |text: &str| text.chars().next().unwrap_or('e');
            let (context, method) = (letter(&cast.context), letter(&cast.method));
            self.tables.casts.insert((source, target), CastFact { source, target, function, context, method });
        }
    }

    fn printed_types<'t>(&self, all: impl Iterator<Item = &'t str>) -> Option<Vec<Oid>> {
        all.map(|t| self.printed_type(t)).collect()
    }

    /// A type by the name that `format_type` prints.
    fn printed_type(&self, text: &str) -> Option<Oid> {
        let Printed { schema, name, array } = printed::type_name(text);
        let oid = match schema.as_deref() {
            Some(schema) => self.known(schema, &name)?,
            None => self.unqualified(&name)?,
        };
        if !array {
            return Some(oid);
        }
        self.type_of(oid).map(|t| t.array).filter(|array| *array != 0)
    }

    /// A type that needs no schema: a built-in one, or one along the search path.
    fn unqualified(&self, name: &str) -> Option<Oid> {
        if let Some(builtin) = self.known("pg_catalog", name) {
            return Some(builtin);
        }
        let on_path = self.path.iter().find_map(|schema| self.known(schema, name));
        on_path.or_else(|| self.tables.type_names.get(name)?.first().copied())
    }

    fn type_of(&self, oid: Oid) -> Option<&TypeFact> {
        self.base.types.get(&oid).or_else(|| self.tables.types.get(&oid))
    }

    /// A function by its `regprocedure`.
    fn printed_function(&self, text: &str) -> Option<Oid> {
        let (name, args) = printed::signature(text)?;
        let args = self.printed_types(args.into_iter())?;
        let all = self.tables.function_names.get(&name.name).or_else(|| self.base.function_names.get(&name.name))?;
        let fact = |oid: &Oid| self.tables.functions.get(oid).or_else(|| self.base.functions.get(oid));
        let in_schema = |oid: &Oid| match name.schema.as_deref() {
            None => true,
            Some(schema) => self.tables.schemas.get(oid).map_or("pg_catalog", String::as_str) == schema,
        };
        all.iter().find(|oid| fact(oid).is_some_and(|f| f.args == args) && in_schema(oid)).copied()
    }

    /// An operator by its `regoperator`.
    fn printed_operator(&self, text: &str) -> Option<Oid> {
        let (name, args) = printed::signature(text)?;
        let operand = |text: &str| if text == "NONE" { Some(0) } else { self.printed_type(text) };
        let [left, right] = args[..] else { return None };
        let (left, right) = (operand(left)?, operand(right)?);
        self.operator_of(&name.name, left, right)
    }

    fn operator_of(&self, name: &str, left: Oid, right: Oid) -> Option<Oid> {
        let all = self.tables.operator_names.get(name).or_else(|| self.base.operator_names.get(name))?;
        all.iter().find(|oid| self.operands(**oid) == Some((left, right))).copied()
    }

    fn operands(&self, operator: Oid) -> Option<(Oid, Oid)> {
        let fact = self.tables.operators.get(&operator).or_else(|| self.base.operators.get(&operator))?;
        Some((fact.left, fact.right))
    }

    /// Whether the catalog has pg_trgm's operators.
    pub(super) fn has_trigrams(&self) -> bool {
        self.operator_of("%", types::TEXT, types::TEXT).is_some()
    }
}

fn kind(kind: TypeKind) -> char {
    match kind {
        TypeKind::Base => 'b',
        TypeKind::Composite => 'c',
        TypeKind::Domain => 'd',
        TypeKind::Enum => 'e',
        TypeKind::Range => 'r',
        TypeKind::Multirange => 'm',
        TypeKind::Pseudo => 'p',
    }
}
