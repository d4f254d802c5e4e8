//! Indexes, existing and imagined. [`IndexSpec`] is what both share: the shape that decides what an index can serve.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AttrNumber, ColumnStats, ColumnType, IndexActivity, Oid};

/// The shape of an index: everything that decides what it can serve, and nothing else.
///
/// Two specs that are equal serve the same queries, so it is also the key under which candidates are merged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct IndexSpec {
    /// The table (for a partitioned one, the partitioned table itself).
    pub table: Oid,
    /// Access method.
    pub method: IndexMethod,
    /// Key columns and expressions in order.
    pub keys: Vec<KeySpec>,
    /// INCLUDE columns, sorted: their order serves nothing.
    pub include: Vec<AttrNumber>,
    /// The partial predicate as SQL over unqualified columns, without WHERE.
    pub predicate: Option<String>,
    /// UNIQUE.
    pub unique: bool,
    /// BRIN's `pages_per_range`; `None` for the default (128), and for every other method.
    #[serde(default)]
    pub pages_per_range: Option<u32>,
}

/// One key of an index.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct KeySpec {
    /// What is indexed.
    pub target: KeyTarget,
    /// The operator class, quoted and qualified where needed; `None` for the type's default.
    pub opclass: Option<String>,
    /// The collation, quoted and qualified; `None` for the column's own.
    pub collation: Option<String>,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST (the default when descending).
    pub nulls_first: bool,
}

impl KeySpec {
    /// An ascending key on a column, everything else at its default.
    pub fn column(attnum: AttrNumber) -> Self {
        Self {
            target: KeyTarget::Column(attnum),
            opclass: None,
            collation: None,
            descending: false,
            nulls_first: false,
        }
    }

    /// An ascending key on an expression (SQL over unqualified columns, outer parentheses not needed).
    pub fn expression(sql: impl Into<String>) -> Self {
        Self { target: KeyTarget::Expression(sql.into()), ..Self::column(0) }
    }
}

/// What an index key holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyTarget {
    /// A column, by number.
    Column(AttrNumber),
    /// An expression, as SQL over unqualified columns. Compared as text: produce it by one deparser only.
    Expression(String),
}

/// An access method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IndexMethod {
    /// B-tree.
    Btree,
    /// Hash.
    Hash,
    /// GIN.
    Gin,
    /// GiST.
    Gist,
    /// SP-GiST.
    Spgist,
    /// BRIN.
    Brin,
    /// One that pgwise does not know (an extension's).
    Other,
}

