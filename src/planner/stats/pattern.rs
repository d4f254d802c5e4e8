//! LIKE, regular expressions and `^@` (`like_support.c`).

use super::compare::Test;
use super::inequality::{self, Comparison};
use super::matching::Pattern;
use super::prefix::{self, Prefix};
use super::restriction::{Call, Probe, blend, clamp, equals_constant};
use super::variable::Variable;
use crate::planner::expr::types;
use crate::planner::root::Root;
use crate::planner::value::Datum;
use crate::snapshot::Oid;

/// `DEFAULT_MATCH_SEL`.
const DEFAULT_MATCH: f64 = 0.005;

/// Kinds of pattern (`Pattern_Type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// LIKE.
    Like,
    /// ILIKE.
    LikeAnyCase,
    /// `~`.
    Regex,
    /// `~*`.
    RegexAnyCase,
    /// `^@`.
    Prefix,
}

impl Kind {
    /// By the support function of the function behind an operator.
    pub(super) fn of_support(name: &str) -> Option<Self> {
        Some(match name {
            "textlike_support" => Self::Like,
            "texticlike_support" => Self::LikeAnyCase,
            "textregexeq_support" => Self::Regex,
            "texticregexeq_support" => Self::RegexAnyCase,
            "text_starts_with_support" => Self::Prefix,
            _ => return None,
        })
    }

    /// By an estimator for restrictions or joins, and whether the operator is negated.
    pub(super) fn of_estimator(name: &str) -> Option<(Self, bool)> {
        Some(match name {
            "likesel" | "likejoinsel" => (Self::Like, false),
            "nlikesel" | "nlikejoinsel" => (Self::Like, true),
            "iclikesel" | "iclikejoinsel" => (Self::LikeAnyCase, false),
            "icnlikesel" | "icnlikejoinsel" => (Self::LikeAnyCase, true),
            "regexeqsel" | "regexeqjoinsel" => (Self::Regex, false),
            "regexnesel" | "regexnejoinsel" => (Self::Regex, true),
            "icregexeqsel" | "icregexeqjoinsel" => (Self::RegexAnyCase, false),
            "icregexnesel" | "icregexnejoinsel" => (Self::RegexAnyCase, true),
            "prefixsel" | "prefixjoinsel" => (Self::Prefix, false),
            _ => return None,
        })
    }
}

/// Selectivity by an estimator of this file, if it is one.
pub(super) fn by_name(root: &Root<'_>, call: &Call<'_>, name: &str) -> Option<f64> {
    let (kind, negate) = Kind::of_estimator(name)?;
    Some(selectivity(root, call, kind, negate))
}

/// `patternsel_common`.
pub(super) fn selectivity(root: &Root<'_>, call: &Call<'_>, kind: Kind, negate: bool) -> f64 {
    let default = if negate { 1.0 - DEFAULT_MATCH } else { DEFAULT_MATCH };
    let Some(found) = call.split(root).filter(|f| f.on_left) else { return default };
    let Some(constant) = found.constant() else { return default };
    let Some(pattern) = constant.value.as_deref() else { return 0.0 };
    let (Datum::Text(text), types::TEXT | types::NAME | types::BPCHAR | types::VARCHAR) = (pattern, found.var.ty)
    else {
        return default;
    };
    let var = &found.var;
    let (fixed, rest) = prefix::of(root.env, call.collation, kind, text);
    let selectivity = if let Prefix::Exact(text) = fixed {
        equals_constant(root, var, Some(&Datum::Text(text)), false)
    } else {
        by_parts(root, var, call.collation, kind, text, &fixed, rest)
    };
    clamp(if negate { 1.0 - selectivity - var.null_frac() } else { selectivity })
}

fn by_parts(
    root: &Root<'_>,
    var: &Variable<'_>,
    collation: Oid,
    kind: Kind,
    text: &str,
    fixed: &Prefix,
    rest: f64,
) -> f64 {
    let pattern = Datum::Text(text.to_owned());
    let test = Pattern::new(kind, text).map_or(Test::Unknown, Test::Pattern);
    let probe = Probe { test, collation, constant: &pattern, on_left: true };
    let (share, size) = probe.histogram_share(root, var);
    let guess = || match fixed {
        Prefix::Partial(text) => rest * prefix_share(root, var, collation, text),
        _ => rest,
    };
    let default = if size < 100 || share.is_none() { guess() } else { 0.0 };
    let others = blend(share, size, default);
    let (passed, common) = probe.common_values(root, var, others);
    others * (1.0 - var.null_frac() - common) + passed
}

/// Share of the values that begin so, by histogram (`prefix_selectivity`).
fn prefix_share(root: &Root<'_>, var: &Variable<'_>, collation: Oid, text: &str) -> f64 {
    let low = Datum::Text(text.to_owned());
    let from = Comparison { greater: true, equal: true, collation };
    let Some(mut share) = inequality::histogram(root, var, from, &low) else { return DEFAULT_MATCH };
    if let Some(above) = prefix::greater(root.env, collation, text) {
        let below = Comparison { greater: false, equal: false, collation };
        if let Some(top) = inequality::histogram(root, var, below, &Datum::Text(above)) {
            share = top + share - 1.0;
        }
    }
    // A prefix is at least as common as the value that it is.
    share.max(equals_constant(root, var, Some(&low), false))
}
