//! `pgwise rules`: which rules there are, and each one's page.

use serde::Serialize;

use crate::check::all_rules;
use crate::report::Severity;
use crate::rules::{self, Rule};

use super::args::{RulesArgs, RulesFormat};
use super::failure::Failure;
use super::{Outcome, output};

/// A rule as JSON.
#[derive(Serialize)]
struct RuleJson {
    id: &'static str,
    area: &'static str,
    severity: Severity,
    title: &'static str,
    thresholds: Vec<ThresholdJson>,
    problem: &'static str,
    detection: &'static str,
    example: &'static str,
    remedy: &'static str,
}

#[derive(Serialize)]
struct ThresholdJson {
    name: &'static str,
    default: f64,
    meaning: &'static str,
}

pub(super) fn run(args: &RulesArgs) -> Result<Outcome, Failure> {
    let text = match (&args.rule, args.format) {
        (None, RulesFormat::Text) => rules::index_page(all_rules()),
        (None, RulesFormat::Json) => json(&all_rules().into_iter().map(describe).collect::<Vec<_>>())?,
        (Some(id), format) => {
            let rule = all_rules().into_iter().find(|r| r.id == id).ok_or_else(|| {
                Failure::new(format!("there is no rule {id}")).hint("pgwise rules lists them, with their ids")
            })?;
            match format {
                RulesFormat::Text => rules::rule_page(rule),
                RulesFormat::Json => json(&describe(rule))?,
            }
        }
    };
    output::stdout(text.as_bytes())?;
    Ok(Outcome::Clean)
}

fn describe(rule: &Rule) -> RuleJson {
    RuleJson {
        id: rule.id,
        area: rule.area.as_str(),
        severity: rule.severity,
        title: rule.title,
        thresholds: rule
            .thresholds
            .iter()
            .map(|t| ThresholdJson { name: t.name, default: t.default, meaning: t.meaning })
            .collect(),
        problem: rule.problem,
        detection: rule.detection,
        example: rule.example,
        remedy: rule.remedy,
    }
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    let mut text =
        serde_json::to_string_pretty(value).map_err(|e| Failure::new("cannot write the rules as JSON").because(e))?;
    text.push('\n');
    Ok(text)
}
