//! Algorithms by their names in messages and certificates (RFC 3370, RFC 5754, RFC 4056, RFC 8419, RFC 9882).

mod hash;
mod signature;
mod transport;

use der::{Tag, oid::ObjectIdentifier};

use crate::{
    Error, Result,
    asn1::{Element, write, write_oid},
    oid,
};

pub(crate) use hash::Hasher;

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

impl Digest {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sha1, Self::Sha256, Self::Sha384, Self::Sha512];

    /// How many octets it gives.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub const fn len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Its name in the `micalg` parameter of a signed mail (RFC 8551 §3.5.3.2).
    #[must_use]
    pub const fn micalg(self) -> &'static str {
        match self {
            Self::Sha1 => "sha-1",
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// Whether collisions are known: what was signed over it proves nothing.
    #[must_use]
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::Sha1)
    }

    pub(crate) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Sha1 => oid::SHA1,
            Self::Sha256 => oid::SHA256,
            Self::Sha384 => oid::SHA384,
            Self::Sha512 => oid::SHA512,
        }
    }

    pub(crate) fn from_oid(id: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|digest| digest.oid() == id)
    }

    /// Reads an AlgorithmIdentifier; NULL parameters are as good as none (RFC 5754 §2).
    pub(crate) fn from_der(algorithm: &[u8], place: &'static str) -> Result<Self> {
        let algorithm = Algorithm::read(algorithm, place)?;
        algorithm.no_parameters()?;
        Self::from_oid(algorithm.id).ok_or_else(|| algorithm.unknown())
    }

    /// The AlgorithmIdentifier of digestAlgorithm fields, without parameters (RFC 5754 §2).
    pub(crate) fn to_der(self) -> Vec<u8> {
        write(0x30, &[&write_oid(self.oid())])
    }

    /// The hash of `message`.
    pub(crate) fn hash(self, message: &[u8]) -> Vec<u8> {
        let mut hasher = Hasher::new(self);
        hasher.update(message);
        hasher.finish()
    }
}

/// As people write it: `SHA-256`.
impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// An AlgorithmIdentifier (RFC 5280 §4.1.1.2).
pub(crate) struct Algorithm<'a> {
    pub(crate) id: ObjectIdentifier,
    pub(crate) parameters: Option<Element<'a>>,
    place: &'static str,
}

impl<'a> Algorithm<'a> {
    pub(crate) fn read(der: &'a [u8], place: &'static str) -> Result<Self> {
        Self::from_element(Element::from_der(der, place)?, place)
    }

    pub(crate) fn from_element(element: Element<'a>, place: &'static str) -> Result<Self> {
        match element.expect(Tag::Sequence, place)?.inner(place)?.as_slice() {
            [id] => Ok(Self { id: id.oid(place)?, parameters: None, place }),
            [id, parameters] => Ok(Self { id: id.oid(place)?, parameters: Some(*parameters), place }),
            _ => Err(Error::structure(place, "an algorithm must have one or two elements")),
        }
    }

    /// Parameters that are absent or NULL.
    pub(crate) fn no_parameters(&self) -> Result<()> {
        match self.parameters {
            None | Some(Element { tag: Tag::Null, value: [], .. }) => Ok(()),
            Some(_) => Err(Error::structure(self.place, "the algorithm must not have parameters")),
        }
    }

    pub(crate) fn unknown(&self) -> Error {
        Error::Algorithm { place: self.place, oid: self.id }
    }

    /// The fields of its parameters, a SEQUENCE of explicitly tagged ones, by their tags from 0 on (RFC 4055).
    fn fields<const N: usize>(&self) -> Result<[Option<Element<'a>>; N]> {
        let wrong = || Error::structure(self.place, "the parameters of the algorithm are malformed");
        let mut fields = [None; N];
        let parameters = self.parameters.ok_or_else(wrong)?.expect(Tag::Sequence, self.place)?;
        let mut from = 0;
        for tagged in parameters.inner(self.place)? {
            let number = (from..N).find(|number| is_field(tagged.tag, *number)).ok_or_else(wrong)?;
            from = number + 1;
            *fields.get_mut(number).ok_or_else(wrong)? = Some(Element::from_der(tagged.value, self.place)?);
        }
        Ok(fields)
    }
}

fn is_field(tag: Tag, number: usize) -> bool {
    tag.is_context_specific() && tag.is_constructed() && u32::try_from(number) == Ok(tag.number().value())
}

/// A hash function in the parameters of PSS and OAEP: SHA-1 if it is left out (RFC 4055 §2.1).
fn parameter_digest(field: Option<Element<'_>>, place: &'static str) -> Result<Digest> {
    field.map_or(Ok(Digest::Sha1), |element| Digest::from_der(element.raw, place))
}

/// A mask generation function there: MGF1 with SHA-1 if it is left out.
fn parameter_mask(field: Option<Element<'_>>, place: &'static str) -> Result<Digest> {
    let Some(element) = field else { return Ok(Digest::Sha1) };
    let algorithm = Algorithm::from_element(element, place)?;
    if algorithm.id != oid::MGF1 {
        return Err(algorithm.unknown());
    }
    let digest = algorithm.parameters.ok_or(Error::structure(place, "MGF1 must have a hash function"))?;
    Digest::from_der(digest.raw, place)
}

/// Both as they are written, nothing of SHA-1. The hash functions have NULL parameters there (RFC 4055 §2.1).
fn write_parameters(digest: Digest, mask: Digest) -> Vec<u8> {
    let hash = |digest: Digest| write(0x30, &[&write_oid(digest.oid()), &[5, 0]]);
    let mut fields = Vec::new();
    if digest != Digest::Sha1 {
        fields.extend(write(0xa0, &[&hash(digest)]));
    }
    if mask != Digest::Sha1 {
        fields.extend(write(0xa1, &[&write(0x30, &[&write_oid(oid::MGF1), &hash(mask)])]));
    }
    fields
}
