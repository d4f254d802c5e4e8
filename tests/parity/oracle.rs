//! The planner's own word.

use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

/// A session that plans as statements are planned in production.
pub(crate) async fn prepare(client: &Client) {
    client.batch_execute("set plan_cache_mode = force_generic_plan").await.unwrap();
}

/// The plan of a text as EXPLAIN (FORMAT JSON) has it: of a text with `$n`, the generic one. The server's message where it
/// does not take the text.
pub(crate) async fn plan(client: &Client, text: &str, version_num: u32) -> Result<Value, String> {
    let generic = has_parameters(text);
    let text = text.trim().trim_end_matches(';');
    if !generic {
        return explain(client, &format!("explain (format json) {text}")).await;
    }
    // EXPLAIN can ask for a generic plan since 16.
    if version_num >= 160_000 {
        return explain(client, &format!("explain (format json, generic_plan) {text}")).await;
    }
    client.batch_execute(&format!("prepare pgwise_q as {text}")).await.map_err(message)?;
    let arity = "select cardinality(parameter_types) from pg_prepared_statements where name = 'pgwise_q'";
    let arity: i32 = client.query_one(arity, &[]).await.map_err(message)?.get(0);
    let nulls = vec!["null"; usize::try_from(arity).unwrap()].join(", ");
    let answer = explain(client, &format!("explain (format json) execute pgwise_q({nulls})")).await;
    client.batch_execute("deallocate pgwise_q").await.map_err(message)?;
    answer
}

/// By the simple protocol: the other one would ask for the values of parameters.
async fn explain(client: &Client, sql: &str) -> Result<Value, String> {
    for answer in client.simple_query(sql).await.map_err(message)? {
        if let SimpleQueryMessage::Row(row) = answer {
            return serde_json::from_str(row.get(0).unwrap_or_default()).map_err(|error| error.to_string());
        }
    }
    Err("EXPLAIN gave no plan".to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
pub(crate) fn message(error: tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |e| e.message().to_owned())
}

/// Whether a text has parameters (`$1`, outside of what its quotes hold).
pub(crate) fn has_parameters(text: &str) -> bool {
    parameters(text).next().is_some()
}

/// Where the parameters stand in a text, and their numbers.
fn parameters(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, usize)> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut quoted = false;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            at += 1;
            match bytes[start] {
                b'\'' => quoted = !quoted,
                b'$' if !quoted => {
                    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                        at += 1;
                    }
                    if at > start + 1 {
                        return Some((start..at, text[start + 1..at].parse().unwrap()));
                    }
                }
                _ => {}
            }
        }
        None
    })
}

/// The text with literals (ready to stand in SQL) in the place of its parameters.
pub(crate) fn bind(text: &str, literals: &[String]) -> String {
    let mut bound = String::new();
    let mut copied = 0;
    for (place, number) in parameters(text) {
        bound.push_str(&text[copied..place.start]);
        bound.push_str(&literals[number - 1]);
        copied = place.end;
    }
    bound.push_str(&text[copied..]);
    bound
}

#[test]
fn parameters_are_bound_outside_of_quotes() {
    let literals = ["7".to_owned(), "'x'::text".to_owned()];
    assert_eq!(bind("a = $1 and b = '$1' and c = $2", &literals), "a = 7 and b = '$1' and c = 'x'::text");
    assert!(!has_parameters("a = '$1'"));
}
