//! Each way of asking for something that cannot be done gives its one clear message and exit code 2, and takes no
//! server to find out.

#[test]
fn bad_requests_are_answered_clearly() {
    trycmd::TestCases::new()
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", "1")
        .env("PGCONNECT_TIMEOUT", "5")
        .env("PGUSER", "somebody")
        .env("HOME", "/nonexistent")
        .case("tests/cmd/*.toml")
        .case("tests/cmd/*.trycmd");
}
