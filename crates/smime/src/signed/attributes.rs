//! Signed attributes (RFC 5652 §11, RFC 8551 §2.5, RFC 5035, RFC 6211).

use der::{Tag, oid::ObjectIdentifier};

use super::{Flaw, certificate_id::EssCertificate};
use crate::{
    Result, UnixTime,
    asn1::Element,
    capabilities::Capabilities,
    identifier::{CertificateIdentifier, Form, context},
    oid,
};

const PLACE: &str = "signedAttrs";
/// More than any signer writes.
const MOST: usize = 100;

/// What a signer signed besides the content.
#[derive(Debug)]
pub(super) struct SignedAttributes {
    pub(super) content_type: ObjectIdentifier,
    pub(super) message_digest: Vec<u8>,
    pub(super) signing_time: Option<UnixTime>,
    pub(super) capabilities: Option<Capabilities>,
    pub(super) encryption_key_preference: Option<CertificateIdentifier>,
    pub(super) signing_certificates: Vec<EssCertificate>,
    /// DER of digestAlgorithm and signatureAlgorithm.
    pub(super) algorithm_protection: Option<(Vec<u8>, Vec<u8>)>,
    /// What was signed: DER of the SET OF attributes, in the order in which they came.
    pub(super) set: Vec<u8>,
    /// The same in the order of DER, if that is another one.
    pub(super) sorted: Option<Vec<u8>>,
}

impl SignedAttributes {
    /// Reads the field `signedAttrs`, which has an implicit tag.
    pub(super) fn read(field: &Element<'_>) -> Result<Self, Flaw> {
        let list = List::read(field)?;
        let content_type = list.required(oid::CONTENT_TYPE, |value| value.oid(PLACE))?;
        let message_digest = list.required(oid::MESSAGE_DIGEST, |value| {
            value.expect(Tag::OctetString, PLACE).map(|octets| octets.value.to_vec())
        })?;
        let version_1 = list.optional(oid::SIGNING_CERTIFICATE, EssCertificate::read_v1)?;
        let version_2 = list.optional(oid::SIGNING_CERTIFICATE_V2, EssCertificate::read_v2)?;
        // What these two say is of use if it can be read, and does no harm otherwise.
        let capabilities =
            list.optional(oid::SMIME_CAPABILITIES, |value| Ok(Capabilities::from_der(value.raw).ok()))?;
        let preference = list.optional(oid::ENCRYPTION_KEY_PREFERENCE, |value| Ok(preference(value).ok()))?;
        let (set, sorted) = list.sets();
        Ok(Self {
            content_type,
            message_digest,
            signing_time: list.optional(oid::SIGNING_TIME, UnixTime::from_asn1)?,
            capabilities: capabilities.flatten(),
            encryption_key_preference: preference.flatten(),
            signing_certificates: version_1.into_iter().chain(version_2).collect(),
            algorithm_protection: list.optional(oid::ALGORITHM_PROTECTION, protection)?,
            set,
            sorted,
        })
    }
}

/// What must be signed if it is there.
const SIGNED: [ObjectIdentifier; 8] = [
    oid::CONTENT_TYPE,
    oid::MESSAGE_DIGEST,
    oid::SIGNING_TIME,
    oid::SMIME_CAPABILITIES,
    oid::ENCRYPTION_KEY_PREFERENCE,
    oid::SIGNING_CERTIFICATE,
    oid::SIGNING_CERTIFICATE_V2,
    oid::ALGORITHM_PROTECTION,
];

/// Looks over the field `unsignedAttrs`: nothing in it counts, and nothing may stand there that would count elsewhere.
pub(super) fn check_unsigned(field: &Element<'_>) -> Result<(), Flaw> {
    match read_list(field, "unsignedAttrs")?.iter().find(|attribute| SIGNED.contains(&attribute.id)) {
        Some(attribute) => Err(Flaw::AttributeUnsigned(attribute.id)),
        None => Ok(()),
    }
}

fn read_list<'a>(field: &Element<'a>, place: &'static str) -> Result<Vec<Attribute<'a>>, Flaw> {
    let malformed = |what| Flaw::Malformed { place, what };
    let attributes = field.inner(place).map_err(|_| malformed("they can't be read"))?;
    if attributes.len() > MOST {
        return Err(malformed("there are too many"));
    }
    let attributes = attributes.iter().map(attribute).collect::<Result<Vec<_>>>();
    attributes.map_err(|_| malformed("an attribute can't be read"))
}

