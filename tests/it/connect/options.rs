//! Where options come from, against a real server.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use pgwise::connect::{ConnectOptions, Env, Error, Pool, PoolOptions, Redacted};

use super::secure::SecureServer;
use super::{bare_env, failure, pool, resolve};

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).expect("write");
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("mode");
}

async fn user_by(url: Option<&str>, env: &Env) -> Result<String, Error> {
    let pool = Pool::connect(&ConnectOptions::resolve(url, env)?, PoolOptions::default()).await?;
    Ok(pool.get().await?.query_one("select current_user::text", &[]).await?.get(0))
}

#[tokio::test]
async fn the_environment_the_service_file_and_the_password_file_complete_a_url() {
    let Some(server) = SecureServer::shared().await else { return };
    let home = tempfile::tempdir().expect("home");
    let port = server.port();
    let env = Env { home: Some(home.path().to_owned()), ..bare_env() }
        .with("PGHOST", "127.0.0.1")
        .with("PGPORT", &port.to_string())
        .with("PGDATABASE", "postgres");

    let with_password = env.clone().with("PGUSER", "ann").with("PGPASSWORD", "right-ann");
    assert_eq!(user_by(None, &with_password).await.expect("by variables"), "ann");
    let url = format!("postgresql://ann:right-ann@127.0.0.1:{port}/postgres");
    let by_url = Env { database_url: Some(Redacted(url)), ..bare_env() };
    assert_eq!(user_by(None, &by_url).await.expect("by DATABASE_URL"), "ann");

    let file = home.path().join(".pgpass");
    write(&file, &format!("127.0.0.1:{port}:*:ann:wrong\\:right\n*:*:*:tls_only:right-tls_only\n"), 0o600);
    assert_eq!(user_by(Some("user=tls_only"), &env).await.expect("by .pgpass"), "tls_only");
    let refused = user_by(Some("user=ann"), &env).await.expect_err("wrong password in .pgpass");
    assert!(matches!(refused, Error::Authentication { password_given: true, .. }), "{refused:?}");
    write(&file, "*:*:*:*:right-tls_only\n", 0o644);
    let options = ConnectOptions::resolve(Some("user=tls_only"), &env).expect("resolve");
    assert!(options.warnings()[0].contains("chmod 600"), "{:?}", options.warnings());
    let refused = user_by(Some("user=tls_only"), &env).await.expect_err("no password");
    assert!(matches!(refused, Error::Authentication { password_given: false, .. }), "{refused:?}");

    write(
        &home.path().join(".pg_service.conf"),
        &format!("[shop]\nhost=127.0.0.1\nport={port}\nuser=ann\npassword=right-ann\ndbname=postgres\n"),
        0o600,
    );
    let elsewhere = Env { home: Some(home.path().to_owned()), ..bare_env() }.with("PGUSER", "tls_only");
    assert_eq!(user_by(Some("service=shop"), &elsewhere).await.expect("by service"), "ann");
    assert_eq!(user_by(Some("postgres://?service=shop"), &elsewhere).await.expect("by service"), "ann");
    assert_eq!(user_by(None, &elsewhere.clone().with("PGSERVICE", "shop")).await.expect("by PGSERVICE"), "ann");
    let named = user_by(Some("service=shop user=tls_only password=right-tls_only"), &elsewhere).await;
    assert_eq!(named.expect("the string comes first"), "tls_only");
    let missing = user_by(Some("service=shed"), &elsewhere).await.expect_err("no such service").to_string();
    assert!(missing.contains("\"shed\"") && missing.contains(".pg_service.conf"), "{missing}");
}

#[tokio::test]
async fn a_unix_socket_serves_whatever_the_sslmode() {
    let Some(server) = SecureServer::shared().await else { return };
    let admin = server.admin().await;
    let row = admin.query_one("show unix_socket_directories", &[]).await.expect("show");
    let directory: String = row.get(0);
    let encoded = directory.replace('/', "%2F");
    let port = server.port();
    for url in [
        format!("postgresql://ann:right-ann@{encoded}:{port}/postgres"),
        format!("postgresql:///postgres?host={directory}&port={port}&user=ann&password=right-ann&sslmode=require"),
        format!("host={directory} port={port} user=ann password=right-ann dbname=postgres"),
        format!("host={directory} port={port} user=ann password=right-ann dbname=postgres sslmode=verify-full"),
    ] {
        let pool = pool(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let row = pool.get().await.expect("session").query_one("select inet_client_addr() is null", &[]).await;
        assert!(row.expect("query").get::<_, bool>(0));
    }
    let error = failure(&format!("host={directory} port=1 user=ann")).await;
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn hosts_are_tried_in_order_and_the_kind_of_server_counts() {
    let Some(server) = SecureServer::shared().await else { return };
    let port = server.port();
    // Nothing listens on port 1.
    let two = |rest: &str| {
        format!("postgresql://ann:right-ann@127.0.0.1:1,127.0.0.1:{port}/postgres?connect_timeout=2&{rest}")
    };
    for kind in ["any", "read-write", "primary", "prefer-standby"] {
        let url = two(&format!("target_session_attrs={kind}"));
        pool(&url).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
    for kind in ["standby", "read-only"] {
        let error = failure(&two(&format!("target_session_attrs={kind}"))).await;
        let Error::AllHostsFailed(errors) = &error else { panic!("{error:?}") };
        assert!(matches!(errors[0], Error::Unreachable { .. }));
        assert!(matches!(errors[1], Error::WrongServerKind { .. }), "{error}");
    }
    pool(&two("load_balance_hosts=random")).await.expect("whichever comes first");
    // A server that knows us and says no ends the search.
    let url = format!("postgresql://ann:wrong@127.0.0.1:{port},127.0.0.1:1/postgres");
    assert!(matches!(failure(&url).await, Error::Authentication { .. }));
}

#[test]
fn options_are_checked_and_passwords_stay_hidden() {
    let options = resolve("postgres://ann:sesame@h1:1,h2/shop").expect("resolve");
    assert_eq!(options.to_string(), "h1:1,h2:5432/shop as ann");
    let shown = format!("{options:?} {:?} {:?}", options.hosts(), Redacted("sesame".to_owned()));
    assert!(!shown.contains("sesame"), "{shown}");
    let env = bare_env().with("PGPASSWORD", "sesame");
    assert!(!format!("{env:?}").contains("sesame"));

    let message = |url: &str| resolve(url).expect_err(url).to_string();
    assert!(message("host=h port=0").contains("port"));
    assert!(message("host=a,b,c port=1,2").contains("2 ports do not match 3 hosts"));
    assert!(message("host=h sslmode=maybe").contains("sslmode"));
    assert!(message("host=h sslmode=verify-full").contains("sslrootcert"));
    assert!(message("host=h sslmode=require sslrootcert=system").contains("verify-full"));
    assert!(message("host=h hostaddr=h").contains("hostaddr"));
    assert!(message("host=h connect_timeout=soon").contains("connect_timeout"));
    assert!(message("host=h gssencmode=require").contains("GSSAPI"));
    let crl = ConnectOptions::resolve(None, &bare_env().with("PGSSLCRL", "/x")).expect_err("crl").to_string();
    assert!(crl.contains("PGSSLCRL"), "{crl}");
    // Our name and encoding are fixed: asking for others is no error.
    ConnectOptions::resolve(Some("host=h application_name=x"), &bare_env().with("PGAPPNAME", "y")).expect("ignored");
}
