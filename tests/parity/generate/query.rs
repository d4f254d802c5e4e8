//! Statements around the conditions.

use super::{Generator, Kind};

impl Generator<'_> {
    pub(super) fn statement(&mut self) -> String {
        match self.random.below(100) {
            0..34 => self.select(1),
            34..52 => self.select(2),
            52..60 => self.select(3),
            60..63 => self.select(4),
            63..73 => self.grouped(),
            73..77 => self.distinct(),
            77..81 => self.union(),
            81..85 => self.with(),
            85..89 => self.derived(),
            89..91 => self.scalar(),
            91..96 => self.update(),
            _ => self.delete(),
        }
    }

    fn any_table(&mut self) -> usize {
        self.random.below(self.tables.len())
    }

    /// FROM with so many tables joined by foreign keys, and the tables with their aliases. Fewer where no key leads on.
    fn from(&mut self, count: usize) -> (String, Vec<(usize, String)>) {
        let (first, alias) = (self.any_table(), self.alias());
        let mut sql = format!("{} {alias}", self.tables[first].name);
        let mut joined = vec![(first, alias)];
        while joined.len() < count {
            let Some((table, alias, on)) = self.neighbour(&joined) else { break };
            let word = if self.random.percent(25) { "left join" } else { "join" };
            sql = format!("{sql} {word} {} {alias} on {on}", self.tables[table].name);
            joined.push((table, alias));
        }
        (sql, joined)
    }

    /// A table that a foreign key connects with one of these, and the condition.
    fn neighbour(&mut self, joined: &[(usize, String)]) -> Option<(usize, String, String)> {
        let mut edges = Vec::new();
        for (table, alias) in joined {
            for (own, other, there) in &self.tables[*table].references {
                edges.push((*other, there, format!("{alias}.{own}")));
            }
            for (n, other) in self.tables.iter().enumerate() {
                for (column, referenced, there) in &other.references {
                    if referenced == table {
                        edges.push((n, column, format!("{alias}.{there}")));
                    }
                }
            }
        }
        if edges.is_empty() {
            return None;
        }
        let (table, column, outside) = self.random.pick(&edges).clone();
        let alias = self.alias();
        let on = format!("{alias}.{column} = {outside}");
        Some((table, alias, on))
    }

    /// Conditions for a WHERE: on some of the tables, and with EXISTS, NOT EXISTS or IN now and then.
    fn filters(&mut self, joined: &[(usize, String)]) -> String {
        let mut all = Vec::new();
        for (n, (table, alias)) in joined.iter().enumerate() {
            if n == 0 || self.random.percent(40) {
                all.extend(self.conditions(*table, alias));
            }
        }
        if self.random.percent(18) {
            all.extend(self.semi(joined));
        }
        format!(" where {}", all.join(" and "))
    }

    fn semi(&mut self, joined: &[(usize, String)]) -> Option<String> {
        let (table, alias, on) = self.neighbour(joined)?;
        let name = &self.tables[table].name;
        let filter =
            if self.random.percent(70) { format!(" and {}", self.condition(table, &alias)) } else { String::new() };
        let (inside, outside) = on.split_once(" = ").unwrap();
        Some(match self.random.below(4) {
            0 => format!("not exists (select 1 from {name} {alias} where {on}{filter})"),
            1 => format!("{outside} in (select {inside} from {name} {alias} where {inside} is not null{filter})"),
            _ => format!("exists (select 1 from {name} {alias} where {on}{filter})"),
        })
    }

    fn targets(&mut self, joined: &[(usize, String)]) -> String {
        if self.random.percent(15) {
            return format!("{}.*", joined[0].1);
        }
        let count = 1 + self.random.below(3);
        let columns: Vec<String> = (0..count)
            .map(|_| {
                let (table, alias) = self.random.pick(joined).clone();
                format!("{alias}.{}", self.random.pick(&self.tables[table].columns).name)
            })
            .collect();
        columns.join(", ")
    }

    fn sortable(&mut self, joined: &[(usize, String)]) -> String {
        let kinds = [Kind::Number, Kind::Time, Kind::Text, Kind::Bool, Kind::Opaque];
        let (table, alias) = self.random.pick(joined).clone();
        let columns = self.tables[table].of_kind(&kinds);
        format!("{alias}.{}", self.random.pick(&columns).name)
    }

    fn tail(&mut self, joined: &[(usize, String)]) -> String {
        let mut tail = String::new();
        if self.random.percent(45) {
            let count = 1 + self.random.below(2);
            let keys: Vec<String> = (0..count)
                .map(|_| format!("{}{}", self.sortable(joined), if self.random.percent(40) { " desc" } else { "" }))
                .collect();
            tail = format!(" order by {}", keys.join(", "));
        }
        if self.random.percent(40) {
            tail = format!("{tail} limit {}", *self.random.pick(&[1, 5, 10, 20, 50, 100, 500]));
        }
        if tail.contains("limit") && self.random.percent(15) {
            tail = format!("{tail} offset {}", *self.random.pick(&[10, 100, 1000]));
        }
        tail
    }

    fn select(&mut self, tables: usize) -> String {
        let (from, joined) = self.from(tables);
        let (targets, filters, tail) = (self.targets(&joined), self.filters(&joined), self.tail(&joined));
        format!("select {targets} from {from}{filters}{tail}")
    }

    fn grouped(&mut self) -> String {
        let tables = 1 + self.random.below(2);
        let (from, joined) = self.from(tables);
        let filters = if self.random.percent(75) { self.filters(&joined) } else { String::new() };
        let (table, alias) = self.random.pick(&joined).clone();
        let numbers = self.tables[table].of_kind(&[Kind::Number]);
        let aggregate = match numbers.first() {
            Some(_) => {
                let function = *self.random.pick(&["sum", "avg", "min", "max", "count"]);
                format!("{function}({alias}.{})", self.random.pick(&numbers).name)
            }
            None => "count(*)".to_owned(),
        };
        if self.random.percent(30) {
            return format!("select count(*), {aggregate} from {from}{filters}");
        }
        let key = self.sortable(&joined);
        let having = if self.random.percent(20) { " having count(*) > 2" } else { "" };
        let order =
            *self.random.pick(&["", " order by 1", " order by 2 desc", " order by 2 desc limit 10", " limit 20"]);
        format!("select {key}, {aggregate} from {from}{filters} group by {key}{having}{order}")
    }

    fn distinct(&mut self) -> String {
        let tables = 1 + self.random.below(2);
        let (from, joined) = self.from(tables);
        let key = self.sortable(&joined);
        let filters = self.filters(&joined);
        if self.random.percent(35) {
            let other = self.sortable(&joined);
            return format!("select distinct on ({key}) {key}, {other} from {from}{filters} order by {key}, {other}");
        }
        let order = if self.random.percent(40) { format!(" order by {key}") } else { String::new() };
        format!("select distinct {key} from {from}{filters}{order}")
    }

    fn union(&mut self) -> String {
        let word = *self.random.pick(&["union", "union all", "union all", "except", "intersect"]);
        let table = self.any_table();
        let column = self.tables[table].of_kind(&[Kind::Number])[0].name.clone();
        let mut half = || {
            let alias = self.alias();
            let filters = self.conditions(table, &alias).join(" and ");
            format!("select {alias}.{column} from {} {alias} where {filters}", self.tables[table].name)
        };
        let (one, other) = (half(), half());
        let tail = *self.random.pick(&["", " order by 1", " order by 1 limit 20"]);
        format!("{one} {word} {other}{tail}")
    }

    fn with(&mut self) -> String {
        let (table, alias) = (self.any_table(), self.alias());
        let filters = self.conditions(table, &alias).join(" and ");
        let word = *self.random.pick(&["", "", "materialized "]);
        let outer = self.alias();
        let key = self.sortable(&[(table, outer.clone())]);
        let name = self.tables[table].name.clone();
        let cte = format!("with c as {word}(select {alias}.* from {name} {alias} where {filters})");
        match self.neighbour(&[(table, outer.clone())]) {
            Some((other, other_alias, on)) if self.random.percent(60) => {
                let filter = self.condition(other, &other_alias);
                format!(
                    "{cte} select {key} from c {outer} join {} {other_alias} on {on} where {filter}",
                    self.tables[other].name
                )
            }
            _ => format!("{cte} select {key}, count(*) from c {outer} group by {key}"),
        }
    }

    fn derived(&mut self) -> String {
        let outer = self.alias();
        let table = self.any_table();
        let Some((other, alias, on)) = self.neighbour(&[(table, outer.clone())]) else { return self.select(1) };
        let (column, outside) = on.split_once(" = ").unwrap();
        let filters = self.conditions(table, &outer).join(" and ");
        let key = column.split_once('.').unwrap().1;
        format!(
            "select {outer}.*, s.n from {} {outer} join (select {column}, count(*) as n from {} {alias} group by {column}) s \
             on s.{key} = {outside} where {filters}",
            self.tables[table].name, self.tables[other].name
        )
    }

    fn scalar(&mut self) -> String {
        let outer = self.alias();
        let table = self.any_table();
        let Some((other, alias, on)) = self.neighbour(&[(table, outer.clone())]) else { return self.select(1) };
        let filters = self.conditions(table, &outer).join(" and ");
        let key = self.sortable(&[(table, outer.clone())]);
        format!(
            "select {key}, (select count(*) from {} {alias} where {on}) as n from {} {outer} where {filters} limit 50",
            self.tables[other].name, self.tables[table].name
        )
    }

    fn update(&mut self) -> String {
        let (table, alias) = (self.any_table(), self.alias());
        let of = &self.tables[table];
        let columns = of.of_kind(&[Kind::Number, Kind::Text, Kind::Bool]);
        let column = *self.random.pick(&columns);
        let literal = self.random.pick(&column.values).clone();
        let value = self.value(&literal);
        let filters = self.conditions(table, &alias).join(" and ");
        format!("update {} {alias} set {} = {value} where {filters}", of.name, column.name)
    }

    fn delete(&mut self) -> String {
        let (table, alias) = (self.any_table(), self.alias());
        let mut filters = self.conditions(table, &alias);
        if self.random.percent(25) {
            filters.extend(self.semi(&[(table, alias.clone())]));
        }
        format!("delete from {} {alias} where {}", self.tables[table].name, filters.join(" and "))
    }
}
