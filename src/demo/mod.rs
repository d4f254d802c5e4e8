//! The whole loop on a throwaway PostgreSQL: load a sample workload, measure it, analyse, apply, measure again.
//!
//! In: where to find server binaries (or an empty disposable database), and a function that analyses a database. Out:
//! what every query took before and after. Nothing is left behind: neither a process nor a file.

pub mod server;
