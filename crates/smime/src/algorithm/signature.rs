//! How signatures are named: in CMS by two fields (RFC 5652 §5.3), in certificates by one (RFC 5280 §4.1.1.2).

use der::{Tag, oid::ObjectIdentifier};

use super::{Algorithm, Digest, SignatureScheme, parameter_digest, parameter_mask, write_parameters};
use crate::{
    Error, Result,
    asn1::{Element, write, write_oid, write_unsigned},
    oid,
};

const DIGEST: &str = "the digest algorithm of a signer";
const SIGNATURE: &str = "the signature algorithm of a signer";
const ISSUED: &str = "the signature algorithm of a certificate";
const NULL: [u8; 2] = [5, 0];

/// What a name says alone.
enum Named {
    /// Only the kind of the key; the hash function stands elsewhere.
    Rsa,
    Ec,
    /// All of it.
    Scheme(SignatureScheme),
}

impl SignatureScheme {
    /// Reads the AlgorithmIdentifiers `digestAlgorithm` and `signatureAlgorithm` of a SignerInfo.
    ///
    /// A hash function that both name must be the same (RFC 8933 §3).
    pub(crate) fn from_cms(digest_algorithm: &[u8], signature_algorithm: &[u8]) -> Result<Self> {
        let digest = Digest::from_der(digest_algorithm, DIGEST)?;
        let scheme = match read(signature_algorithm, SIGNATURE)? {
            Named::Rsa => Self::RsaPkcs1(digest),
            Named::Ec => Self::Ecdsa(digest),
            Named::Scheme(scheme) => scheme,
        };
        match scheme.digest() {
            Some(own) if own != digest => {
                Err(Error::structure(SIGNATURE, "it names another hash function than the digest algorithm"))
            }
            _ => Ok(scheme),
        }
    }

    /// Reads the AlgorithmIdentifier of a signature of a certificate, a CRL or an OCSP response.
    pub(crate) fn from_x509(algorithm: &[u8]) -> Result<Self> {
        match read(algorithm, ISSUED)? {
            Named::Scheme(scheme) => Ok(scheme),
            Named::Rsa => Err(Error::Algorithm { place: ISSUED, oid: oid::RSA_ENCRYPTION }),
            Named::Ec => Err(Error::Algorithm { place: ISSUED, oid: oid::EC_PUBLIC_KEY }),
        }
    }

    /// RSASSA-PSS-params (RFC 4055 §3.1).
    pub(crate) fn from_pss(algorithm: &Algorithm<'_>, place: &'static str) -> Result<Self> {
        let [digest, mask, salt, trailer] = algorithm.fields()?;
        let salt = salt.map_or(Ok(DEFAULT_SALT), |salt| read_integer(&salt, place))?;
        if trailer.map_or(Ok(DEFAULT_TRAILER), |trailer| read_integer(&trailer, place))? != DEFAULT_TRAILER {
            return Err(Error::structure(place, "the trailer of PSS must be 0xbc"));
        }
        Ok(Self::RsaPss { digest: parameter_digest(digest, place)?, mask: parameter_mask(mask, place)?, salt })
    }

    /// The AlgorithmIdentifiers `digestAlgorithm` and `signatureAlgorithm` of a SignerInfo.
    pub(crate) fn to_cms(self) -> (Vec<u8>, Vec<u8>) {
        (self.message_digest().to_der(), self.to_der())
    }

    /// The AlgorithmIdentifier of the signature, which names all of it.
    pub(crate) fn to_der(self) -> Vec<u8> {
        let named = |id: ObjectIdentifier, parameters: &[u8]| write(0x30, &[&write_oid(id), parameters]);
        match self {
            Self::RsaPkcs1(digest) => named(rsa_with(digest), &NULL),
            Self::Ecdsa(digest) => named(ecdsa_with(digest), &[]),
            Self::RsaPss { digest, mask, salt } => {
                let mut fields = write_parameters(digest, mask);
                if salt != DEFAULT_SALT {
                    fields.extend(write(0xa2, &[&write_unsigned(&salt.to_be_bytes())]));
                }
                named(oid::RSASSA_PSS, &write(0x30, &[&fields]))
            }
            Self::Ed25519 => named(oid::ED25519, &[]),
            Self::MlDsa44 => named(oid::ML_DSA_44, &[]),
            Self::MlDsa65 => named(oid::ML_DSA_65, &[]),
            Self::MlDsa87 => named(oid::ML_DSA_87, &[]),
        }
    }

