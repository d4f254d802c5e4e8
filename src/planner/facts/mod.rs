//! What the planner knows of types, operators, functions, casts and operator families (`lsyscache.c`).
//!
//! In: the tables that `scripts/planner-facts.sh` generates off servers' own catalogs, read once a process and major
//! version, and a snapshot, whose extensions' and users' objects come on top under oids of pgwise's own
//! ([`FIRST_OWN_OID`] on). Out: [`Facts`], cheap to make and to ask.

mod catalog;
mod load;
mod own;
mod printed;
mod tables;
mod trigram;

use jiff::tz::TimeZone;

use crate::snapshot::{IndexMethod, Oid, Snapshot, Volatility};
use tables::Tables;

/// From here on oids are pgwise's own: a server gives none so high for a long time.
pub const FIRST_OWN_OID: Oid = 0xF000_0000;

/// A row of `pg_type`.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeFact {
    /// Its oid.
    pub oid: Oid,
    /// `typname`.
    pub name: String,
    /// Bytes, -1 for variable length, -2 for cstring.
    pub len: i16,
    /// `typbyval`.
    pub by_value: bool,
    /// Alignment in bytes: 1, 2, 4 or 8.
    pub align: u8,
    /// `typcategory`.
    pub category: char,
    /// `typispreferred`.
    pub preferred: bool,
    /// `typtype`: `b`, `c`, `d`, `e`, `p`, `r`, `m`.
    pub kind: char,
    /// Element type of an array, 0 otherwise.
    pub element: Oid,
    /// Array type over it, 0 for none.
    pub array: Oid,
    /// Base type of a domain, 0 otherwise.
    pub base: Oid,
    /// Default collation, 0 where not collatable.
    pub collation: Oid,
    /// Labels in order, for an enum.
    pub labels: Vec<String>,
    /// Subtype of a range, 0 otherwise.
    pub subtype: Oid,
    /// Fields of a composite type of the snapshot's, in order.
    pub fields: Vec<(String, Oid)>,
}

/// A row of `pg_operator`.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorFact {
    /// Its oid.
    pub oid: Oid,
    /// `oprname`.
    pub name: String,
    /// Left argument type, 0 for a prefix operator.
    pub left: Oid,
    /// Right argument type.
    pub right: Oid,
    /// Result type.
    pub result: Oid,
    /// Commutator, 0 for none.
    pub commutator: Oid,
    /// Negator, 0 for none.
    pub negator: Oid,
    /// Implementing function.
    pub function: Oid,
    /// `oprrest` by name (`eqsel`), empty for none.
    pub restrict: String,
    /// `oprjoin` by name (`eqjoinsel`), empty for none.
    pub join: String,
    /// `oprcanmerge`.
    pub can_merge: bool,
    /// `oprcanhash`.
    pub can_hash: bool,
}

/// A row of `pg_proc`.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionFact {
    /// Its oid.
    pub oid: Oid,
    /// `proname`.
    pub name: String,
    /// Argument types.
    pub args: Vec<Oid>,
    /// Names of the arguments, where some have defaults.
    pub arg_names: Vec<String>,
    /// Default expressions of the last arguments, as SQL.
    pub defaults: Vec<String>,
    /// Output columns of a function that returns rows, by name and type; empty where the result says it.
    pub out_columns: Vec<(String, Oid)>,
    /// Element type of a VARIADIC last argument, 0 otherwise.
    pub variadic: Oid,
    /// Result type.
    pub result: Oid,
    /// `procost`.
    pub cost: f64,
    /// `prorows`.
    pub rows: f64,
    /// `proretset`.
    pub retset: bool,
    /// `proisstrict`.
    pub strict: bool,
    /// `provolatile`.
    pub volatility: Volatility,
    /// `proparallel` is safe.
    pub parallel_safe: bool,
    /// `prokind`: `f`, `a`, `w`, `p`.
    pub kind: char,
    /// `prosupport` by name, empty for none.
    pub support: String,
    /// `aggkind`: `n` normal, `o` ordered-set, `h` hypothetical-set; blank for what is no aggregate.
    pub aggregate_kind: char,
    /// `aggnumdirectargs`.
    pub direct_args: usize,
    /// Transition type of an aggregate, 0 otherwise.
    pub transition: Oid,
    /// Transition, final and combine functions of an aggregate, 0 for none.
    pub transition_func: Oid,
    /// See `transition_func`.
    pub final_func: Oid,
    /// See `transition_func`.
    pub combine_func: Oid,
    /// Serialise and deserialise functions of an aggregate with an internal state, 0 for none.
    pub serial_func: Oid,
    /// See `serial_func`.
    pub deserial_func: Oid,
    /// `aggtransspace`.
    pub transition_space: i32,
    /// `aggsortop`: min and max can be had from an index in this order; 0 for none.
    pub sort_op: Oid,
}

