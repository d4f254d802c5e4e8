//! What the user wants looked at: schemas, and tables excluded by pattern.

use super::CollectOptions;

/// Decides which tables belong to the snapshot.
pub(super) struct Scope<'a> {
    schemas: &'a [String],
    exclude: &'a [String],
}

impl<'a> Scope<'a> {
    pub(super) fn new(options: &'a CollectOptions) -> Self {
        Self { schemas: &options.schemas, exclude: &options.exclude }
    }

    /// Whether a table (or view) is wanted.
    pub(super) fn contains(&self, schema: &str, name: &str) -> bool {
        let qualified = format!("{schema}.{name}");
        (self.schemas.is_empty() || self.schemas.iter().any(|s| s == schema))
            && !self.exclude.iter().any(|pattern| {
                // A pattern without a dot is about the table in any schema.
                if pattern.contains('.') { glob(pattern, &qualified) } else { glob(pattern, name) }
            })
    }
}

/// Whether a pattern of `*` (any text) and `?` (one character) covers a whole text.
fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stood, and up to where of the text it has eaten.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, eaten)) => {
                    star = Some((at, eaten + 1));
                    p = at + 1;
                    t = eaten + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, text, expected) in [
            ("audit.*", "audit.log", true),
            ("audit.*", "public.audit", false),
            ("*_old", "orders_old", true),
            ("*_old", "orders_old2", false),
            ("a*b*c", "aXbXbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_without_a_dot_is_about_any_schema() {
        let options = CollectOptions { exclude: vec!["log_*".to_owned()], ..CollectOptions::default() };
        let scope = Scope::new(&options);
        assert!(!scope.contains("a", "log_1"));
        assert!(scope.contains("log_x", "t"));
    }
}
