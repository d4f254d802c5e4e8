//! Path sets that were made before. Between two configurations most relations keep their indexes, so that most of what
//! the planner would do again has been done already.
//!
//! Every remembered set has a number, and is found by what it was made of: a base relation's by the offers of its
//! indexes (only those that offer anything), a join's by the sets of its members, a level's by the sets of all its
//! relations and of the levels below it. Two questions with the same numbers have the same answer, exactly.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::path::RelPaths;
use super::relids::{RelId, Relids};

/// What a set was made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Made(Vec<u64>);

impl Made {
    /// A base relation's paths: of which offers, by number. `below` is [`super::Planning::below`].
    pub fn base(rel: RelId, below: u64) -> Self {
        Self(vec![0, rel as u64, below])
    }

    /// A join's paths: of which sets, by number.
    pub fn join(relids: Relids, below: u64) -> Self {
        let [low, high] = relids.words();
        Self(vec![1, low, high, below])
    }

    /// A level's final paths: of which sets, its own and those of levels below it, by number.
    pub fn level() -> Self {
        Self(vec![2])
    }

    /// Adds the number of a part.
    pub fn add(&mut self, number: u64) {
        self.0.push(number);
    }
}

/// The path sets of one level.
#[derive(Debug, Default)]
pub struct Known {
    sets: RefCell<FxHashMap<Made, Arc<RelPaths>>>,
    /// Numbers of the levels of subqueries in expressions, together.
    below: RefCell<FxHashMap<Vec<u64>, u64>>,
    last: Cell<u64>,
}

impl Known {
    /// A number that nothing of this level has yet.
    pub fn number(&self) -> u64 {
        self.last.set(self.last.get() + 1);
        self.last.get()
    }

    /// One number for several; 0 for none.
    pub fn together(&self, numbers: Vec<u64>) -> u64 {
        if numbers.is_empty() {
            return 0;
        }
        *self.below.borrow_mut().entry(numbers).or_insert_with(|| self.number())
    }

    /// The set that was made of this.
    pub fn find(&self, made: &Made) -> Option<Arc<RelPaths>> {
        self.sets.borrow().get(made).cloned()
    }

    /// Numbers and keeps a set.
    pub fn keep(&self, made: Made, mut paths: RelPaths) -> Arc<RelPaths> {
        paths.number = self.number();
        let paths = Arc::new(paths);
        self.sets.borrow_mut().insert(made, Arc::clone(&paths));
        paths
    }

    /// How many sets there are.
    pub fn len(&self) -> usize {
        self.sets.borrow().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets them all. No number is given twice.
    pub fn forget(&self) {
        self.sets.borrow_mut().clear();
        self.below.borrow_mut().clear();
    }
}
