//! TLS failures in words.

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError};

/// The cause and the way out, if the error comes from TLS.
pub(crate) fn explain(error: &tokio_postgres::Error) -> Option<(String, String)> {
    if let Some(cause) = find(error) {
        return Some(match cause {
            rustls::Error::InvalidCertificate(problem) => certificate(problem),
            rustls::Error::AlertReceived(alert) => server_alert(*alert),
            rustls::Error::PeerIncompatible(why) => (
                format!("the server and pgwise have no TLS version or cipher in common ({why:?})"),
                "pgwise speaks TLS 1.2 and 1.3; see ssl_min_protocol_version and ssl_ciphers on the server".to_owned(),
            ),
            other => (format!("the handshake failed: {other}"), "see the server's log".to_owned()),
        });
    }
    // The driver's own words: it has no type for this one.
    error.to_string().contains("TLS handshake").then(|| {
        if super::super::error::chain(error).contains("server does not support TLS") {
            (
                "the server does not offer TLS".to_owned(),
                "turn ssl on in the server's configuration, or use sslmode=prefer or disable".to_owned(),
            )
        } else {
            (super::super::error::chain(error), "see the server's log".to_owned())
        }
    })
}

/// rustls' error among the causes. An I/O error does not name what it wraps as its source: it must be asked.
fn find(error: &tokio_postgres::Error) -> Option<&rustls::Error> {
    super::super::error::causes(error).find_map(|cause| {
        cause.downcast_ref::<rustls::Error>().or_else(|| {
            let inner = cause.downcast_ref::<std::io::Error>()?.get_ref()?;
            (inner as &(dyn std::error::Error + 'static)).downcast_ref::<rustls::Error>()
        })
    })
}

fn certificate(problem: &CertificateError) -> (String, String) {
    let text = |message: &str, hint: &str| (message.to_owned(), hint.to_owned());
    match problem {
        CertificateError::UnknownIssuer => text(
            "no trusted root signed the server's certificate",
            "name the certificate of the authority that signed it in sslrootcert (or the server's own, if it is \
             self-signed)",
        ),
        CertificateError::NotValidForName => text(
            "the server's certificate is not for this host name",
            "use a name that the certificate holds as host (hostaddr can give the address), or sslmode=verify-ca",
        ),
        CertificateError::NotValidForNameContext { expected, presented } => (
            if presented.is_empty() {
                format!("the server's certificate is not for {}: it names no host", expected.to_str())
            } else {
                let names: Vec<String> = presented.iter().map(|n| plain_name(n)).collect();
                format!("the server's certificate is for {}, not for {}", names.join(", "), expected.to_str())
            },
            "use a name that the certificate holds as host (hostaddr can give the address), or sslmode=verify-ca"
                .to_owned(),
        ),
        CertificateError::Expired => text("the server's certificate has expired", "renew it on the server"),
        CertificateError::ExpiredContext { not_after, .. } => (
            format!("the server's certificate (or one that signed it) expired on {}", date(*not_after)),
            "renew it on the server".to_owned(),
        ),
        CertificateError::NotValidYet => {
            text("the server's certificate is not valid yet", "check both machines' clocks")
        }
        CertificateError::NotValidYetContext { not_before, .. } => (
            format!("the server's certificate (or one that signed it) is not valid before {}", date(*not_before)),
            "check both machines' clocks".to_owned(),
        ),
        CertificateError::BadSignature => {
            text("a signature in the server's certificate chain is wrong", "check that sslrootcert is the right file")
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            text("the server's certificate is not meant for servers (extended key usage)", "issue one for servers")
        }
        other => {
            let words = other.to_string();
            if words.contains("CaUsedAsEndEntity") {
                text(
                    "the server presents an authority's certificate as its own, and it is not the one in sslrootcert",
                    "name this very certificate in sslrootcert to trust it as it stands",
                )
            } else if words.contains("UnsupportedCertVersion") {
                text(
                    "the server's certificate is of X.509 version 1, which is not supported",
                    "issue one of version 3 (with a subjectAltName)",
                )
            } else {
                (format!("the server's certificate is not acceptable: {words}"), "issue another".to_owned())
            }
        }
    }
}

/// rustls prints names as `DnsName("x")`.
fn plain_name(presented: &str) -> String {
    match presented.split_once("(\"").and_then(|(_, rest)| rest.strip_suffix("\")")) {
        Some(name) => name.to_owned(),
        None => presented.to_owned(),
    }
}

fn date(time: UnixTime) -> String {
    i64::try_from(time.as_secs())
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .map_or_else(|| "an unknown date".to_owned(), |t| t.strftime("%Y-%m-%d").to_string())
}

fn server_alert(alert: AlertDescription) -> (String, String) {
    let (message, hint) = match alert {
        AlertDescription::CertificateRequired => {
            ("the server demands a client certificate", "name one in sslcert and its key in sslkey")
        }
        AlertDescription::UnknownCA => (
            "the server does not trust the authority that signed the client certificate",
            "use a certificate that the server's ssl_ca_file signed",
        ),
        AlertDescription::CertificateExpired => ("the client certificate has expired", "renew it"),
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRevoked
        | AlertDescription::DecryptError => {
            ("the server rejected the client certificate", "check sslcert and sslkey; see the server's log")
        }
        AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure => (
            "the server and pgwise have no TLS version or cipher in common",
            "pgwise speaks TLS 1.2 and 1.3; see ssl_min_protocol_version and ssl_ciphers on the server",
        ),
        AlertDescription::UnrecognisedName => ("the server does not know this host name", "try sslsni=0"),
        other => return (format!("the server broke off the handshake: {other:?}"), "see the server's log".to_owned()),
    };
    (message.to_owned(), hint.to_owned())
}
