//! pg_trgm's operators and operator classes, for snapshots that do not carry them.

use super::own::Maker;
use super::{AmopFact, FunctionFact, OpclassFact, OperatorFact};
use crate::planner::expr::types::{BOOL, FLOAT4, TEXT};
use crate::snapshot::{IndexMethod, Oid, Volatility};

/// Name, commutator, strategy, whether it measures a distance.
const OPERATORS: [(&str, &str, i16, bool); 10] = [
    ("%", "%", 1, false),
    ("<%", "%>", 0, false),
    ("%>", "<%", 7, false),
    ("<<%", "%>>", 0, false),
    ("%>>", "<<%", 9, false),
    ("<->", "<->", 2, true),
    ("<<->", "<->>", 0, true),
    ("<->>", "<<->", 8, true),
    ("<<<->", "<->>>", 0, true),
    ("<->>>", "<<<->", 10, true),
];

/// Built-in operators on text that a trigram index serves: LIKE, ILIKE and the two regular-expression matches.
const PATTERNS: [(Oid, i16); 4] = [(1209, 3), (1627, 4), (641, 5), (1228, 6)];

const FUNCTIONS: [(&str, Oid); 6] = [
    ("similarity", FLOAT4),
    ("word_similarity", FLOAT4),
    ("strict_word_similarity", FLOAT4),
    ("similarity_op", BOOL),
    ("word_similarity_op", BOOL),
    ("strict_word_similarity_op", BOOL),
];

/// Adds them.
pub(super) fn add(maker: &mut Maker<'_>) {
    let base = maker.base;
    let mut function = 0;
    for (name, result) in FUNCTIONS {
        function = maker.oid();
        let volatility = if result == BOOL { Volatility::Stable } else { Volatility::Immutable };
        maker.tables.add_function(
            Some(base),
            FunctionFact { volatility, ..FunctionFact::plain(function, name, vec![TEXT, TEXT], result) },
        );
    }
    let oids: Vec<Oid> = OPERATORS.iter().map(|_| maker.oid()).collect();
    let (gin, gist) = (maker.oid(), maker.oid());
    for (oid, (name, commutator, strategy, distance)) in oids.iter().zip(OPERATORS) {
        let position = OPERATORS.iter().position(|(other, ..)| *other == commutator);
        maker.tables.add_operator(
            Some(base),
            OperatorFact {
                oid: *oid,
                name: name.to_owned(),
                left: TEXT,
                right: TEXT,
                result: if distance { FLOAT4 } else { BOOL },
                commutator: position.and_then(|i| oids.get(i)).copied().unwrap_or(0),
                negator: 0,
                function,
                restrict: if distance { String::new() } else { "matchingsel".to_owned() },
                join: if distance { String::new() } else { "matchingjoinsel".to_owned() },
                can_merge: false,
                can_hash: false,
            },
        );
        if strategy == 0 {
            continue;
        }
        let amop = |family| AmopFact { family, strategy, left: TEXT, right: TEXT, operator: *oid, ordering: distance };
        maker.tables.add_amop(amop(gist));
        if !distance {
            maker.tables.add_amop(amop(gin));
        }
    }
    for (operator, strategy) in PATTERNS {
        for family in [gin, gist] {
            maker.tables.add_amop(AmopFact { family, strategy, left: TEXT, right: TEXT, operator, ordering: false });
        }
    }
    for (name, method, family, key) in
        [("gin_trgm_ops", IndexMethod::Gin, gin, 23), ("gist_trgm_ops", IndexMethod::Gist, gist, 0)]
    {
        let oid = maker.oid();
        let name = name.to_owned();
        maker.tables.add_opclass(OpclassFact { oid, name, method, family, input: TEXT, key, default: false });
    }
}
