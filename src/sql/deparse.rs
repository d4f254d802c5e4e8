//! Expressions back to text.
//!
//! The text is what PostgreSQL accepts in an index definition: columns unqualified and quoted, operands of operators in
//! brackets so that no precedence has to be remembered, types by their SQL names. One expression has one text.

use super::ast::{BooleanTest, Call, Expr, LikeKind, Literal, Step, TypeName};
use super::quote;

/// Gives a column (an [`Expr::Column`] or [`Expr::Slot`]) its text, or refuses the whole expression.
pub type ColumnText<'a> = dyn Fn(&Expr) -> Option<String> + 'a;

/// The text of an expression; `None` if it holds what cannot stand in an index (a subquery, an aggregate with special
/// arguments, DEFAULT) or a column that `column` refuses.
pub fn deparse_expr(expr: &Expr, column: &ColumnText<'_>) -> Option<String> {
    let mut out = String::new();
    Writer { out: &mut out, column }.expr(expr)?;
    Some(out)
}

/// The last part of a column's name, quoted: for expressions that read one table.
pub fn unqualified(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Column(parts) => parts.last().map(|name| quote::ident(name)),
        _ => None,
    }
}

struct Writer<'a> {
    out: &'a mut String,
    column: &'a ColumnText<'a>,
}

impl Writer<'_> {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn expr(&mut self, expr: &Expr) -> Option<()> {
        match expr {
            Expr::Column(_) | Expr::Slot(_) => {
                let text = (self.column)(expr)?;
                self.push(&text);
                Some(())
            }
            Expr::Parameter(n) => {
                self.push(&format!("${n}"));
                Some(())
            }
            Expr::Literal(literal) => {
                self.push(&literal_text(literal));
                Some(())
            }
            Expr::ValueFunction(name) => {
                self.push(name);
                Some(())
            }
            Expr::Call(call) => self.call(call),
            Expr::Builtin { name, args } => {
                self.push(name);
                self.list("(", args, ")")
            }
            Expr::Array(list) => self.list("ARRAY[", list, "]"),
            Expr::Row(list) => self.list("ROW(", list, ")"),
            Expr::Cast { expr, to } => {
                self.operand(expr)?;
                self.push("::");
                self.type_name(to)
            }
            Expr::Indirection { expr, path } => self.indirection(expr, path),
            Expr::Case { operand, whens, otherwise } => {
                self.push("CASE");
                if let Some(operand) = operand {
                    self.push(" ");
                    self.operand(operand)?;
                }
                for (when, then) in whens {
                    self.push(" WHEN ");
                    self.operand(when)?;
                    self.push(" THEN ");
                    self.operand(then)?;
                }
                if let Some(otherwise) = otherwise {
                    self.push(" ELSE ");
                    self.operand(otherwise)?;
                }
                self.push(" END");
                Some(())
            }
            Expr::Star(_) | Expr::Sublink(_) | Expr::Default | Expr::Other { .. } => None,
            _ => self.condition(expr),
        }
    }

    fn condition(&mut self, expr: &Expr) -> Option<()> {
        match expr {
            Expr::Operator { op, left, right } => {
                if let Some(left) = left {
                    self.operand(left)?;
                    self.push(" ");
                }
                match op.split_once('.') {
                    Some((schema, name)) if !schema.is_empty() && !name.is_empty() => {
                        self.push(&format!("OPERATOR({}.{name})", quote::ident(schema)));
                    }
                    _ => self.push(op),
                }
                self.push(" ");
                self.operand(right)
            }
            Expr::And(list) => self.joined(list, " AND "),
            Expr::Or(list) => self.joined(list, " OR "),
            Expr::Not(inner) => {
                self.push("NOT ");
                self.operand(inner)
            }
            Expr::InList { expr, list, negated } => {
                self.operand(expr)?;
                self.list(if *negated { " NOT IN (" } else { " IN (" }, list, ")")
            }
            Expr::Quantified { left, op, all, right } => {
                self.operand(left)?;
                self.push(&format!(" {op} {} (", if *all { "ALL" } else { "ANY" }));
                self.expr(right)?;
                self.push(")");
                Some(())
            }
            Expr::Like { kind, negated, expr, pattern, escape } => {
                self.operand(expr)?;
                self.push(if *negated { " NOT " } else { " " });
                self.push(match kind {
                    LikeKind::Like => "LIKE ",
                    LikeKind::Ilike => "ILIKE ",
                    LikeKind::Similar => "SIMILAR TO ",
                });
                self.operand(pattern)?;
                if let Some(escape) = escape {
                    self.push(" ESCAPE ");
                    self.operand(escape)?;
                }
                Some(())
            }
            Expr::Between { expr, low, high, negated, symmetric } => {
                self.operand(expr)?;
                self.push(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.push(if *symmetric { "SYMMETRIC " } else { "" });
                self.operand(low)?;
                self.push(" AND ");
                self.operand(high)
            }
            Expr::IsDistinct { left, right, negated } => {
                self.operand(left)?;
                self.push(if *negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " });
                self.operand(right)
            }
            Expr::IsNull { expr, negated } => {
                self.operand(expr)?;
                self.push(if *negated { " IS NOT NULL" } else { " IS NULL" });
                Some(())
            }
            Expr::BooleanTest { expr, test } => {
                self.operand(expr)?;
                self.push(match test {
                    BooleanTest::True => " IS TRUE",
                    BooleanTest::NotTrue => " IS NOT TRUE",
                    BooleanTest::False => " IS FALSE",
                    BooleanTest::NotFalse => " IS NOT FALSE",
                    BooleanTest::Unknown => " IS UNKNOWN",
                    BooleanTest::NotUnknown => " IS NOT UNKNOWN",
                });
                Some(())
            }
            Expr::Collate { expr, collation } => {
                self.operand(expr)?;
                let parts: Vec<String> = collation.iter().map(|p| quote::ident(p)).collect();
                self.push(&format!(" COLLATE {}", parts.join(".")));
                Some(())
            }
            _ => None,
        }
    }

    /// An operand: in brackets unless it can be read only one way.
    fn operand(&mut self, expr: &Expr) -> Option<()> {
        if is_primary(expr) {
            return self.expr(expr);
        }
        self.push("(");
        self.expr(expr)?;
        self.push(")");
        Some(())
    }

    fn joined(&mut self, list: &[Expr], separator: &str) -> Option<()> {
        for (i, expr) in list.iter().enumerate() {
            if i > 0 {
                self.push(separator);
            }
            self.operand(expr)?;
        }
        Some(())
    }

    fn list(&mut self, open: &str, list: &[Expr], close: &str) -> Option<()> {
        self.push(open);
        for (i, expr) in list.iter().enumerate() {
            if i > 0 {
                self.push(", ");
            }
            self.expr(expr)?;
        }
        self.push(close);
        Some(())
    }

    fn call(&mut self, call: &Call) -> Option<()> {
        let plain = call.filter.is_none() && call.over.is_none() && call.order_by.is_empty();
        if !plain || call.special_arguments || call.distinct || call.star {
            return None;
        }
        if let ("extract", None, [Expr::Literal(Literal::String(field)), source]) =
            (call.name.as_str(), &call.schema, call.args.as_slice())
        {
            self.push(&format!("EXTRACT({} FROM ", quote::ident(field)));
            self.expr(source)?;
            self.push(")");
            return Some(());
        }
        if let Some(schema) = &call.schema {
            self.push(&format!("{}.", quote::ident(schema)));
        }
        self.push(&quote::ident(&call.name));
        self.list("(", &call.args, ")")
    }

    fn indirection(&mut self, expr: &Expr, path: &[Step]) -> Option<()> {
        if matches!(expr, Expr::Column(_) | Expr::Slot(_)) && matches!(path.first(), Some(Step::Index(_))) {
            self.expr(expr)?;
        } else {
            self.push("(");
            self.expr(expr)?;
            self.push(")");
        }
        for step in path {
            match step {
                Step::Field(name) => self.push(&format!(".{}", quote::ident(name))),
                Step::Star => return None,
                Step::Index(index) => self.list("[", std::slice::from_ref(index), "]")?,
                Step::Slice(from, to) => {
                    self.push("[");
                    if let Some(from) = from {
                        self.expr(from)?;
                    }
                    self.push(":");
                    if let Some(to) = to {
                        self.expr(to)?;
                    }
                    self.push("]");
                }
            }
        }
        Some(())
    }

    fn type_name(&mut self, ty: &TypeName) -> Option<()> {
        let (name, tail) = if ty.schema.is_none() { sql_type(&ty.name) } else { (None, "") };
        match (name, &ty.schema) {
            (Some(name), _) => self.push(name),
            (None, Some(schema)) => self.push(&quote::qualified(schema, &ty.name)),
            (None, None) => self.push(&quote::ident(&ty.name)),
        }
        // A bare `char` means one character: the parser supplies that 1 itself.
        if !ty.modifiers.is_empty() {
            self.list("(", &ty.modifiers, ")")?;
        }
        self.push(tail);
        self.push(if ty.array { "[]" } else { "" });
        Some(())
    }
}

fn is_primary(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(Literal::Integer(i)) => *i >= 0,
        Expr::Literal(Literal::Number(n)) => !n.starts_with('-'),
        Expr::Column(_)
        | Expr::Slot(_)
        | Expr::Parameter(_)
        | Expr::Literal(_)
        | Expr::Call(_)
        | Expr::Builtin { .. }
        | Expr::Array(_)
        | Expr::Row(_)
        | Expr::ValueFunction(_)
        | Expr::Indirection { .. }
        | Expr::Case { .. }
        | Expr::Cast { .. } => true,
        _ => false,
    }
}