impl FunctionFact {
    /// An ordinary function that nothing special is known of: strict, immutable, parallel safe, of cost 1.
    pub fn plain(oid: Oid, name: &str, args: Vec<Oid>, result: Oid) -> Self {
        Self {
            oid,
            name: name.to_owned(),
            args,
            arg_names: Vec::new(),
            defaults: Vec::new(),
            out_columns: Vec::new(),
            variadic: 0,
            result,
            cost: 1.0,
            rows: 0.0,
            retset: false,
            strict: true,
            volatility: Volatility::Immutable,
            parallel_safe: true,
            kind: 'f',
            support: String::new(),
            aggregate_kind: ' ',
            direct_args: 0,
            transition: 0,
            transition_func: 0,
            final_func: 0,
            combine_func: 0,
            serial_func: 0,
            deserial_func: 0,
            transition_space: 0,
            sort_op: 0,
        }
    }
}

/// A row of `pg_opclass` with its family.
#[derive(Debug, Clone, PartialEq)]
pub struct OpclassFact {
    /// Its oid.
    pub oid: Oid,
    /// `opcname`.
    pub name: String,
    /// Access method.
    pub method: IndexMethod,
    /// Operator family.
    pub family: Oid,
    /// Type indexed.
    pub input: Oid,
    /// Type stored, 0 for the same.
    pub key: Oid,
    /// The default for its type.
    pub default: bool,
}

/// A row of `pg_amop`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmopFact {
    /// Operator family.
    pub family: Oid,
    /// Strategy number (B-tree: 1 `<`, 2 `<=`, 3 `=`, 4 `>=`, 5 `>`; hash: 1 `=`).
    pub strategy: i16,
    /// Left type.
    pub left: Oid,
    /// Right type.
    pub right: Oid,
    /// Operator.
    pub operator: Oid,
    /// An ordering operator (KNN).
    pub ordering: bool,
}

/// A row of `pg_cast`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CastFact {
    /// From type.
    pub source: Oid,
    /// To type.
    pub target: Oid,
    /// The function, 0 for none.
    pub function: Oid,
    /// `castcontext`: `i` implicit, `a` assignment, `e` explicit.
    pub context: char,
    /// `castmethod`: `f` function, `b` binary-coercible, `i` through text.
    pub method: char,
}

/// What orders, equates and hashes a type (`get_sort_group_operators`, the type cache).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SortOperators {
    /// `<`, 0 for none.
    pub lt: Oid,
    /// `=`, 0 for none.
    pub eq: Oid,
    /// `>`, 0 for none.
    pub gt: Oid,
    /// Whether `eq` hashes.
    pub hashable: bool,
}

/// Everything known, with look-ups. Lists under one name are in ascending order of oid, the snapshot's own last.
#[derive(Debug)]
pub struct Facts {
    base: &'static Tables,
    own: Tables,
    zone: TimeZone,
}

impl Default for Facts {
    /// The built-in objects of PostgreSQL 15.
    fn default() -> Self {
        Self { base: load::builtin(15), own: Tables::default(), zone: TimeZone::UTC }
    }
}

