//! What costing hypothetical indexes needs, and what some of them need to exist.

use super::super::check::{Check, Need, Status};
use super::super::facts::Facts;
use crate::snapshot::Extension;

pub(super) fn hypopg(facts: &Facts) -> Check {
    let id = "hypopg";
    let why = "without it the planner is asked on a twin, where server programs of the same major version, a Docker \
               engine or a disposable server (--twin-url) are at hand; else advice rests on rules of thumb over the \
               plans, and says so";
    match facts.extension("hypopg") {
        None => Check::new(
            id,
            Status::Limited,
            "the server does not have HypoPG",
            &format!("{why}; install HypoPG's package on the server (postgresql-{}-hypopg on Debian)", facts.major()),
        )
        .create_extension(facts, "hypopg")
        .needs(Need::Package),
        Some(Extension { installed_version: None, .. }) => {
            Check::new(id, Status::Limited, format!("HypoPG is not created in database {}", facts.database), why)
                .create_extension(facts, "hypopg")
        }
        Some(Extension { installed_version: Some(version), .. }) => {
            Check::ok(id, format!("HypoPG {version} is created"))
        }
    }
}

pub(super) fn trigrams(facts: &Facts) -> Check {
    let id = "trigrams";
    let why = "an index for LIKE '%…%' and ILIKE needs it; such advice comes with this statement as a prerequisite";
    match facts.extension("pg_trgm") {
        None => Check::new(id, Status::Info, "the server does not have pg_trgm", why)
            .create_extension(facts, "pg_trgm")
            .needs(Need::Package),
        Some(Extension { installed_version: None, .. }) => {
            Check::new(id, Status::Info, "pg_trgm is not created", why).create_extension(facts, "pg_trgm")
        }
        Some(Extension { installed_version: Some(version), .. }) => {
            Check::ok(id, format!("pg_trgm {version} is created"))
        }
    }
}