/// A literal as SQL.
pub fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Null => "NULL".to_owned(),
        Literal::Boolean(true) => "true".to_owned(),
        Literal::Boolean(false) => "false".to_owned(),
        Literal::Integer(i) => i.to_string(),
        Literal::Number(n) => n.clone(),
        Literal::String(s) => quote::literal(s),
        // The scanner keeps the leading letter: b101, x1f.
        Literal::Bits(bits) => match bits.split_at_checked(1) {
            Some((kind, digits)) => format!("{}{}", kind.to_ascii_uppercase(), quote::literal(digits)),
            None => quote::literal(bits),
        },
    }
}

/// The SQL name of a built-in type where it differs from `pg_type.typname`, and what follows its modifiers.
fn sql_type(typname: &str) -> (Option<&'static str>, &'static str) {
    let name = match typname {
        "int2" => "smallint",
        "int4" => "integer",
        "int8" => "bigint",
        "float4" => "real",
        "float8" => "double precision",
        "bool" => "boolean",
        "varchar" => "character varying",
        "bpchar" => "character",
        "varbit" => "bit varying",
        "numeric" => "numeric",
        "bit" => "bit",
        "interval" => "interval",
        "timestamp" => return (Some("timestamp"), " without time zone"),
        "timestamptz" => return (Some("timestamp"), " with time zone"),
        "time" => return (Some("time"), " without time zone"),
        "timetz" => return (Some("time"), " with time zone"),
        _ => return (None, ""),
    };
    (Some(name), "")
}
