//! What certificates say (S/MIME Baseline Requirements, section 7.1).

use der::oid::ObjectIdentifier;
use sealpost_rollover::{Slot, SubjectKind};
use serde::{Deserialize, Serialize};

use crate::{keys, oid, write};

/// The generation of mailbox-validated certificates (S/MIME Baseline Requirements, section 1.6.1). The third one,
/// legacy, must not be issued any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Profile {
    /// For mail alone.
    #[default]
    Strict,
    /// For mail, and for logging in.
    Multipurpose,
}

impl Profile {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Strict, Self::Multipurpose];

    /// Its name in settings.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Multipurpose => "multipurpose",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.word() == word)
    }

    /// The policy identifier of its mailbox-validated certificates (section 7.1.6.1).
    pub(crate) const fn policy(self) -> ObjectIdentifier {
        match self {
            Self::Strict => ObjectIdentifier::new_unwrap("2.23.140.1.5.1.3"),
            Self::Multipurpose => ObjectIdentifier::new_unwrap("2.23.140.1.5.1.2"),
        }
    }

    /// Its extended key usages (section 7.1.2.3 f).
    pub(crate) const fn purposes(self) -> &'static [ObjectIdentifier] {
        match self {
            Self::Strict => &[oid::EMAIL_PROTECTION],
            Self::Multipurpose => &[oid::EMAIL_PROTECTION, oid::CLIENT_AUTH],
        }
    }
}

/// Bits of keyUsage (RFC 5280, section 4.2.1.3).
pub(crate) mod usage {
    pub(crate) const DIGITAL_SIGNATURE: u16 = 1;
    pub(crate) const NON_REPUDIATION: u16 = 1 << 1;
    pub(crate) const KEY_ENCIPHERMENT: u16 = 1 << 2;
    pub(crate) const DATA_ENCIPHERMENT: u16 = 1 << 3;
    pub(crate) const KEY_AGREEMENT: u16 = 1 << 4;
    pub(crate) const CERT_SIGN: u16 = 1 << 5;
    pub(crate) const CRL_SIGN: u16 = 1 << 6;
    pub(crate) const ENCIPHER_ONLY: u16 = 1 << 7;
    pub(crate) const DECIPHER_ONLY: u16 = 1 << 8;
}

/// The key usage for a key of that kind in that slot (section 7.1.2.3 e).
pub(crate) fn key_usage(spki: &[u8], kind: SubjectKind, slot: Slot) -> u16 {
    if kind == SubjectKind::CaCredential {
        return usage::DIGITAL_SIGNATURE;
    }
    let sign = if slot.signs() { usage::DIGITAL_SIGNATURE } else { 0 };
    let decrypt = if slot.decrypts() { encryption_usage(spki).unwrap_or_default() } else { 0 };
    sign | decrypt
}

/// What a key of that kind needs to receive content keys; `None` if it can't.
pub(crate) fn encryption_usage(spki: &[u8]) -> Option<u16> {
    match () {
        () if keys::is_of(spki, oid::RSA_ENCRYPTION) => Some(usage::KEY_ENCIPHERMENT),
        () if keys::is_of(spki, oid::EC_PUBLIC_KEY) || keys::is_of(spki, oid::X25519) => Some(usage::KEY_AGREEMENT),
        () => None,
    }
}

/// What a key of that kind may have to sign.
pub(crate) fn signing_usage(spki: &[u8]) -> u16 {
    if keys::is_of(spki, oid::X25519) { 0 } else { usage::DIGITAL_SIGNATURE | usage::NON_REPUDIATION }
}

/// An extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extension {
    pub(crate) id: ObjectIdentifier,
    pub(crate) weight: Weight,
    /// DER.
    pub(crate) value: Vec<u8>,
}

/// Whether who does not know it must refuse the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    Critical,
    Plain,
}

impl Extension {
    pub(crate) const fn critical(id: ObjectIdentifier, value: Vec<u8>) -> Self {
        Self { id, weight: Weight::Critical, value }
    }

    pub(crate) const fn plain(id: ObjectIdentifier, value: Vec<u8>) -> Self {
        Self { id, weight: Weight::Plain, value }
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        let critical = if self.weight == Weight::Critical { write::truth() } else { Vec::new() };
        write::sequence(&[&write::oid(self.id), &critical, &write::octets(&self.value)])
    }
}

/// Extensions in DER.
pub(crate) fn extensions(list: &[Extension]) -> Vec<u8> {
    let list: Vec<_> = list.iter().map(Extension::to_der).collect();
    write::sequence(&[&list.concat()])
}

pub(crate) fn extended_key_usage(purposes: &[ObjectIdentifier]) -> Vec<u8> {
    let list: Vec<_> = purposes.iter().map(|id| write::oid(*id)).collect();
    write::sequence(&[&list.concat()])
}

pub(crate) fn policies(ids: &[ObjectIdentifier]) -> Vec<u8> {
    let list: Vec<_> = ids.iter().map(|id| write::sequence(&[&write::oid(*id)])).collect();
    write::sequence(&[&list.concat()])
}

/// CRLDistributionPoints with one point at these addresses.
pub(crate) fn distribution_point(uris: &[&str]) -> Vec<u8> {
    let names: Vec<_> = uris.iter().map(|uri| write::implicit(6, uri.as_bytes())).collect();
    write::sequence(&[&write::sequence(&[&write::tagged(0, &[&write::tagged(0, &[&names.concat()])])])])
}

/// AuthorityInfoAccessSyntax.
pub(crate) fn information_access(methods: &[(ObjectIdentifier, &str)]) -> Vec<u8> {
    let list: Vec<_> = methods
        .iter()
        .map(|(method, uri)| write::sequence(&[&write::oid(*method), &write::implicit(6, uri.as_bytes())]))
        .collect();
    write::sequence(&[&list.concat()])
}

pub(crate) fn authority_key_id(spki: &[u8]) -> Extension {
    let id = write::sequence(&[&write::implicit(0, &keys::key_id(spki))]);
    Extension::plain(oid::AUTHORITY_KEY_ID, id)
}

pub(crate) fn subject_key_id(spki: &[u8]) -> Extension {
    Extension::plain(oid::SUBJECT_KEY_ID, write::octets(&keys::key_id(spki)))
}
