//! pg_stat_statements: loaded, created, counting, readable, roomy.

use super::super::check::{Check, Need, Status};
use super::super::facts::{Facts, Preload, StatementsView};
use crate::sql::quote;

const NAME: &str = "pg_stat_statements";

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![library(facts), extension(facts)];
    if loaded(facts) {
        checks.push(counting(facts));
    }
    match &facts.statements {
        Some(Ok(view)) => checks.extend([texts(facts, view), room(facts, view)]),
        // Not loaded: said already.
        Some(Err(_)) if !loaded(facts) => {}
        Some(Err(reason)) => checks.push(unreadable(facts, reason)),
        None => {}
    }
    checks
}

/// The library's settings exist once the server has loaded it at its start.
fn loaded(facts: &Facts) -> bool {
    match &facts.preload {
        Preload::Listed(libraries) => libraries.iter().any(|library| is_ours(library)),
        Preload::Hidden => facts.settings.contains_key("pg_stat_statements.max"),
    }
}

/// The entry may carry a folder or a suffix.
fn is_ours(library: &str) -> bool {
    library.rsplit('/').next().is_some_and(|file| file == NAME || file.strip_suffix(".so") == Some(NAME))
}

fn library(facts: &Facts) -> Check {
    let id = "statements-library";
    if loaded(facts) {
        return Check::ok(id, "pg_stat_statements is loaded");
    }
    let check = Check::new(
        id,
        Status::Missing,
        "pg_stat_statements is not in shared_preload_libraries",
        "the server does not count its statements: there is no workload to advise on but SQL files (--sql)",
    )
    .needs(Need::Superuser)
    .needs(Need::Restart);
    let check = if facts.extension(NAME).is_none() { check.needs(Need::Package) } else { check };
    match &facts.preload {
        // Each library is a literal of its own: one literal with a comma in it would name a single library, and the
        // server would not start.
        Preload::Listed(libraries) => {
            let list: Vec<String> =
                libraries.iter().map(String::as_str).chain([NAME]).map(quote::literal).collect();
            check.fix(format!("ALTER SYSTEM SET shared_preload_libraries = {};", list.join(", ")))
        }
        // For psql: what is listed there must stay, and only a superuser sees it.
        Preload::Hidden => check.fix(
            "SELECT format('ALTER SYSTEM SET shared_preload_libraries = %s', string_agg(quote_literal(btrim(l, ' \"')), \
             ', ')) FROM regexp_split_to_table(current_setting('shared_preload_libraries') || ',pg_stat_statements', \
             ',') AS l WHERE btrim(l) <> '' \\gexec",
        ),
    }
}

fn extension(facts: &Facts) -> Check {
    let id = "statements-extension";
    match facts.extension(NAME) {
        None => Check::new(
            id,
            Status::Missing,
            "the server does not have pg_stat_statements",
            "without it there is no workload; install PostgreSQL's contrib package on the server, then run this again",
        )
        .create_extension(facts, NAME)
        .needs(Need::Package),
        Some(known) => match (&known.installed_version, &known.available_version) {
            (None, _) => Check::new(
                id,
                Status::Missing,
                format!("pg_stat_statements is not created in database {}", facts.database),
                "the view that shows the counted statements is not there",
            )
            .create_extension(facts, NAME),
            (Some(installed), Some(available)) if older(installed, available) => Check::new(
                id,
                Status::Limited,
                format!("pg_stat_statements is at version {installed}; the server has {available}"),
                "an old view lacks columns that the server could fill",
            )
            .fix("ALTER EXTENSION pg_stat_statements UPDATE;")
            .needs(Need::Owner),
            (Some(installed), _) => Check::ok(id, format!("pg_stat_statements {installed} is created")),
        },
    }
}

/// `1.9` is older than `1.10`.
fn older(installed: &str, available: &str) -> bool {
    let parts = |text: &str| text.split('.').map(|p| p.parse::<u32>().unwrap_or(0)).collect::<Vec<_>>();
    parts(installed) < parts(available)
}

fn counting(facts: &Facts) -> Check {
    let id = "statements-tracking";
    if facts.setting("pg_stat_statements.track") == Some("none") {
        return Check::new(id, Status::Missing, "pg_stat_statements.track is none", "no statement is counted")
            .set("pg_stat_statements.track", "top");
    }
    if facts.setting("compute_query_id") == Some("off") {
        return Check::new(
            id,
            Status::Missing,
            "compute_query_id is off",
            "statements have no identifier, and pg_stat_statements counts only those that have one",
        )
        .set("compute_query_id", "auto");
    }
    Check::ok(id, "statements are counted")
}

fn texts(facts: &Facts, view: &StatementsView) -> Check {
    let id = "statements-texts";
    if view.hidden == 0 {
        return Check::ok(id, format!("the texts of all {} statements can be read", view.entries));
    }
    Check::new(
        id,
        Status::Limited,
        format!("role {} may not read the text of {} of {} statements", facts.role.name, view.hidden, view.entries),
        "statements of other roles cannot be advised on",
    )
    .fix(format!("GRANT pg_read_all_stats TO {};", quote::ident(&facts.role.name)))
    .needs(Need::Superuser)
}

fn unreadable(facts: &Facts, reason: &str) -> Check {
    let check = Check::new(
        "statements-texts",
        Status::Missing,
        format!("pg_stat_statements cannot be read: {reason}"),
        "there is no workload to advise on",
    );
    let role = quote::ident(&facts.role.name);
    match facts.extension(NAME).and_then(|e| e.schema.as_deref()) {
        Some(schema) if reason.contains("42501") => check
            .fix(format!("GRANT USAGE ON SCHEMA {} TO {role};", quote::ident(schema)))
            .fix(format!("GRANT SELECT ON {} TO {role};", quote::qualified(schema, NAME)))
            .fix(format!("GRANT pg_read_all_stats TO {role};"))
            .needs(Need::Superuser),
        _ => check,
    }
}

fn room(facts: &Facts, view: &StatementsView) -> Check {
    let id = "statements-evicted";
    match view.evicted {
        None => Check::new(
            id,
            Status::Info,
            "whether pg_stat_statements ever ran out of room is not known",
            "PostgreSQL 14 and its version of the extension say so",
        ),
        Some(0) => Check::ok(id, "no statement was evicted for want of room"),
        Some(times) => {
            let max: u64 = facts.setting("pg_stat_statements.max").and_then(|m| m.parse().ok()).unwrap_or(5_000);
            Check::new(
                id,
                Status::Limited,
                format!(
                    "pg_stat_statements ran out of room {times} time{}: it keeps {max} entries",
                    if times == 1 { "" } else { "s" }
                ),
                "rare statements fall out, and counting them starts anew",
            )
            .fix(format!("ALTER SYSTEM SET pg_stat_statements.max = {};", max.saturating_mul(2)))
            .needs(Need::Superuser)
            .needs(Need::Restart)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{is_ours, older};

    #[test]
    fn versions_compare_by_number_and_libraries_by_name() {
        assert!(older("1.9", "1.10") && !older("1.10", "1.10") && !older("1.10", "1.9"));
        assert!(is_ours("pg_stat_statements") && is_ours("$libdir/pg_stat_statements.so"));
        assert!(!is_ours("pg_stat_statements_x"));
    }
}
