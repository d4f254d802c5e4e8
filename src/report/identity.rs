//! Ids that stay the same from run to run for the same advice, so that history and CI can tell new from known.

use sha2::{Digest, Sha256};

use super::RecommendationKind;

/// Hexadecimal digits of an id: 48 bits are plenty among the handful of recommendations about one database.
const DIGITS: usize = 12;

/// The id of a recommendation, from what makes it that advice: its kind, the table (`schema.table`) and a key that says
/// which index or object is meant without the DDL's wording (for an index: method, keys, INCLUDE, predicate).
pub fn id(kind: RecommendationKind, table: &str, key: &str) -> String {
    let kind = match kind {
        RecommendationKind::CreateIndex => "create_index",
        RecommendationKind::DropIndex => "drop_index",
        RecommendationKind::CreateStatistics => "create_statistics",
        RecommendationKind::SetStatisticsTarget => "set_statistics_target",
        RecommendationKind::AnalyzeTable => "analyze_table",
    };
    let mut hash = Sha256::new();
    for part in [kind, table, key] {
        // The length keeps ("a", "bc") apart from ("ab", "c").
        hash.update(part.len().to_be_bytes());
        hash.update(part.as_bytes());
    }
    let nibbles = hash.finalize().into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    nibbles.take(DIGITS).filter_map(|n| char::from_digit(u32::from(n), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_stable_and_its_parts_do_not_run_together() {
        let create = RecommendationKind::CreateIndex;
        assert_eq!(id(create, "public.orders", "btree(customer_id)"), "980037dc947e");
        assert_ne!(id(create, "public.a", "bc"), id(create, "public.ab", "c"));
        assert_ne!(id(create, "t", "k"), id(RecommendationKind::DropIndex, "t", "k"));
    }
}