    /// The hash function that is part of the scheme; Ed25519 and ML-DSA hash by themselves.
    #[must_use]
    pub const fn digest(self) -> Option<Digest> {
        match self {
            Self::RsaPkcs1(digest) | Self::RsaPss { digest, .. } | Self::Ecdsa(digest) => Some(digest),
            Self::Ed25519 | Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => None,
        }
    }

    /// RSASSA-PSS with one hash function for all, and a salt as long as a hash: what every program verifies.
    #[must_use]
    pub const fn pss(digest: Digest) -> Self {
        Self::RsaPss { digest, mask: digest, salt: digest.len() }
    }

    /// The hash function for the content of a message that is signed this way: SHA-512 where the scheme does not
    /// say it (RFC 8419 §3.1, RFC 9882 §3.3).
    #[must_use]
    pub const fn message_digest(self) -> Digest {
        match self.digest() {
            Some(digest) => digest,
            None => Digest::Sha512,
        }
    }

    /// Whether it rests on a hash function with known collisions.
    #[must_use]
    pub const fn is_weak(self) -> bool {
        match self.digest() {
            Some(digest) => digest.is_weak(),
            None => false,
        }
    }
}

/// As people write it: `RSA-PSS with SHA-256`.
impl std::fmt::Display for SignatureScheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RsaPkcs1(digest) => write!(f, "RSA with {digest}"),
            Self::RsaPss { digest, .. } => write!(f, "RSA-PSS with {digest}"),
            Self::Ecdsa(digest) => write!(f, "ECDSA with {digest}"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::MlDsa44 => f.write_str("ML-DSA-44"),
            Self::MlDsa65 => f.write_str("ML-DSA-65"),
            Self::MlDsa87 => f.write_str("ML-DSA-87"),
        }
    }
}

fn read(der: &[u8], place: &'static str) -> Result<Named> {
    let algorithm = Algorithm::read(der, place)?;
    let id = algorithm.id;
    if id == oid::RSASSA_PSS {
        return SignatureScheme::from_pss(&algorithm, place).map(Named::Scheme);
    }
    if id == oid::EC_PUBLIC_KEY {
        // Some name the key's algorithm here, with its curve.
        return Ok(Named::Ec);
    }
    algorithm.no_parameters()?;
    let scheme = match id {
        oid::RSA_ENCRYPTION => return Ok(Named::Rsa),
        oid::ED25519 => SignatureScheme::Ed25519,
        oid::ML_DSA_44 => SignatureScheme::MlDsa44,
        oid::ML_DSA_65 => SignatureScheme::MlDsa65,
        oid::ML_DSA_87 => SignatureScheme::MlDsa87,
        _ => Digest::ALL
            .into_iter()
            .find_map(|digest| match id {
                _ if id == rsa_with(digest) => Some(SignatureScheme::RsaPkcs1(digest)),
                _ if id == ecdsa_with(digest) => Some(SignatureScheme::Ecdsa(digest)),
                _ => None,
            })
            .ok_or_else(|| algorithm.unknown())?,
    };
    Ok(Named::Scheme(scheme))
}

const DEFAULT_SALT: usize = 20;
const DEFAULT_TRAILER: usize = 1;

/// A small number that is not negative.
fn read_integer(element: &Element<'_>, place: &'static str) -> Result<usize> {
    match element.expect(Tag::Integer, place)?.value {
        [low] if *low < 0x80 => Ok((*low).into()),
        [0, low] if *low >= 0x80 => Ok((*low).into()),
        [high, low] if (1..0x80).contains(high) => Ok(u16::from_be_bytes([*high, *low]).into()),
        _ => Err(Error::structure(place, "a number of PSS is too large")),
    }
}