impl Facts {
    /// The built-in objects and those of a snapshot.
    pub fn new(snapshot: &Snapshot) -> Self {
        let base = load::builtin(snapshot.server.major());
        let zone = snapshot.server.setting("TimeZone").and_then(|name| TimeZone::get(name).ok());
        Self { base, own: own::of_snapshot(base, snapshot), zone: zone.unwrap_or(TimeZone::UTC) }
    }

    /// The server's time zone.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// A type.
    pub fn ty(&self, oid: Oid) -> Option<&TypeFact> {
        self.base.types.get(&oid).or_else(|| self.own.types.get(&oid))
    }

    /// Types of this name.
    pub fn types_named(&self, name: &str) -> &[Oid] {
        named(&self.own.type_names, &self.base.type_names, name)
    }

    /// A type of this name in a schema, by preference of the given one and pg_catalog.
    pub fn type_named(&self, schema: Option<&str>, name: &str) -> Option<Oid> {
        let all = self.types_named(name);
        let of = |oid: &&Oid| self.own.schemas.get(oid).map(String::as_str);
        match schema {
            Some(schema) => all.iter().find(|o| of(o) == Some(schema)).or_else(|| all.first()).copied(),
            None => all.first().copied(),
        }
    }

    /// The type of a column: the base type of a domain.
    pub fn column_type(&self, ty: &crate::snapshot::ColumnType) -> Oid {
        let schema = (ty.schema != "pg_catalog").then_some(ty.schema.as_str());
        self.type_named(schema, &ty.base).unwrap_or(super::expr::types::UNKNOWN)
    }

    /// An operator.
    pub fn operator(&self, oid: Oid) -> Option<&OperatorFact> {
        self.base.operators.get(&oid).or_else(|| self.own.operators.get(&oid))
    }

    /// Operators of this name.
    pub fn operators_named(&self, name: &str) -> &[Oid] {
        named(&self.own.operator_names, &self.base.operator_names, name)
    }

    /// The operator of this name with exactly these operand types (0 on the left for a prefix operator).
    pub fn operator_exact(&self, name: &str, left: Oid, right: Oid) -> Option<&OperatorFact> {
        let all = self.operators_named(name).iter().filter_map(|oid| self.operator(*oid));
        all.into_iter().find(|o| o.left == left && o.right == right)
    }

    /// A function.
    pub fn function(&self, oid: Oid) -> Option<&FunctionFact> {
        self.base.functions.get(&oid).or_else(|| self.own.functions.get(&oid))
    }

    /// The schema of a function, type or operator.
    pub fn schema_of(&self, oid: Oid) -> &str {
        self.own.schemas.get(&oid).map_or("pg_catalog", String::as_str)
    }

    /// Functions of this name.
    pub fn functions_named(&self, name: &str) -> &[Oid] {
        named(&self.own.function_names, &self.base.function_names, name)
    }

    /// A cast.
    pub fn cast(&self, source: Oid, target: Oid) -> Option<&CastFact> {
        self.base.casts.get(&(source, target)).or_else(|| self.own.casts.get(&(source, target)))
    }

    /// A type without its domains (`getBaseType`).
    pub fn base_type(&self, mut ty: Oid) -> Oid {
        while let Some(base) = self.ty(ty).map(|t| t.base).filter(|b| *b != 0) {
            ty = base;
        }
        ty
    }

