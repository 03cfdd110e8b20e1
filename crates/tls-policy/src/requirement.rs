//! What a delivery must hold to, and who asks for it.
//!
//! Requirements are a set of atoms, each with its origins. Adding never weakens, by construction: a set only grows
//! ([`Requirements::add`]), and what may be dropped is never added in the first place.

use serde::{Deserialize, Serialize, Serializer};

/// One thing that a delivery must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Atom {
    /// The mail travels over TLS.
    Encrypted,
    /// TLS 1.2 or newer (RFC 9325 §3.1.1).
    Tls12,
    /// TLS 1.3.
    Tls13,
    /// The certificate is valid for the host by PKIX or by DANE.
    PeerAuthenticated,
    /// The certificate is valid by PKIX, for the name of the host (RFC 8461 §4.2).
    Pkix,
    /// The certificate matches a TLSA record (RFC 7672 §2.2).
    Dane,
    /// The name of the host is vouched for: by DNSSEC, or by a policy of MTA-STS that is enforced.
    MxAuthenticated,
    /// A policy of MTA-STS that is enforced lists the host (RFC 8461 §4.1).
    MxListed,
    /// The MX record is secured by DNSSEC.
    MxSecure,
    /// The look-up of TLSA records did not fail (RFC 7672 §2.1.2).
    TlsaAnswered,
    /// The host offers REQUIRETLS, after STARTTLS (RFC 8689 §4.2).
    RequireTls,
}

impl Atom {
    /// All of them, in their order.
    pub const ALL: [Self; 11] = [
        Self::Encrypted,
        Self::Tls12,
        Self::Tls13,
        Self::PeerAuthenticated,
        Self::Pkix,
        Self::Dane,
        Self::MxAuthenticated,
        Self::MxListed,
        Self::MxSecure,
        Self::TlsaAnswered,
        Self::RequireTls,
    ];
}

/// Who asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// The user's guarantee.
    UserGuarantee,
    /// The organisation's rule for this destination.
    OrgCompliance,
    /// REQUIRETLS in the mail's envelope (RFC 8689).
    RequireTls,
    /// The recipient's policy of MTA-STS (RFC 8461).
    MtaSts,
    /// The TLSA records of the recipient's host (RFC 7672).
    Dane,
    /// The administrator's floor for this destination.
    AdminMap,
}

impl Origin {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::UserGuarantee, Self::OrgCompliance, Self::RequireTls, Self::MtaSts, Self::Dane, Self::AdminMap];

    /// Whether the sender's side asks, who is to be told at once, rather than the recipient's.
    #[must_use]
    pub const fn is_senders(self) -> bool {
        matches!(self, Self::UserGuarantee | Self::OrgCompliance | Self::RequireTls)
    }
}

/// A set of origins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Origins(u8);

impl Origins {
    /// Nobody.
    pub const NONE: Self = Self(0);

    /// Only `origin`.
    #[must_use]
    pub const fn only(origin: Origin) -> Self {
        Self(1 << bit(origin))
    }

    /// Whether nobody asks.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `origin` is among them.
    #[must_use]
    pub const fn contains(self, origin: Origin) -> bool {
        self.0 & Self::only(origin).0 != 0
    }

    /// These and those.
    #[must_use]
    pub const fn union(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those of them that are not `origin`.
    #[must_use]
    pub const fn without(self, origin: Origin) -> Self {
        Self(self.0 & !Self::only(origin).0)
    }

    /// Whether one of them is of the recipient's side: MTA-STS or DANE.
    #[must_use]
    pub const fn has_recipients(self) -> bool {
        self.contains(Origin::MtaSts) || self.contains(Origin::Dane)
    }

    /// Whether all of them are of the sender's side ([`Origin::is_senders`]).
    #[must_use]
    pub fn all_senders(self) -> bool {
        self.iter().all(Origin::is_senders)
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Origin> {
        Origin::ALL.into_iter().filter(move |origin| self.contains(*origin))
    }
}

impl Serialize for Origins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

const fn bit(origin: Origin) -> u8 {
    match origin {
        Origin::UserGuarantee => 0,
        Origin::OrgCompliance => 1,
        Origin::RequireTls => 2,
        Origin::MtaSts => 3,
        Origin::Dane => 4,
        Origin::AdminMap => 5,
    }
}

/// A set of atoms: what a connection holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Atoms(u16);

impl Atoms {
    /// Nothing.
    pub const NONE: Self = Self(0);

    /// `atom` also.
    #[must_use]
    pub const fn with(self, atom: Atom) -> Self {
        Self(self.0 | 1 << index(atom))
    }

    /// `atom` also, if it `is` so.
    #[must_use]
    pub const fn with_if(self, atom: Atom, is: bool) -> Self {
        if is { self.with(atom) } else { self }
    }

    /// Whether `atom` is among them.
    #[must_use]
    pub const fn contains(self, atom: Atom) -> bool {
        self.0 & 1 << index(atom) != 0
    }

    /// What is among both.
    #[must_use]
    pub const fn intersection(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Atom> {
        Atom::ALL.into_iter().filter(move |atom| self.contains(*atom))
    }
}

impl FromIterator<Atom> for Atoms {
    fn from_iter<I: IntoIterator<Item = Atom>>(atoms: I) -> Self {
        atoms.into_iter().fold(Self::NONE, Self::with)
    }
}

impl Serialize for Atoms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// What else is to be said about how requirements came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Note {
    /// `TLS-Required: No` sets the recipient's policies aside (RFC 8689 §4.2.2).
    TlsRequiredNo,
    /// `TLS-Required: No` counts for nothing beside REQUIRETLS (RFC 8689 §4.1).
    TlsRequiredNoIgnored,
    /// `TLS-Required: No` does not set the user's own guarantee aside, nor a rule of the organisation.
    GuaranteeStays,
    /// The administrator's exception sets the recipient's policies aside.
    Exception,
    /// The administrator's exception is over.
    ExceptionOver,
    /// The user let this mail go without the guarantee, once.
    OneTime,
    /// The guarantee does not hold for answers by the server and for a user's own forwards.
    Exempt,
    /// REQUIRETLS counts for nothing with an empty sender (RFC 8689 §4.2.1).
    NullSender,
}

impl Note {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::TlsRequiredNo,
        Self::TlsRequiredNoIgnored,
        Self::GuaranteeStays,
        Self::Exception,
        Self::ExceptionOver,
        Self::OneTime,
        Self::Exempt,
        Self::NullSender,
    ];

    const fn bit(self) -> u8 {
        match self {
            Self::TlsRequiredNo => 1,
            Self::TlsRequiredNoIgnored => 1 << 1,
            Self::GuaranteeStays => 1 << 2,
            Self::Exception => 1 << 3,
            Self::ExceptionOver => 1 << 4,
            Self::OneTime => 1 << 5,
            Self::Exempt => 1 << 6,
            Self::NullSender => 1 << 7,
        }
    }
}

/// What a delivery must hold to: atoms, each with who asks for it. No allocation.
///
/// Two recipients may share a connection and a transaction only if theirs are equal: group by them, not by the domain
/// alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Requirements {
    by_atom: [Origins; Atom::ALL.len()],
    notes: u8,
}

