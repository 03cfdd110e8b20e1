//! Keys of P-256 and P-384 (FIPS 186-5, RFC 5753), Ed25519 (RFC 8032), X25519 (RFC 7748).

use ed25519_dalek::Signer;
use p256::{ecdsa::signature::hazmat::RandomizedPrehashSigner, elliptic_curve::Generate};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

#[cfg(feature = "aws-lc")]
use super::super::aws_lc;
use super::super::{AgreementKey, SigningKey, UNSUPPORTED};
use crate::{
    Error, Result,
    algorithm::{Curve, SignatureScheme},
    public_key::{Edwards, Montgomery, Nist256, Nist384, PublicKey},
};

const NO_POINT: Error = Error::Key("the other public key is no point of its curve");

macro_rules! nist {
    ($(#[$doc:meta])* $name:ident, $curve:ident, $variant:ident, $public:ident, $len:literal) => {
        $(#[$doc])*
        pub(super) struct $name {
            secret: $curve::SecretKey,
            signing: $curve::ecdsa::SigningKey,
            spki: Vec<u8>,
            #[cfg(feature = "aws-lc")]
            fast: Option<aws_lc::EcKey>,
        }

        impl $name {
            /// Reads a big-endian number; some write it with zeros in front, or without.
            pub(super) fn read(octets: &[u8]) -> Result<Self> {
                let mut number = Zeroizing::new([0; $len]);
                let extra = octets.len().saturating_sub($len);
                let (zeros, octets) = octets.split_at_checked(extra).unwrap_or_default();
                let field = number.get_mut($len - octets.len()..).unwrap_or_default();
                field.copy_from_slice(octets);
                let secret = $curve::SecretKey::from_slice(number.as_slice()).ok();
                let secret = secret.filter(|_| zeros.iter().all(|octet| *octet == 0));
                let secret = secret.ok_or(Error::Key("its number is not in the range of its curve"))?;
                let public = $public::from_key(secret.public_key());
                Ok(Self {
                    #[cfg(feature = "aws-lc")]
                    fast: aws_lc::EcKey::new(Curve::$variant, number.as_slice(), &public.to_point()),
                    spki: PublicKey::$variant(public).to_spki(),
                    signing: (&secret).into(),
                    secret,
                })
            }

            /// A fresh one.
            pub(super) fn generate(rng: &mut dyn CryptoRng) -> Result<Self> {
                let number: Zeroizing<[u8; $len]> =
                    Zeroizing::new($curve::SecretKey::generate_from_rng(rng).to_bytes().into());
                Self::read(number.as_slice())
            }

            /// The secret number, big-endian, as long as the curve's.
            pub(super) fn number(&self) -> Zeroizing<[u8; $len]> {
                Zeroizing::new(self.secret.to_bytes().into())
            }
        }

        impl SigningKey for $name {
            fn public_key(&self) -> &[u8] {
                &self.spki
            }

            fn supports(&self, scheme: SignatureScheme) -> bool {
                matches!(scheme, SignatureScheme::Ecdsa(_))
            }

            /// The nonce is made of the key, the hash and randomness (RFC 6979 §3.6).
            fn sign(&self, scheme: SignatureScheme, message: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>> {
                let SignatureScheme::Ecdsa(digest) = scheme else { return Err(UNSUPPORTED) };
                #[cfg(feature = "aws-lc")]
                if let Some(signature) = self.fast.as_ref().and_then(|key| key.sign(digest, message)) {
                    return Ok(signature);
                }
                let signature: $curve::ecdsa::Signature = self
                    .signing
                    .sign_prehash_with_rng(rng, &digest.hash(message))
                    .map_err(|_| Error::Key("it gives no signature"))?;
                Ok(signature.to_der().as_bytes().to_vec())
            }
        }

        impl AgreementKey for $name {
            fn public_key(&self) -> &[u8] {
                &self.spki
            }

            fn curve(&self) -> Curve {
                Curve::$variant
            }

            fn agree(&self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
                let peer = $curve::PublicKey::from_sec1_bytes(peer).map_err(|_| NO_POINT)?;
                #[cfg(feature = "aws-lc")]
                if let Some(key) = &self.fast
                    && let Some(secret) = key.agree(&$public::from_key(peer).to_point())
                {
                    return Ok(secret);
                }
                let shared = $curve::ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), peer.as_affine());
                Ok(Zeroizing::new(shared.raw_secret_bytes().to_vec()))
            }
        }
    };
}

nist! {
    /// A key of P-256.
    P256Key, p256, P256, Nist256, 32
}
nist! {
    /// A key of P-384.
    P384Key, p384, P384, Nist384, 48
}

/// An Ed25519 key.
pub(super) struct Ed25519Key {
    secret: ed25519_dalek::SigningKey,
    spki: Vec<u8>,
}

impl Ed25519Key {
    pub(super) fn read(seed: &[u8]) -> Result<Self> {
        let seed = seed.try_into().map_err(|_| Error::Key("an Ed25519 key must have 32 octets"))?;
        let secret = ed25519_dalek::SigningKey::from_bytes(seed);
        let spki = PublicKey::Ed25519(Edwards::from_key(secret.verifying_key())).to_spki();
        Ok(Self { secret, spki })
    }
}

impl SigningKey for Ed25519Key {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn supports(&self, scheme: SignatureScheme) -> bool {
        scheme == SignatureScheme::Ed25519
    }

    fn sign(&self, scheme: SignatureScheme, message: &[u8], _: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        if !self.supports(scheme) {
            return Err(UNSUPPORTED);
        }
        Ok(self.secret.sign(message).to_bytes().to_vec())
    }
}

/// An X25519 key.
pub(super) struct X25519Key {
    secret: Zeroizing<[u8; 32]>,
    spki: Vec<u8>,
}

impl X25519Key {
    pub(super) fn read(secret: &[u8]) -> Result<Self> {
        let secret: &[u8; 32] = secret.try_into().map_err(|_| Error::Key("an X25519 key must have 32 octets"))?;
        let spki = PublicKey::X25519(Montgomery::of(secret)).to_spki();
        Ok(Self { secret: Zeroizing::new(*secret), spki })
    }

    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }
}

