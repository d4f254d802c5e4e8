//! libpq's connection keywords: which exist, their environment variables, and what we do with each.

/// What becomes of a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Read.
    Used,
    /// Accepted and without effect here: it changes nothing that the user could miss.
    Ignored,
    /// Asks for a protection or a mode that we lack: refused, so that nobody believes it is in force.
    Refused(&'static str),
}

/// One of libpq's keywords (`PQconninfoOptions` in `fe-connect.c`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyword {
    /// As it stands in a conninfo string or a URL's query.
    pub(super) name: &'static str,
    /// The environment variable that supplies it.
    pub(super) variable: Option<&'static str>,
    /// What we do with it.
    pub(super) treatment: Treatment,
}

const fn used(name: &'static str, variable: &'static str) -> Keyword {
    Keyword { name, variable: Some(variable), treatment: Treatment::Used }
}

const fn used_without_variable(name: &'static str) -> Keyword {
    Keyword { name, variable: None, treatment: Treatment::Used }
}

const fn ignored(name: &'static str, variable: Option<&'static str>) -> Keyword {
    Keyword { name, variable, treatment: Treatment::Ignored }
}

const fn refused(name: &'static str, variable: Option<&'static str>, why: &'static str) -> Keyword {
    Keyword { name, variable, treatment: Treatment::Refused(why) }
}

const NO_REVOCATION: &str = "certificate revocation lists are not supported";
const NO_GSS: &str = "GSSAPI is not supported";
const NO_OAUTH: &str = "OAuth is not supported";
const NO_SCRAM_KEYS: &str = "SCRAM keys are not supported; give the password";

/// Every keyword of libpq 13 to 18.
pub(super) const KEYWORDS: &[Keyword] = &[
    used("service", "PGSERVICE"),
    used("servicefile", "PGSERVICEFILE"),
    used("user", "PGUSER"),
    used("password", "PGPASSWORD"),
    used("passfile", "PGPASSFILE"),
    used("channel_binding", "PGCHANNELBINDING"),
    used("connect_timeout", "PGCONNECT_TIMEOUT"),
    used("dbname", "PGDATABASE"),
    used("host", "PGHOST"),
    used("hostaddr", "PGHOSTADDR"),
    used("port", "PGPORT"),
    used("options", "PGOPTIONS"),
    used("sslmode", "PGSSLMODE"),
    used("sslnegotiation", "PGSSLNEGOTIATION"),
    used("sslcert", "PGSSLCERT"),
    used("sslkey", "PGSSLKEY"),
    used("sslcertmode", "PGSSLCERTMODE"),
    used("sslrootcert", "PGSSLROOTCERT"),
    used("sslsni", "PGSSLSNI"),
    used("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    used("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    used("target_session_attrs", "PGTARGETSESSIONATTRS"),
    used("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    used("gssencmode", "PGGSSENCMODE"),
    used_without_variable("keepalives"),
    used_without_variable("keepalives_idle"),
    used_without_variable("keepalives_interval"),
    used_without_variable("keepalives_count"),
    // Ours is always `pgwise`, and texts are always UTF-8.
    ignored("application_name", Some("PGAPPNAME")),
    ignored("fallback_application_name", None),
    ignored("client_encoding", Some("PGCLIENTENCODING")),
    ignored("tcp_user_timeout", None),
    ignored("sslcompression", Some("PGSSLCOMPRESSION")),
    ignored("sslkeylogfile", None),
    ignored("min_protocol_version", Some("PGMINPROTOCOLVERSION")),
    ignored("max_protocol_version", Some("PGMAXPROTOCOLVERSION")),
    ignored("krbsrvname", Some("PGKRBSRVNAME")),
    ignored("gsslib", Some("PGGSSLIB")),
    ignored("gssdelegation", Some("PGGSSDELEGATION")),
    refused("requiressl", Some("PGREQUIRESSL"), "it is obsolete; use sslmode=require"),
    refused("sslpassword", None, "encrypted client keys are not supported; decrypt it (openssl pkey -in … -out …)"),
    refused("sslcrl", Some("PGSSLCRL"), NO_REVOCATION),
    refused("sslcrldir", Some("PGSSLCRLDIR"), NO_REVOCATION),
    refused("requirepeer", Some("PGREQUIREPEER"), "checking the server process's owner is not supported"),
    refused("require_auth", Some("PGREQUIREAUTH"), "restricting authentication methods is not supported"),
    refused("replication", None, "pgwise needs an ordinary session"),
    refused("scram_client_key", None, NO_SCRAM_KEYS),
    refused("scram_server_key", None, NO_SCRAM_KEYS),
    refused("oauth_issuer", None, NO_OAUTH),
    refused("oauth_client_id", None, NO_OAUTH),
    refused("oauth_client_secret", None, NO_OAUTH),
    refused("oauth_scope", None, NO_OAUTH),
];

/// Why `gssencmode=require` cannot be honoured.
pub(super) const GSS_REQUIRED: &str = NO_GSS;

/// The keyword of this name.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|k| k.name == name)
}
