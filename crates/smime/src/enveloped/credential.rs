//! What messages are opened with: a certificate and its private key.

use std::{fmt, sync::Arc};

use crate::{
    Certificate, Error, Result,
    key::{AgreementKey, DecryptionKey, KemKey, SoftwareKey},
    public_key::PublicKey,
};

/// A private key that receives content keys.
#[derive(Clone)]
#[non_exhaustive]
pub enum PrivateKey {
    /// RSA.
    Transport(Arc<dyn DecryptionKey>),
    /// P-256, P-384, X25519.
    Agreement(Arc<dyn AgreementKey>),
    /// ML-KEM.
    Kem(Arc<dyn KemKey>),
}

/// A certificate and its private key.
#[derive(Clone)]
pub struct Credential {
    pub(super) certificate: Certificate,
    pub(super) key: PrivateKey,
}

impl PrivateKey {
    /// A key in memory, if it is one that receives content keys.
    #[must_use]
    pub fn from_software(key: &SoftwareKey) -> Option<Self> {
        let transport = key.decryption().map(Self::Transport);
        let agreement = || key.agreement().map(Self::Agreement);
        transport.or_else(agreement).or_else(|| key.kem().map(Self::Kem))
    }

    /// The public key: DER of a SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        match self {
            Self::Transport(key) => key.public_key(),
            Self::Agreement(key) => key.public_key(),
            Self::Kem(key) => key.public_key(),
        }
    }
}

impl Credential {
    /// A certificate, which may have expired long ago, and its key.
    ///
    /// # Errors
    ///
    /// [`Error::Key`] if the key is another one than the certificate's.
    pub fn new(certificate: Certificate, key: PrivateKey) -> Result<Self> {
        let (public, certified) = (key.public_key(), certificate.public_key());
        if public != certified && PublicKey::from_spki(public)? != PublicKey::from_spki(certified)? {
            return Err(Error::Key("it does not belong to the certificate"));
        }
        Ok(Self { certificate, key })
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transport(_) => "Transport",
            Self::Agreement(_) => "Agreement",
            Self::Kem(_) => "Kem",
        })
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credential").field(&self.certificate).field(&self.key).finish()
    }
}
