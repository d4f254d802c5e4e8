//! What `pgwise.toml` says about rules: `[rules.n-plus-one]` with `enabled`, `severity` and the rule's thresholds.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::report::Severity;

use super::rule::{Knobs, Rule};

/// The settings of all rules, by id.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, RuleSettings>);

/// The settings of one rule.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RuleSettings {
    /// Whether it runs.
    pub enabled: Option<bool>,
    /// How bad its findings are.
    pub severity: Option<Severity>,
    /// Thresholds by name.
    #[serde(flatten)]
    pub thresholds: BTreeMap<String, f64>,
}

/// Why settings are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No rule has this id.
    #[error("there is no rule {id}; pgwise rules lists them{like}")]
    UnknownRule {
        /// The id.
        id: String,
        /// A rule with a similar name, in a phrase; else empty.
        like: String,
    },
    /// The rule has no such threshold.
    #[error("rule {rule} has no setting {name}; it knows enabled, severity{known}")]
    UnknownThreshold {
        /// The rule.
        rule: &'static str,
        /// The name.
        name: String,
        /// The thresholds that it has, each after a comma.
        known: String,
    },
    /// A threshold must be a number, 0 or more.
    #[error("[rules.{rule}] {name} must be a number, 0 or more")]
    Value {
        /// The rule.
        rule: &'static str,
        /// The threshold.
        name: String,
    },
}

impl Settings {
    /// Refuses ids that are none of `known`, thresholds that do not exist, and values that make no sense.
    pub fn check(&self, known: &[&'static Rule]) -> Result<(), SettingsError> {
        for (id, settings) in &self.0 {
            let rule = known.iter().find(|r| r.id == id).ok_or_else(|| {
                let near = known.iter().find(|r| r.id.contains(id) || id.contains(r.id));
                let like = near.map_or_else(String::new, |r| format!(" (did you mean {}?)", r.id));
                SettingsError::UnknownRule { id: id.clone(), like }
            })?;
            for (name, value) in &settings.thresholds {
                if !rule.thresholds.iter().any(|t| t.name == name) {
                    let known = rule.thresholds.iter().flat_map(|t| [", ", t.name]).collect();
                    return Err(SettingsError::UnknownThreshold { rule: rule.id, name: name.clone(), known });
                }
                if !value.is_finite() || *value < 0.0 {
                    return Err(SettingsError::Value { rule: rule.id, name: name.clone() });
                }
            }
        }
        Ok(())
    }

    /// A rule's thresholds and severity; `None` where it is switched off.
    pub fn knobs(&self, rule: &Rule) -> Option<Knobs> {
        let settings = self.0.get(rule.id);
        if settings.and_then(|s| s.enabled) == Some(false) {
            return None;
        }
        let set = |name: &str| settings.and_then(|s| s.thresholds.get(name)).copied();
        Some(Knobs {
            values: rule.thresholds.iter().map(|t| (t.name, set(t.name).unwrap_or(t.default))).collect(),
            severity: settings.and_then(|s| s.severity).unwrap_or(rule.severity),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<&'static Rule> {
        crate::rules::rules().collect()
    }

    fn settings(toml: &str) -> Settings {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn a_rule_that_does_not_exist_is_refused() {
        let error = settings("[n-plus]\nenabled = false").check(&known()).unwrap_err().to_string();
        assert_eq!(error, "there is no rule n-plus; pgwise rules lists them (did you mean n-plus-one?)");
    }

    #[test]
    fn a_threshold_that_does_not_exist_is_refused_with_those_that_do() {
        let error = settings("[n-plus-one]\nmin-cals = 3").check(&known()).unwrap_err().to_string();
        assert!(error.contains("min-cals") && error.contains("min-calls"), "{error}");
    }

    #[test]
    fn a_negative_threshold_is_refused() {
        assert!(settings("[n-plus-one]\nmin-calls = -1").check(&known()).is_err());
    }

    #[test]
    fn thresholds_and_severity_override_the_defaults() {
        let settings = settings("[n-plus-one]\nmin-calls = 3\nseverity = 'error'");
        settings.check(&known()).unwrap();
        let knobs = settings.knobs(&crate::rules::query::n_plus_one::RULE).unwrap();
        assert_eq!((knobs.get("min-calls"), knobs.severity()), (3.0, Severity::Error));
    }
}
