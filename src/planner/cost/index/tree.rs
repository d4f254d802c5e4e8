//! GiST and SP-GiST (`gistcostestimate`, `spgcostestimate`).

use super::{Given, IndexUse, MethodCost, PAGE_CPU, generic};

pub(super) fn cost(usage: &IndexUse<'_, '_>) -> MethodCost {
    let unit = usage.root.env.settings.cpu_operator_cost;
    let mut costs = generic(usage, Given::default());
    let index = usage.index;
    // The height is not kept anywhere: a fan-out of 100 is assumed.
    let height = if index.pages > 1.0 { (index.pages.ln() / 100.0_f64.ln()).trunc() } else { 0.0 };
    if index.tuples > 1.0 {
        // Here the logarithm is the natural one.
        let descent = index.tuples.ln().ceil() * unit;
        costs.startup += descent;
        costs.total += costs.array_scans * descent;
    }
    let pages = (height + 1.0) * PAGE_CPU * unit;
    costs.startup += pages;
    costs.total += costs.array_scans * pages;
    costs.cost()
}
