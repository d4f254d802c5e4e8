//! Which server certificates pass.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc4519::CN;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::super::Error;
use super::super::conninfo::bad;

/// What is checked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Checks {
    /// Only that the server holds its key.
    Nothing,
    /// That a trusted root signed it.
    Chain,
    /// That, and that it is for the host's name.
    ChainAndName,
}

/// Checks a server certificate as libpq (with OpenSSL) would.
///
/// Two things go beyond webpki: a certificate that is itself among the roots is trusted as it stands (webpki refuses a
/// CA certificate as a server's own), and the common name counts where there is no alternative name
/// (`pgtls_verify_peer_name_matches_certificate_guts`).
#[derive(Debug)]
pub(super) struct Verifier {
    checks: Checks,
    store: RootCertStore,
    roots: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    /// `roots` empty stands for the operating system's having none: Mozilla's list serves then.
    pub(super) fn new(
        checks: Checks,
        roots: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Verifier, Error> {
        let mut store = RootCertStore::empty();
        let mut refused = None;
        for root in &roots {
            if let Err(error) = store.add(root.clone()) {
                refused = Some(error);
            }
        }
        if let Some(error) = refused
            && store.is_empty()
        {
            return Err(bad(format!("sslrootcert: no certificate in it can serve as a root: {error}")));
        }
        if store.is_empty() {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Ok(Verifier { checks, store, roots, algorithms: provider.signature_verification_algorithms })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.checks == Checks::Nothing {
            return Ok(ServerCertVerified::assertion());
        }
        let parsed = ParsedCertificate::try_from(end_entity)?;
        if self.roots.iter().any(|root| root == end_entity) {
            check_validity(end_entity, now)?;
        } else {
            verify_server_cert_signed_by_trust_anchor(&parsed, &self.store, intermediates, now, self.algorithms.all)?;
        }
        if self.checks == Checks::ChainAndName
            && let Err(error) = verify_server_name(&parsed, server_name)
            && !common_name_matches(end_entity, server_name)
        {
            return Err(error);
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The dates, which webpki checks only along a chain.
fn check_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), rustls::Error> {
    let parsed = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = parsed.tbs_certificate.validity;
    if now.as_secs() > validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    if now.as_secs() < validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    Ok(())
}

/// Whether the subject's common name is the host's, in a certificate without alternative names for hosts.
fn common_name_matches(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let host = match name {
        ServerName::DnsName(name) => name.as_ref().to_owned(),
        ServerName::IpAddress(address) => IpAddr::from(*address).to_string(),
        _ => return false,
    };
    let Ok(parsed) = Certificate::from_der(certificate) else { return false };
    let has_alternatives = match parsed.tbs_certificate.get::<SubjectAltName>() {
        Ok(None) => false,
        Ok(Some((_, names))) => {
            names.0.iter().any(|n| matches!(n, GeneralName::DnsName(_) | GeneralName::IpAddress(_)))
        }
        Err(_) => true,
    };
    if has_alternatives {
        return false;
    }
    parsed
        .tbs_certificate
        .subject
        .0
        .iter()
        .flat_map(|set| set.0.iter())
        .filter(|attribute| attribute.oid == CN)
        .filter_map(|attribute| std::str::from_utf8(attribute.value.value()).ok())
        .any(|common| name_matches(common, &host))
}

/// Equal but for case, or a leading `*` label that stands for exactly one (`wildcard_certificate_match`).
fn name_matches(pattern: &str, host: &str) -> bool {
    if pattern.eq_ignore_ascii_case(host) {
        return true;
    }
    let Some(suffix) = pattern.strip_prefix("*.") else { return false };
    host.parse::<IpAddr>().is_err()
        && host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::name_matches;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        assert!(name_matches("DB.example", "db.EXAMPLE"));
        assert!(name_matches("*.example", "db.example"));
        assert!(!name_matches("*.example", "a.db.example"));
        assert!(!name_matches("*.example", "example"));
        assert!(!name_matches("*.0.0.1", "127.0.0.1"));
    }
}
