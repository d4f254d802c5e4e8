//! Types: domains followed down to their bases.

use std::collections::BTreeMap;

use crate::collect::error::PartError;
use crate::connect::Session;
use crate::snapshot::{ColumnType, Oid, TypeKind};

/// The types that user columns need.
#[derive(Default)]
pub(super) struct Types(BTreeMap<Oid, TypeRow>);

struct TypeRow {
    name: String,
    schema: String,
    kind: String,
    category: String,
    base: Oid,
    element: Oid,
    length: i16,
    alignment: String,
    by_value: bool,
    modifier: i32,
    subtype: Option<String>,
    enum_labels: Option<Vec<String>>,
    default_opclasses: Vec<String>,
}

impl Types {
    pub(super) async fn read(session: &Session) -> Result<Self, PartError> {
        let mut types = BTreeMap::new();
        for row in session.query_typed(include_str!("../sql/types.sql"), &[]).await? {
            let ty = TypeRow {
                name: row.try_get("name")?,
                schema: row.try_get("schema")?,
                kind: row.try_get("kind")?,
                category: row.try_get("category")?,
                base: row.try_get("base")?,
                element: row.try_get("element")?,
                length: row.try_get("length")?,
                alignment: row.try_get("alignment")?,
                by_value: row.try_get("by_value")?,
                modifier: row.try_get("modifier")?,
                subtype: row.try_get("subtype")?,
                enum_labels: row.try_get("enum_labels")?,
                default_opclasses: row.try_get("default_opclasses")?,
            };
            types.insert(row.try_get::<_, Oid>("oid")?, ty);
        }
        Ok(Self(types))
    }

    /// The type of a column declared as `name` with this modifier; `None` where the type came into being after the types
    /// were read.
    pub(super) fn column_type(&self, oid: Oid, name: String, modifier: i32) -> Option<ColumnType> {
        let declared = self.0.get(&oid)?;
        let mut base = declared;
        let mut modifier = modifier;
        while base.kind == "d" {
            modifier = base.modifier;
            base = self.0.get(&base.base)?;
        }
        // Fixed-length types with an element (point, name) are not arrays.
        let element = (base.category == "A").then(|| self.0.get(&base.element).map(|e| e.name.clone())).flatten();
        Some(ColumnType {
            name,
            base: base.name.clone(),
            schema: base.schema.clone(),
            kind: kind(&declared.kind),
            category: base.category.clone(),
            element,
            length: base.length,
            alignment: base.alignment.clone(),
            by_value: base.by_value,
            modifier,
            subtype: base.subtype.clone(),
            default_opclasses: base.default_opclasses.clone(),
            enum_labels: base.enum_labels.clone(),
        })
    }
}

pub(super) fn kind(typtype: &str) -> TypeKind {
    match typtype {
        "c" => TypeKind::Composite,
        "d" => TypeKind::Domain,
        "e" => TypeKind::Enum,
        "r" => TypeKind::Range,
        "m" => TypeKind::Multirange,
        "p" => TypeKind::Pseudo,
        _ => TypeKind::Base,
    }
}
