//! The maps behind [`super::Facts`]: one set for the built-in objects, one for a snapshot's own.

use rustc_hash::FxHashMap;

use super::{AmopFact, CastFact, FunctionFact, OpclassFact, OperatorFact, TypeFact};
use crate::snapshot::{IndexMethod, Oid};

/// Objects by oid and by name.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) types: FxHashMap<Oid, TypeFact>,
    pub(super) type_names: FxHashMap<String, Vec<Oid>>,
    /// Schemas of objects outside pg_catalog.
    pub(super) schemas: FxHashMap<Oid, String>,
    pub(super) operators: FxHashMap<Oid, OperatorFact>,
    pub(super) operator_names: FxHashMap<String, Vec<Oid>>,
    pub(super) functions: FxHashMap<Oid, FunctionFact>,
    pub(super) function_names: FxHashMap<String, Vec<Oid>>,
    pub(super) opclasses: Vec<OpclassFact>,
    /// Default classes by the exact type.
    pub(super) default_opclasses: FxHashMap<(IndexMethod, Oid), usize>,
    amops: Vec<AmopFact>,
    amops_of_operator: FxHashMap<Oid, Vec<usize>>,
    /// Search operators by family, types and strategy.
    pub(super) members: FxHashMap<(Oid, Oid, Oid, i16), Oid>,
    pub(super) family_methods: FxHashMap<Oid, IndexMethod>,
    pub(super) casts: FxHashMap<(Oid, Oid), CastFact>,
}

impl Tables {
    /// Adds a type, under its name beside those that `below` has.
    pub(super) fn add_type(&mut self, below: Option<&Self>, fact: TypeFact) {
        name_in(&mut self.type_names, below.map(|b| &b.type_names), &fact.name, fact.oid);
        self.types.insert(fact.oid, fact);
    }

    /// Adds an operator.
    pub(super) fn add_operator(&mut self, below: Option<&Self>, fact: OperatorFact) {
        name_in(&mut self.operator_names, below.map(|b| &b.operator_names), &fact.name, fact.oid);
        self.operators.insert(fact.oid, fact);
    }

    /// Adds a function.
    pub(super) fn add_function(&mut self, below: Option<&Self>, fact: FunctionFact) {
        name_in(&mut self.function_names, below.map(|b| &b.function_names), &fact.name, fact.oid);
        self.functions.insert(fact.oid, fact);
    }

    /// Adds an operator class.
    pub(super) fn add_opclass(&mut self, fact: OpclassFact) {
        if fact.default {
            self.default_opclasses.insert((fact.method, fact.input), self.opclasses.len());
        }
        self.family_methods.insert(fact.family, fact.method);
        self.opclasses.push(fact);
    }

    /// Adds a member of an operator family.
    pub(super) fn add_amop(&mut self, fact: AmopFact) {
        if !fact.ordering {
            self.members.entry((fact.family, fact.left, fact.right, fact.strategy)).or_insert(fact.operator);
        }
        self.amops_of_operator.entry(fact.operator).or_default().push(self.amops.len());
        self.amops.push(fact);
    }

    /// Memberships of an operator.
    pub(super) fn amops_of(&self, operator: Oid) -> impl Iterator<Item = &AmopFact> {
        self.amops_of_operator.get(&operator).into_iter().flatten().filter_map(|i| self.amops.get(*i))
    }
}

fn name_in(names: &mut FxHashMap<String, Vec<Oid>>, below: Option<&FxHashMap<String, Vec<Oid>>>, name: &str, oid: Oid) {
    let inherited = || below.and_then(|b| b.get(name)).cloned().unwrap_or_default();
    names.entry(name.to_owned()).or_insert_with(inherited).push(oid);
}
