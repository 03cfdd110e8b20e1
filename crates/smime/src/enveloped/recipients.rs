//! RecipientInfos (RFC 5652 §6.2, RFC 9629 §3), as they are read: each on its own, so that an odd one harms none.

use std::fmt;

use der::{Tag, oid::ObjectIdentifier};

use crate::{Error, Limits, Result, algorithm::Algorithm, asn1::Element, ber, identifier::CertificateIdentifier, oid};

const PLACE: &str = "a RecipientInfo";

/// How a recipient gets the content key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecipientKind {
    /// Encrypted for the recipient's RSA key (RFC 5652 §6.2.1).
    KeyTransport,
    /// Under a key from Diffie-Hellman (§6.2.2).
    KeyAgreement,
    /// Under a secret key that both have (§6.2.3).
    KeyEncryptionKey,
    /// Under a password (§6.2.4).
    Password,
    /// Under a secret that was encapsulated (RFC 9629).
    Kem,
    /// Of another kind, or malformed.
    Other,
}

/// A recipient of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedRecipient {
    /// How it gets the content key.
    pub kind: RecipientKind,
    /// Who it is, where a certificate says that.
    pub id: Option<CertificateIdentifier>,
    /// The algorithm: of key transport, of key agreement, of the KEM.
    pub algorithm: Option<ObjectIdentifier>,
}

impl ListedRecipient {
    /// Octets of the name of who it is.
    pub(crate) fn octets(&self) -> usize {
        match &self.id {
            Some(CertificateIdentifier::IssuerAndSerial { issuer, serial }) => issuer.len() + serial.len(),
            Some(CertificateIdentifier::SubjectKeyIdentifier(id)) => id.len(),
            None => 0,
        }
    }
}

/// For people.
impl fmt::Display for ListedRecipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "{id}")?,
            None => f.write_str("somebody without a certificate")?,
        }
        f.write_str(match self.kind {
            RecipientKind::KeyTransport => ", by key transport",
            RecipientKind::KeyAgreement => ", by key agreement",
            RecipientKind::KeyEncryptionKey => ", by a shared key",
            RecipientKind::Password => ", by a password",
            RecipientKind::Kem => ", by encapsulation",
            RecipientKind::Other => ", in a way that is not known here",
        })?;
        self.algorithm.map_or(Ok(()), |algorithm| write!(f, " ({algorithm})"))
    }
}

/// A RecipientInfo, as far as it is understood.
#[derive(Debug)]
pub(crate) enum RecipientInfo {
    Transport {
        id: CertificateIdentifier,
        /// DER of the AlgorithmIdentifier, here and below.
        algorithm: Vec<u8>,
        encrypted: Vec<u8>,
    },
    Agreement {
        originator: Originator,
        ukm: Option<Vec<u8>>,
        algorithm: Vec<u8>,
        keys: Vec<(CertificateIdentifier, Vec<u8>)>,
    },
    Kem(Box<KemInfo>),
    Other(RecipientKind),
}

/// The originator's ephemeral key. One from a certificate is not supported: nobody sends it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Originator {
    pub(super) algorithm: Option<ObjectIdentifier>,
    /// The curve, if its parameters name one.
    pub(super) curve: Option<ObjectIdentifier>,
    pub(crate) key: Vec<u8>,
}

/// KEMRecipientInfo (RFC 9629 §3).
#[derive(Debug)]
#[cfg_attr(not(feature = "pqc"), expect(dead_code, reason = "keys for it come with the feature"))]
pub(crate) struct KemInfo {
    pub(super) id: CertificateIdentifier,
    pub(super) kem: ObjectIdentifier,
    pub(super) ciphertext: Vec<u8>,
    pub(super) kdf: ObjectIdentifier,
    pub(super) key_len: u8,
    pub(super) ukm: Option<Vec<u8>>,
    pub(super) wrap: Vec<u8>,
    pub(super) encrypted: Vec<u8>,
}

impl RecipientInfo {
    /// Reads BER. What can't be read is [`RecipientInfo::Other`].
    pub(crate) fn read(ber: &[u8], limits: &Limits) -> Self {
        let understood = || {
            let der = ber::to_der(ber, limits)?;
            Self::read_der(&Element::from_der(&der, PLACE)?)
        };
        understood().unwrap_or(Self::Other(RecipientKind::Other))
    }

