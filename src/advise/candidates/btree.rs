//! Plain B-tree candidates: equality keys, then a range or the order.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::snapshot::{KeySpec, KeyTarget};

use super::super::facts::Facts;
use super::access::{ADDS_NOTHING, Popularity, plain_key};
use super::{Access, Family, Proposal, btree_spec};

/// Key sequences for one access, the ideal one first, each at most `max_columns` long, none twice.
pub(super) fn proposals(facts: &Facts<'_>, access: &Access<'_>, popularity: &Popularity) -> Vec<Proposal> {
    let limit = facts.options.max_columns.max(1);
    let mut builder = Builder { access, limit, seen: BTreeSet::new(), out: vec![] };
    let orders = equality_orders(access, popularity, limit);
    for equal in &orders {
        builder.with_suffixes(equal);
    }
    for equal in &orders {
        builder.with_joins(equal);
    }
    for equal in &orders {
        for length in (1..=equal.len().min(limit)).rev() {
            builder.push(equal[..length].to_vec(), &[]);
        }
    }
    // Each equality key alone, also the ones that add nothing to others: a rejection must be able to name them.
    for equal in &access.equal {
        builder.push(vec![equal.target.clone()], &[]);
    }
    for key in &access.branches {
        builder.push(vec![key.clone()], &[]);
    }
    builder.out
}

/// The equality keys in the orders worth trying: most selective first, and most shared first.
fn equality_orders(access: &Access<'_>, popularity: &Popularity, limit: usize) -> Vec<Vec<KeyTarget>> {
    let useful: Vec<&KeyTarget> =
        access.equal.iter().filter(|e| e.selectivity < ADDS_NOTHING).map(|e| &e.target).collect();
    let all: Vec<KeyTarget> = if useful.is_empty() && !access.order.is_empty() {
        // With an order behind it even a key that fixes little pays: the scan needs no sort and stops early.
        access.equal.iter().map(|e| e.target.clone()).collect()
    } else {
        useful.into_iter().cloned().collect()
    };
    let selective: Vec<KeyTarget> = all.iter().take(limit).cloned().collect();
    let mut shared = selective.clone();
    shared.sort_by_key(|t| Reverse(popularity.get(&(access.table, t.clone())).copied().unwrap_or(0)));
    let mut orders = vec![selective];
    if !orders.contains(&shared) {
        orders.push(shared);
    }
    orders
}

struct Builder<'a, 'b> {
    access: &'a Access<'b>,
    limit: usize,
    seen: BTreeSet<Vec<KeySpec>>,
    out: Vec<Proposal>,
}

impl Builder<'_, '_> {
    /// Equality keys, then the order, or one range, or the grouping.
    fn with_suffixes(&mut self, equal: &[KeyTarget]) {
        let access = self.access;
        let room = self.limit.saturating_sub(1).min(equal.len());
        let prefix = &equal[..room];
        if !access.order.is_empty() {
            self.push(prefix.to_vec(), &access.order);
        }
        for range in &access.ranges {
            self.push(prefix.to_vec(), std::slice::from_ref(range));
        }
        // Two ranges: the second filters within the index.
        if let [first, second, ..] = access.ranges.as_slice() {
            self.push(prefix.to_vec(), &[first.clone(), second.clone()]);
            self.push(prefix.to_vec(), &[second.clone(), first.clone()]);
        }
        let groups: Vec<KeySpec> = access.groups.iter().cloned().map(plain_key).collect();
        if !groups.is_empty() {
            self.push(prefix.to_vec(), &groups);
        }
        // Without the equality keys the order or the range may still serve, and be shared.
        if !prefix.is_empty() {
            for range in access.ranges.iter().filter(|r| !access.order.iter().any(|k| k.target == r.target)) {
                self.push(vec![], std::slice::from_ref(range));
            }
        }
        if !access.order.is_empty() && access.order_alone_is_safe(|_| false) {
            self.push(vec![], &access.order);
        }
    }

    /// Join keys alone, before and after the equality keys, and before a range or the order.
    fn with_joins(&mut self, equal: &[KeyTarget]) {
        let access = self.access;
        let mut partners: Vec<usize> = access.joins.iter().map(|(_, r)| *r).collect();
        partners.sort_unstable();
        partners.dedup();
        for partner in partners {
            let keys: Vec<KeyTarget> =
                access.joins.iter().filter(|(_, r)| *r == partner).map(|(t, _)| t.clone()).collect();
            let mut orders = vec![keys.clone()];
            if keys.len() > 1 {
                orders.push(keys.iter().rev().cloned().collect());
            }
            for join in orders {
                let joined: Vec<KeyTarget> = join.iter().filter(|t| !equal.contains(t)).cloned().collect();
                let first_equal: Vec<KeyTarget> = equal.iter().chain(&joined).cloned().collect();
                let first_join: Vec<KeyTarget> =
                    join.iter().chain(equal.iter().filter(|t| !join.contains(t))).cloned().collect();
                for keys in [&first_join, &first_equal, &join] {
                    for range in &access.ranges {
                        self.push(keys.clone(), std::slice::from_ref(range));
                    }
                    if !access.order.is_empty() {
                        self.push(keys.clone(), &access.order);
                    }
                    self.push(keys.clone(), &[]);
                }
            }
        }
    }

    /// Adds equality keys followed by others, cut to the limit, without repeating a column.
    fn push(&mut self, equal: Vec<KeyTarget>, rest: &[KeySpec]) {
        let mut keys: Vec<KeySpec> = Vec::new();
        for target in equal {
            if keys.len() < self.limit && !keys.iter().any(|k| k.target == target) {
                keys.push(plain_key(target));
            }
        }
        let equality_keys = keys.len();
        for key in rest {
            if keys.len() < self.limit && !keys.iter().any(|k| k.target == key.target) {
                keys.push(key.clone());
            }
        }
        if !keys.is_empty() && self.seen.insert(keys.clone()) {
            let spec = btree_spec(self.access.table, keys);
            self.out.push(Proposal { spec, family: Family::Btree, equality_keys, fraction: 1.0, parents: vec![] });
        }
    }
}
