//! Algorithms by their names in messages and certificates (RFC 3370, RFC 5754, RFC 4056, RFC 8419, RFC 9882).

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Digest {
    /// SHA-1 (20 octets): read in old messages and in ECDH key derivation, never signed with.
    Sha1,
    /// SHA-256 (32 octets).
    Sha256,
    /// SHA-384 (48 octets).
    Sha384,
    /// SHA-512 (64 octets).
    Sha512,
}

/// How a signature was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1(Digest),
    /// RSASSA-PSS (RFC 8017 §8.1, RFC 4056).
    RsaPss {
        /// Of the message.
        digest: Digest,
        /// Of the mask generation function MGF1.
        mask: Digest,
        /// Octets.
        salt: usize,
    },
    /// ECDSA (RFC 5753 §2.1); the curve is the key's, the signature is DER.
    Ecdsa(Digest),
    /// Ed25519 (RFC 8419).
    Ed25519,
    /// ML-DSA-44 (RFC 9882), pure, with an empty context.
    MlDsa44,
    /// ML-DSA-65.
    MlDsa65,
    /// ML-DSA-87.
    MlDsa87,
}

/// How RSA carries a content key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyTransport {
    /// RSAES-PKCS1-v1_5 (RFC 3370 §4.2.1).
    Pkcs1,
    /// RSAES-OAEP (RFC 3560).
    Oaep {
        /// Of the label.
        digest: Digest,
        /// Of the mask generation function MGF1; may differ.
        mask: Digest,
        /// Nearly always empty.
        label: Vec<u8>,
    },
}

/// A group for key agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256 (secp256r1).
    P256,
    /// NIST P-384 (secp384r1).
    P384,
    /// X25519 (RFC 7748).
    X25519,
}
