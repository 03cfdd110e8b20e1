//! A verdict in words: rows of a table for people, in their language, and JSON for programs.

mod words;

use serde::Serialize;

use self::words::Words;
use crate::{
    facts::{CertificateCheck, CertificateFacts, Channel, TlsVersion},
    requirement::{Atom, Note, Origin},
    route::Refusal,
    verdict::{Finding, Reason, Verdict},
};

/// A language to explain in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language of a tag (RFC 5646): `de`, `de-AT`. `None` for one that is not known here.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// Its tag (RFC 5646).
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Row {
    /// The host; empty where it is about the destination as a whole.
    pub host: String,
    /// What is required; empty where nothing is.
    pub requirement: String,
    /// By whom.
    pub asked_by: String,
    /// What was found.
    pub found: String,
    /// Where that is written: sections of RFCs, or whose rule it is.
    pub rule: String,
}

/// The table of a verdict: a row per reason.
#[must_use]
pub fn rows(verdict: &Verdict, language: Language) -> Vec<Row> {
    verdict.reasons().iter().map(|reason| row(reason, language)).collect()
}

/// The names of the table's columns.
#[must_use]
pub const fn heads(language: Language) -> [&'static str; 5] {
    words::of(language).heads
}

/// What is to be done with the mail, in one sentence.
#[must_use]
pub fn sentence(verdict: &Verdict, language: Language) -> String {
    let words = words::of(language);
    let (before, rest) = match verdict {
        Verdict::Deliver { host, encrypted, .. } => {
            let before = if *encrypted { words.deliver_tls } else { words.deliver_plain };
            (before, host.as_ref().map(ToString::to_string).unwrap_or_default())
        }
        Verdict::TryNext { .. } => (words.try_next, String::new()),
        Verdict::Defer { status, .. } => (words.defer, status.to_string()),
        Verdict::Reroute { route, .. } => (words.reroute, format!("{}:{}", route.host, route.port)),
        Verdict::Bounce { status, .. } => (words.bounce, status.to_string()),
    };
    if rest.is_empty() { before.to_owned() } else { format!("{before}: {rest}") }
}

/// What users must know who switch their guarantee on.
#[must_use]
pub const fn exempt(language: Language) -> &'static str {
    words::of(language).exempt
}

/// How secure a connection is, in a few words.
#[must_use]
pub fn channel(channel: &Channel, language: Language) -> String {
    words::of(language).channel(channel)
}

/// How a check of a certificate ended, in a few words.
#[must_use]
pub const fn check(check: CertificateCheck, language: Language) -> &'static str {
    words::of(language).check(check)
}

fn row(reason: &Reason, language: Language) -> Row {
    let words = words::of(language);
    let asked: Vec<&str> = reason.origins.iter().map(|origin| words.origin(origin)).collect();
    Row {
        host: reason.host.as_ref().map(ToString::to_string).unwrap_or_default(),
        requirement: reason.atom.map(|atom| words.atom(atom).to_owned()).unwrap_or_default(),
        asked_by: asked.join(", "),
        found: words.finding(&reason.finding),
        rule: reason.rules().collect::<Vec<_>>().join(", "),
    }
}

impl Reason {
    /// Where it is written that this is required, or what follows from what was found: sections of RFCs; for what the
    /// sender's side asks for, the name of the rule.
    pub fn rules(&self) -> impl Iterator<Item = &'static str> {
        let (atom, origins) = (self.atom, self.origins);
        let asked = atom.into_iter().flat_map(move |atom| origins.iter().map(move |origin| rule(atom, origin)));
        self.finding.rule().into_iter().chain(asked)
    }
}

const fn rule(atom: Atom, origin: Origin) -> &'static str {
    match (origin, atom) {
        (Origin::UserGuarantee, _) => "guarantee",
        (Origin::OrgCompliance, _) => "compliance",
        (Origin::AdminMap, _) => "floor",
        (Origin::RequireTls, _) => "RFC 8689 §4.2.1",
        (Origin::MtaSts, Atom::MxListed) => "RFC 8461 §4.1",
        (Origin::MtaSts, Atom::Pkix) => "RFC 8461 §4.2",
        (Origin::MtaSts, Atom::Tls12) => "RFC 8461 §7.2",
        (Origin::MtaSts, _) => "RFC 8461 §5",
        (Origin::Dane, Atom::TlsaAnswered) => "RFC 7672 §2.1.2",
        (Origin::Dane, _) => "RFC 7672 §2.2",
    }
}

impl Finding {
    /// Where it is written what follows from it, whoever asks.
    const fn rule(&self) -> Option<&'static str> {
        match self {
            Self::NullMx => Some("RFC 7505 §3"),
            Self::NoSuchDomain | Self::MxFailed | Self::NoHosts => Some("RFC 5321 §5.1"),
            Self::Note(Note::TlsRequiredNo | Note::GuaranteeStays) => Some("RFC 8689 §4.2.2"),
            Self::Note(Note::TlsRequiredNoIgnored) => Some("RFC 8689 §4.1"),
            Self::Note(Note::NullSender) => Some("RFC 8689 §4.2.1"),
            Self::Note(Note::Exception | Note::ExceptionOver) => Some("exception"),
            Self::Note(Note::OneTime | Note::Exempt) => Some("guarantee"),
            Self::PolicyToRecheck => Some("RFC 8461 §5"),
            Self::Expired => Some("RFC 5321 §4.5.4.1"),
            Self::AddressLiteral => Some("RFC 7672 §2.2"),
            Self::NotRerouted(_) => Some("alternate route"),
            _ => None,
        }
    }
}

impl Words {
    fn finding(&self, finding: &Finding) -> String {
        match finding {
            Finding::Channel(channel) => self.channel(channel),
            Finding::Version(version) => version_name(*version).to_owned(),
            Finding::Certificate(certificate) => self.certificate(*certificate),
            Finding::Note(note) => self.note(*note).to_owned(),
            Finding::NotRerouted(Refusal::Weaker(atom)) => format!("{}: {}", self.route_weaker, self.atom(*atom)),
            Finding::NotRerouted(refusal) => self.refusal(*refusal).to_owned(),
            plain => self.plain(plain).to_owned(),
        }
    }

    fn channel(&self, channel: &Channel) -> String {
        let with =
            |before: &str, rest: &str| if rest.is_empty() { before.to_owned() } else { format!("{before}: {rest}") };
        match channel {
            Channel::Unreachable { reason } => with(self.unreachable, reason),
            Channel::NotOffered => self.not_offered.to_owned(),
            Channel::Refused { reply } => with(self.refused, reply),
            Channel::TooOld => self.too_old.to_owned(),
            Channel::HandshakeFailed { reason } => with(self.handshake_failed, reason),
            Channel::Tls { version, .. } => version_name(*version).to_owned(),
        }
    }

    fn certificate(&self, certificate: CertificateFacts) -> String {
        let check = |check| self.check(check);
        match certificate {
            CertificateFacts { pkix, dane: CertificateCheck::NotMade } => format!("PKIX: {}", check(pkix)),
            CertificateFacts { pkix: CertificateCheck::NotMade, dane } => format!("DANE: {}", check(dane)),
            CertificateFacts { pkix, dane } => format!("DANE: {}, PKIX: {}", check(dane), check(pkix)),
        }
    }
}

const fn version_name(version: TlsVersion) -> &'static str {
    match version {
        TlsVersion::Tls12 => "TLS 1.2",
        TlsVersion::Tls13 => "TLS 1.3",
    }
}