impl AgreementKey for X25519Key {
    fn public_key(&self) -> &[u8] {
        &self.spki
    }

    fn curve(&self) -> Curve {
        Curve::X25519
    }

    fn agree(&self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let peer = Montgomery::read(peer).map_err(|_| NO_POINT)?;
        peer.agree(&self.secret).ok_or(Error::Key("the other public key is a point of small order"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        enveloped::tests::support::{Holder, Kind, rng},
        key::SoftwareKey,
    };

    /// What a fresh key agrees on with another is what the other agrees on with it.
    #[test]
    fn a_fresh_key_agrees_and_shows_its_secret() {
        for (curve, len) in [(Curve::P256, 32), (Curve::P384, 48), (Curve::X25519, 32)] {
            let [one, other] = [(); 2].map(|()| SoftwareKey::generate_agreement(curve, &mut rng()).unwrap());
            assert_ne!(one.public_key(), other.public_key());
            let (of, secret) = one.expose_agreement_secret().unwrap();
            assert_eq!((of, secret.len()), (curve, len));
            let point = match curve {
                Curve::P256 => p256::SecretKey::from_slice(&secret).unwrap().public_key().to_sec1_bytes().to_vec(),
                Curve::P384 => p384::SecretKey::from_slice(&secret).unwrap().public_key().to_sec1_bytes().to_vec(),
                Curve::X25519 => Montgomery::of(secret.as_slice().try_into().unwrap()).as_bytes().to_vec(),
            };
            assert!(one.public_key().ends_with(&point));
            let again = SoftwareKey::from_pkcs8(one.expose_pkcs8()).unwrap();
            assert_eq!(again.public_key(), one.public_key());
            assert_eq!(again.expose_agreement_secret(), Some((curve, secret)));
            let point_of = |key: &SoftwareKey| key.public_key()[key.public_key().len() - point.len()..].to_vec();
            let [agreed, theirs] = [(&one, &other), (&other, &one)]
                .map(|(one, other)| one.agreement().unwrap().agree(&point_of(other)).unwrap());
            assert_eq!(agreed, theirs);
        }
    }

    #[test]
    fn a_certificate_shows_its_point() {
        for (kind, curve, len) in
            [(Kind::P256, Curve::P256, 65), (Kind::P384, Curve::P384, 97), (Kind::X25519, Curve::X25519, 32)]
        {
            let holder = Holder::new(kind);
            let certificate = holder.credential.certificate();
            let (of, point) = certificate.agreement_point().unwrap();
            assert_eq!((of, point.len()), (curve, len));
            assert!(certificate.public_key().ends_with(&point));
        }
        assert_eq!(Holder::new(Kind::Rsa).credential.certificate().agreement_point(), None);
    }
}
