//! The jsonb documents that a column's statistics hold, and how many different values they let expect.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::stored;
use crate::snapshot::ColumnStats;

/// The documents, each with the share of the rows without NULL that it stands for.
pub(super) fn documents(stats: &ColumnStats) -> Option<Vec<(Value, f64)>> {
    let weighted = stored::weighted_values(stats)?;
    weighted.into_iter().map(|(text, share)| Some((serde_json::from_str(text).ok()?, share))).collect()
}

/// The path that decides the documents' order (`compareJsonbContainers`: a document's pairs are compared in the order in
/// which it stores them, shorter names first): the first with more than one value. A histogram's bounds are equally
/// many rows apart along that path, and a random sample along the others.
pub(super) fn leading_path<'a>(documents: impl Iterator<Item = &'a Value>) -> Option<String> {
    fn walk(
        value: &Value,
        path: &str,
        order: &mut Vec<usize>,
        found: &mut BTreeMap<(Vec<usize>, String), BTreeSet<String>>,
    ) {
        match value {
            Value::Object(fields) => {
                let mut pairs: Vec<_> = fields.iter().collect();
                pairs.sort_by_key(|(name, _)| (name.len(), name.as_bytes()));
                for (position, (name, value)) in pairs.into_iter().enumerate() {
                    order.push(position);
                    walk(value, &format!("{path}/{name}"), order, found);
                    order.pop();
                }
            }
            Value::Array(items) => {
                for (position, item) in items.iter().enumerate() {
                    order.push(position);
                    walk(item, path, order, found);
                    order.pop();
                }
            }
            scalar => {
                found.entry((order.clone(), path.to_owned())).or_default().insert(scalar.to_string());
            }
        }
    }
    let mut found = BTreeMap::new();
    for document in documents {
        walk(document, "", &mut Vec::new(), &mut found);
    }
    found.into_iter().find(|(_, values)| values.len() > 1).map(|((_, path), _)| path)
}

/// What a sample shows of one class of values.
#[derive(Debug, Clone, Default)]
pub(super) struct Class {
    /// How often each was seen, and the share of rows that it stands for.
    seen: BTreeMap<String, (f64, f64)>,
    /// The least and the greatest, where all are whole numbers.
    range: Option<(i64, i64)>,
    other_than_whole: bool,
}

impl Class {
    /// Counts a value that stands for a share of the rows.
    pub(super) fn add(&mut self, value: String, share: f64, number: Option<i64>) {
        let place = self.seen.entry(value).or_default();
        place.0 += 1.0;
        place.1 += share;
        match number {
            Some(n) => self.range = Some(self.range.map_or((n, n), |(low, high)| (low.min(n), high.max(n)))),
            None => self.other_than_whole = true,
        }
    }

    /// The shares of those seen more than once.
    pub(super) fn repeated(&self) -> impl Iterator<Item = f64> + '_ {
        self.seen.values().filter(|(times, _)| *times > 1.0).map(|(_, share)| *share)
    }

    /// How many values were seen once, and the share of rows that they stand for.
    pub(super) fn once(&self) -> (f64, f64) {
        let once = self.seen.values().filter(|(times, _)| *times <= 1.0);
        once.fold((0.0, 0.0), |(count, sum), (_, share)| (count + 1.0, sum + share))
    }

    /// How many different values so many occurrences have.
    ///
    /// From a random sample by Duj1 (Haas and Stokes), as ANALYZE has it; of whole numbers there are no more than between
    /// their ends. Along the path that a histogram is sorted by,
    /// neighbouring bounds differ as soon as a value has fewer rows than a bucket: whole numbers are then taken to be
    /// drawn from all between the ends, and for other values lies the truth somewhere between those seen and one for
    /// each occurrence.
    pub(super) fn distinct(&self, occurrences: f64, leading: bool) -> f64 {
        let seen = self.seen.len() as f64;
        let sampled: f64 = self.seen.values().map(|(times, _)| times).sum();
        let (once, _) = self.once();
        let most = occurrences.max(seen);
        // The ends of a sample lie inside of the ends of all by one gap between neighbours, on average.
        let numbers = self.range.filter(|_| !self.other_than_whole).map(|(low, high)| {
            let span = high.abs_diff(low) as f64;
            span + 1.0 + 2.0 * span / (sampled - 1.0).max(1.0)
        });
        let drawn = |numbers: f64| numbers * (1.0 - (-occurrences / numbers).exp());
        // A sample in which nothing is repeated says no more along another path: within one leading value it is sorted too.
        let estimate = if once < 0.9 * seen || (!leading && once < seen) {
            let sample = sampled * seen / (sampled - once + once * sampled / most).max(1e-9);
            numbers.map_or(sample, |numbers| sample.min(drawn(numbers)))
        } else {
            numbers.map_or((seen * most).sqrt(), drawn)
        };
        estimate.clamp(seen.max(1.0), most.max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_ordered_by_the_shortest_name_that_differs() {
        let documents = [json!({"quantity": 1, "product_id": 7}), json!({"quantity": 1, "product_id": 9})];
        assert_eq!(leading_path(documents.iter()).as_deref(), Some("/product_id"));
    }

    #[test]
    fn a_sorted_sample_says_less_than_a_random_one() {
        let mut class = Class::default();
        for n in 0..100 {
            class.add(format!("brand-{n}"), 0.01, None);
        }
        assert_eq!(class.distinct(10_000.0, true).round(), 1000.0);
        assert_eq!(class.distinct(10_000.0, false).round(), 1000.0);
        class.add("brand-1".to_owned(), 0.01, None);
        assert!(class.distinct(10_000.0, false) > 3_000.0);
    }
}
