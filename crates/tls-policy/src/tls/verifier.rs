//! The verifier of one connection, for rustls.

use std::sync::OnceLock;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, PeerMisbehaved, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime},
};
use webpki::RawPublicKeyEntity;

use super::conditions::Conditions;
use crate::{dane::Frame, facts::CertificateFacts};

/// Records what the certificate of one connection is worth. It serves one connection and refuses a second one: its facts
/// would be taken for those of the other.
///
/// The host must prove that it holds the key of its certificate, whatever that is worth. The key is taken out of a
/// certificate of any version, since rustls itself reads only version 3.
#[derive(Debug)]
pub struct Verifier {
    conditions: Conditions,
    algorithms: WebPkiSupportedAlgorithms,
    facts: OnceLock<CertificateFacts>,
}

impl Verifier {
    /// Checks against `conditions`, with these algorithms for the handshake.
    #[must_use]
    pub const fn new(conditions: Conditions, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { conditions, algorithms, facts: OnceLock::new() }
    }

    /// What it checks against.
    #[must_use]
    pub const fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// What the certificate is worth; `None` if none was seen.
    #[must_use]
    pub fn facts(&self) -> Option<CertificateFacts> {
        self.facts.get().copied()
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // Its key is needed for the handshake, at least.
        public_key(end_entity)?;
        let chain: Vec<CertificateDer<'_>> =
            [end_entity].into_iter().chain(intermediates).take(super::MOST_CERTIFICATES + 1).cloned().collect();
        match self.facts.set(self.conditions.check(&chain)) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(_) => Err(Error::General("this verifier has served another connection".to_owned())),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = public_key(certificate)?;
        let bad = || Error::InvalidCertificate(CertificateError::BadSignature);
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| bad())?;
        let mapped = self.algorithms.mapping.iter().find(|(scheme, _)| *scheme == signed.scheme);
        let (_, algorithms) = mapped.ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        // One scheme of TLS 1.2 stands for several curves.
        let good = algorithms.iter().any(|one| key.verify_signature(*one, message, signed.signature()).is_ok());
        if good { Ok(HandshakeSignatureValid::assertion()) } else { Err(bad()) }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature_with_raw_key(message, &public_key(certificate)?, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn public_key<'a>(certificate: &'a CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'a>, Error> {
    let frame = Frame::read(certificate).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
    Ok(SubjectPublicKeyInfoDer::from(frame.public_key))
}
