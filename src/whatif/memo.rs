//! Answers about one statement, and what follows from them.
//!
//! In: answers of a cost source, each to a set of candidates assumed present. Out: an answer for a set that was not asked,
//! where one follows: a plan that uses only the indexes U of a set A is the cheapest under every set between U and A as
//! well, for each of these offers it and no plan that A does not.

use std::collections::BTreeSet;

use super::{CandidateId, Costed};

/// A set of candidates.
pub type Set = BTreeSet<CandidateId>;

/// The answers about one statement.
#[derive(Debug, Clone, Default)]
pub struct Memo {
    answers: Vec<Answer>,
    /// Questions that had no answer: not to be asked again.
    unanswered: BTreeSet<Set>,
}

#[derive(Debug, Clone)]
struct Answer {
    asked: Set,
    asked_bits: u64,
    used_bits: u64,
    costed: Costed,
}

/// A bit for each member, shared by members that are a multiple of 64 apart: a subset's bits are a subset.
fn bits(set: &Set) -> u64 {
    set.iter().fold(0, |bits, id| bits | 1 << (id % 64))
}

impl Memo {
    /// Files an answer.
    pub fn add(&mut self, asked: Set, costed: Costed) {
        let (asked_bits, used_bits) = (bits(&asked), bits(&costed.used));
        self.answers.push(Answer { asked, asked_bits, used_bits, costed });
    }

    /// Files that there was none.
    pub fn add_unanswered(&mut self, asked: Set) {
        self.unanswered.insert(asked);
    }

    /// An answer that holds for this set: exact, or derived.
    pub fn find(&self, set: &Set) -> Option<&Costed> {
        let own = bits(set);
        let may_hold = |a: &&Answer| a.used_bits & !own == 0 && own & !a.asked_bits == 0;
        let holds = |a: &&Answer| a.costed.used.is_subset(set) && set.is_subset(&a.asked);
        self.answers.iter().filter(may_hold).find(holds).map(|a| &a.costed)
    }

    /// Whether the set need not be asked.
    pub fn knows(&self, set: &Set) -> bool {
        self.find(set).is_some() || self.unanswered.contains(set)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A planner of a statement with a plan for each of some sets of indexes, which takes the cheapest that it can.
    #[derive(Debug, Clone)]
    struct Planner(Vec<(Set, f64)>);

    impl Planner {
        fn cost(&self, present: &Set) -> Costed {
            let able = self.0.iter().filter(|(needs, _)| needs.is_subset(present));
            let best = able.min_by(|a, b| a.1.total_cmp(&b.1));
            let (used, total_cost) = best.map_or((Set::new(), 1000.0), |(needs, cost)| (needs.clone(), *cost));
            Costed {
                total_cost,
                rows: 1.0,
                used,
                used_existing: BTreeSet::new(),
                scans: BTreeMap::new(),
                node: String::new(),
            }
        }
    }

    fn set() -> impl Strategy<Value = Set> {
        prop::collection::btree_set(0_usize..130, 0..6)
    }

    fn planner() -> impl Strategy<Value = Planner> {
        let plan = (prop::collection::btree_set(0_usize..8, 1..4), 0.0..999.0);
        prop::collection::vec(plan, 0..12).prop_map(Planner)
    }

    proptest! {
        #[test]
        fn what_follows_is_what_the_planner_would_say(
            planner in planner(),
            asked in prop::collection::vec(prop::collection::btree_set(0_usize..8, 0..8), 1..12),
            wanted in prop::collection::vec(prop::collection::btree_set(0_usize..8, 0..8), 1..12),
        ) {
            let mut memo = Memo::default();
            for set in asked {
                let costed = planner.cost(&set);
                memo.add(set.clone(), costed);
                prop_assert!(memo.knows(&set));
            }
            for set in wanted {
                if let Some(found) = memo.find(&set) {
                    prop_assert_eq!(found.total_cost, planner.cost(&set).total_cost);
                }
            }
        }

        #[test]
        fn a_subset_has_a_subset_of_the_bits(set in set(), other in set()) {
            let union: Set = set.union(&other).copied().collect();
            prop_assert_eq!(bits(&set) & !bits(&union), 0);
        }
    }
}
