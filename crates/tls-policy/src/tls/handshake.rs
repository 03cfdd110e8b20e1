//! The client's side of one connection.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use rustls::{
    ClientConfig, ProtocolVersion,
    client::Resumption,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::ServerName,
    version::{TLS12, TLS13},
};

use super::{Conditions, Verifier};
use crate::{
    Error, Result,
    facts::{CertificateCheck, CertificateFacts, Channel, TlsVersion},
};

/// What rustls needs for one connection: TLS 1.2 or 1.3, no sessions resumed (their certificates would not be seen again),
/// and a verifier that records what the host's certificate is worth.
#[derive(Clone, Debug)]
pub struct Handshake {
    config: Arc<ClientConfig>,
    verifier: Arc<Verifier>,
    server_name: ServerName<'static>,
}

impl Handshake {
    /// For one connection, with the cryptography of AWS-LC.
    ///
    /// # Errors
    ///
    /// [`Error::Tls`] if the host has a name that TLS can't ask for.
    pub fn new(conditions: Conditions) -> Result<Self> {
        Self::with_provider(conditions, Arc::new(aws_lc_rs::default_provider()))
    }

    /// The same with other cryptography.
    ///
    /// # Errors
    ///
    /// [`Error::Tls`] if the host has a name that TLS can't ask for, or if `provider` has nothing for TLS 1.2 and 1.3.
    pub fn with_provider(conditions: Conditions, provider: Arc<CryptoProvider>) -> Result<Self> {
        let server_name = match conditions.server_name() {
            Some(name) => ServerName::try_from(name.as_str().to_owned())
                .map_err(|_| Error::Tls("the host has a name that TLS can't ask for".to_owned()))?,
            // An address is not asked for (RFC 6066 §3), so any will do.
            None => ServerName::IpAddress(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into()),
        };
        let algorithms = provider.signature_verification_algorithms;
        let verifier = Arc::new(Verifier::new(conditions, algorithms));
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| Error::Tls(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::<Verifier>::clone(&verifier))
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), verifier, server_name })
    }

    /// For `rustls::ClientConnection` or `tokio_rustls::TlsConnector`.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The name to ask the host for, for rustls. If it is an address, none is asked for.
    #[must_use]
    pub fn server_name(&self) -> ServerName<'static> {
        self.server_name.clone()
    }

    /// What the certificate is worth; `None` if none was seen.
    #[must_use]
    pub fn certificate(&self) -> Option<CertificateFacts> {
        self.verifier.facts()
    }

    /// How secure a connection is whose handshake is complete, by the version that rustls says it has.
    #[must_use]
    pub fn channel(&self, version: Option<ProtocolVersion>) -> Channel {
        let version = match version {
            Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
            Some(ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
            _ => return Channel::HandshakeFailed { reason: "the handshake is not complete".to_owned() },
        };
        // Anonymous key exchange is not known to rustls, so there was a certificate.
        let unseen = CertificateFacts { pkix: CertificateCheck::Unsound, dane: CertificateCheck::Unsound };
        Channel::Tls { version, certificate: self.certificate().unwrap_or(unseen) }
    }
}