struct Attribute<'a> {
    id: ObjectIdentifier,
    raw: &'a [u8],
    values: Vec<Element<'a>>,
}

struct List<'a>(Vec<Attribute<'a>>);

impl<'a> List<'a> {
    fn read(field: &Element<'a>) -> Result<Self, Flaw> {
        let attributes = read_list(field, PLACE)?;
        let mut ids: Vec<_> = attributes.iter().map(|attribute| attribute.id).collect();
        ids.sort_unstable();
        match ids.windows(2).find_map(|pair| if let [a, b] = pair { (a == b).then_some(*a) } else { None }) {
            Some(repeated) => Err(Flaw::AttributeRepeated(repeated)),
            None => Ok(Self(attributes)),
        }
    }

    /// The one value of an attribute.
    fn optional<T>(
        &self,
        id: ObjectIdentifier,
        read: impl FnOnce(&Element<'a>) -> Result<T>,
    ) -> Result<Option<T>, Flaw> {
        let Some(attribute) = self.0.iter().find(|attribute| attribute.id == id) else { return Ok(None) };
        match attribute.values.as_slice() {
            [value] => read(value).map(Some).map_err(|_| Flaw::AttributeMalformed(id)),
            _ => Err(Flaw::AttributeValues(id)),
        }
    }

    fn required<T>(&self, id: ObjectIdentifier, read: impl FnOnce(&Element<'a>) -> Result<T>) -> Result<T, Flaw> {
        self.optional(id, read)?.ok_or(Flaw::AttributeMissing(id))
    }

    /// DER of all in their order, and in that of DER (ITU-T X.690 §11.6) if it is another one.
    fn sets(&self) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut attributes: Vec<_> = self.0.iter().map(|attribute| attribute.raw).collect();
        let set = crate::asn1::write(0x31, &attributes);
        let sorted = (!attributes.is_sorted()).then(|| {
            attributes.sort_unstable();
            crate::asn1::write(0x31, &attributes)
        });
        (set, sorted)
    }
}

fn attribute<'a>(attribute: &Element<'a>) -> Result<Attribute<'a>> {
    match attribute.expect(Tag::Sequence, PLACE)?.inner(PLACE)?.as_slice() {
        [id, values] => Ok(Attribute {
            id: id.oid(PLACE)?,
            raw: attribute.raw,
            values: values.expect(Tag::Set, PLACE)?.inner(PLACE)?,
        }),
        _ => Err(crate::Error::structure(PLACE, "an attribute must have a type and values")),
    }
}

/// CMSAlgorithmProtection (RFC 6211 §2) of a signature.
fn protection(value: &Element<'_>) -> Result<(Vec<u8>, Vec<u8>)> {
    match value.expect(Tag::Sequence, PLACE)?.inner(PLACE)?.as_slice() {
        [digest, signature] if signature.tag == context(1, Form::Constructed) => Ok((
            digest.expect(Tag::Sequence, PLACE)?.raw.to_vec(),
            // Its tag is implicit.
            crate::asn1::write(0x30, &[signature.value]),
        )),
        _ => Err(crate::Error::structure(PLACE, "two algorithms were expected")),
    }
}

/// SMIMEEncryptionKeyPreference (RFC 8551 §2.5.3), a choice of implicitly tagged ones.
fn preference(value: &Element<'_>) -> Result<CertificateIdentifier> {
    match value.tag {
        tag if tag == context(0, Form::Constructed) => CertificateIdentifier::from_issuer_and_serial(value, PLACE),
        tag if tag == context(1, Form::Constructed) => {
            let id = value.inner(PLACE)?.first().map(|id| id.expect(Tag::OctetString, PLACE)).transpose()?;
            Ok(CertificateIdentifier::SubjectKeyIdentifier(id.map(|id| id.value.to_vec()).unwrap_or_default()))
        }
        tag if tag == context(2, Form::Primitive) => {
            Ok(CertificateIdentifier::SubjectKeyIdentifier(value.value.to_vec()))
        }
        _ => Err(crate::Error::structure(PLACE, "another choice was expected")),
    }
}
