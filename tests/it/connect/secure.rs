//! A server of its own, with its own authority, for what the shared one cannot show.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use pgwise::throwaway::{Server, ServerError, ServerOptions};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_postgres::Client;

use crate::harness;

pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("key")).expect("authority"))
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key; without alternative names, only the common name stands in it.
    pub(super) fn issue(&self, common_name: &str, alternatives: &[&str]) -> (String, String) {
        let mut params = leaf(common_name, alternatives);
        params.is_ca = IsCa::ExplicitNoCa;
        let key = KeyPair::generate().expect("key");
        (params.signed_by(&key, &self.0).expect("certificate").pem(), key.serialize_pem())
    }
}

fn leaf(common_name: &str, alternatives: &[&str]) -> CertificateParams {
    let alternatives: Vec<String> = alternatives.iter().map(|s| (*s).to_owned()).collect();
    let mut params = CertificateParams::new(alternatives).expect("names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// A certificate that signed itself, marked as an authority's as `openssl req -x509` does.
pub(super) fn self_signed(common_name: &str, alternatives: &[&str]) -> (String, String) {
    let mut params = leaf(common_name, alternatives);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("key");
    (params.self_signed(&key).expect("certificate").pem(), key.serialize_pem())
}

/// A server with TLS, and a folder with what a client needs.
pub(super) struct SecureServer {
    server: Server,
    pub(super) authority: Authority,
    folder: tempfile::TempDir,
}

const HBA: &str = "\
local   all cert_user scram-sha-256
local   all all       scram-sha-256
hostssl all tls_only  all scram-sha-256
hostnossl all tls_only all reject
hostnossl all plain_only all scram-sha-256
hostssl all plain_only all reject
hostssl all cert_user all cert
host    all trusted   all trust
host    all no_rule   all reject
host    all all       all scram-sha-256
";

impl SecureServer {
    /// One for all tests that do not change its certificate; `None` on a machine without server binaries or with ones without TLS.
    pub(super) async fn shared() -> Option<&'static SecureServer> {
        static SHARED: OnceLock<Option<SecureServer>> = OnceLock::new();
        static SETTING_UP: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _guard = SETTING_UP.lock().await;
        if SHARED.get().is_none() {
            let made = SecureServer::start().await;
            let _ = SHARED.set(made);
        }
        SHARED.get().and_then(Option::as_ref)
    }

    pub(super) async fn start() -> Option<SecureServer> {
        #[expect(clippy::disallowed_methods, reason = "a throwaway server is searched for in PATH")]
        let (search_path, pg_bin) = (std::env::var_os("PATH"), std::env::var_os("PGWISE_TEST_PG_BIN"));
        let options = ServerOptions { search_path, pg_bin: pg_bin.map(Into::into), ..ServerOptions::default() };
        let server = match Server::start(&options) {
            Ok(server) => server,
            Err(error @ ServerError::NotFound { .. }) => {
                harness::skipping(&error.to_string());
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        let secure = SecureServer {
            server,
            authority: Authority::new("pgwise test CA"),
            folder: tempfile::tempdir().expect("folder"),
        };
        secure.file("root.crt", &secure.authority.pem());
        let (certificate, key) = secure.authority.issue("cert_user", &[]);
        secure.file("client.crt", &certificate);
        secure.file("client.key", &key);
        let admin = secure.admin().await;
        write(&admin, "ca.crt", &secure.authority.pem()).await;
        for role in ["tls_only", "plain_only", "cert_user", "trusted", "no_rule", "ann"] {
            let sql = format!("create role {role} login password 'right-{role}'");
            admin.batch_execute(&sql).await.expect("create role");
        }
        let (certificate, key) = secure.authority.issue("unused", &["localhost", "127.0.0.1"]);
        secure.present(&admin, &certificate, &key).await;
        write(&admin, "pg_hba.conf", HBA).await;
        if let Err(error) = admin.batch_execute("alter system set ssl = on").await {
            // Some builds have no TLS.
            assert!(pgwise::connect::sql_line(&error).contains("not supported by this build"), "{error:?}");
            harness::skipping("the server was built without TLS");
            return None;
        }
        admin.batch_execute("alter system set ssl_ca_file = 'ca.crt'").await.expect("setting");
        secure.reload(&admin).await;
        Some(secure)
    }

    pub(super) async fn admin(&self) -> Client {
        harness::connect(&self.server.url("postgres")).await
    }

    /// Makes the server show another certificate.
    pub(super) async fn present(&self, admin: &Client, certificate: &str, key: &str) {
        write(admin, "server.crt", certificate).await;
        write(admin, "server.key", key).await;
    }

    /// Reloads, and waits until new connections are served by the new files.
    pub(super) async fn reload(&self, admin: &Client) {
        admin.batch_execute("select pg_reload_conf()").await.expect("reload");
        // The postmaster has no way to say when it is done.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }

    /// Writes a file for clients and gives its path.
    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("write");
        std::fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("mode");
        path
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn port(&self) -> u16 {
        self.server.port()
    }

    /// A URL over TCP: `rest` is the query.
    pub(super) fn url(&self, role: &str, host: &str, rest: &str) -> String {
        format!("postgresql://{role}:right-{role}@{host}:{}/postgres?{rest}", self.port())
    }
}

/// Writes a file into the data directory, for the server's eyes only.
async fn write(admin: &Client, name: &str, text: &str) {
    // COPY writes a line for each row.
    let sql = format!(
        "copy (select unnest(string_to_array($f${}$f$, E'\\n'))) to program 'umask 077; cat > {name}'",
        text.trim_end()
    );
    admin.batch_execute(&sql).await.expect("write a file of the server's");
}
