//! The generated tables, read once a process and major version.
//!
//! Every line begins with the major version since which its object exists (0: all that pgwise supports). The columns
//! after it are those that `scripts/planner-facts/*.sql` select, separated by tabs.

use std::str::FromStr;
use std::sync::OnceLock;

use super::tables::Tables;
use super::{AmopFact, CastFact, FunctionFact, OpclassFact, OperatorFact, TypeFact};
use crate::snapshot::{IndexMethod, Oid, Volatility};

const TYPES: &str = include_str!("types.tsv");
const OPERATORS: &str = include_str!("operators.tsv");
const FUNCTIONS: &str = include_str!("functions.tsv");
const OPCLASSES: &str = include_str!("opclasses.tsv");
const AMOPS: &str = include_str!("amops.tsv");
const CASTS: &str = include_str!("casts.tsv");

/// The oldest version that the tables tell apart.
const OLDEST: usize = 15;
/// How many versions they tell apart; a newer server is taken for the newest.
const VERSIONS: usize = 4;

static BUILTIN: [OnceLock<Tables>; VERSIONS] = [const { OnceLock::new() }; VERSIONS];

/// The built-in objects of a major version.
pub(super) fn builtin(major: u32) -> &'static Tables {
    let major = usize::try_from(major).unwrap_or(OLDEST).clamp(OLDEST, OLDEST + VERSIONS - 1);
    BUILTIN[major - OLDEST].get_or_init(|| load(major))
}

fn load(major: usize) -> Tables {
    let mut tables = Tables::default();
    let rows = |text: &'static str| {
        text.lines().map(Row::new).filter_map(move |mut row| (row.number::<usize>() <= major).then_some(row))
    };
    for row in rows(TYPES) {
        tables.add_type(None, type_fact(row));
    }
    for row in rows(OPERATORS) {
        tables.add_operator(None, operator_fact(row));
    }
    for row in rows(FUNCTIONS) {
        tables.add_function(None, function_fact(row));
    }
    for mut row in rows(OPCLASSES) {
        tables.add_opclass(OpclassFact {
            oid: row.number(),
            name: row.text(),
            method: IndexMethod::from_amname(row.next()),
            family: row.number(),
            input: row.number(),
            key: row.number(),
            default: row.flag(),
        });
    }
    for mut row in rows(AMOPS) {
        let family = row.number();
        tables.family_methods.insert(family, IndexMethod::from_amname(row.next()));
        let strategy = row.number();
        let (left, right, operator) = (row.number(), row.number(), row.number());
        tables.add_amop(AmopFact { family, strategy, left, right, operator, ordering: row.next() == "o" });
    }
    for mut row in rows(CASTS) {
        let (source, target, function) = (row.number(), row.number(), row.number());
        let (context, method) = (row.letter(), row.letter());
        tables.casts.insert((source, target), CastFact { source, target, function, context, method });
    }
    tables
}

fn type_fact(mut row: Row) -> TypeFact {
    TypeFact {
        oid: row.number(),
        name: row.text(),
        len: row.number(),
        by_value: row.flag(),
        align: row.number(),
        category: row.letter(),
        preferred: row.flag(),
        kind: row.letter(),
        element: row.number(),
        array: row.number(),
        base: row.number(),
        collation: row.number(),
        labels: Vec::new(),
        subtype: row.number(),
        fields: Vec::new(),
    }
}

fn operator_fact(mut row: Row) -> OperatorFact {
    OperatorFact {
        oid: row.number(),
        name: row.text(),
        left: row.number(),
        right: row.number(),
        result: row.number(),
        commutator: row.number(),
        negator: row.number(),
        function: row.number(),
        restrict: row.text(),
        join: row.text(),
        can_merge: row.flag(),
        can_hash: row.flag(),
    }
}

fn function_fact(mut row: Row) -> FunctionFact {
    let oid = row.number();
    let name = row.text();
    let args = numbers(row.next());
    let variadic = row.number();
    let result = row.number();
    let (cost, rows) = (row.number(), row.number());
    let flags = row.next();
    let volatility = match row.next() {
        "i" => Volatility::Immutable,
        "s" => Volatility::Stable,
        _ => Volatility::Volatile,
    };
    let kind = row.letter();
    let support = row.text();
    let arg_names = list(row.next(), ',');
    let defaults = list(row.next(), ';');
    let column = |text: String| text.rsplit_once(':').map(|(name, ty)| (name.to_owned(), ty.parse().unwrap_or(0)));
    let out_columns = list(row.next(), ',').into_iter().filter_map(column).collect();
    let mut aggregate = Row { fields: row.next().split(' ') };
    let transition = aggregate.number();
    FunctionFact {
        oid,
        name,
        args,
        arg_names,
        defaults,
        out_columns,
        variadic,
        result,
        cost,
        rows,
        retset: flags.contains('r'),
        strict: flags.contains('s'),
        volatility,
        parallel_safe: flags.contains('p'),
        kind,
        support,
        transition,
        transition_func: aggregate.number(),
        final_func: aggregate.number(),
        combine_func: aggregate.number(),
        serial_func: aggregate.number(),
        deserial_func: aggregate.number(),
        transition_space: aggregate.number(),
        sort_op: aggregate.number(),
        aggregate_kind: aggregate.letter(),
        direct_args: aggregate.number(),
    }
}

fn numbers(text: &str) -> Vec<Oid> {
    text.split(' ').filter_map(|t| t.parse().ok()).collect()
}

fn list(text: &str, separator: char) -> Vec<String> {
    if text.is_empty() { Vec::new() } else { text.split(separator).map(str::to_owned).collect() }
}

/// The fields of a line from left to right. The tables are part of the program: a field that is missing or malformed
/// reads as zero or blank, and a test sees to it that there is none.
struct Row {
    fields: std::str::Split<'static, char>,
}

impl Row {
    fn new(line: &'static str) -> Self {
        Self { fields: line.split('\t') }
    }

    fn next(&mut self) -> &'static str {
        self.fields.next().unwrap_or("")
    }

    fn text(&mut self) -> String {
        self.next().to_owned()
    }

    fn number<T: FromStr + Default>(&mut self) -> T {
        self.next().parse().unwrap_or_default()
    }

    fn flag(&mut self) -> bool {
        self.next() == "1"
    }

    fn letter(&mut self) -> char {
        self.next().chars().next().unwrap_or(' ')
    }
}
