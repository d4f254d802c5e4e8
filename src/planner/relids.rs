//! Sets of range-table entries (`Relids`).

use std::fmt;
use std::ops::{BitAnd, BitOr, Sub};

/// A position in a query's range table, counted from 0 (PostgreSQL's `varno - 1`).
pub type RelId = usize;

/// A set of relations of one query level. Partitions and inheritance children are never members: they stand for their
/// topmost parent.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Relids(u128);

impl Relids {
    /// The empty set.
    pub const EMPTY: Self = Self(0);
    /// One more than the greatest [`RelId`] that a set can hold.
    pub const CAPACITY: usize = 128;

    /// A set of one. An id beyond [`Relids::CAPACITY`] gives the empty set; analysis refuses such queries.
    pub fn single(rel: RelId) -> Self {
        Self(u32::try_from(rel).ok().and_then(|r| 1_u128.checked_shl(r)).unwrap_or(0))
    }

    /// Adds a member.
    pub fn insert(&mut self, rel: RelId) {
        *self = *self | Self::single(rel);
    }

    /// Whether it has no member.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members as bits, the lower ones first.
    pub fn words(self) -> [u64; 2] {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half, then the upper")]
        [self.0 as u64, (self.0 >> 64) as u64]
    }

    /// How many members it has.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether `rel` is a member.
    pub fn contains(self, rel: RelId) -> bool {
        !(self & Self::single(rel)).is_empty()
    }

    /// Whether every member of `self` is one of `other` (`bms_is_subset`).
    pub fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether the sets share a member (`bms_overlap`).
    pub fn overlaps(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The only member, if there is exactly one (`bms_get_singleton_member`).
    pub fn singleton(self) -> Option<RelId> {
        (self.len() == 1).then(|| self.0.trailing_zeros() as RelId)
    }

    /// Members in ascending order.
    pub fn iter(self) -> impl Iterator<Item = RelId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let next = rest.trailing_zeros();
            rest &= rest - 1;
            Some(next as RelId)
        })
    }
}

impl BitOr for Relids {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Relids {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Sub for Relids {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl FromIterator<RelId> for Relids {
    fn from_iter<I: IntoIterator<Item = RelId>>(rels: I) -> Self {
        rels.into_iter().fold(Self::EMPTY, |set, rel| set | Self::single(rel))
    }
}

impl fmt::Debug for Relids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_behave_as_sets() {
        let a: Relids = [0, 5, 127].into_iter().collect();
        let b: Relids = [5].into_iter().collect();
        assert!(b.is_subset(a) && a.overlaps(b) && !a.is_subset(b));
        assert_eq!((a - b).iter().collect::<Vec<_>>(), [0, 127]);
        assert_eq!((b.singleton(), a.singleton(), a.len()), (Some(5), None, 3));
        assert!(Relids::single(128).is_empty());
    }
}