    /// Whether values of one type are values of the other (`IsBinaryCoercible`).
    pub fn binary_coercible(&self, source: Oid, target: Oid) -> bool {
        if source == target || matches!(target, poly::ANY | poly::ANYELEMENT | poly::ANYCOMPATIBLE) {
            return true;
        }
        let source = self.base_type(source);
        if source == target {
            return true;
        }
        let (kind, is_array) = self.ty(source).map_or(('b', false), |t| (t.kind, t.element != 0));
        match target {
            poly::ANYARRAY | poly::ANYCOMPATIBLEARRAY => return is_array,
            poly::ANYNONARRAY | poly::ANYCOMPATIBLENONARRAY => return !is_array,
            poly::ANYENUM => return kind == 'e',
            poly::ANYRANGE | poly::ANYCOMPATIBLERANGE => return kind == 'r',
            poly::ANYMULTIRANGE | poly::ANYCOMPATIBLEMULTIRANGE => return kind == 'm',
            super::expr::types::RECORD => return kind == 'c',
            _ => {}
        }
        self.cast(source, target).is_some_and(|c| c.method == 'b' && c.context == 'i')
    }

    /// Operator classes of a method, in ascending order of oid.
    pub fn opclasses(&self, method: IndexMethod) -> impl Iterator<Item = &OpclassFact> {
        self.base.opclasses.iter().chain(&self.own.opclasses).filter(move |c| c.method == method)
    }

    /// The operator class of this name that takes a type, as an index definition names it.
    pub fn opclass_named(&self, method: IndexMethod, name: &str, ty: Oid) -> Option<&OpclassFact> {
        let all: Vec<_> = self.opclasses(method).filter(|c| c.name == name).collect();
        let fits = |c: &&&OpclassFact| c.input == ty || self.binary_coercible(ty, c.input);
        all.iter().find(fits).or_else(|| all.first()).copied()
    }

    /// The default operator class of a method for a type, binary coercion tried (`GetDefaultOpClass`).
    pub fn default_opclass(&self, method: IndexMethod, ty: Oid) -> Option<&OpclassFact> {
        let ty = self.base_type(ty);
        let key = (method, ty);
        let index = self.base.default_opclasses.get(&key);
        if let Some(exact) = index.and_then(|i| self.base.opclasses.get(*i)) {
            return Some(exact);
        }
        let category = self.ty(ty).map_or('X', |t| t.category);
        let (mut compatible, mut preferred) = (Vec::new(), Vec::new());
        for class in self.opclasses(method).filter(|c| c.default) {
            if class.input == ty {
                return Some(class);
            }
            if self.binary_coercible(ty, class.input) {
                if self.ty(class.input).is_some_and(|t| t.preferred && t.category == category) {
                    preferred.push(class);
                }
                compatible.push(class);
            }
        }
        match (preferred.as_slice(), compatible.as_slice()) {
            ([one], _) | ([], [one]) => Some(one),
            _ => None,
        }
    }

    /// What orders, equates and hashes a type (`get_sort_group_operators`).
    pub fn sort_operators(&self, ty: Oid) -> SortOperators {
        let none = SortOperators { lt: 0, eq: 0, gt: 0, hashable: false };
        let hash = || self.default_opclass(IndexMethod::Hash, ty);
        let element = self.ty(self.base_type(ty)).map_or(0, |t| t.element);
        match self.default_opclass(IndexMethod::Btree, ty) {
            Some(class) => {
                let member = |strategy| self.member(class.family, class.input, class.input, strategy).unwrap_or(0);
                if class.input == poly::ANYARRAY && element != 0 && self.sort_operators(element).lt == 0 {
                    let of_element = self.sort_operators(element);
                    if of_element.eq == 0 {
                        return none;
                    }
                    return SortOperators { lt: 0, eq: member(3), gt: 0, hashable: of_element.hashable };
                }
                let eq = member(3);
                SortOperators { lt: member(1), eq, gt: member(5), hashable: self.hashable(eq, ty) }
            }
            None => hash().map_or(none, |class| {
                let eq = self.member(class.family, class.input, class.input, 1).unwrap_or(0);
                SortOperators { eq, hashable: eq != 0, ..none }
            }),
        }
    }

