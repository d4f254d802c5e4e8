//! A node in a few words, as EXPLAIN's text format would head it.

use std::borrow::Cow;

use super::{Explain, PlanNode};

impl PlanNode {
    /// Whether it reads a table (a partition counts), rather than another node's output.
    pub fn is_table_scan(&self) -> bool {
        self.relation.is_some()
            && matches!(
                self.node_type.as_str(),
                "Seq Scan"
                    | "Sample Scan"
                    | "Index Scan"
                    | "Index Only Scan"
                    | "Bitmap Heap Scan"
                    | "Tid Scan"
                    | "Tid Range Scan"
                    | "Foreign Scan"
            )
    }

    /// The name EXPLAIN's text format gives it: `HashAggregate`, `Parallel Seq Scan`, `Hash Left Join`,
    /// `Index Scan Backward` (`ExplainNode` in explain.c).
    pub fn title(&self) -> String {
        let base: Cow<'_, str> = match (self.node_type.as_str(), self.strategy.as_deref()) {
            ("Aggregate", Some("Sorted")) => "GroupAggregate".into(),
            ("Aggregate", Some("Hashed")) => "HashAggregate".into(),
            ("Aggregate", Some("Mixed")) => "MixedAggregate".into(),
            ("SetOp", Some("Hashed")) => "HashSetOp".into(),
            ("ModifyTable", _) => self.operation.as_deref().unwrap_or("ModifyTable").into(),
            (other, _) => other.into(),
        };
        let mut title = String::new();
        if let Some(mode @ ("Partial" | "Finalize")) = self.partial_mode.as_deref() {
            title.push_str(mode);
            title.push(' ');
        }
        if self.parallel_aware {
            title.push_str("Parallel ");
        }
        match (self.join_type.as_deref(), base.as_ref()) {
            (Some("Inner") | None, _) => title.push_str(&base),
            (Some(kind), "Nested Loop") => {
                title.push_str("Nested Loop ");
                title.push_str(kind);
                title.push_str(" Join");
            }
            (Some(kind), _) => {
                title.push_str(base.strip_suffix(" Join").unwrap_or(&base));
                title.push(' ');
                title.push_str(kind);
                title.push_str(" Join");
            }
        }
        if self.scan_direction.as_deref() == Some("Backward") {
            title.push_str(" Backward");
        }
        title
    }
}

impl Explain {
    /// A node in a few words: `Seq Scan on orders`, `Index Scan using orders_pkey on orders`,
    /// `Bitmap Heap Scan on orders (orders_a_idx, orders_b_idx)`, `Sort`.
    pub fn describe(&self, node: &PlanNode) -> String {
        self.describe_with(node, &|index| Cow::Borrowed(index))
    }

    /// [`Explain::describe`] with indexes renamed: a what-if source puts the name that an index would have in the
    /// place of the one under which it pretended it.
    pub fn describe_with<'a>(&'a self, node: &'a PlanNode, rename: &dyn Fn(&'a str) -> Cow<'a, str>) -> String {
        let mut out = node.title();
        if let Some(index) = node.index_name.as_deref() {
            // A Bitmap Index Scan has no table of its own and is said to be `on` its index.
            out.push_str(if node.relation.is_some() { " using " } else { " on " });
            out.push_str(&rename(index));
        }
        let subject = node.relation.as_ref().map(|r| r.name.as_str());
        if let Some(name) = subject.or(node.cte_name.as_deref()).or(node.function_name.as_deref()) {
            out.push_str(" on ");
            out.push_str(name);
        }
        if node.node_type == "Bitmap Heap Scan" {
            let indexes: Vec<Cow<'_, str>> = self.bitmap_indexes(node).map(rename).collect();
            if !indexes.is_empty() {
                out.push_str(" (");
                out.push_str(&indexes.join(", "));
                out.push(')');
            }
        }
        out
    }

    /// The indexes whose bitmaps a Bitmap Heap Scan combines, in printing order.
    pub fn bitmap_indexes<'a>(&'a self, node: &'a PlanNode) -> impl Iterator<Item = &'a str> {
        self.subtree(node).filter(|n| n.node_type == "Bitmap Index Scan").filter_map(|n| n.index_name.as_deref())
    }
}
