//! A snapshot's own types: enums, domains, extensions' and users' types, with what compares them.
//!
//! The snapshot gives types by name; here they get oids from [`FIRST_OWN_OID`] on, in the order in which the catalog
//! mentions them, so that the same snapshot gives the same oids.

use super::tables::Tables;
use super::{AmopFact, CastFact, FIRST_OWN_OID, OpclassFact, OperatorFact, TypeFact, trigram};
use crate::planner::expr::types;
use crate::snapshot::{ColumnType, IndexMethod, Oid, Snapshot, TypeKind};

/// Strategy numbers of a B-tree's operators with their names and estimators.
const COMPARISONS: [(&str, i16, &str, &str); 5] = [
    ("<", 1, "scalarltsel", "scalarltjoinsel"),
    ("<=", 2, "scalarlesel", "scalarlejoinsel"),
    ("=", 3, "eqsel", "eqjoinsel"),
    (">=", 4, "scalargesel", "scalargejoinsel"),
    (">", 5, "scalargtsel", "scalargtjoinsel"),
];

/// Everything that a snapshot has beyond the built-in objects.
pub(super) fn of_snapshot(base: &'static Tables, snapshot: &Snapshot) -> Tables {
    let path = &snapshot.server.search_path;
    let mut maker = Maker { base, path, tables: Tables::default(), next: FIRST_OWN_OID };
    let catalog = &snapshot.catalog;
    maker.user_types(&catalog.types);
    for table in &snapshot.catalog.tables {
        for column in &table.columns {
            maker.column_type(&column.ty);
        }
    }
    maker.row_types(catalog);
    maker.functions(&catalog.functions);
    maker.operators(&catalog.operators);
    maker.operator_classes(&catalog.operator_classes);
    maker.casts(&catalog.casts);
    if snapshot.server.has_extension("pg_trgm") && !maker.has_trigrams() {
        trigram::add(&mut maker);
    }
    maker.tables
}

/// Gives out oids and keeps what has them.
pub(super) struct Maker<'a> {
    pub(super) base: &'static Tables,
    /// The search path.
    pub(super) path: &'a [String],
    pub(super) tables: Tables,
    next: Oid,
}

