//! TLS against a server with its own authority.

use pgwise::connect::Error;

use super::secure::{Authority, SecureServer, self_signed};
use super::{failure, pool};

/// Whether the session of a URL is encrypted.
async fn encrypted(url: &str) -> bool {
    let pool = pool(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    let session = pool.get().await.expect("session");
    let row =
        session.query_one("select ssl from pg_stat_ssl where pid = pg_backend_pid()", &[]).await.expect("pg_stat_ssl");
    row.get(0)
}

/// The words of a TLS failure.
async fn tls_failure(url: &str) -> String {
    match failure(url).await {
        Error::Tls { message, .. } => message,
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test]
async fn each_sslmode_protects_as_far_as_it_says() {
    let Some(server) = SecureServer::shared().await else { return };
    let root = server.folder().join("root.crt");
    let root = root.display();
    assert!(encrypted(&server.url("ann", "localhost", &format!("sslmode=verify-full&sslrootcert={root}"))).await);
    assert!(encrypted(&server.url("ann", "127.0.0.1", &format!("sslmode=verify-full&sslrootcert={root}"))).await);
    assert!(encrypted(&server.url("ann", "127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={root}"))).await);
    assert!(encrypted(&server.url("ann", "127.0.0.1", "sslmode=require")).await);
    assert!(encrypted(&server.url("ann", "127.0.0.1", "sslmode=prefer")).await);
    assert!(encrypted(&server.url("ann", "127.0.0.1", "")).await);
    assert!(!encrypted(&server.url("ann", "127.0.0.1", "sslmode=allow")).await);
    assert!(!encrypted(&server.url("ann", "127.0.0.1", "sslmode=disable")).await);
}

#[tokio::test]
async fn allow_and_prefer_fall_back_to_what_the_server_takes() {
    let Some(server) = SecureServer::shared().await else { return };
    assert!(encrypted(&server.url("tls_only", "127.0.0.1", "sslmode=allow")).await);
    assert!(!encrypted(&server.url("plain_only", "127.0.0.1", "sslmode=prefer")).await);
    // A root certificate at hand is checked in prefer too; what fails there goes on in plain text, as in libpq.
    let stranger = server.file("stranger.crt", &Authority::new("stranger").pem());
    let rest = format!("sslmode=prefer&sslrootcert={}", stranger.display());
    assert!(!encrypted(&server.url("ann", "127.0.0.1", &rest)).await);
    // Where plain text is not taken either, both reasons are given.
    let message = tls_failure(&server.url("tls_only", "127.0.0.1", &rest)).await;
    assert!(message.contains("no trusted root") && message.contains("pg_hba.conf"), "{message}");
    for (role, mode) in [("tls_only", "disable"), ("plain_only", "require")] {
        let error = failure(&server.url(role, "127.0.0.1", &format!("sslmode={mode}"))).await;
        assert!(matches!(error, Error::Authentication { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_refused_in_words() {
    let Some(server) = SecureServer::shared().await else { return };
    let root = server.folder().join("root.crt");
    let root = root.display();
    let stranger = server.file("stranger2.crt", &Authority::new("stranger").pem());
    for mode in ["require", "verify-ca", "verify-full"] {
        let rest = format!("sslmode={mode}&sslrootcert={}", stranger.display());
        let message = tls_failure(&server.url("ann", "localhost", &rest)).await;
        assert!(message.contains("no trusted root signed"), "{message}");
    }
    // The address leads to the server, the name is not in its certificate.
    let other = |mode: &str| format!("sslmode={mode}&sslrootcert={root}&hostaddr=127.0.0.1");
    let message = tls_failure(&server.url("ann", "db.example", &other("verify-full"))).await;
    assert!(message.contains("not for db.example") && message.contains("localhost"), "{message}");
    assert!(encrypted(&server.url("ann", "db.example", &other("verify-ca"))).await);
}

#[tokio::test]
async fn a_client_certificate_stands_for_a_password() {
    let Some(server) = SecureServer::shared().await else { return };
    let folder = server.folder().display();
    let with = format!("sslmode=require&sslcert={folder}/client.crt&sslkey={folder}/client.key");
    let url = format!("postgresql://cert_user@127.0.0.1:{}/postgres", server.port());
    assert!(encrypted(&format!("{url}?{with}")).await);
    let error = failure(&format!("{url}?sslmode=require")).await;
    assert!(error.to_string().contains("valid client certificate"), "{error}");
    // A certificate of an authority that the server does not know.
    let (certificate, key) = Authority::new("stranger").issue("cert_user", &[]);
    let (certificate, key) = (server.file("other.crt", &certificate), server.file("other.key", &key));
    let rest = format!("sslmode=require&sslcert={}&sslkey={}", certificate.display(), key.display());
    let message = tls_failure(&format!("{url}?{rest}")).await;
    assert!(message.contains("client certificate"), "{message}");
}

#[tokio::test]
async fn channel_binding_is_used_and_can_be_demanded() {
    let Some(server) = SecureServer::shared().await else { return };
    assert!(encrypted(&server.url("ann", "127.0.0.1", "sslmode=require&channel_binding=require")).await);
    for rest in ["sslmode=disable&channel_binding=require", "sslmode=require&channel_binding=require"] {
        let role = if rest.contains("disable") { "ann" } else { "trusted" };
        let error = failure(&server.url(role, "127.0.0.1", rest)).await;
        assert!(error.to_string().contains("channel binding"), "{error}");
    }
}

#[tokio::test]
async fn a_root_that_is_the_servers_own_certificate_is_pinned_and_a_common_name_counts() {
    let Some(server) = SecureServer::start().await else { return };
    let admin = server.admin().await;
    let (certificate, key) = self_signed("localhost", &["localhost"]);
    server.present(&admin, &certificate, &key).await;
    server.reload(&admin).await;
    let pinned = server.file("pinned.crt", &certificate);
    let rest = |mode: &str| format!("sslmode={mode}&sslrootcert={}", pinned.display());
    assert!(encrypted(&server.url("ann", "localhost", &rest("verify-full"))).await);
    assert!(encrypted(&server.url("ann", "127.0.0.1", &rest("verify-ca"))).await);
    let message = tls_failure(&server.url("ann", "127.0.0.1", &rest("verify-full"))).await;
    assert!(message.contains("not for 127.0.0.1"), "{message}");
    // The same key and name, signed anew: not the pinned one.
    let (other, key) = self_signed("localhost", &["localhost"]);
    server.present(&admin, &other, &key).await;
    server.reload(&admin).await;
    tls_failure(&server.url("ann", "localhost", &rest("verify-ca"))).await;

    let (common, key) = server.authority.issue("localhost", &[]);
    server.present(&admin, &common, &key).await;
    server.reload(&admin).await;
    let rest = format!("sslmode=verify-full&sslrootcert={}", server.folder().join("root.crt").display());
    assert!(encrypted(&server.url("ann", "localhost", &rest)).await);
    tls_failure(&server.url("ann", "127.0.0.1", &rest)).await;

    admin.batch_execute("alter system set ssl = off").await.expect("setting");
    server.reload(&admin).await;
    let message = tls_failure(&server.url("ann", "localhost", "sslmode=require")).await;
    assert!(message.contains("does not offer TLS"), "{message}");
    assert!(!encrypted(&server.url("ann", "localhost", "sslmode=prefer")).await);
}
