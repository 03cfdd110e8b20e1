//! ML-DSA (FIPS 204, RFC 9881) and ML-KEM (FIPS 203, RFC 9935).

use der::oid::ObjectIdentifier;
use ml_dsa::{MlDsa44, MlDsa65, MlDsa87, MlDsaParams};
use ml_kem::{Encapsulate, MlKem512, MlKem768, MlKem1024, TryKeyInit};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{PLACE, PublicKey};
use crate::{
    Error, Result,
    algorithm::{Algorithm, SignatureScheme},
    oid,
};

/// A parameter set of ML-DSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DsaSet {
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

/// A parameter set of ML-KEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KemSet {
    MlKem512,
    MlKem768,
    MlKem1024,
}

/// An ML-DSA key, encoded. (What is computed from it is large, and seldom wanted.)
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Dsa {
    set: DsaSet,
    octets: Vec<u8>,
}

/// An ML-KEM key, encoded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kem {
    set: KemSet,
    octets: Vec<u8>,
}

pub(super) fn read(algorithm: &Algorithm<'_>, key: &[u8]) -> Result<PublicKey> {
    let wrong = || Error::structure(PLACE, "the key does not have the form of its parameter set");
    if let Some(set) = DsaSet::from_oid(algorithm.id) {
        algorithm.no_parameters()?;
        return Dsa::new(set, key).map(PublicKey::MlDsa).ok_or_else(wrong);
    }
    let set = KemSet::from_oid(algorithm.id).ok_or_else(|| algorithm.unknown())?;
    algorithm.no_parameters()?;
    Kem::new(set, key).map(PublicKey::MlKem).ok_or_else(wrong)
}

impl DsaSet {
    pub(crate) fn from_oid(id: ObjectIdentifier) -> Option<Self> {
        [Self::MlDsa44, Self::MlDsa65, Self::MlDsa87].into_iter().find(|set| set.oid() == id)
    }

    pub(crate) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::MlDsa44 => oid::ML_DSA_44,
            Self::MlDsa65 => oid::ML_DSA_65,
            Self::MlDsa87 => oid::ML_DSA_87,
        }
    }

    pub(crate) const fn scheme(self) -> SignatureScheme {
        match self {
            Self::MlDsa44 => SignatureScheme::MlDsa44,
            Self::MlDsa65 => SignatureScheme::MlDsa65,
            Self::MlDsa87 => SignatureScheme::MlDsa87,
        }
    }
}

impl KemSet {
    pub(crate) fn from_oid(id: ObjectIdentifier) -> Option<Self> {
        [Self::MlKem512, Self::MlKem768, Self::MlKem1024].into_iter().find(|set| set.oid() == id)
    }

    pub(crate) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::MlKem512 => oid::ML_KEM_512,
            Self::MlKem768 => oid::ML_KEM_768,
            Self::MlKem1024 => oid::ML_KEM_1024,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MlKem512 => "ML-KEM-512",
            Self::MlKem768 => "ML-KEM-768",
            Self::MlKem1024 => "ML-KEM-1024",
        }
    }
}

impl Dsa {
    /// None if it does not have its set's length.
    pub(crate) fn new(set: DsaSet, octets: &[u8]) -> Option<Self> {
        // FIPS 204, table 2.
        let len = match set {
            DsaSet::MlDsa44 => 1312,
            DsaSet::MlDsa65 => 1952,
            DsaSet::MlDsa87 => 2592,
        };
        (octets.len() == len).then(|| Self { set, octets: octets.to_vec() })
    }

    pub(crate) fn set(&self) -> DsaSet {
        self.set
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.octets
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self.set {
            DsaSet::MlDsa44 => self.verify_as::<MlDsa44>(message, signature),
            DsaSet::MlDsa65 => self.verify_as::<MlDsa65>(message, signature),
            DsaSet::MlDsa87 => self.verify_as::<MlDsa87>(message, signature),
        }
    }

    fn verify_as<P: MlDsaParams>(&self, message: &[u8], signature: &[u8]) -> bool {
        let Ok(key) = self.octets.as_slice().try_into() else { return false };
        ml_dsa::Signature::<P>::try_from(signature)
            .is_ok_and(|signature| ml_dsa::VerifyingKey::<P>::decode(key).verify_with_context(message, &[], &signature))
    }
}

impl Kem {
    /// None if it does not have its set's length or its numbers are not in range (FIPS 203 §7.2).
    pub(crate) fn new(set: KemSet, octets: &[u8]) -> Option<Self> {
        let right = match set {
            KemSet::MlKem512 => ml_kem::EncapsulationKey::<MlKem512>::new_from_slice(octets).is_ok(),
            KemSet::MlKem768 => ml_kem::EncapsulationKey::<MlKem768>::new_from_slice(octets).is_ok(),
            KemSet::MlKem1024 => ml_kem::EncapsulationKey::<MlKem1024>::new_from_slice(octets).is_ok(),
        };
        right.then(|| Self { set, octets: octets.to_vec() })
    }

    pub(crate) fn set(&self) -> KemSet {
        self.set
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.octets
    }

    pub(super) fn encapsulate(&self, rng: &mut dyn CryptoRng) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>)> {
        match self.set {
            KemSet::MlKem512 => self.encapsulate_as::<ml_kem::EncapsulationKey<MlKem512>>(rng),
            KemSet::MlKem768 => self.encapsulate_as::<ml_kem::EncapsulationKey<MlKem768>>(rng),
            KemSet::MlKem1024 => self.encapsulate_as::<ml_kem::EncapsulationKey<MlKem1024>>(rng),
        }
    }

    /// What a fixed message gives: the ciphertext and the secret, to try a private key with.
    pub(crate) fn encapsulate_fixed(&self) -> Option<(Vec<u8>, Zeroizing<Vec<u8>>)> {
        let message = [0x5a; 32].into();
        let octets = self.octets.as_slice();
        let (ciphertext, secret) = match self.set {
            KemSet::MlKem512 => {
                let key = ml_kem::EncapsulationKey::<MlKem512>::new_from_slice(octets).ok()?;
                let (ciphertext, secret) = key.encapsulate_deterministic(&message);
                (ciphertext.to_vec(), secret)
            }
            KemSet::MlKem768 => {
                let key = ml_kem::EncapsulationKey::<MlKem768>::new_from_slice(octets).ok()?;
                let (ciphertext, secret) = key.encapsulate_deterministic(&message);
                (ciphertext.to_vec(), secret)
            }
            KemSet::MlKem1024 => {
                let key = ml_kem::EncapsulationKey::<MlKem1024>::new_from_slice(octets).ok()?;
                let (ciphertext, secret) = key.encapsulate_deterministic(&message);
                (ciphertext.to_vec(), secret)
            }
        };
        Some((ciphertext, Zeroizing::new(secret.to_vec())))
    }

    fn encapsulate_as<K: Encapsulate>(&self, rng: &mut dyn CryptoRng) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>)> {
        let key = K::new_from_slice(&self.octets).map_err(|_| Error::structure(PLACE, "the key is not in range"))?;
        let (ciphertext, mut secret) = key.encapsulate_with_rng(rng);
        let kept = Zeroizing::new(secret.to_vec());
        zeroize::Zeroize::zeroize(secret.as_mut_slice());
        Ok((ciphertext.to_vec(), kept))
    }
}