const fn rsa_with(digest: Digest) -> ObjectIdentifier {
    match digest {
        Digest::Sha1 => oid::SHA1_WITH_RSA,
        Digest::Sha256 => oid::SHA256_WITH_RSA,
        Digest::Sha384 => oid::SHA384_WITH_RSA,
        Digest::Sha512 => oid::SHA512_WITH_RSA,
    }
}

const fn ecdsa_with(digest: Digest) -> ObjectIdentifier {
    match digest {
        Digest::Sha1 => oid::ECDSA_WITH_SHA1,
        Digest::Sha256 => oid::ECDSA_WITH_SHA256,
        Digest::Sha384 => oid::ECDSA_WITH_SHA384,
        Digest::Sha512 => oid::ECDSA_WITH_SHA512,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealpost_testkit::unhex;

    #[test]
    fn what_is_written_is_read() {
        let mut schemes = vec![
            SignatureScheme::Ed25519,
            SignatureScheme::MlDsa44,
            SignatureScheme::MlDsa65,
            SignatureScheme::MlDsa87,
        ];
        for digest in Digest::ALL {
            schemes.extend([SignatureScheme::RsaPkcs1(digest), SignatureScheme::Ecdsa(digest)]);
            for mask in Digest::ALL {
                schemes.extend([0, 20, 32, 127, 128, 222, 400].map(|salt| SignatureScheme::RsaPss {
                    digest,
                    mask,
                    salt,
                }));
            }
        }
        for scheme in schemes {
            let (digest, signature) = scheme.to_cms();
            assert_eq!(SignatureScheme::from_cms(&digest, &signature).unwrap(), scheme);
            assert_eq!(SignatureScheme::from_x509(&signature).unwrap(), scheme);
        }
    }

    #[test]
    fn null_and_absent_parameters_are_the_same() {
        let scheme = SignatureScheme::RsaPkcs1(Digest::Sha256);
        for digest in ["300b0609608648016503040201", "300d06096086480165030402010500"].map(unhex) {
            for signature in [
                "300b06092a864886f70d010101",
                "300d06092a864886f70d0101010500",
                "300b06092a864886f70d01010b",
                "300d06092a864886f70d01010b0500",
            ] {
                assert_eq!(SignatureScheme::from_cms(&digest, &unhex(signature)).unwrap(), scheme);
            }
        }
        // id-ecPublicKey with its curve.
        let ec = unhex("301306072a8648ce3d020106082a8648ce3d030107");
        let scheme = SignatureScheme::from_cms(&Digest::Sha384.to_der(), &ec).unwrap();
        assert_eq!(scheme, SignatureScheme::Ecdsa(Digest::Sha384));
        assert!(SignatureScheme::from_x509(&ec).is_err());
    }

    #[test]
    fn pss_has_defaults() {
        let sha1 = Digest::Sha1;
        let all = SignatureScheme::RsaPss { digest: sha1, mask: sha1, salt: 20 };
        let read = |parameters: &str| SignatureScheme::from_x509(&unhex(parameters));
        assert_eq!(read("300d06092a864886f70d01010a3000").unwrap(), all);
        assert!(all.is_weak());
        // Without parameters, with another trailer, with fields in a wrong order, with a NULL.
        for wrong in [
            "300b06092a864886f70d01010a",
            "301206092a864886f70d01010a3005a303020102",
            "301706092a864886f70d01010a300aa303020101a203020120",
            "300d06092a864886f70d01010a0500",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn two_hash_functions_are_one_too_many() {
        let (_, signature) = SignatureScheme::RsaPkcs1(Digest::Sha256).to_cms();
        assert!(SignatureScheme::from_cms(&Digest::Sha1.to_der(), &signature).is_err());
        // Ed25519 names none.
        let (_, signature) = SignatureScheme::Ed25519.to_cms();
        assert!(SignatureScheme::from_cms(&Digest::Sha256.to_der(), &signature).is_ok());
    }
}