    /// How many recipients are in it.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Agreement { keys, .. } => keys.len().max(1),
            _ => 1,
        }
    }

    /// What there is to say without a key.
    pub(crate) fn list(&self) -> Vec<ListedRecipient> {
        let id_of = |der: &[u8]| Algorithm::read(der, PLACE).ok().map(|algorithm| algorithm.id);
        let listed =
            |kind, id: Option<&CertificateIdentifier>, algorithm| ListedRecipient { kind, id: id.cloned(), algorithm };
        match self {
            Self::Transport { id, algorithm, .. } => {
                vec![listed(RecipientKind::KeyTransport, Some(id), id_of(algorithm))]
            }
            Self::Agreement { algorithm, keys, .. } => {
                let algorithm = id_of(algorithm);
                keys.iter().map(|(id, _)| listed(RecipientKind::KeyAgreement, Some(id), algorithm)).collect()
            }
            Self::Kem(info) => vec![listed(RecipientKind::Kem, Some(&info.id), Some(info.kem))],
            Self::Other(kind) => vec![listed(*kind, None, None)],
        }
    }

    fn read_der(element: &Element<'_>) -> Result<Self> {
        let tagged = |number| is_tagged(element, number) && element.tag.is_constructed();
        match element.tag {
            Tag::Sequence => Self::transport(element),
            _ if tagged(1) => Self::agreement(element),
            _ if tagged(2) => Ok(Self::Other(RecipientKind::KeyEncryptionKey)),
            _ if tagged(3) => Ok(Self::Other(RecipientKind::Password)),
            _ if tagged(4) => Self::other(element),
            _ => Err(wrong()),
        }
    }

    /// KeyTransRecipientInfo.
    fn transport(element: &Element<'_>) -> Result<Self> {
        let fields = element.inner(PLACE)?;
        let [version, id, algorithm, encrypted] = fields.as_slice() else { return Err(wrong()) };
        version.expect(Tag::Integer, PLACE)?;
        Ok(Self::Transport {
            id: CertificateIdentifier::read(id, PLACE)?,
            algorithm: algorithm.raw.to_vec(),
            encrypted: encrypted.expect(Tag::OctetString, PLACE)?.value.to_vec(),
        })
    }

    /// KeyAgreeRecipientInfo.
    fn agreement(element: &Element<'_>) -> Result<Self> {
        let mut fields = element.inner(PLACE)?.into_iter().peekable();
        let mut next = |_: &str| fields.next().ok_or_else(wrong);
        next("version")?.expect(Tag::Integer, PLACE)?;
        let originator = next("originator")?;
        let originator = if is_tagged(&originator, 0) { Originator::read(&originator)? } else { return Err(wrong()) };
        let ukm = fields.next_if(|field| is_tagged(field, 1)).map(|ukm| octets(&ukm)).transpose()?;
        let algorithm = fields.next().ok_or_else(wrong)?.expect(Tag::Sequence, PLACE)?;
        let keys = fields.next().ok_or_else(wrong)?.expect(Tag::Sequence, PLACE)?;
        // One that is malformed harms none of the others.
        let keys = keys.inner(PLACE)?.iter().filter_map(|key| encrypted_key(key).ok()).collect();
        Ok(Self::Agreement { originator, ukm, algorithm: algorithm.raw.to_vec(), keys })
    }

    /// OtherRecipientInfo.
    fn other(element: &Element<'_>) -> Result<Self> {
        match element.inner(PLACE)?.as_slice() {
            [kind, info] if kind.oid(PLACE)? == oid::ORI_KEM => {
                KemInfo::read(info).map(|info| Self::Kem(Box::new(info)))
            }
            _ => Ok(Self::Other(RecipientKind::Other)),
        }
    }
}

impl Originator {
    /// OriginatorIdentifierOrKey, within its tag.
    fn read(tagged: &Element<'_>) -> Result<Self> {
        let choice = Element::from_der(tagged.value, PLACE)?;
        if !is_tagged(&choice, 1) {
            return Ok(Self { algorithm: None, curve: None, key: Vec::new() });
        }
        let fields = choice.inner(PLACE)?;
        let [algorithm, key] = fields.as_slice() else { return Err(wrong()) };
        let algorithm = Algorithm::from_element(*algorithm, PLACE)?;
        let named = algorithm.parameters.filter(|parameters| parameters.tag == Tag::ObjectIdentifier);
        match key.expect(Tag::BitString, PLACE)?.value {
            [0, key @ ..] => Ok(Self {
                algorithm: Some(algorithm.id),
                curve: named.map(|named| named.oid(PLACE)).transpose()?,
                key: key.to_vec(),
            }),
            _ => Err(wrong()),
        }
    }
}

impl KemInfo {
    fn read(element: &Element<'_>) -> Result<Self> {
        let mut fields = element.expect(Tag::Sequence, PLACE)?.inner(PLACE)?.into_iter().peekable();
        let mut next = |tag: Option<Tag>| {
            let field = fields.next().ok_or_else(wrong)?;
            tag.map_or(Ok(field), |tag| field.expect(tag, PLACE))
        };
        next(Some(Tag::Integer))?;
        let id = CertificateIdentifier::read(&next(None)?, PLACE)?;
        let kem = Algorithm::from_element(next(None)?, PLACE)?;
        let ciphertext = next(Some(Tag::OctetString))?.value.to_vec();
        let kdf = Algorithm::from_element(next(None)?, PLACE)?;
        kem.no_parameters().and(kdf.no_parameters())?;
        let [key_len] = *next(Some(Tag::Integer))?.value else { return Err(wrong()) };
        let ukm = fields.next_if(|field| is_tagged(field, 0)).map(|ukm| octets(&ukm)).transpose()?;
        match (fields.next(), fields.next(), fields.next()) {
            (Some(wrap), Some(encrypted), None) => Ok(Self {
                id,
                kem: kem.id,
                ciphertext,
                kdf: kdf.id,
                key_len,
                ukm,
                wrap: wrap.raw.to_vec(),
                encrypted: encrypted.expect(Tag::OctetString, PLACE)?.value.to_vec(),
            }),
            _ => Err(wrong()),
        }
    }
}

/// RecipientEncryptedKey.
pub(crate) fn encrypted_key(element: &Element<'_>) -> Result<(CertificateIdentifier, Vec<u8>)> {
    let fields = element.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
    let [id, key] = fields.as_slice() else { return Err(wrong()) };
    Ok((CertificateIdentifier::read_agreement(id, PLACE)?, key.expect(Tag::OctetString, PLACE)?.value.to_vec()))
}

/// An OCTET STRING in an explicit tag.
fn octets(tagged: &Element<'_>) -> Result<Vec<u8>> {
    Ok(Element::from_der(tagged.value, PLACE)?.expect(Tag::OctetString, PLACE)?.value.to_vec())
}

fn is_tagged(element: &Element<'_>, number: u32) -> bool {
    element.tag.is_context_specific() && element.tag.number().value() == number
}

fn wrong() -> Error {
    Error::structure(PLACE, "it is malformed")
}