impl Requirements {
    /// Nothing is required.
    pub const NONE: Self = Self { by_atom: [Origins::NONE; Atom::ALL.len()], notes: 0 };

    /// Asks for `atom` also, for the sake of `origin`.
    pub fn add(&mut self, atom: Atom, origin: Origin) {
        self.add_all(atom, Origins::only(origin));
    }

    /// Asks for `atom` also, for the sake of `origins`.
    pub fn add_all(&mut self, atom: Atom, origins: Origins) {
        if let Some(known) = self.by_atom.get_mut(index(atom)) {
            *known = known.union(origins);
        }
    }

    /// Remembers `note`.
    pub const fn note(&mut self, note: Note) {
        self.notes |= note.bit();
    }

    /// Whether `note` is to be said.
    #[must_use]
    pub const fn has_note(&self, note: Note) -> bool {
        self.notes & note.bit() != 0
    }

    /// What else is to be said.
    pub fn notes(&self) -> impl Iterator<Item = Note> {
        let notes = self.notes;
        Note::ALL.into_iter().filter(move |note| notes & note.bit() != 0)
    }

    /// Whether the recipient's own policies, MTA-STS and DANE, are set aside: by `TLS-Required: No`, or by the
    /// administrator's exception.
    #[must_use]
    pub const fn sets_recipients_aside(&self) -> bool {
        self.has_note(Note::TlsRequiredNo) || self.has_note(Note::Exception)
    }

    /// Who asks for `atom`: nobody if it is not required.
    #[must_use]
    pub fn origins(&self, atom: Atom) -> Origins {
        self.by_atom.get(index(atom)).copied().unwrap_or(Origins::NONE)
    }

    /// Everybody who asks for anything.
    #[must_use]
    pub fn all_origins(&self) -> Origins {
        self.by_atom.iter().fold(Origins::NONE, |all, origins| all.union(*origins))
    }

    /// Whether `atom` is required.
    #[must_use]
    pub fn requires(&self, atom: Atom) -> bool {
        !self.origins(atom).is_empty()
    }

    /// Whether nothing is required.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all_origins().is_empty()
    }

    /// What of it is not among `held`; the notes are left out.
    #[must_use]
    pub fn beyond(&self, held: Atoms) -> Self {
        let mut missing = Self::NONE;
        for (atom, origins) in self.iter().filter(|(atom, _)| !held.contains(*atom)) {
            missing.add_all(atom, origins);
        }
        missing
    }

    /// Which atoms are required.
    #[must_use]
    pub fn atoms(&self) -> Atoms {
        self.iter().map(|(atom, _)| atom).collect()
    }

    /// Each required atom, in order, and who asks for it.
    pub fn iter(&self) -> impl Iterator<Item = (Atom, Origins)> + Clone {
        Atom::ALL.into_iter().map(|atom| (atom, self.origins(atom))).filter(|(_, origins)| !origins.is_empty())
    }
}

/// Each required atom with who asks for it.
impl Serialize for Requirements {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

const fn index(atom: Atom) -> usize {
    match atom {
        Atom::Encrypted => 0,
        Atom::Tls12 => 1,
        Atom::Tls13 => 2,
        Atom::PeerAuthenticated => 3,
        Atom::Pkix => 4,
        Atom::Dane => 5,
        Atom::MxAuthenticated => 6,
        Atom::MxListed => 7,
        Atom::MxSecure => 8,
        Atom::TlsaAnswered => 9,
        Atom::RequireTls => 10,
    }
}
