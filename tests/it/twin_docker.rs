//! A twin in a container. It needs a Docker engine and an image, so it runs only when asked for: `make test-docker`.

use pgwise::snapshot::ValuesPolicy;

use crate::harness::binary::{Run, command, start_command};
use crate::harness::{self, environment};
use crate::twin::take;

const SCHEMA: &str = "
    create table orders (id int primary key, customer int not null, doc jsonb);
    insert into orders select i, i % 5000, jsonb_build_object('k', i % 1000) from generate_series(1, 50000) i";
const STATEMENTS: [&str; 2] =
    ["select * from orders where customer = 77", "select * from orders where doc @> '{\"k\": 7}'"];

/// Runs the binary with what the docker command needs of the environment.
fn pgwise(arguments: &[&str]) -> Run {
    let mut command = command(arguments);
    for name in ["PATH", "DOCKER_HOST", "HOME"] {
        command.envs(environment(name).map(|value| (name, value)));
    }
    start_command(command, arguments).finish()
}

/// The source is the tests' server; the image (`PGWISE_TWIN_IMAGE`, else scripts/test-image.sh's) has to be of its major
/// version.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine with an image of PostgreSQL: make test-docker"]
async fn a_container_carries_a_twin_and_is_gone_afterwards() {
    let database = harness::database("twin_docker").await;
    database.execute(SCHEMA).await;
    database.execute("vacuum analyze").await;
    let statements: Vec<String> = STATEMENTS.iter().map(|&s| s.to_owned()).collect();
    let snapshot = take(&database, &statements, ValuesPolicy::All).await;
    let file = tempfile::NamedTempFile::with_suffix(".json").expect("a file");
    std::fs::write(file.path(), serde_json::to_string(&snapshot).expect("JSON")).expect("a file");
    let path = file.path().to_str().expect("a path");
    let image =
        environment("PGWISE_TWIN_IMAGE").unwrap_or_else(|| format!("pgwise-postgres:{}", snapshot.server.major()));

    let run = pgwise(&["analyze", "--snapshot", path, &format!("--twin-docker={image}"), "--format", "json"]);
    run.ends(0, 180);
    let report = run.json();
    assert_eq!(report["cost_source"]["kind"], "twin");
    let recommendations = report["recommendations"].to_string();
    assert!(recommendations.contains("btree (customer)") && recommendations.contains("USING gin"), "{recommendations}");
    let left = std::process::Command::new("docker")
        .args(["ps", "--all", "--quiet", "--filter", "label=io.github.pgwise=throwaway"])
        .output()
        .expect("docker");
    assert!(left.status.success() && left.stdout.is_empty(), "{left:?}");

    // An image that is nowhere is one message, and no twin.
    let run = pgwise(&["analyze", "--snapshot", path, "--twin-docker=pgwise.invalid/none:0"]);
    run.fails(120, &["the image pgwise.invalid/none:0 is neither here nor to be had"]);
}
