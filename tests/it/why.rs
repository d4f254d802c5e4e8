//! `--explain-why`: what became of an index that somebody asks about.

use serde_json::Value;

use crate::harness::binary::pgwise;

const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sample-workloads/shop/snapshot.json.zst");

fn ask(indexes: &[&str], format: &str) -> Vec<String> {
    let mut arguments = vec!["analyze", "--snapshot", SNAPSHOT, "--what-if", "model", "--format", format];
    arguments.extend(indexes.iter().flat_map(|index| ["--explain-why", index]));
    arguments.into_iter().map(str::to_owned).collect()
}

fn run(indexes: &[&str], format: &str) -> crate::harness::binary::Run {
    let arguments = ask(indexes, format);
    let run = pgwise(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    run.ends(0, 60);
    run
}

#[test]
fn every_kind_of_index_has_an_answer_with_costs() {
    let plain = run(&[], "json").json();
    let first = plain["recommendations"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|r| r["kind"] == "create_index" && r["index"]["method"] == "btree")
        .expect("a B-tree");
    let recommended = first["ddl"].as_str().expect("a statement").replace("CONCURRENTLY ", "");
    let asked = [
        recommended.as_str(),
        "users (id)",
        "public.order_items (quantity, unit_price DESC)",
        "gin(products.attributes jsonb_path_ops)",
        "carts (updated_at) INCLUDE (items) WHERE checked_out_at IS NULL",
        "hash (coupons.percent)",
    ];
    let report = run(&asked, "json").json();
    assert_eq!(report["recommendations"], plain["recommendations"], "asking changes no advice");
    let explained = report["explanations"].as_array().expect("a list");
    let outcomes: Vec<&str> = explained.iter().filter_map(|e| e["outcome"].as_str()).collect();
    assert_eq!(outcomes.len(), asked.len());
    assert_eq!(&outcomes[..3], ["recommended", "exists", "rejected"], "{explained:#?}");
    let number = |e: &Value, key: &str| e[key].as_f64().expect("a number");
    assert!(number(&explained[0], "cost_alone") < number(&explained[0], "cost_before"));
    assert!(number(&explained[0], "cost_both") < number(&explained[0], "cost_advised"));
    assert!(explained[0]["queries"].as_array().is_some_and(|q| q.iter().any(|q| q["used_alone"] == true)));
    assert_eq!(explained[2]["was_candidate"], false);
    for one in explained {
        assert!(one["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{one}");
        assert!(!one["queries"].as_array().expect("a list").is_empty(), "{one}");
    }
    for format in ["table", "markdown"] {
        run(&asked, format).prints(&[
            "Asked about",
            "users (id)",
            "exists already",
            "not recommended",
            "no statement led to it",
        ]);
    }
}

#[test]
fn what_is_no_index_is_one_message() {
    for (asked, said) in [
        ("nowhere (a)", "no table nowhere"),
        ("orders (nothing)", "has no column nothing"),
        ("orders (", "is no index"),
        ("SELECT 1", "is no index"),
        ("orders USING rum (id)", "rum is no access method"),
    ] {
        let arguments = ask(&[asked], "json");
        pgwise(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).fails(30, &[said]);
    }
}
