//! Whose keys roll: mailboxes, shared mailboxes, domains, and the operator's own credential at the authority.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Error, Result, Time};

/// Which subject: the first 16 octets of the SHA-256 of its kind and address. Every node computes the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubjectId([u8; 16]);

impl SubjectId {
    /// Of `kind` and `address`, which is compared as it stands but for the case of the domain.
    #[must_use]
    pub fn of(kind: SubjectKind, address: &str) -> Self {
        let address = match address.rsplit_once('@') {
            Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
            None => address.to_ascii_lowercase(),
        };
        let mut hash = Sha256::new();
        hash.update(kind.word());
        hash.update([0]);
        hash.update(address);
        Self(first_half(hash.finalize().into()))
    }

    /// From its octets.
    #[must_use]
    pub const fn from_octets(octets: [u8; 16]) -> Self {
        Self(octets)
    }

    /// Its octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 16] {
        &self.0
    }
}

/// The first 16 of 32 octets.
pub(crate) fn first_half(octets: [u8; 32]) -> [u8; 16] {
    std::array::from_fn(|index| octets.get(index).copied().unwrap_or_default())
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base16ct::lower::encode_string(&self.0))
    }
}

impl fmt::Debug for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for SubjectId {
    type Error = Error;

    fn try_from(digits: String) -> Result<Self> {
        let mut octets = [0; 16];
        match base16ct::lower::decode(&digits, &mut octets) {
            Ok(decoded) if decoded.len() == 16 => Ok(Self(octets)),
            _ => Err(Error::BadField { field: "subject id", found: digits }),
        }
    }
}

impl From<SubjectId> for String {
    fn from(id: SubjectId) -> Self {
        id.to_string()
    }
}

/// What a subject is. It decides when a new key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SubjectKind {
    /// One person's mailbox: partners learn its certificates from signed mails.
    Mailbox,
    /// A mailbox of several people: the same, but nobody's own name stands in the certificate.
    SharedMailbox,
    /// A certificate for all addresses of a domain: partners enter it by hand, so it is announced before it is used.
    Domain,
    /// What the operator authenticates with at the authority. If it ends, nothing rolls any more.
    CaCredential,
}

impl SubjectKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Mailbox, Self::SharedMailbox, Self::Domain, Self::CaCredential];

    /// Its name in stores and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::SharedMailbox => "shared-mailbox",
            Self::Domain => "domain",
            Self::CaCredential => "ca-credential",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What a key is for. Keys of different slots roll on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Slot {
    /// Signing and decrypting with one key.
    Dual,
    /// Signing only: its key may be lost without harm to old mail.
    Sign,
    /// Decrypting only.
    Encrypt,
}

impl Slot {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dual, Self::Sign, Self::Encrypt];

    /// Whether mails are signed with its keys.
    #[must_use]
    pub const fn signs(self) -> bool {
        !matches!(self, Self::Encrypt)
    }

    /// Whether mails are encrypted to its keys.
    #[must_use]
    pub const fn decrypts(self) -> bool {
        !matches!(self, Self::Sign)
    }

    /// Its name in stores and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dual => "dual",
            Self::Sign => "sign",
            Self::Encrypt => "encrypt",
        }
    }

    /// The slot of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|slot| slot.word() == word)
    }
}

/// Which slots a subject has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Layout {
    /// One key for signing and decrypting.
    Dual,
    /// A key for signing and another one for decrypting.
    Split,
}

impl Layout {
    /// Its slots.
    #[must_use]
    pub const fn slots(self) -> &'static [Slot] {
        match self {
            Self::Dual => &[Slot::Dual],
            Self::Split => &[Slot::Sign, Slot::Encrypt],
        }
    }

    /// Its name in stores and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dual => "dual",
            Self::Split => "split",
        }
    }

    /// The layout of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Dual, Self::Split].into_iter().find(|layout| layout.word() == word)
    }
}

/// A subject as it is enrolled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Subject {
    /// Which one.
    pub id: SubjectId,
    /// What it is.
    pub kind: SubjectKind,
    /// Its mail address, or its domain, or the name of the credential.
    pub address: String,
    /// Its slots.
    pub layout: Layout,
    /// Since when its keys roll.
    pub enrolled: Time,
}

impl Subject {
    /// The subject of `kind` at `address`, enrolled at `enrolled`.
    ///
    /// # Errors
    ///
    /// [`Error::BadField`] if `address` is longer than 254 octets (RFC 5321, section 4.5.3.1.3), holds a space or a
    /// control character, or is not what `kind` needs: a mailbox has one `@`, a domain none.
    pub fn new(kind: SubjectKind, address: &str, layout: Layout, enrolled: Time) -> Result<Self> {
        let parts: Vec<&str> = address.split('@').collect();
        let shape = match kind {
            SubjectKind::Mailbox | SubjectKind::SharedMailbox => parts.len() == 2,
            SubjectKind::Domain => parts.len() == 1,
            SubjectKind::CaCredential => true,
        };
        let plain = !address.chars().any(|character| character.is_whitespace() || character.is_control());
        if !shape || !plain || address.len() > 254 || parts.iter().any(|part| part.is_empty()) {
            return Err(Error::BadField { field: "address", found: address.to_owned() });
        }
        Ok(Self { id: SubjectId::of(kind, address), kind, address: address.to_owned(), layout, enrolled })
    }
}
