//! RSA, P-256 and P-384 by AWS-LC, where it has what is asked for; where not, the other implementation works. Both give
//! the same results. AWS-LC takes its randomness (nonces, salts, blinding) from its own generator.
//!
//! **Caveat.** AWS-LC says openly whether the padding of what RSA decrypts is right, and gives no access to the number
//! that is decrypted. A substitute takes the place of a wrong content key here, as everywhere, and the code from there
//! on is the same for both. But the way back from AWS-LC is not: a wrong padding leaves an entry in its queue of errors,
//! a right one copies the message. That difference is some tens of nanoseconds in some hundreds of microseconds. Who
//! has an attacker who can measure it builds without the feature `aws-lc`: then the padding is looked at in constant
//! time.

use aws_lc_rs::{
    agreement::{self, ECDH_P256, ECDH_P384, PrivateKey, UnparsedPublicKey, agree},
    rand::SystemRandom,
    rsa::{
        KeyPair, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
        OaepAlgorithm, OaepPrivateDecryptingKey, Pkcs1PrivateDecryptingKey, PrivateDecryptingKey,
    },
    signature::{self, EcdsaKeyPair, RsaEncoding, VerificationAlgorithm},
};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use crate::{
    algorithm::{Curve, Digest, KeyTransport, SignatureScheme},
    asn1::{write, write_oid},
    oid,
};

/// An RSA key of 2048 to 8192 bits.
pub(crate) struct RsaKey {
    signing: KeyPair,
    pkcs1: Pkcs1PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
}

impl RsaKey {
    /// Takes DER of an RSAPrivateKey.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let algorithm = write(0x30, &[&write_oid(oid::RSA_ENCRYPTION), &[5, 0]]);
        let octets = Zeroizing::new(write(0x04, &[der]));
        let pkcs8 = Zeroizing::new(write(0x30, &[&[2, 1, 0], &algorithm, &octets]));
        let decrypting = PrivateDecryptingKey::from_pkcs8(&pkcs8).ok()?;
        Some(Self {
            signing: KeyPair::from_der(der).ok()?,
            pkcs1: Pkcs1PrivateDecryptingKey::new(decrypting.clone()).ok()?,
            oaep: OaepPrivateDecryptingKey::new(decrypting).ok()?,
        })
    }

    pub(crate) fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Option<Vec<u8>> {
        let encoding: &dyn RsaEncoding = match scheme {
            SignatureScheme::RsaPkcs1(Digest::Sha256) => &signature::RSA_PKCS1_SHA256,
            SignatureScheme::RsaPkcs1(Digest::Sha384) => &signature::RSA_PKCS1_SHA384,
            SignatureScheme::RsaPkcs1(Digest::Sha512) => &signature::RSA_PKCS1_SHA512,
            SignatureScheme::RsaPss { digest, mask, salt } if digest == mask && salt == digest.len() => match digest {
                Digest::Sha256 => &signature::RSA_PSS_SHA256,
                Digest::Sha384 => &signature::RSA_PSS_SHA384,
                Digest::Sha512 => &signature::RSA_PSS_SHA512,
                Digest::Sha1 => return None,
            },
            _ => return None,
        };
        let mut signature = vec![0; self.signing.public_modulus_len()];
        self.signing.sign(encoding, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }

    /// What was encrypted, `len` octets of it, and whether that is right. `encrypted` is below the modulus, and as long.
    pub(crate) fn decrypt(
        &self,
        transport: &KeyTransport,
        encrypted: &[u8],
        len: usize,
    ) -> Option<(Choice, Zeroizing<Vec<u8>>)> {
        let mut message = Zeroizing::new(vec![0; encrypted.len().max(len)]);
        let result = match transport {
            KeyTransport::Pkcs1 => self.pkcs1.decrypt(encrypted, &mut message),
            KeyTransport::Oaep { digest, mask, label } if digest == mask => {
                let algorithm: &'static OaepAlgorithm = match digest {
                    Digest::Sha1 => &OAEP_SHA1_MGF1SHA1,
                    Digest::Sha256 => &OAEP_SHA256_MGF1SHA256,
                    Digest::Sha384 => &OAEP_SHA384_MGF1SHA384,
                    Digest::Sha512 => &OAEP_SHA512_MGF1SHA512,
                };
                self.oaep.decrypt(algorithm, encrypted, &mut message, Some(label))
            }
            KeyTransport::Oaep { .. } => return None,
        };
        let found = result.map_or(usize::MAX, |message| message.len());
        message.truncate(len);
        Some((found.ct_eq(&len), message))
    }
}

