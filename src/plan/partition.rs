//! Which table of the catalog a scan belongs to: a scan of a partition is a scan of its partitioned table.

use super::{PlanNode, Relation};
use crate::snapshot::{Catalog, Table};

impl Relation {
    /// The table that this names. Without VERBOSE a plan prints no schema: the name then decides if it is the only one
    /// of its kind.
    pub fn resolve<'a>(&self, catalog: &'a Catalog) -> Option<&'a Table> {
        if let Some(schema) = &self.schema {
            return catalog.table_named(schema, &self.name);
        }
        let mut same_name = catalog.tables.iter().filter(|t| t.name == self.name);
        let found = same_name.next()?;
        same_name.next().is_none().then_some(found)
    }
}

impl PlanNode {
    /// The table that the node reads or writes, partitions attributed to the topmost partitioned table. `None` for
    /// nodes without a table, and where the snapshot does not hold it.
    pub fn table<'a>(&self, catalog: &'a Catalog) -> Option<&'a Table> {
        let mut table = self.relation.as_ref()?.resolve(catalog)?;
        // A catalog cannot hold a cycle, but a file can: no chain is longer than the list of tables.
        for _ in 0..catalog.tables.len() {
            let Some(parent) = table.partition_of.as_ref().and_then(|p| catalog.table(p.parent)) else { break };
            table = parent;
        }
        Some(table)
    }
}
