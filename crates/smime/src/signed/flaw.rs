//! Why a signature does not count.

use der::oid::ObjectIdentifier;

use crate::{Error, oid};

/// What is wrong with a signer's signature. None of it says anything about the certificate's path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// There are no signed attributes. Without them a signature of other content with them would fit
    /// (draft-ietf-lamps-cms-euf-cma-signeddata).
    #[error("there are no signed attributes")]
    NoSignedAttributes,
    /// A signed attribute that must be there is not (RFC 5652 §5.3).
    #[error("the signed attribute {} is missing", name(.0))]
    AttributeMissing(ObjectIdentifier),
    /// A signed attribute stands there more than once (RFC 5652 §5.3).
    #[error("the signed attribute {} stands there more than once", name(.0))]
    AttributeRepeated(ObjectIdentifier),
    /// A signed attribute must have one value and has none or several (RFC 5652 §11, RFC 8551 §2.5).
    #[error("the signed attribute {} does not have one value", name(.0))]
    AttributeValues(ObjectIdentifier),
    /// The value of a signed attribute is malformed.
    #[error("the signed attribute {} is malformed", name(.0))]
    AttributeMalformed(ObjectIdentifier),
    /// An attribute that must be signed stands among those that are not (RFC 5652 §11, RFC 8551 §2.5).
    #[error("the attribute {} is not signed", name(.0))]
    AttributeUnsigned(ObjectIdentifier),
    /// What stands in the signature can't be read.
    #[error("{place}: {what}")]
    Malformed {
        /// Which field, by its name in the standard.
        place: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// An algorithm that this crate, or this build of it, does not have.
    #[error("the algorithm {0} is not supported")]
    Algorithm(ObjectIdentifier),
    /// It is a signature over SHA-1, which is not accepted (see [`WeakSignatures`](crate::path::WeakSignatures)).
    #[error("it is a signature over SHA-1, which others can have made for another content")]
    WeakDigest,
    /// The signed content is of another type than the content.
    #[error("another type of content was signed")]
    ContentType,
    /// The digest algorithm is none of those that the message announced in front of the content (RFC 5652 §5.1).
    #[error("the message did not announce the digest algorithm of the signer")]
    DigestNotAnnounced,
    /// The content is not what was signed.
    #[error("the content is not what was signed")]
    ContentChanged,
    /// multipart/signed whose signature has a content too: which of them was signed?
    #[error("the signature has a second content in it")]
    ContentTwice,
    /// application/pkcs7-mime without the content.
    #[error("the content is missing")]
    ContentMissing,
    /// The signer's certificate did not come with the message and is not known.
    #[error("the signer's certificate is not known")]
    NoCertificate,
    /// The algorithms are not those that were signed (CMSAlgorithmProtection, RFC 6211).
    #[error("the algorithms are not those that the signer named")]
    AlgorithmProtection,
    /// The certificate is not the one that was signed (RFC 5035).
    #[error("the certificate is not the one that the signer named")]
    SigningCertificate,
    /// Judging the signers takes more signatures than the limit allows.
    #[error("there are more signatures to be verified than the limit allows")]
    TooManySignatures,
    /// The certificate's public key can't be used.
    #[error("the public key of the certificate can't be used")]
    PublicKey,
    /// The signature does not fit the key and the signed attributes.
    #[error("the signature does not fit")]
    Signature,
}

impl Flaw {
    /// What an algorithm that can't be read means.
    pub(crate) fn of_algorithm(error: &Error) -> Self {
        match error {
            Error::Algorithm { oid, .. } => Self::Algorithm(*oid),
            Error::Structure { place, what } | Error::Encoding { place, what, .. } => Self::Malformed { place, what },
            _ => Self::Malformed { place: "an algorithm of a signer", what: "it can't be read" },
        }
    }
}

/// The attribute's name in its standard.
fn name(attribute: &ObjectIdentifier) -> String {
    let name = match *attribute {
        oid::CONTENT_TYPE => "content-type",
        oid::MESSAGE_DIGEST => "message-digest",
        oid::SIGNING_TIME => "signing-time",
        oid::SMIME_CAPABILITIES => "SMIMECapabilities",
        oid::ENCRYPTION_KEY_PREFERENCE => "SMIMEEncryptionKeyPreference",
        oid::SIGNING_CERTIFICATE => "SigningCertificate",
        oid::SIGNING_CERTIFICATE_V2 => "SigningCertificateV2",
        oid::ALGORITHM_PROTECTION => "CMSAlgorithmProtection",
        other => return other.to_string(),
    };
    name.to_owned()
}
