//! Conditions on one table.

use super::{Column, Generator, Kind};

impl Generator<'_> {
    /// A condition on a table of the statement, by its alias.
    pub(super) fn condition(&mut self, table: usize, alias: &str) -> String {
        match self.random.below(100) {
            0..8 => {
                let (a, b) = (self.simple(table, alias), self.simple(table, alias));
                format!("({a} or {b})")
            }
            8..12 => {
                let (a, b, c) = (self.simple(table, alias), self.simple(table, alias), self.simple(table, alias));
                format!("({a} or ({b} and {c}))")
            }
            12..16 => format!("not ({})", self.simple(table, alias)),
            16..19 => self.on_expression(table, alias),
            _ => self.simple(table, alias),
        }
    }

    /// Conditions on a table, one to three of them.
    pub(super) fn conditions(&mut self, table: usize, alias: &str) -> Vec<String> {
        let count = *self.random.pick(&[1, 1, 1, 2, 2, 3]);
        (0..count).map(|_| self.condition(table, alias)).collect()
    }

    fn simple(&mut self, table: usize, alias: &str) -> String {
        let columns = &self.tables[table].columns;
        let column = self.random.pick(columns);
        let name = format!("{alias}.{}", column.name);
        if column.nullable && self.random.percent(25) {
            return format!("{name} is {}null", if self.random.percent(50) { "" } else { "not " });
        }
        match column.kind {
            Kind::Number | Kind::Time => self.ordered(column, &name),
            Kind::Text => {
                if self.random.percent(35) {
                    self.like(column, &name)
                } else {
                    self.ordered(column, &name)
                }
            }
            Kind::Bool => match self.random.below(4) {
                0 => name,
                1 => format!("not {name}"),
                2 => format!("{name} is not true"),
                _ => format!("{name} = false"),
            },
            Kind::Opaque => self.equal(column, &name),
            Kind::Json => self.json(column, &name),
            Kind::TextArray => self.array(column, &name),
            Kind::Words => self.words(column, &name),
        }
    }

    fn equal(&mut self, column: &Column, name: &str) -> String {
        if self.random.percent(25) {
            let count = 2 + self.random.below(6);
            let values = self.random.sample(&column.values, count);
            let values: Vec<String> = values.iter().map(|v| self.value(v)).collect();
            let list = values.join(", ");
            return if self.random.percent(85) {
                format!("{name} in ({list})")
            } else {
                format!("{name} not in ({list})")
            };
        }
        let value = self.one(column);
        if self.random.percent(92) { format!("{name} = {value}") } else { format!("{name} <> {value}") }
    }

    fn one(&mut self, column: &Column) -> String {
        let literal = self.random.pick(&column.values).clone();
        self.value(&literal)
    }

    fn ordered(&mut self, column: &Column, name: &str) -> String {
        match self.random.below(10) {
            0..5 => self.equal(column, name),
            5..8 => {
                let operator = *self.random.pick(&["<", "<=", ">", ">="]);
                let value = self.one(column);
                format!("{name} {operator} {value}")
            }
            _ => {
                // The values are in order.
                let from = self.random.below(column.values.len());
                let to = (from + 1 + self.random.below(4)).min(column.values.len() - 1);
                let (from, to) = (column.values[from].clone(), column.values[to].clone());
                let (from, to) = (self.value(&from), self.value(&to));
                if self.random.percent(50) {
                    format!("{name} between {from} and {to}")
                } else {
                    format!("{name} >= {from} and {name} < {to}")
                }
            }
        }
    }

    fn like(&mut self, column: &Column, name: &str) -> String {
        let literal = self.random.pick(&column.values).clone();
        // Letters and digits only: what else is in it might mean something in a pattern.
        let inside = literal.rsplit_once("::").map_or(literal.as_str(), |(v, _)| v).trim_matches('\'');
        let plain: String = inside.chars().take_while(|c| c.is_ascii_alphanumeric() || " -@.".contains(*c)).collect();
        let length = plain.len();
        let part = &plain[..length.min(1 + self.random.below(length.max(1)))];
        let (operator, pattern) = match self.random.below(6) {
            0..3 => ("like", format!("{part}%")),
            3 => ("like", format!("%{part}%")),
            4 => ("ilike", format!("%{part}%")),
            _ => ("not like", format!("{part}%")),
        };
        let pattern = self.value(&format!("'{pattern}'::text"));
        format!("{name} {operator} {pattern}")
    }

    fn json(&mut self, column: &Column, name: &str) -> String {
        // A part of a value of the column, computed by the planner from a constant.
        let literal = self.random.pick(&column.values).clone();
        let text = literal.rsplit_once("::").map_or("'{}'", |(v, _)| v).trim_matches('\'').to_owned();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let Some((key, member)) = document.as_object().and_then(|o| {
            let members: Vec<_> = o.iter().collect();
            (!members.is_empty()).then(|| *self.random.pick(&members))
        }) else {
            return format!("{name} @> {}", self.value(&literal));
        };
        let part = serde_json::json!({ key.as_str(): member }).to_string().replace('\'', "''");
        let member = member.as_str().map_or_else(|| member.to_string(), str::to_owned).replace('\'', "''");
        match self.random.below(6) {
            0..3 => format!("{name} @> {}", self.value(&format!("'{part}'::jsonb"))),
            3 => format!("{name} ? {}", self.value(&format!("'{key}'::text"))),
            4 => format!("{name} ->> '{key}' = {}", self.value(&format!("'{member}'::text"))),
            _ => format!("{name} @> {}", self.value(&literal)),
        }
    }

    fn array(&mut self, column: &Column, name: &str) -> String {
        let literal = self.random.pick(&column.values).clone();
        let text = literal.rsplit_once("::").map_or("'{}'", |(v, _)| v).trim_matches('\'').to_owned();
        let elements: Vec<&str> = text.trim_matches(['{', '}']).split(',').filter(|e| !e.is_empty()).collect();
        let first = elements.first().copied().unwrap_or("none");
        match self.random.below(5) {
            0 => format!("{name} && {}", self.value(&literal)),
            1 => format!("{} = any ({name})", self.value(&format!("'{first}'::text"))),
            2 => format!("{name} @> {}", self.value(&literal)),
            3 => format!("{name} <@ {}", self.value(&literal)),
            _ => format!("{name} @> {}", self.value(&format!("'{{{first}}}'::text[]"))),
        }
    }

    fn words(&mut self, column: &Column, name: &str) -> String {
        let literal = self.random.pick(&column.values).clone();
        // A tsvector's text: ''word'':1 ''other'':2, in a literal.
        let words: Vec<&str> = literal.split("''").skip(1).step_by(2).filter(|w| !w.is_empty()).collect();
        let word = words.first().copied().unwrap_or("none");
        let other = words.get(1).copied().unwrap_or(word);
        let query = match self.random.below(5) {
            0..2 => word.to_owned(),
            2 => format!("{word} & {other}"),
            3 => format!("{word} | {other}"),
            _ => format!("{}:*", word.chars().take(3).collect::<String>()),
        };
        format!("{name} @@ {}", self.value(&format!("'{query}'::tsquery")))
    }

    fn on_expression(&mut self, table: usize, alias: &str) -> String {
        let of = &self.tables[table];
        let texts = of.of_kind(&[Kind::Text]);
        let numbers = of.of_kind(&[Kind::Number]);
        if !texts.is_empty() && self.random.percent(60) {
            let column = *self.random.pick(&texts);
            let value = self.one(column);
            return format!("lower({alias}.{}) = lower({value})", column.name);
        }
        match numbers.first() {
            Some(_) => {
                let column = *self.random.pick(&numbers);
                let value = self.one(column);
                format!("{alias}.{} + 1 = {value}", column.name)
            }
            None => self.simple(table, alias),
        }
    }
}
