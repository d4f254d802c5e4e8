//! Statements that PostgreSQL refuses.

use crate::report::Severity;
use crate::rules::{Area, Rule};

pub(in crate::check) const RULE: Rule = Rule {
    id: "syntax-error",
    area: Area::Migration,
    severity: Severity::Error,
    title: "A statement does not parse",
    thresholds: &[],
    problem: "The migration fails at this statement; what stood before it has run, unless the whole file is one transaction.",
    detection: "PostgreSQL's own grammar (version 18's) refuses the text, or a quote, comment or dollar-quoted body never ends.",
    example: "`ALTER TABEL t ADD a int;` fires; psql's own commands (`\\\\set`) and rows after COPY … FROM stdin do not.",
    remedy: "Correct the statement. The other statements of the file, and the other files, are judged all the same.",
};
