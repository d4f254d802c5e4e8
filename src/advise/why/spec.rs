//! The index that somebody asks about, as text: `orders (customer_id, placed DESC) INCLUDE (total) WHERE open`,
//! `gin(products.attributes jsonb_path_ops)`, or a whole CREATE INDEX.

use crate::snapshot::{AttrNumber, IndexMethod, IndexSpec, KeySpec, KeyTarget, Snapshot, Table};
use crate::sql;

/// An index asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Inquiry {
    /// As it was asked.
    pub asked: String,
    /// Its shape.
    pub spec: IndexSpec,
}

/// Why a text names no index that could exist.
#[derive(Debug, thiserror::Error)]
pub enum InquiryError {
    /// It is not of the form.
    #[error("{asked:?} is no index: {why}")]
    Syntax {
        /// As it was asked.
        asked: String,
        /// Why.
        why: String,
    },
    /// No such table.
    #[error("the snapshot has no table {0}")]
    NoTable(String),
    /// Several schemas have one.
    #[error("there is a table {name} in {schemas}: name the schema")]
    Ambiguous {
        /// The table's name.
        name: String,
        /// The schemas that have it.
        schemas: String,
    },
    /// No such column.
    #[error("table {table} has no column {column}")]
    NoColumn {
        /// The table.
        table: String,
        /// The column asked for.
        column: String,
    },
    /// An access method that pgwise does not know.
    #[error("{0} is no access method that pgwise knows")]
    NoMethod(String),
}

impl Inquiry {
    /// Reads a text and resolves its names.
    pub fn parse(asked: &str, snapshot: &Snapshot) -> Result<Self, InquiryError> {
        let syntax = |why: String| InquiryError::Syntax { asked: asked.to_owned(), why };
        let shape = sql::index_shape(&statement(asked)).map_err(|error| syntax(error.to_string()))?;
        let table = table(shape.table.schema.as_deref(), &shape.table.name, snapshot)?;
        let method = match IndexMethod::from_amname(&shape.method) {
            IndexMethod::Other => return Err(InquiryError::NoMethod(shape.method)),
            method => method,
        };
        let mut keys = Vec::new();
        for key in shape.keys {
            let target = match (key.column, key.expression) {
                (Some(column), _) => KeyTarget::Column(attnum(table, &column)?),
                (None, Some(expression)) => KeyTarget::Expression(expression),
                (None, None) => return Err(syntax("a key is neither a column nor an expression".to_owned())),
            };
            keys.push(KeySpec {
                target,
                opclass: key.opclass,
                collation: key.collation,
                descending: key.descending,
                nulls_first: key.nulls_first,
            });
        }
        let mut include = shape.include.iter().map(|c| attnum(table, c)).collect::<Result<Vec<AttrNumber>, _>>()?;
        include.sort_unstable();
        include.dedup();
        // Uniqueness is a rule about the data, and no question of cost.
        let spec = IndexSpec {
            table: table.oid,
            method,
            keys,
            include,
            predicate: shape.predicate,
            unique: false,
            pages_per_range: None,
        };
        Ok(Self { asked: asked.to_owned(), spec })
    }
}

/// The text as CREATE INDEX.
fn statement(asked: &str) -> String {
    let text = asked.trim().trim_end_matches(';');
    let words: Vec<String> = text.split_whitespace().take(2).map(str::to_ascii_lowercase).collect();
    if words.first().is_some_and(|word| word == "create") {
        return text.to_owned();
    }
    by_method(text).unwrap_or_else(|| format!("CREATE INDEX ON {text}"))
}

/// `gin(products.attributes) WHERE …` as CREATE INDEX: the method before the brackets, the table before each column.
fn by_method(text: &str) -> Option<String> {
    let (method, rest) = text.split_once('(')?;
    let method = method.trim();
    if IndexMethod::from_amname(method) == IndexMethod::Other {
        return None;
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '"');
    let first = rest.trim_start();
    let name = &first[..first.find(|c: char| !is_name(c)).unwrap_or(first.len())];
    let (table, _) = name.rsplit_once('.')?;
    let columns = rest.replace(&format!("{table}."), "");
    Some(format!("CREATE INDEX ON {table} USING {method} ({columns}"))
}

fn table<'a>(schema: Option<&str>, name: &str, snapshot: &'a Snapshot) -> Result<&'a Table, InquiryError> {
    let catalog = &snapshot.catalog;
    let missing = || InquiryError::NoTable(schema.map_or_else(|| name.to_owned(), |s| format!("{s}.{name}")));
    if let Some(schema) = schema {
        return catalog.table_named(schema, name).ok_or_else(missing);
    }
    let mut path = snapshot.server.search_path.iter();
    if let Some(table) = path.find_map(|schema| catalog.table_named(schema, name)) {
        return Ok(table);
    }
    let named: Vec<&Table> = catalog.tables.iter().filter(|t| t.name == name).collect();
    match named.as_slice() {
        [] => Err(missing()),
        [only] => Ok(only),
        several => {
            let schemas: Vec<&str> = several.iter().map(|t| t.schema.as_str()).collect();
            Err(InquiryError::Ambiguous { name: name.to_owned(), schemas: schemas.join(" and in ") })
        }
    }
}

fn attnum(table: &Table, column: &str) -> Result<AttrNumber, InquiryError> {
    let missing = || InquiryError::NoColumn { table: table.display_name(), column: column.to_owned() };
    table.columns.iter().find(|c| c.name == column).map(|c| c.attnum).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advise::fixture;

    fn parse(asked: &str) -> Result<IndexSpec, String> {
        let (snapshot, _) = fixture::shop(fixture::tables(), &[]);
        Inquiry::parse(asked, &snapshot).map(|i| i.spec).map_err(|e| e.to_string())
    }

    #[test]
    fn one_shape_has_several_spellings() {
        assert_eq!(
            statement("gin(shop.products.attributes jsonb_path_ops) where x > 1"),
            "CREATE INDEX ON shop.products USING gin (attributes jsonb_path_ops) where x > 1"
        );
        assert_eq!(statement("hash (orders.id)"), "CREATE INDEX ON orders USING hash (id)");
        assert_eq!(statement("orders (a, b DESC);"), "CREATE INDEX ON orders (a, b DESC)");
        assert_eq!(statement("create index on t (a)"), "create index on t (a)");
    }

    #[test]
    fn what_does_not_exist_is_named() {
        assert!(parse("nowhere (a)").unwrap_err().contains("no table nowhere"));
        assert!(parse("orders (").unwrap_err().contains("is no index"));
        assert!(parse("orders (nothing)").unwrap_err().contains("no column nothing"));
    }
}
