//! Certificate revocation lists (RFC 5280 §5). Their entries are read one by one from the octets, whenever they are
//! needed: a list takes no more memory than its size.

use std::ops::Range;

use der::Tag;

use super::{
    point::Scope,
    signed::{Entry, Extension, Period, Signed, extensions},
};
use crate::{
    Certificate, Error, Result, UnixTime, asn1,
    asn1::Element,
    certificate::{
        extension::{authority_key_id, is_tagged, number},
        general, name,
    },
    oid,
};

const PLACE: &str = "a CRL";
const ENTRY: &str = "an entry of a CRL";

/// A list.
pub(super) struct Crl {
    pub(super) signed: Signed,
    /// The issuer in the form in which names are compared.
    pub(super) issuer: Vec<u8>,
    pub(super) period: Period,
    pub(super) scope: Scope,
    pub(super) authority_key_id: Option<Vec<u8>>,
    /// Of a delta, the number of the list that it continues.
    pub(super) base: Option<Number>,
    number: Option<Number>,
    /// Whether it has a critical extension that is not known: it must not be used.
    pub(super) unusable: bool,
    entries: Range<usize>,
}

/// A CRL's number, up to 20 octets: how many octets, and which.
pub(super) type Number = (usize, Vec<u8>);

impl Crl {
    pub(super) fn from_der(der: &[u8]) -> Result<Self> {
        let signed = Signed::from_der(der, PLACE)?;
        let (fields, start) = signed.fields(der, PLACE)?;
        let mut fields = fields.iter().peekable();
        let _version = fields.next_if(|field| field.tag == Tag::Integer);
        let missing = || Error::structure(PLACE, "a field is missing");
        let algorithm = fields.next().ok_or_else(missing)?;
        if algorithm.raw != signed.algorithm() {
            return Err(Error::structure(PLACE, "its two algorithms differ"));
        }
        let issuer = fields.next().ok_or_else(missing)?.expect(Tag::Sequence, PLACE)?;
        let this_update = UnixTime::from_asn1(fields.next().ok_or_else(missing)?)?;
        let next_update = fields.next_if(|field| matches!(field.tag, Tag::UtcTime | Tag::GeneralizedTime));
        let next_update = next_update.map(UnixTime::from_asn1).transpose()?;
        let entries = fields.next_if(|field| field.tag == Tag::Sequence).map_or(0..0, |list| {
            let end = start + list.at + list.raw.len();
            end - list.value.len()..end
        });
        let mut crl = Self {
            issuer: name::canonical(issuer.raw),
            period: Period { this_update, next_update },
            scope: Scope::WHOLE,
            authority_key_id: None,
            base: None,
            number: None,
            unusable: false,
            entries,
            signed,
        };
        if let Some(tagged) = fields.next_if(|field| is_tagged(field, 0)) {
            for extension in extensions(&Element::from_der(tagged.value, PLACE)?, PLACE)? {
                crl.read_extension(&extension)?;
            }
        }
        Ok(crl)
    }

    fn read_extension(&mut self, extension: &Extension<'_>) -> Result<()> {
        match extension.id {
            oid::ISSUING_DISTRIBUTION_POINT => self.scope = Scope::read(extension.value)?,
            oid::AUTHORITY_KEY_ID => self.authority_key_id = authority_key_id(extension.value).map(<[u8]>::to_vec),
            oid::CRL_NUMBER => self.number = Some(crl_number(extension.value)?),
            oid::DELTA_CRL_INDICATOR => self.base = Some(crl_number(extension.value)?),
            oid::ISSUER_ALT_NAME | oid::FRESHEST_CRL => {}
            _ => self.unusable |= extension.critical,
        }
        Ok(())
    }

    /// Whether this delta continues that complete list (RFC 5280 §5.2.4).
    pub(super) fn continues(&self, complete: &Self) -> bool {
        let numbered = match (&self.base, &self.number, &complete.number) {
            (Some(base), Some(own), Some(number)) => base <= number && number < own,
            _ => false,
        };
        numbered
            && complete.base.is_none()
            && self.issuer == complete.issuer
            && self.scope == complete.scope
            && self.authority_key_id == complete.authority_key_id
    }

    /// The later of two has the larger number.
    pub(super) fn number(&self) -> Option<&Number> {
        self.number.as_ref()
    }

    /// What it says about a certificate.
    ///
    /// # Errors
    ///
    /// If it can't be read, or an entry has a critical extension that is not known: it must not be used at all then
    /// (RFC 5280 §5.3).
    pub(super) fn find(&self, certificate: &Certificate) -> Result<Option<Entry>> {
        let mut found = None;
        // Whose certificates the entries are about: in an indirect list it changes on the way (RFC 5280 §5.3.3).
        let mut other_issuer = None;
        for entry in asn1::walk(self.signed.slice(&self.entries), ENTRY)? {
            let mut fields = asn1::walk(entry?.value, ENTRY)?;
            let mut next = || fields.next().ok_or(Error::structure(ENTRY, "a field is missing"))?;
            let (serial, at) = (next()?, next()?);
            let list = fields.next().transpose()?;
            let meant = serial.value == certificate.serial();
            let mut reason = 0;
            if let Some(list) = list.filter(|list| meant || self.scope.is_indirect() || may_be_critical(list.value)) {
                let said = EntryExtensions::read(&list)?;
                reason = said.reason;
                other_issuer = said.issuer.or(other_issuer);
            }
            if meant && other_issuer.as_ref().unwrap_or(&self.issuer) == certificate.canonical_issuer() {
                found = Some(Entry { at: UnixTime::from_asn1(&at)?, reason });
            }
        }
        Ok(found)
    }
}

/// Whether BOOLEAN TRUE may stand in there; most entries of most lists have none.
fn may_be_critical(extensions: &[u8]) -> bool {
    extensions.windows(3).any(|octets| matches!(octets, [1, 1, value] if *value != 0))
}

/// What the extensions of an entry say (RFC 5280 §5.3).
struct EntryExtensions {
    reason: u64,
    issuer: Option<Vec<u8>>,
}

impl EntryExtensions {
    fn read(list: &Element<'_>) -> Result<Self> {
        let mut said = Self { reason: 0, issuer: None };
        for extension in extensions(list, ENTRY)? {
            match extension.id {
                oid::REASON_CODE => said.reason = number(&Element::from_der(extension.value, ENTRY)?, ENTRY)?,
                oid::CERTIFICATE_ISSUER => said.issuer = Some(certificate_issuer(extension.value)?),
                _ if extension.critical => {
                    return Err(Error::structure(ENTRY, "it has a critical extension that is not known"));
                }
                _ => {}
            }
        }
        Ok(said)
    }
}

fn crl_number(value: &[u8]) -> Result<Number> {
    let number = Element::from_der(value, PLACE)?.expect(Tag::Integer, PLACE)?.value;
    let octets: Vec<u8> = number.iter().copied().skip_while(|octet| *octet == 0).collect();
    Ok((octets.len(), octets))
}

fn certificate_issuer(value: &[u8]) -> Result<Vec<u8>> {
    let names = Element::from_der(value, ENTRY)?.inner(ENTRY)?;
    let directory = names.iter().find(|name| is_tagged(name, 4));
    directory.map(general::canonical).ok_or(Error::structure(ENTRY, "the certificate's issuer has no directory name"))
}
