//! Taking values out of an executed plan: its conditions repeat the values that its parameters were given.

use serde_json::Value;

use crate::collect::tokens::{Kind, tokens};
use crate::snapshot::ValuesPolicy;

/// What stands in a value's place.
const PLACEHOLDER: &str = "'…'";

/// Fields that name things or are words of EXPLAIN's own, and hold no expression.
const NAMES: [&str; 20] = [
    "Node Type",
    "Relation Name",
    "Schema",
    "Alias",
    "Index Name",
    "Parent Relationship",
    "Join Type",
    "Strategy",
    "Partial Mode",
    "Scan Direction",
    "Subplan Name",
    "CTE Name",
    "Function Name",
    "Operation",
    "Command",
    "Sort Method",
    "Sort Space Type",
    "Custom Plan Provider",
    "Constraint Name",
    "Trigger Name",
];

/// Removes the values that the policy withholds from a plan's expressions. Under `safe` unquoted numbers stay: they are of
/// numeric columns.
pub(super) fn redact(plan: &mut Value, policy: ValuesPolicy) {
    if policy == ValuesPolicy::All {
        return;
    }
    match plan {
        Value::Object(fields) => {
            for (name, value) in fields {
                if !NAMES.contains(&name.as_str()) && name != "Settings" {
                    redact(value, policy);
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(|e| redact(e, policy)),
        Value::String(text) => *text = without_values(text, policy == ValuesPolicy::None),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn without_values(expression: &str, numbers: bool) -> String {
    let mut out = String::with_capacity(expression.len());
    let mut copied = 0;
    for token in tokens(expression) {
        if token.kind == Kind::String || (numbers && token.kind == Kind::Number) {
            out.push_str(&expression[copied..token.start]);
            out.push_str(PLACEHOLDER);
            copied = token.end();
        }
    }
    out.push_str(&expression[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_lose_their_values_and_names_stay() {
        let plan = serde_json::json!({
            "Plan": {"Node Type": "Index Scan", "Index Name": "it's", "Index Cond": "((email = 'it''s me'::text) AND (n > 5))",
                     "Group Key": ["lower('x'::text)"], "Plan Rows": 5}
        });
        let mut safe = plan.clone();
        redact(&mut safe, ValuesPolicy::Safe);
        assert_eq!(safe["Plan"]["Index Cond"], "((email = '…'::text) AND (n > 5))");
        assert_eq!(safe["Plan"]["Group Key"][0], "lower('…'::text)");
        assert_eq!(safe["Plan"]["Index Name"], "it's");
        let mut none = plan.clone();
        redact(&mut none, ValuesPolicy::None);
        assert_eq!(none["Plan"]["Index Cond"], "((email = '…'::text) AND (n > '…'))");
        let mut all = plan.clone();
        redact(&mut all, ValuesPolicy::All);
        assert_eq!(all, plan);
    }
}
