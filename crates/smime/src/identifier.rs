//! How messages name certificates (RFC 5652 §5.3, §10.2.4; RFC 8551 §2.5.3).

use std::{cell::OnceCell, fmt};

use der::{Tag, TagNumber};

use crate::{
    Certificate, Error, Result,
    asn1::{Element, write},
    certificate::{hex, name},
};

/// How a message that is made names a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentifyBy {
    /// By its issuer and serial number. Every implementation reads this.
    #[default]
    IssuerAndSerial,
    /// By its subject key identifier.
    SubjectKeyIdentifier,
}

/// The name of a certificate in a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificateIdentifier {
    /// Issuer and serial number. There is one such certificate, if the issuer keeps to the rules.
    IssuerAndSerial {
        /// DER of a Name.
        issuer: Vec<u8>,
        /// The content octets of the INTEGER.
        serial: Vec<u8>,
    },
    /// The subject key identifier. Several certificates may have it.
    SubjectKeyIdentifier(Vec<u8>),
}

impl CertificateIdentifier {
    /// The certificate's issuer and serial number.
    #[must_use]
    pub fn issuer_and_serial(certificate: &Certificate) -> Self {
        Self::IssuerAndSerial { issuer: certificate.issuer().to_vec(), serial: certificate.serial().to_vec() }
    }

    /// Whether it names this certificate.
    #[must_use]
    pub fn matches(&self, certificate: &Certificate) -> bool {
        self.matcher()(certificate)
    }

    /// Whether both name the same: serial numbers are compared as numbers, issuers as names (RFC 5280 §7.1).
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.compared().is_same(&other.compared())
    }

    /// The name, to be compared with many others.
    #[must_use]
    pub fn compared(&self) -> ComparedIdentifier<'_> {
        ComparedIdentifier { id: self, canonical: OnceCell::new() }
    }

    /// [`Self::matches`], for many certificates: what takes long is done once.
    pub(crate) fn matcher(&self) -> impl Fn(&Certificate) -> bool {
        let canonical = OnceCell::new();
        move |certificate| match self {
            Self::IssuerAndSerial { issuer, serial } => {
                let canonical = || canonical.get_or_init(|| name::canonical(issuer)).as_slice();
                same_number(certificate.serial(), serial)
                    && (certificate.issuer() == issuer || certificate.canonical_issuer() == canonical())
            }
            Self::SubjectKeyIdentifier(id) => certificate.subject_key_id() == Some(id),
        }
    }

    /// The contents of an IssuerAndSerialNumber.
    pub(crate) fn from_issuer_and_serial(element: &Element<'_>, place: &'static str) -> Result<Self> {
        match element.inner(place)?.as_slice() {
            [issuer, serial] => Ok(Self::IssuerAndSerial {
                issuer: issuer.expect(Tag::Sequence, place)?.raw.to_vec(),
                serial: serial.expect(Tag::Integer, place)?.value.to_vec(),
            }),
            _ => Err(Error::structure(place, "issuer and serial number were expected")),
        }
    }

    /// A KeyAgreeRecipientIdentifier: there a key identifier stands in a SEQUENCE, with what is of no use here.
    pub(crate) fn read_agreement(element: &Element<'_>, place: &'static str) -> Result<Self> {
        if element.tag != context(0, Form::Constructed) {
            return Self::from_issuer_and_serial(&element.expect(Tag::Sequence, place)?, place);
        }
        let fields = element.inner(place)?;
        let id = fields.first().ok_or(Error::structure(place, "the key identifier is missing"))?;
        Ok(Self::SubjectKeyIdentifier(id.expect(Tag::OctetString, place)?.value.to_vec()))
    }

    /// A SignerIdentifier or RecipientIdentifier.
    pub(crate) fn read(element: &Element<'_>, place: &'static str) -> Result<Self> {
        match element.tag {
            Tag::Sequence => Self::from_issuer_and_serial(element, place),
            tag if tag == context(0, Form::Primitive) => Ok(Self::SubjectKeyIdentifier(element.value.to_vec())),
            // In pieces, which a transcoder does not see under an implicit tag.
            tag if tag == context(0, Form::Constructed) => {
                let pieces = element.inner(place)?.into_iter().map(|piece| piece.expect(Tag::OctetString, place));
                let pieces: Vec<&[u8]> = pieces.map(|piece| Ok(piece?.value)).collect::<Result<_>>()?;
                Ok(Self::SubjectKeyIdentifier(pieces.concat()))
            }
            _ => Err(Error::structure(place, "neither issuer and serial number nor subject key identifier")),
        }
    }

    /// DER of a SignerIdentifier or RecipientIdentifier.
    pub(crate) fn to_der(&self) -> Vec<u8> {
        match self {
            Self::IssuerAndSerial { issuer, serial } => write(0x30, &[issuer, &write(0x02, &[serial])]),
            Self::SubjectKeyIdentifier(id) => write(0x80, &[id]),
        }
    }

    /// DER of a KeyAgreeRecipientIdentifier (RFC 5652 §6.2.2).
    pub(crate) fn to_der_agreement(&self) -> Vec<u8> {
        match self {
            Self::IssuerAndSerial { .. } => self.to_der(),
            Self::SubjectKeyIdentifier(id) => write(0xA0, &[&write(0x04, &[id])]),
        }
    }
}

/// The name of a certificate that is compared with many others: what takes long is done once for each of both.
#[derive(Debug)]
pub struct ComparedIdentifier<'a> {
    id: &'a CertificateIdentifier,
    /// The issuer, in the form in which names are compared.
    canonical: OnceCell<Vec<u8>>,
}

impl ComparedIdentifier<'_> {
    /// See [`CertificateIdentifier::is_same`].
    #[must_use]
    pub fn is_same(&self, other: &ComparedIdentifier<'_>) -> bool {
        use CertificateIdentifier::{IssuerAndSerial, SubjectKeyIdentifier};
        match (self.id, other.id) {
            (IssuerAndSerial { issuer, serial }, IssuerAndSerial { issuer: other_issuer, serial: other_serial }) => {
                let canonical = || self.canonical(issuer) == other.canonical(other_issuer);
                same_number(serial, other_serial) && (issuer == other_issuer || canonical())
            }
            (SubjectKeyIdentifier(id), SubjectKeyIdentifier(other)) => id == other,
            _ => false,
        }
    }

    fn canonical(&self, issuer: &[u8]) -> &[u8] {
        self.canonical.get_or_init(|| name::canonical(issuer))
    }
}

/// For people: the serial number in hexadecimal digits and the issuer, or the subject key identifier.
impl fmt::Display for CertificateIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IssuerAndSerial { issuer, serial } => {
                write!(f, "the certificate {} of {}", hex(serial), name::text(issuer))
            }
            Self::SubjectKeyIdentifier(id) => write!(f, "the key {}", hex(id)),
        }
    }
}

/// Whether something with a tag is primitive or constructed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Form {
    Primitive,
    Constructed,
}

/// A context-specific tag.
pub(crate) fn context(number: u32, form: Form) -> Tag {
    Tag::ContextSpecific { constructed: form == Form::Constructed, number: TagNumber(number) }
}

/// Whether content octets of INTEGERs are the same number: some write more zeros than DER allows.
fn same_number(a: &[u8], b: &[u8]) -> bool {
    fn shortest(mut octets: &[u8]) -> &[u8] {
        while let [0, rest @ ..] = octets
            && rest.first().is_some_and(|next| *next < 0x80)
        {
            octets = rest;
        }
        octets
    }
    shortest(a) == shortest(b)
}
