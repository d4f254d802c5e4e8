//! Effect: what following pgwise's advice does to the sample workloads, by really running them.
//!
//! In: each sample, read-mostly as it is and with four writes in five. Three copies of one database run the workload in
//! turns: as it was before, with pgwise's advice followed, and with the indexes of the sample's `expert.sql`, which is
//! written by hand. Out: time, blocks and bytes of each, by statement and in all, and what pgwise would still add
//! afterwards; printed, and in target/effect.json. `make bench-effect` runs it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "all of it is a test, which fails by panicking and prints its figures"
)]

mod outcome;
mod stage;

use std::path::Path;

use outcome::Effect;
use pgwise::demo::SampleName;
use stage::Stage;

/// Everything, for `make bench-effect`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make bench-effect"]
async fn effect() {
    let wanted = environment("EFFECT_SAMPLES").unwrap_or_else(|| "shop saas".to_owned());
    let weights = environment("EFFECT_WEIGHTS").unwrap_or_else(|| "read write".to_owned());
    let scale = environment("EFFECT_SCALE").map_or(1.0, |v| v.parse().expect("EFFECT_SCALE is a number"));
    let runs = environment("EFFECT_RUNS").map_or(5, |v| v.parse().expect("EFFECT_RUNS is a number"));
    let mut effects: Vec<Effect> = Vec::new();
    for name in SampleName::ALL.into_iter().filter(|n| wanted.split([' ', ',']).any(|w| w == n.as_str())) {
        let stage = Stage::load(name, scale).await;
        for (label, write_heavy) in [("read", false), ("write", true)] {
            if !weights.split([' ', ',']).any(|w| w == label) {
                continue;
            }
            let effect = stage.compare(write_heavy, runs).await;
            println!("{}", effect.to_text());
            effects.push(effect);
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/effect.json");
    std::fs::write(&path, serde_json::to_string_pretty(&effects).unwrap()).unwrap();
    println!("{}", path.display());
    let harmful: Vec<String> = effects.iter().flat_map(Effect::harm).collect();
    assert!(harmful.is_empty(), "{}", harmful.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "what to measure is the environment's to say")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
