//! What a certificate's key can and may do.

use crate::{Certificate, KeyUsage, asn1::Element, oid};

const PLACE: &str = "the public key of a certificate";

/// The kinds of keys, by what they can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// Signs and decrypts; how many bits the modulus has.
    Rsa(usize),
    /// RSASSA-PSS (RFC 4055 §1.2): signs only.
    RsaPss(usize),
    /// Signs and agrees.
    Ec,
    /// Ed25519, ML-DSA.
    Signs,
    /// X25519.
    Agrees,
    /// RSAES-OAEP (RFC 4055 §1.2), ML-KEM.
    Decrypts,
    /// Of a kind that this crate has no use for.
    Unknown,
}

impl Certificate {
    /// Whether its key can sign, and may by the key usage: digitalSignature or nonRepudiation (RFC 8550 §4.4.2).
    #[must_use]
    pub fn may_sign(&self) -> bool {
        self.allows(self.signing_usage())
    }

    /// Whether its key can receive content keys, and may by the key usage: keyEncipherment for RSA and ML-KEM,
    /// keyAgreement for EC and X25519 (RFC 8550 §4.4.2, RFC 8410 §5, RFC 9935 §5).
    #[must_use]
    pub fn may_encrypt(&self) -> bool {
        self.allows(self.encryption_usage())
    }

    /// The usages of which one is needed to sign; `None` if the key can't.
    pub(crate) fn signing_usage(&self) -> Option<KeyUsage> {
        match self.key_kind()? {
            KeyKind::Agrees | KeyKind::Decrypts | KeyKind::Unknown => None,
            _ => Some(KeyUsage::DIGITAL_SIGNATURE.or(KeyUsage::NON_REPUDIATION)),
        }
    }

    /// The usage that is needed to receive content keys; `None` if the key can't.
    pub(crate) fn encryption_usage(&self) -> Option<KeyUsage> {
        match self.key_kind()? {
            KeyKind::Rsa(_) | KeyKind::Decrypts => Some(KeyUsage::KEY_ENCIPHERMENT),
            KeyKind::Ec | KeyKind::Agrees => Some(KeyUsage::KEY_AGREEMENT),
            KeyKind::RsaPss(_) | KeyKind::Signs | KeyKind::Unknown => None,
        }
    }

    /// Whether the key usage, if there is one, has one of `these`.
    pub(crate) fn allows(&self, these: Option<KeyUsage>) -> bool {
        let Some(these) = these else { return false };
        self.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.has_one_of(these)))
    }

    /// What kind of key it is; `None` if the public key can't be read.
    pub(crate) fn key_kind(&self) -> Option<KeyKind> {
        let fields = Element::from_der(self.public_key(), PLACE).ok()?.inner(PLACE).ok()?;
        let [algorithm, key] = fields.as_slice() else { return None };
        let id = algorithm.inner(PLACE).ok()?.first()?.oid(PLACE).ok()?;
        Some(match id {
            oid::RSA_ENCRYPTION => KeyKind::Rsa(modulus_bits(key)?),
            oid::RSASSA_PSS => KeyKind::RsaPss(modulus_bits(key)?),
            oid::EC_PUBLIC_KEY => KeyKind::Ec,
            oid::ED25519 | oid::ML_DSA_44 | oid::ML_DSA_65 | oid::ML_DSA_87 => KeyKind::Signs,
            oid::X25519 => KeyKind::Agrees,
            oid::RSAES_OAEP | oid::ML_KEM_512 | oid::ML_KEM_768 | oid::ML_KEM_1024 => KeyKind::Decrypts,
            _ => KeyKind::Unknown,
        })
    }
}

/// The bits of an RSA modulus (RFC 8017 §A.1.1); `key` is the BIT STRING subjectPublicKey.
fn modulus_bits(key: &Element<'_>) -> Option<usize> {
    let fields = Element::from_der(key.value.get(1..)?, PLACE).ok()?.inner(PLACE).ok()?;
    let modulus = fields.first()?.value;
    let zeros = modulus.iter().take_while(|octet| **octet == 0).count();
    let first = modulus.get(zeros)?;
    (modulus.len() - zeros).checked_mul(8)?.checked_sub(usize::try_from(first.leading_zeros()).ok()?)
}
