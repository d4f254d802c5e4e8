//! `tsvector @@ tsquery` by the frequencies of lexemes (`ts_selfuncs.c`).

use super::parsed::Elements;
use super::restriction::{Call, clamp};
use crate::planner::expr::types;
use crate::planner::root::Root;
use crate::planner::value::Datum;

/// `DEFAULT_TS_MATCH_SEL`.
const DEFAULT_MATCH: f64 = 0.005;
/// Parentheses within parentheses that are followed.
const MAX_DEPTH: u32 = 200;

/// `tsmatchsel`.
pub(super) fn selectivity(root: &Root<'_>, call: &Call<'_>) -> f64 {
    let Some(found) = call.split(root) else { return DEFAULT_MATCH };
    let Some(constant) = found.constant() else { return DEFAULT_MATCH };
    let Some(value) = constant.value.as_deref() else { return 0.0 };
    let (Datum::Opaque(text), types::TSQUERY) = (value, constant.ty) else { return DEFAULT_MATCH };
    if text.trim().is_empty() {
        return 0.0;
    }
    let stats = found.var.stats.as_ref().and_then(|s| s.elements.as_ref()).filter(|e| !e.common.is_empty());
    let mut parser = Parser { rest: text, stats, depth: 0 };
    clamp(parser.alternatives() * (1.0 - found.var.null_frac()))
}

/// Reads a query as it is printed and estimates it on the way (`tsquery_opr_selec`).
struct Parser<'t, 's> {
    rest: &'t str,
    stats: Option<&'s Elements>,
    depth: u32,
}

impl Parser<'_, '_> {
    fn take(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn alternatives(&mut self) -> f64 {
        let mut share = self.conjunction();
        while self.take("|") {
            let next = self.conjunction();
            share = clamp(share + next - share * next);
        }
        share
    }

    fn conjunction(&mut self) -> f64 {
        let mut share = self.phrase();
        while self.take("&") {
            share *= self.phrase();
        }
        share
    }

    /// A phrase is estimated as a conjunction.
    fn phrase(&mut self) -> f64 {
        let mut share = self.negation();
        while self.take("<") {
            let end = self.rest.find('>').map_or(self.rest.len(), |at| at + 1);
            self.rest = self.rest.get(end..).unwrap_or("");
            share *= self.negation();
        }
        share
    }

    fn negation(&mut self) -> f64 {
        if self.depth >= MAX_DEPTH {
            return DEFAULT_MATCH;
        }
        self.depth += 1;
        let share = if self.take("!") {
            1.0 - self.negation()
        } else if self.take("(") {
            let share = self.alternatives();
            self.take(")");
            share
        } else {
            self.lexeme()
        };
        self.depth -= 1;
        share
    }

    fn lexeme(&mut self) -> f64 {
        self.rest = self.rest.trim_start();
        let mut word = String::new();
        let mut chars = self.rest.char_indices().peekable();
        let quoted = chars.next_if(|(_, c)| *c == '\'').is_some();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '\'' if quoted => {
                    if chars.next_if(|(_, c)| *c == '\'').is_none() {
                        end = at + 1;
                        break;
                    }
                    word.push('\'');
                }
                '\\' => word.extend(chars.next().map(|(_, c)| c)),
                c if !quoted && (c.is_whitespace() || "&|!():<>".contains(c)) => {
                    end = at;
                    break;
                }
                c => word.push(c),
            }
        }
        self.rest = self.rest.get(end..).unwrap_or("");
        let mut is_prefix = false;
        if let Some(rest) = self.rest.strip_prefix(':') {
            let flags = rest.len() - rest.trim_start_matches(['*', 'A', 'B', 'C', 'D']).len();
            is_prefix = rest.get(..flags).is_some_and(|f| f.contains('*'));
            self.rest = rest.get(flags..).unwrap_or("");
        }
        self.share_of(&word, is_prefix)
    }

    fn share_of(&self, word: &str, is_prefix: bool) -> f64 {
        let Some(stats) = self.stats else {
            return if is_prefix { 4.0 * DEFAULT_MATCH } else { DEFAULT_MATCH };
        };
        let rare = DEFAULT_MATCH.min(stats.min / 2.0);
        if !is_prefix {
            let found = stats.common.iter().find(|(v, _)| matches!(v, Some(Datum::Text(t)) if t == word));
            return found.map_or_else(|| stats.unknown(rare), |(_, frequency)| *frequency);
        }
        let (mut matched, mut any, mut count) = (0.0, 0.0, 0_usize);
        for (value, frequency) in &stats.common {
            if matches!(value, Some(Datum::Text(t)) if t.starts_with(word)) {
                matched += frequency - matched * frequency;
                count += 1;
            }
            any += frequency - any * frequency;
        }
        let share = clamp(matched + (1.0 - any) * count as f64 / stats.common.len() as f64);
        share.max(stats.unknown(rare))
    }
}
