//! Rules about plans, estimated or measured. Rows and times of a plan's nodes are per loop.

pub(super) mod disk_sort;
