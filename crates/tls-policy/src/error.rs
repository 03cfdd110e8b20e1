//! What can be wrong with input.

/// What is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A dialogue with an SMTP server failed.
    #[cfg(feature = "probe")]
    #[error("SMTP: {0}")]
    Smtp(#[from] crate::probe::Trouble),
    /// A TLSA record can't be read (RFC 6698 §2).
    #[error("TLSA record: {0}")]
    Tlsa(&'static str),
    /// A TXT record, of MTA-STS (RFC 8461 §3.1) or of TLSRPT (RFC 8460 §3).
    #[error("record of {of} (octet {at}): {problem}")]
    Record {
        /// Which.
        of: &'static str,
        /// At which octet of the record.
        at: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// A policy of MTA-STS (RFC 8461 §3.2).
    #[error("policy of MTA-STS, line {line}: {problem}")]
    StsPolicy {
        /// In which line, counted from one; 0 for the whole.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// The file of policies that are kept.
    #[error("line {line} of the policies that were kept: {problem}")]
    StsCache {
        /// In which line, counted from one.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A connection over TLS can't be set up on this side.
    #[error("TLS: {0}")]
    Tls(String),
    /// A report about TLS (RFC 8460).
    #[error("report about TLS: {problem}")]
    Report {
        /// What is wrong, and where.
        problem: String,
    },
    /// A datagram about a session, as libtlsrpt sends it.
    #[error("datagram about a session: {problem}")]
    Datagram {
        /// What is wrong, and where.
        problem: String,
    },
    /// A mail can't be written.
    #[error("mail: {0}")]
    Unwritable(#[from] sealpost_mail::Unwritable),
    /// A parameter of MAIL or RCPT (RFC 3461 §4).
    #[error("{name}: not the value of such a parameter: {value:?}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// Its value, cut.
        value: String,
    },
    /// An address that is none.
    #[error(transparent)]
    Address(#[from] sealpost_mail::NotAnAddress),
    /// Settings that can't be read.
    #[error("settings, line {line}: {problem}")]
    Settings {
        /// In which line, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: String,
    },
    /// A change of the settings that its actor may not make.
    #[error("{actor} may not do that: {problem}")]
    NotAllowed {
        /// Who.
        actor: String,
        /// Why not.
        problem: &'static str,
    },
    /// A change of the settings that makes no sense.
    #[error("no such change: {0}")]
    Change(&'static str),
    /// An audit event that does not follow the settings before it.
    #[error("audit event of version {version}: {problem}")]
    Audit {
        /// Which version of the settings it made.
        version: u64,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An override that can't be granted.
    #[error("no override: {0}")]
    Override(&'static str),
    /// A resolver can't be set up.
    #[error("DNS: {0}")]
    Resolver(String),
    /// A report can't be posted over HTTPS.
    #[error("HTTPS: {problem}")]
    Https {
        /// What is wrong.
        problem: String,
    },
}

impl Error {
    pub(crate) fn parameter(name: &'static str, value: &str) -> Self {
        Self::Parameter { name, value: value.chars().take(100).collect() }
    }
}

/// What a function of this crate gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;