/// Whether AWS-LC finds the signature to be of the key whose RSAPublicKey this is the DER of. If not, ask the other
/// implementation: AWS-LC does not have all keys and schemes.
pub(crate) fn rsa_fits(key: &[u8], scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> bool {
    let algorithm: &'static dyn VerificationAlgorithm = match scheme {
        SignatureScheme::RsaPkcs1(Digest::Sha256) => &signature::RSA_PKCS1_2048_8192_SHA256,
        SignatureScheme::RsaPkcs1(Digest::Sha384) => &signature::RSA_PKCS1_2048_8192_SHA384,
        SignatureScheme::RsaPkcs1(Digest::Sha512) => &signature::RSA_PKCS1_2048_8192_SHA512,
        SignatureScheme::RsaPss { digest, mask, salt } if digest == mask && salt == digest.len() => match digest {
            Digest::Sha256 => &signature::RSA_PSS_2048_8192_SHA256,
            Digest::Sha384 => &signature::RSA_PSS_2048_8192_SHA384,
            Digest::Sha512 => &signature::RSA_PSS_2048_8192_SHA512,
            Digest::Sha1 => return false,
        },
        _ => return false,
    };
    signature::UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}

/// The same for the key with this point, uncompressed.
pub(crate) fn ecdsa_fits(curve: Curve, point: &[u8], digest: Digest, message: &[u8], signature: &[u8]) -> bool {
    let algorithm: &'static dyn VerificationAlgorithm = match (curve, digest) {
        (Curve::P256, Digest::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
        (Curve::P256, Digest::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
        (Curve::P384, Digest::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
        (Curve::P384, Digest::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
        _ => return false,
    };
    signature::UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
}

/// A key of P-256 or P-384.
pub(crate) struct EcKey {
    digest: Digest,
    signing: EcdsaKeyPair,
    agreement: PrivateKey,
}

impl EcKey {
    /// Takes the secret number, big-endian, and the public point, uncompressed.
    pub(crate) fn new(curve: Curve, secret: &[u8], point: &[u8]) -> Option<Self> {
        let (digest, algorithm) = match curve {
            Curve::P256 => (Digest::Sha256, &signature::ECDSA_P256_SHA256_ASN1_SIGNING),
            Curve::P384 => (Digest::Sha384, &signature::ECDSA_P384_SHA384_ASN1_SIGNING),
            Curve::X25519 => return None,
        };
        Some(Self {
            digest,
            signing: EcdsaKeyPair::from_private_key_and_public_key(algorithm, secret, point).ok()?,
            agreement: agreeing(curve, secret)?,
        })
    }

    pub(crate) fn sign(&self, digest: Digest, message: &[u8]) -> Option<Vec<u8>> {
        if digest != self.digest {
            return None;
        }
        self.signing.sign(&SystemRandom::new(), message).ok().map(|signature| signature.as_ref().to_vec())
    }

    /// The secret with a point of the curve, uncompressed.
    pub(crate) fn agree(&self, peer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        agreed(&self.agreement, peer)
    }
}

/// Agrees with a point of the curve by an ephemeral secret: gives the ephemeral point, uncompressed, and what was
/// agreed on.
pub(crate) fn agree_ephemeral(curve: Curve, secret: &[u8], peer: &[u8]) -> Option<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let ephemeral = agreeing(curve, secret)?;
    let point = ephemeral.compute_public_key().ok()?.as_ref().to_vec();
    Some((point, agreed(&ephemeral, peer)?))
}

fn group(curve: Curve) -> Option<&'static agreement::Algorithm> {
    match curve {
        Curve::P256 => Some(&ECDH_P256),
        Curve::P384 => Some(&ECDH_P384),
        Curve::X25519 => None,
    }
}

fn agreeing(curve: Curve, secret: &[u8]) -> Option<PrivateKey> {
    PrivateKey::from_private_key(group(curve)?, secret).ok()
}

fn agreed(own: &PrivateKey, peer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let peer = UnparsedPublicKey::new(own.algorithm(), peer);
    agree(own, peer, (), |secret| Ok(Zeroizing::new(secret.to_vec()))).ok()
}
