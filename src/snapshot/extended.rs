//! Extended statistics: definitions and contents of `CREATE STATISTICS` objects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AttrNumber, ColumnStats, Oid};

/// A `CREATE STATISTICS` object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExtendedStatistics {
    /// Schema.
    pub schema: String,
    /// Name.
    pub name: String,
    /// The table.
    pub table: Oid,
    /// Columns covered, ascending.
    pub columns: Vec<AttrNumber>,
    /// Expressions covered, as `pg_get_statisticsobjdef_expressions` prints them.
    pub expressions: Vec<String>,
    /// Kinds built: `ndistinct`, `dependencies`, `mcv`, `expressions`.
    pub kinds: Vec<String>,
    /// `stxstattarget`, where set.
    #[serde(default)]
    pub statistics_target: Option<i32>,
    /// What ANALYZE found, of the table's own rows (`inherited = false`).
    #[serde(default)]
    pub data: Option<ExtendedData>,
    /// What ANALYZE found, of the table with its children (15+; before, of a partitioned table only never).
    #[serde(default)]
    pub data_inherited: Option<ExtendedData>,
}

impl ExtendedStatistics {
    /// The number of columns and expressions: the width of [`McvItem`]'s lists.
    pub fn dimensions(&self) -> usize {
        self.columns.len() + self.expressions.len()
    }
}

/// One row of `pg_statistic_ext_data`. A column is named by its number, the nth expression by -n.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExtendedData {
    /// Distinct combinations (`pg_ndistinct`), in the server's order.
    pub n_distinct: Vec<NDistinctItem>,
    /// Functional dependencies (`pg_dependencies`), in the server's order.
    pub dependencies: Vec<DependencyItem>,
    /// Most common combinations (`pg_mcv_list`), most common first.
    pub mcv: Vec<McvItem>,
    /// Statistics of the expressions, parallel to [`ExtendedStatistics::expressions`].
    pub expressions: Vec<Option<ColumnStats>>,
    /// Whether the `--values` policy kept values of the most common combinations out.
    pub values_withheld: bool,
}

/// So many distinct combinations of these columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NDistinctItem {
    /// Columns and expressions, two or more.
    pub attributes: Vec<AttrNumber>,
    /// Distinct combinations.
    pub n_distinct: f64,
}

/// To what degree some columns determine another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DependencyItem {
    /// The determining columns and expressions.
    pub from: Vec<AttrNumber>,
    /// The determined one.
    pub to: AttrNumber,
    /// The share of rows for which it holds, 0 to 1.
    pub degree: f64,
}

/// One combination of values (`pg_mcv_list_items`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct McvItem {
    /// The values: columns in ascending order, then expressions. `None` for NULL, and for a value that is withheld.
    pub values: Vec<Option<String>>,
    /// Which of them are NULL.
    pub nulls: Vec<bool>,
    /// Share of the rows.
    pub frequency: f64,
    /// Share of the rows if the columns were independent.
    pub base_frequency: f64,
}
