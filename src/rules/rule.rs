//! A rule as data.

use std::collections::BTreeMap;

use crate::report::Severity;

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Texts of statements and their counters.
    Query,
    /// Plans, estimated and measured.
    Plan,
    /// Tables, columns and indexes.
    Table,
    /// The server's settings and state.
    Server,
    /// Migration files.
    Migration,
}

impl Area {
    /// Its name in reports and pages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Plan => "plan",
            Self::Table => "table",
            Self::Server => "server",
            Self::Migration => "migration",
        }
    }
}

/// A number that decides whether a rule fires, which `pgwise.toml` can change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// Its key: kebab-case, the unit in the name.
    pub name: &'static str,
    /// The value where nobody sets another.
    pub default: f64,
    /// What it decides, in a sentence fragment.
    pub meaning: &'static str,
}

/// A rule: everything that is known about it but the function that looks, in one constant.
#[derive(Debug)]
pub struct Rule {
    /// Stable kebab-case id.
    pub id: &'static str,
    /// What it looks at.
    pub area: Area,
    /// How bad its findings are unless the settings say otherwise.
    pub severity: Severity,
    /// What it finds, as a heading.
    pub title: &'static str,
    /// Its thresholds.
    pub thresholds: &'static [Threshold],
    /// Why it matters: paragraphs of Markdown.
    pub problem: &'static str,
    /// How it is detected, and from what.
    pub detection: &'static str,
    /// What fires it and what does not: Markdown, SQL where there is any.
    pub example: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// A rule's thresholds and severity as the settings leave them.
#[derive(Debug, Clone, PartialEq)]
pub struct Knobs {
    pub(super) values: BTreeMap<&'static str, f64>,
    pub(super) severity: Severity,
}

impl Knobs {
    /// A threshold's value. A name that the rule does not declare is a bug in the rule; a test over the registry finds
    /// it, since it never fires then.
    pub fn get(&self, name: &str) -> f64 {
        debug_assert!(self.values.contains_key(name), "the rule declares no threshold {name}");
        self.values.get(name).copied().unwrap_or(f64::INFINITY)
    }

    /// How bad its findings are.
    pub fn severity(&self) -> Severity {
        self.severity
    }
}

#[cfg(test)]
impl Rule {
    /// Panics where the rule lacks a part of its page, for the tests of registries.
    pub(crate) fn assert_complete(&self) {
        assert!(self.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", self.id);
        let parts = [
            ("problem", self.problem),
            ("detection", self.detection),
            ("example", self.example),
            ("remedy", self.remedy),
        ];
        for (part, text) in parts {
            assert!(text.trim().len() > 30, "{} has no {part}", self.id);
        }
        for threshold in self.thresholds {
            assert!(!threshold.meaning.is_empty() && threshold.default.is_finite(), "{} {}", self.id, threshold.name);
        }
    }
}
