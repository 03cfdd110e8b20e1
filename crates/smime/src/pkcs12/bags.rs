//! SafeContents and what is in them (RFC 7292 §4.2).

use der::Tag;

use super::{KeyAndCertificate, Opener, PLACE, Pkcs12, Secret, WRONG_PASSWORD};
use crate::{
    Certificate, Error, Result,
    asn1::Element,
    key::{SoftwareKey, same_key},
    oid,
};

/// How deep SafeContents may nest.
const DEPTH: usize = 4;

/// All keys and certificates of a file.
#[derive(Default)]
pub(super) struct Bags {
    keys: Vec<(SoftwareKey, Label)>,
    certificates: Vec<(Certificate, Label)>,
    count: usize,
}

/// What stands beside a key or a certificate.
#[derive(Default, Clone)]
struct Label {
    /// `friendlyName`.
    name: Option<String>,
    /// `localKeyId`: the same for a key and its certificate.
    id: Option<Vec<u8>>,
}

impl Bags {
    /// Adds those of a SafeContents.
    pub(super) fn read(&mut self, ber: &[u8], opener: &mut Opener<'_>) -> Result<()> {
        let der = Secret::framed(ber, opener.limits)?;
        let mut waiting = vec![(Element::from_der(&der, PLACE)?, DEPTH)];
        while let Some((contents, depth)) = waiting.pop() {
            for bag in contents.expect(Tag::Sequence, PLACE)?.inner(PLACE)? {
                let bag = Bag::read(&bag)?;
                self.count += 1;
                limit(self.count, opener)?;
                if bag.id != oid::SAFE_CONTENTS_BAG {
                    self.add(&bag, opener)?;
                } else if depth > 0 {
                    waiting.push((bag.value, depth - 1));
                } else {
                    return Err(Error::structure(PLACE, "its parts nest too deep"));
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, bag: &Bag<'_>, opener: &mut Opener<'_>) -> Result<()> {
        match bag.id {
            oid::KEY_BAG => self.keys.push((SoftwareKey::from_pkcs8(bag.value.raw)?, bag.label.clone())),
            oid::SHROUDED_KEY_BAG => {
                let fields = bag.value.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
                let [algorithm, encrypted] = fields.as_slice() else {
                    return Err(Error::structure(PLACE, "an encrypted key must have two elements"));
                };
                let octets = opener.decrypt(algorithm, encrypted.expect(Tag::OctetString, PLACE)?.value)?;
                let key = Secret::framed(&octets, opener.limits).map_err(|_| WRONG_PASSWORD)?;
                self.keys.push((SoftwareKey::from_pkcs8(&key)?, bag.label.clone()));
            }
            oid::CERTIFICATE_BAG => {
                let fields = bag.value.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
                let [kind, tagged] = fields.as_slice() else {
                    return Err(Error::structure(PLACE, "a certificate must have a type and a value"));
                };
                // Others are of a format that is no longer used.
                if kind.oid(PLACE)? == oid::X509_CERTIFICATE {
                    let der = Element::from_der(tagged.value, PLACE)?.expect(Tag::OctetString, PLACE)?.value;
                    self.certificates.push((Certificate::from_der(der)?, bag.label.clone()));
                }
            }
            // CRLs, other secrets.
            _ => {}
        }
        Ok(())
    }

    /// Finds the certificate of each key.
    pub(super) fn pair(self) -> Pkcs12 {
        let mut left: Vec<Option<(Certificate, Label)>> = self.certificates.into_iter().map(Some).collect();
        let mut identities = Vec::new();
        for (key, label) in self.keys {
            let mut own: Vec<_> = left
                .iter_mut()
                .filter(|slot| slot.as_ref().is_some_and(|(of, _)| same_key(key.public_key(), of.public_key())))
                .collect();
            // The one that is pointed to is first.
            own.sort_by_key(|slot| slot.as_ref().is_none_or(|(_, of)| of.id.is_none() || of.id != label.id));
            let found = own.into_iter().next().and_then(Option::take);
            let (certificate, of) = found.map_or((None, Label::default()), |(found, of)| (Some(found), of));
            identities.push(KeyAndCertificate { key, certificate, name: label.name.or(of.name) });
        }
        Pkcs12 { identities, certificates: left.into_iter().flatten().map(|(left, _)| left).collect() }
    }
}

fn limit(count: usize, opener: &Opener<'_>) -> Result<()> {
    if count > opener.limits.certificates {
        let limit = u64::try_from(opener.limits.certificates).unwrap_or(u64::MAX);
        return Err(Error::Limit { what: "keys and certificates in a file", limit });
    }
    Ok(())
}

/// SafeBag.
struct Bag<'a> {
    id: der::oid::ObjectIdentifier,
    value: Element<'a>,
    label: Label,
}

impl<'a> Bag<'a> {
    fn read(bag: &Element<'a>) -> Result<Self> {
        let fields = bag.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        let [id, value, rest @ ..] = fields.as_slice() else {
            return Err(Error::structure(PLACE, "a bag must have a type and a value"));
        };
        let label = rest.first().map_or(Ok(Label::default()), Label::read)?;
        Ok(Self { id: id.oid(PLACE)?, value: Element::from_der(value.value, PLACE)?, label })
    }
}

impl Label {
    /// PKCS12Attributes (RFC 7292 §4.2).
    fn read(attributes: &Element<'_>) -> Result<Self> {
        let mut label = Self::default();
        for attribute in attributes.expect(Tag::Set, PLACE)?.inner(PLACE)? {
            let fields = attribute.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
            let [id, values] = fields.as_slice() else {
                return Err(Error::structure(PLACE, "an attribute must have a type and values"));
            };
            let Some(value) = values.expect(Tag::Set, PLACE)?.inner(PLACE)?.into_iter().next() else { continue };
            match id.oid(PLACE)? {
                oid::FRIENDLY_NAME if value.tag == Tag::BmpString => {
                    let (units, _) = value.value.as_chunks();
                    let units: Vec<_> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
                    // Some end it as passwords end.
                    label.name = Some(String::from_utf16_lossy(&units).trim_end_matches('\0').to_owned());
                }
                oid::LOCAL_KEY_ID if value.tag == Tag::OctetString => label.id = Some(value.value.to_vec()),
                _ => {}
            }
        }
        Ok(label)
    }
}