impl Maker<'_> {
    /// The next free oid.
    pub(super) fn oid(&mut self) -> Oid {
        let oid = self.next;
        self.next = self.next.saturating_add(1);
        oid
    }

    /// A type known by this name, in this schema where it is not a built-in one.
    pub(super) fn known(&self, schema: &str, name: &str) -> Option<Oid> {
        if schema == "pg_catalog" {
            return self.base.type_names.get(name).and_then(|all| all.first()).copied();
        }
        let own = self.tables.type_names.get(name)?;
        own.iter().find(|oid| self.tables.schemas.get(oid).is_some_and(|s| s == schema)).copied()
    }

    fn column_type(&mut self, ty: &ColumnType) {
        if self.known(&ty.schema, &ty.base).is_none() && ty.schema != "pg_catalog" {
            match &ty.element {
                // An array of a type of the same schema.
                Some(element) => {
                    if self.known(&ty.schema, element).is_none() {
                        self.base_type(&ty.schema, element, &ColumnType { element: None, ..ty.clone() });
                    }
                }
                None => self.base_type(&ty.schema, &ty.base, ty),
            }
        }
        if ty.kind == TypeKind::Domain {
            self.domain(ty);
        }
    }

    /// A type and the array type over it.
    fn base_type(&mut self, schema: &str, name: &str, ty: &ColumnType) {
        let (oid, array) = (self.oid(), self.oid());
        let is_enum = ty.enum_labels.is_some();
        let kind = match ty.kind {
            _ if is_enum => 'e',
            TypeKind::Composite => 'c',
            TypeKind::Range => 'r',
            TypeKind::Multirange => 'm',
            TypeKind::Enum | TypeKind::Base | TypeKind::Domain | TypeKind::Pseudo => 'b',
        };
        let len = if is_enum { 4 } else { ty.length };
        let category = if ty.category == "A" { 'U' } else { ty.category.chars().next().unwrap_or('U') };
        let fact = TypeFact {
            oid,
            name: name.to_owned(),
            len,
            by_value: matches!(len, 1 | 2 | 4 | 8),
            align: match len {
                1 => 1,
                2 => 2,
                8 => 8,
                _ => 4,
            },
            category,
            preferred: false,
            kind,
            element: 0,
            array,
            base: 0,
            collation: if category == 'S' { 100 } else { 0 },
            labels: ty.enum_labels.clone().unwrap_or_default(),
            subtype: 0,
            fields: Vec::new(),
        };
        self.type_with_array(schema, fact);
        if kind == 'b' {
            self.compared(oid, &ty.default_opclasses);
        }
        if category == 'S' {
            self.like_text(oid);
        }
    }

    /// Adds a type and the array over it, which has the oid that the type names.
    pub(super) fn type_with_array(&mut self, schema: &str, fact: TypeFact) {
        let array = TypeFact {
            oid: fact.array,
            name: format!("_{}", fact.name),
            len: -1,
            by_value: false,
            align: fact.align.max(4),
            category: 'A',
            preferred: false,
            kind: 'b',
            element: fact.oid,
            array: 0,
            labels: Vec::new(),
            ..fact.clone()
        };
        for fact in [fact, array] {
            self.tables.schemas.insert(fact.oid, schema.to_owned());
            self.tables.add_type(Some(self.base), fact);
        }
    }

    /// A domain, by its own name: the column's type name is what `format_type` prints.
    fn domain(&mut self, ty: &ColumnType) {
        let name = ty.name.rsplit('.').next().unwrap_or(&ty.name).trim_matches('"').to_owned();
        let base = self.known(&ty.schema, &ty.base);
        let of = base.and_then(|b| self.base.types.get(&b).or_else(|| self.tables.types.get(&b))).cloned();
        let known = self.tables.type_names.contains_key(&name) || self.base.type_names.contains_key(&name);
        let (Some(of), false) = (of, known) else { return };
        let oid = self.oid();
        let fact = TypeFact { oid, name, kind: 'd', base: of.oid, array: 0, element: 0, ..of };
        self.tables.add_type(Some(self.base), fact);
    }

    /// Comparison operators and operator classes of an extension's type that has default classes.
    fn compared(&mut self, ty: Oid, methods: &[String]) {
        let has = |name: &str| methods.iter().any(|m| m == name);
        let (btree, hash) = (has("btree"), has("hash"));
        if !btree && !hash {
            return;
        }
        let oids: Vec<Oid> = COMPARISONS.iter().map(|_| self.oid()).collect();
        let (function, unequal) = (self.oid(), self.oid());
        let [lt, le, eq, ge, gt] = oids[..] else { return };
        let pairs = [(gt, ge), (ge, gt), (eq, unequal), (le, lt), (lt, le)];
        let operator = |oid, name: &str, (commutator, negator), restrict: &str, join: &str| OperatorFact {
            oid,
            name: name.to_owned(),
            left: ty,
            right: ty,
            result: types::BOOL,
            commutator,
            negator,
            function,
            restrict: restrict.to_owned(),
            join: join.to_owned(),
            can_merge: btree && name == "=",
            can_hash: hash && name == "=",
        };
        for ((oid, pair), (name, _, restrict, join)) in oids.iter().zip(pairs).zip(COMPARISONS) {
            if btree || name == "=" {
                self.tables.add_operator(Some(self.base), operator(*oid, name, pair, restrict, join));
            }
        }
        self.tables.add_operator(Some(self.base), operator(unequal, "<>", (unequal, eq), "neqsel", "neqjoinsel"));
        if btree {
            let family = self.class(ty, IndexMethod::Btree);
            for (oid, (_, strategy, _, _)) in oids.iter().zip(COMPARISONS) {
                let fact = AmopFact { family, strategy, left: ty, right: ty, operator: *oid, ordering: false };
                self.tables.add_amop(fact);
            }
        }
        if hash {
            let family = self.class(ty, IndexMethod::Hash);
            self.tables.add_amop(AmopFact { family, strategy: 1, left: ty, right: ty, operator: eq, ordering: false });
        }
    }

    fn class(&mut self, ty: Oid, method: IndexMethod) -> Oid {
        let (oid, family) = (self.oid(), self.oid());
        let name = self.tables.types.get(&ty).map_or_else(String::new, |t| format!("{}_ops", t.name));
        self.tables.add_opclass(OpclassFact { oid, name, method, family, input: ty, key: 0, default: true });
        family
    }

    /// Casts between a string type of an extension (`citext`) and the built-in ones.
    fn like_text(&mut self, ty: Oid) {
        for (source, target, context) in [
            (ty, types::TEXT, 'i'),
            (ty, types::VARCHAR, 'i'),
            (ty, types::BPCHAR, 'a'),
            (types::TEXT, ty, 'a'),
            (types::VARCHAR, ty, 'a'),
        ] {
            let cast = CastFact { source, target, function: 0, context, method: 'b' };
            self.tables.casts.insert((source, target), cast);
        }
    }
}
