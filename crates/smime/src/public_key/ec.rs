//! Points: ECDSA and ECDH on P-256 and P-384 (RFC 5480, FIPS 186-5), Ed25519 (RFC 8032), X25519 (RFC 7748).

use curve25519_dalek::MontgomeryPoint;
use p256::elliptic_curve::{Generate, sec1::ToSec1Point};
use p384::ecdsa::signature::hazmat::PrehashVerifier;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::PLACE;
use crate::{Error, Result, algorithm::Digest};
#[cfg(feature = "aws-lc")]
use crate::{algorithm::Curve, key::aws_lc};

const NO_POINT: &str = "it is no point of its curve";

macro_rules! nist {
    ($(#[$doc:meta])* $name:ident, $curve:ident, $variant:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub(crate) struct $name($curve::PublicKey);

        impl $name {
            /// Reads an SEC1 point, compressed or not.
            pub(super) fn read(point: &[u8]) -> Result<Self> {
                let point = $curve::PublicKey::from_sec1_bytes(point);
                point.map(Self).map_err(|_| Error::structure(PLACE, NO_POINT))
            }

            pub(crate) fn from_key(key: $curve::PublicKey) -> Self {
                Self(key)
            }

            /// The SEC1 point, uncompressed.
            pub(crate) fn to_point(&self) -> Vec<u8> {
                self.0.to_sec1_point(false).as_bytes().to_vec()
            }

            /// The signature is strict DER of two integers in range (RFC 3279 §2.2.3).
            pub(super) fn verify(&self, digest: Digest, message: &[u8], signature: &[u8]) -> bool {
                #[cfg(feature = "aws-lc")]
                if aws_lc::ecdsa_fits(Curve::$variant, &self.to_point(), digest, message, signature) {
                    return true;
                }
                $curve::ecdsa::Signature::from_der(signature).is_ok_and(|signature| {
                    let key = $curve::ecdsa::VerifyingKey::from(&self.0);
                    key.verify_prehash(&digest.hash(message), &signature).is_ok()
                })
            }

            pub(super) fn agree_ephemeral(&self, rng: &mut dyn CryptoRng) -> (Vec<u8>, Zeroizing<Vec<u8>>) {
                #[cfg(feature = "aws-lc")]
                {
                    let mut secret = $curve::SecretKey::generate_from_rng(rng).to_bytes();
                    let agreed = aws_lc::agree_ephemeral(Curve::$variant, &secret, &self.to_point());
                    zeroize::Zeroize::zeroize(secret.as_mut_slice());
                    if let Some(agreed) = agreed {
                        return agreed;
                    }
                }
                let ephemeral = $curve::ecdh::EphemeralSecret::generate_from_rng(rng);
                let secret = ephemeral.diffie_hellman(&self.0);
                let secret = Zeroizing::new(secret.raw_secret_bytes().to_vec());
                (ephemeral.public_key().to_sec1_point(false).as_bytes().to_vec(), secret)
            }
        }
    };
}

nist! {
    /// A point of P-256.
    Nist256, p256, P256
}
nist! {
    /// A point of P-384.
    Nist384, p384, P384
}

/// An Ed25519 key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Edwards(ed25519_dalek::VerifyingKey);

impl Edwards {
    pub(super) fn read(key: &[u8]) -> Result<Self> {
        let key = key.try_into().map_err(|_| Error::structure(PLACE, "an Ed25519 key must have 32 octets"))?;
        ed25519_dalek::VerifyingKey::from_bytes(key).map(Self).map_err(|_| Error::structure(PLACE, NO_POINT))
    }

    pub(crate) fn from_key(key: ed25519_dalek::VerifyingKey) -> Self {
        Self(key)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Refuses keys and signatures of small order, which would fit several messages.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

/// An X25519 key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Montgomery([u8; 32]);

impl Montgomery {
    pub(crate) fn read(key: &[u8]) -> Result<Self> {
        key.try_into().map(Self).map_err(|_| Error::structure(PLACE, "an X25519 key must have 32 octets"))
    }

    /// The public half of a secret key.
    pub(crate) fn of(secret: &[u8; 32]) -> Self {
        Self(MontgomeryPoint::mul_base_clamped(*secret).to_bytes())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The shared secret; none if it would be zero (RFC 8418 §2.2).
    pub(crate) fn agree(&self, secret: &[u8; 32]) -> Option<Zeroizing<Vec<u8>>> {
        let shared = Zeroizing::new(MontgomeryPoint(self.0).mul_clamped(*secret));
        let contributes = !shared.as_bytes().ct_eq(&[0; 32]);
        bool::from(contributes).then(|| Zeroizing::new(shared.as_bytes().to_vec()))
    }

    pub(super) fn agree_ephemeral(&self, rng: &mut dyn CryptoRng) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>)> {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *secret);
        let shared = self.agree(&secret).ok_or(Error::structure(PLACE, "it is a point of small order"))?;
        Ok((Self::of(&secret).0.to_vec(), shared))
    }
}
