//! What the planner knows of the tables, and what of it the role may see.

use super::super::check::{Check, Need, Status};
use super::super::facts::{Facts, TableNames};
use crate::sql::quote;

pub(super) fn readable(facts: &Facts) -> Check {
    let id = "planner-statistics";
    if facts.tables == 0 {
        return Check::new(
            id,
            Status::Info,
            format!("database {} has no tables of its own", facts.database),
            "there is nothing to advise on; is it the right database?",
        );
    }
    if facts.unreadable.count == 0 {
        return Check::ok(id, format!("the statistics of all {} can be read", tables(facts.tables)));
    }
    let all = facts.unreadable.count == facts.tables;
    let check = Check::new(
        id,
        if all { Status::Missing } else { Status::Limited },
        format!(
            "role {} may not read the planner's statistics of {} of {} ({})",
            facts.role.name,
            facts.unreadable.count,
            tables(facts.tables),
            named(&facts.unreadable)
        ),
        "how selective a column is cannot be judged without them; PostgreSQL shows them only to those who may read the \
         rows",
    );
    let role = quote::ident(&facts.role.name);
    if facts.major() >= 14 {
        return check.fix(format!("GRANT pg_read_all_data TO {role};")).needs(Need::Superuser);
    }
    facts
        .unreadable_schemas
        .iter()
        .fold(check, |check, schema| {
            let schema = quote::ident(schema);
            check
                .fix(format!("GRANT USAGE ON SCHEMA {schema} TO {role};"))
                .fix(format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};"))
        })
        .needs(Need::Owner)
}

pub(super) fn row_security(facts: &Facts) -> Option<Check> {
    if facts.row_security.count == 0 {
        return None;
    }
    Some(
        Check::new(
            "row-security",
            Status::Limited,
            format!(
                "row-level security hides the statistics of {} ({}) from role {}",
                tables(facts.row_security.count),
                named(&facts.row_security),
                facts.role.name
            ),
            "how selective their columns are cannot be judged; a role with BYPASSRLS sees them, and the rows too",
        )
        .fix(format!("ALTER ROLE {} BYPASSRLS;", quote::ident(&facts.role.name)))
        .needs(Need::Superuser),
    )
}

pub(super) fn analyzed(facts: &Facts) -> Option<Check> {
    if facts.tables == 0 {
        return None;
    }
    let id = "never-analyzed";
    if facts.never_analyzed.count == 0 {
        return Some(Check::ok(id, "no table is without statistics"));
    }
    let check = Check::new(
        id,
        Status::Limited,
        format!("{} never analysed ({})", were(facts.never_analyzed.count), named(&facts.never_analyzed)),
        "the planner guesses there, and so would any advice; of a partitioned table, autovacuum analyses the partitions \
         only",
    );
    let check = facts
        .never_analyzed
        .largest
        .iter()
        .fold(check, |check, (schema, name)| check.fix(format!("ANALYZE {};", quote::qualified(schema, name))))
        .needs(Need::Owner);
    Some(if facts.standby { check.needs(Need::Primary) } else { check })
}

fn tables(count: u64) -> String {
    format!("{count} table{}", if count == 1 { "" } else { "s" })
}

fn were(count: u64) -> String {
    format!("{} {}", tables(count), if count == 1 { "was" } else { "were" })
}

/// The first few by name.
fn named(names: &TableNames) -> String {
    let shown: Vec<String> = names.largest.iter().take(3).map(|(schema, name)| format!("{schema}.{name}")).collect();
    let more = if names.count > 3 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
