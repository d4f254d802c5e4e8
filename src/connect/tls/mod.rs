//! TLS as libpq does it, by rustls.
//!
//! In: the TLS part of the connection options, and the files it names. Out: a connector, or the cause in words. rustls
//! is stricter than OpenSSL about what may be a root and where names may stand; [`verify`] makes up the difference.

mod explain;
mod verify;

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Error;
use super::conninfo::bad;
use super::options::{ConnectOptions, Roots, SslMode, TlsOptions};
use verify::{Checks, Verifier};

pub(super) use explain::explain;

/// A TLS configuration, ready for any number of connections.
#[derive(Clone)]
pub(super) struct Connector {
    make: MakeRustlsConnect,
    checks_name: bool,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("checks_name", &self.checks_name).finish_non_exhaustive()
    }
}

/// The driver's connector for one handshake.
type Handshake = <MakeRustlsConnect as MakeTlsConnect<TcpStream>>::TlsConnect;

impl Connector {
    /// Reads roots and client certificate; `None` where TLS is never used.
    pub(super) fn new(options: &ConnectOptions) -> Result<Option<Connector>, Error> {
        if options.sslmode == SslMode::Disable {
            return Ok(None);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = roots(&options.tls.roots, options.sslmode)?;
        let checks = match options.sslmode {
            SslMode::VerifyFull => Checks::ChainAndName,
            _ if roots.is_some() => Checks::Chain,
            _ => Checks::Nothing,
        };
        let mut versions = Vec::new();
        if options.tls.tls13 {
            versions.push(&rustls::version::TLS13);
        }
        if options.tls.tls12 {
            versions.push(&rustls::version::TLS12);
        }
        let verifier = Verifier::new(checks, roots.unwrap_or_default(), &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| bad(format!("TLS: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match client_certificate(&options.tls)? {
            Some((chain, key)) => builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| bad(format!("sslcert and sslkey cannot be used together: {error}")))?,
            None => builder.with_no_client_auth(),
        };
        config.enable_sni = options.tls.send_name;
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Some(Connector { make: MakeRustlsConnect::new(config), checks_name: checks == Checks::ChainAndName }))
    }

    /// Prepares a handshake with the host of this name; `address` stands in for a name that no certificate could hold,
    /// unless the name is to be checked.
    pub(super) fn handshake(&self, name: &str, address: Option<&str>) -> Result<Handshake, String> {
        let name = match (ServerName::try_from(name), address) {
            (Err(_), Some(address)) if !self.checks_name => address,
            (Err(_), _) => return Err(format!("{name:?} is not a host name that a certificate could be checked for")),
            (Ok(_), _) => name,
        };
        MakeTlsConnect::<TcpStream>::make_tls_connect(&mut self.make.clone(), name).map_err(|error| error.to_string())
    }
}

/// The roots to trust; `None` if nothing is to be checked.
fn roots(roots: &Roots, sslmode: SslMode) -> Result<Option<Vec<CertificateDer<'static>>>, Error> {
    match roots {
        Roots::None => Ok(None),
        // Below verify-ca, libpq checks against the file if it is there.
        Roots::File(path) if sslmode < SslMode::VerifyCa && !path.is_file() => Ok(None),
        Roots::File(path) => certificates(path, "sslrootcert").map(Some),
        Roots::System => Ok(Some(rustls_native_certs::load_native_certs().certs)),
    }
}

fn certificates(path: &Path, option: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let wrong = |error: String| bad(format!("{option}: {}: {error}", path.display()));
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() {
        return Err(wrong("there is no certificate in PEM form in it".to_owned()));
    }
    Ok(found)
}

type ClientCertificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn client_certificate(options: &TlsOptions) -> Result<Option<ClientCertificate>, Error> {
    let Some((certificate, key)) = &options.client else { return Ok(None) };
    let chain = certificates(certificate, "sslcert")?;
    refuse_shared_key(key)?;
    let text = std::fs::read(key).map_err(|error| bad(format!("sslkey: {}: {error}", key.display())))?;
    match PrivateKeyDer::from_pem_slice(&text) {
        Ok(key) => Ok(Some((chain, key))),
        Err(_) if String::from_utf8_lossy(&text).contains("ENCRYPTED") => Err(bad(format!(
            "sslkey: {}: the key is encrypted, which is not supported; decrypt it (openssl pkey -in … -out …)",
            key.display()
        ))),
        Err(error) => Err(bad(format!("sslkey: {}: {error}", key.display()))),
    }
}

/// libpq's rule: 0600 or less, or 0640 or less where root owns the file.
fn refuse_shared_key(key: &Path) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(key).map_err(|error| bad(format!("sslkey: {}: {error}", key.display())))?;
    let forbidden = if metadata.uid() == 0 { 0o037 } else { 0o077 };
    if metadata.mode() & forbidden != 0 {
        return Err(bad(format!(
            "sslkey: {} can be read by others: chmod 600 it (or 640 if root owns it)",
            key.display()
        )));
    }
    Ok(())
}