    /// Whether an equality operator hashes for this input type (`op_hashjoinable`).
    pub fn hashable(&self, operator: Oid, input: Oid) -> bool {
        if operator == op::ARRAY_EQ {
            let element = self.ty(self.base_type(input)).map_or(0, |t| t.element);
            return element != 0 && self.default_opclass(IndexMethod::Hash, element).is_some();
        }
        self.operator(operator).is_some_and(|o| o.can_hash)
    }

    /// Whether an equality operator merges for this input type (`op_mergejoinable`).
    pub fn mergeable(&self, operator: Oid, input: Oid) -> bool {
        if operator == op::ARRAY_EQ {
            return self.sort_operators(input).lt != 0;
        }
        self.operator(operator).is_some_and(|o| o.can_merge)
    }

    /// Memberships of an operator in families (`pg_amop` by `amopopr`).
    pub fn amops_of(&self, operator: Oid) -> impl Iterator<Item = &AmopFact> {
        self.base.amops_of(operator).chain(self.own.amops_of(operator))
    }

    /// An operator's strategy in a family (`get_op_opfamily_strategy`).
    pub fn strategy(&self, operator: Oid, family: Oid) -> Option<i16> {
        self.amops_of(operator).find(|a| a.family == family && !a.ordering).map(|a| a.strategy)
    }

    /// A family's operator for a strategy and types (`get_opfamily_member`).
    pub fn member(&self, family: Oid, left: Oid, right: Oid, strategy: i16) -> Option<Oid> {
        let key = (family, left, right, strategy);
        self.base.members.get(&key).or_else(|| self.own.members.get(&key)).copied()
    }

    /// The access method of an operator family.
    pub fn family_method(&self, family: Oid) -> Option<IndexMethod> {
        self.base.family_methods.get(&family).or_else(|| self.own.family_methods.get(&family)).copied()
    }

    /// B-tree families in which the operator is equality (`get_mergejoin_opfamilies`).
    pub fn merge_families(&self, operator: Oid) -> Vec<Oid> {
        let equality = |a: &&AmopFact| a.strategy == 3 && self.family_method(a.family) == Some(IndexMethod::Btree);
        self.amops_of(operator).filter(equality).map(|a| a.family).collect()
    }

    /// The array type over a type, 0 for none.
    pub fn array_of(&self, ty: Oid) -> Oid {
        self.ty(ty).map_or(0, |t| t.array)
    }

    /// The element type of an array, 0 for what is none.
    pub fn element_of(&self, ty: Oid) -> Oid {
        self.ty(self.base_type(ty)).map_or(0, |t| t.element)
    }
}

fn named<'a>(
    own: &'a rustc_hash::FxHashMap<String, Vec<Oid>>,
    base: &'a rustc_hash::FxHashMap<String, Vec<Oid>>,
    name: &str,
) -> &'a [Oid] {
    own.get(name).or_else(|| base.get(name)).map_or(&[], Vec::as_slice)
}

/// Polymorphic pseudo-types.
#[expect(missing_docs, reason = "each is the oid of the type of its name")]
pub mod poly {
    use crate::snapshot::Oid;
    pub const ANY: Oid = 2276;
    pub const ANYARRAY: Oid = 2277;
    pub const ANYELEMENT: Oid = 2283;
    pub const ANYNONARRAY: Oid = 2776;
    pub const ANYENUM: Oid = 3500;
    pub const ANYRANGE: Oid = 3831;
    pub const ANYMULTIRANGE: Oid = 4537;
    pub const ANYCOMPATIBLE: Oid = 5077;
    pub const ANYCOMPATIBLEARRAY: Oid = 5078;
    pub const ANYCOMPATIBLENONARRAY: Oid = 5079;
    pub const ANYCOMPATIBLERANGE: Oid = 5080;
    pub const ANYCOMPATIBLEMULTIRANGE: Oid = 4538;
}

/// Operators that the planner names.
#[expect(missing_docs, reason = "each is the oid of the operator of its name")]
pub mod op {
    use crate::snapshot::Oid;
    pub const ARRAY_EQ: Oid = 1070;
}

#[cfg(test)]
mod tests;