impl IndexMethod {
    /// The name as in `pg_am.amname` (`other` for unknown ones).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Btree => "btree",
            Self::Hash => "hash",
            Self::Gin => "gin",
            Self::Gist => "gist",
            Self::Spgist => "spgist",
            Self::Brin => "brin",
            Self::Other => "other",
        }
    }

    /// The method with this `pg_am.amname`.
    pub fn from_amname(name: &str) -> Self {
        match name {
            "btree" => Self::Btree,
            "hash" => Self::Hash,
            "gin" => Self::Gin,
            "gist" => Self::Gist,
            "spgist" => Self::Spgist,
            "brin" => Self::Brin,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for IndexMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An existing index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Index {
    /// `pg_class.oid`.
    pub oid: Oid,
    /// Name; its schema is the table's.
    pub name: String,
    /// Access method by its own name, also where [`IndexMethod`] does not know it.
    pub method_name: String,
    /// The keys in order.
    pub keys: Vec<IndexKey>,
    /// INCLUDE columns in order.
    pub include: Vec<AttrNumber>,
    /// The partial predicate as `pg_get_expr(indpred)` prints it; empty where there is one that could not be read.
    pub predicate: Option<String>,
    /// UNIQUE.
    pub unique: bool,
    /// UNIQUE NULLS NOT DISTINCT (15+).
    pub nulls_not_distinct: bool,
    /// Backs the primary key.
    pub primary: bool,
    /// Backs an exclusion constraint.
    pub exclusion: bool,
    /// The constraint it backs, if any.
    pub constraint: Option<String>,
    /// Foreign keys of other tables that depend on this index's constraint (`pg_constraint.conindid`).
    pub referenced_by_foreign_keys: Vec<String>,
    /// Chosen as the table's replica identity.
    pub replica_identity: bool,
    /// Marked by CLUSTER.
    pub clustered: bool,
    /// `pg_index.indisvalid`.
    pub valid: bool,
    /// `pg_index.indisready`.
    pub ready: bool,
    /// The partitioned index it is attached to.
    pub parent: Option<Oid>,
    /// Whether uniqueness is checked at once: a deferrable constraint's index proves nothing to the planner
    /// (`indimmediate`).
    #[serde(default = "immediate")]
    pub immediate: bool,
    /// Storage options, sorted.
    pub options: Vec<String>,
    /// The tablespace, where it is not the database's own.
    #[serde(default)]
    pub tablespace: Option<String>,
    /// `pg_class.relpages`.
    pub relpages: u32,
    /// `pg_class.reltuples`.
    pub reltuples: f64,
    /// Size on disk, where it could be read.
    pub bytes: Option<u64>,
    /// Levels above the leaves, of a B-tree: `bt_metap`'s `fastlevel`, where pageinspect is installed and the role is a
    /// superuser.
    #[serde(default)]
    pub tree_height: Option<u32>,
    /// A GIN index's own counts, where pageinspect is installed and the role is a superuser.
    #[serde(default)]
    pub gin: Option<GinCounts>,
    /// `pg_get_indexdef`, where it could be read.
    pub definition: Option<String>,
    /// Activity counters, where visible.
    pub activity: Option<IndexActivity>,
}

/// A new index checks at once.
fn immediate() -> bool {
    true
}

/// What a GIN index's meta page counts (`GinMetaPageData`, by `gin_metapage_info`): the input of `gincostestimate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GinCounts {
    /// Pages of the pending list.
    pub pending_pages: u32,
    /// All pages when they were last counted (at the build, or by VACUUM).
    pub total_pages: u32,
    /// Pages of the entry tree, at that time.
    pub entry_pages: u32,
    /// Pages of posting trees, at that time.
    pub data_pages: u32,
    /// Distinct entries, at that time.
    pub entries: u64,
}

/// One key of an existing index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IndexKey {
    /// The column's number; `None` for an expression.
    pub column: Option<AttrNumber>,
    /// The expression as `pg_get_indexdef(oid, n, true)` prints it.
    pub expression: Option<String>,
    /// The key's type; absent in files of older versions.
    #[serde(rename = "type", default)]
    pub ty: Option<ColumnType>,
    /// The operator class, quoted, qualified where outside `pg_catalog`.
    pub opclass: String,
    /// Options of the operator class (`siglen=32`), sorted.
    #[serde(default)]
    pub opclass_options: Vec<String>,
    /// Whether it is the type's default for the method.
    pub opclass_is_default: bool,
    /// The collation, qualified and quoted, if collatable.
    pub collation: Option<String>,
    /// Whether the collation is the column's own (always true for uncollatable keys).
    pub collation_is_default: bool,
    /// DESC.
    pub descending: bool,
    /// NULLS FIRST.
    pub nulls_first: bool,
    /// Whether an index-only scan can return it (`amcanreturn`), where it could be asked.
    #[serde(default)]
    pub returnable: Option<bool>,
    /// Statistics of the expression.
    pub stats: Option<ColumnStats>,
}

impl Index {
    /// The access method, as far as pgwise knows it.
    pub fn method(&self) -> IndexMethod {
        IndexMethod::from_amname(&self.method_name)
    }

    /// BRIN's `pages_per_range`, where it is set.
    fn pages_per_range(&self) -> Option<u32> {
        let set = self.options.iter().find_map(|o| o.strip_prefix("pages_per_range=")?.parse().ok());
        set.filter(|_| self.method() == IndexMethod::Brin)
    }

    /// The index's shape.
    pub fn spec(&self, table: Oid) -> IndexSpec {
        let mut include = self.include.clone();
        include.sort_unstable();
        IndexSpec {
            table,
            method: self.method(),
            keys: self.keys.iter().map(IndexKey::spec).collect(),
            include,
            predicate: self.predicate.clone(),
            unique: self.unique,
            pages_per_range: self.pages_per_range(),
        }
    }
}

impl IndexKey {
    fn spec(&self) -> KeySpec {
        KeySpec {
            target: match (self.column, &self.expression) {
                (Some(attnum), _) => KeyTarget::Column(attnum),
                (None, Some(sql)) => KeyTarget::Expression(sql.clone()),
                (None, None) => KeyTarget::Expression(String::new()),
            },
            opclass: (!self.opclass_is_default).then(|| self.opclass.clone()),
            collation: if self.collation_is_default { None } else { self.collation.clone() },
            descending: self.descending,
            nulls_first: self.nulls_first,
        }
    }
}
