//! Facts → checks.

mod server;
mod statements;
mod tables;
mod whatif;

use super::check::{Check, Need, Status};
use super::facts::Facts;
use crate::sql::quote;

/// Every check, in a fixed order: the server, what it counts, what the role may see, what costing needs.
pub fn judge(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![server::version(facts), server::recovery(facts)];
    checks.extend(statements::checks(facts));
    checks.push(tables::readable(facts));
    checks.extend([tables::row_security(facts), tables::analyzed(facts)].into_iter().flatten());
    checks.extend([
        whatif::hypopg(facts),
        whatif::trigrams(facts),
        server::counter_age(facts),
        server::counting(facts),
        server::autovacuum(facts),
        server::io_timing(facts),
    ]);
    checks
}

impl Check {
    fn ok(id: &'static str, what: impl Into<String>) -> Check {
        Check {
            id,
            status: Status::Ok,
            what: what.into(),
            why_it_matters: String::new(),
            fix_sql: Vec::new(),
            needs: Vec::new(),
        }
    }

    fn new(id: &'static str, status: Status, what: impl Into<String>, why: &str) -> Check {
        Check { status, why_it_matters: why.to_owned(), ..Check::ok(id, what) }
    }

    fn fix(mut self, sql: impl Into<String>) -> Check {
        self.fix_sql.push(sql.into());
        self
    }

    fn needs(mut self, need: Need) -> Check {
        if !self.needs.contains(&need) {
            self.needs.push(need);
        }
        self
    }

    /// A setting changed for the whole server.
    fn set(self, name: &str, value: &str) -> Check {
        self.fix(format!("ALTER SYSTEM SET {name} = {value};")).fix("SELECT pg_reload_conf();").needs(Need::Superuser)
    }

    /// The extension created, by whoever may.
    fn create_extension(self, facts: &Facts, name: &str) -> Check {
        let need =
            if facts.trusted_extensions.iter().any(|e| e == name) { Need::CreateInDatabase } else { Need::Superuser };
        let check = self.fix(format!("CREATE EXTENSION {};", quote::ident(name))).needs(need);
        if facts.standby { check.needs(Need::Primary) } else { check }
    }
}
