//! The words of each language. A language is one more table.

use super::Language;
use crate::{
    facts::CertificateCheck,
    requirement::{Atom, Note, Origin},
    route::Refusal,
    verdict::Finding,
};

pub(super) const fn of(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::German => &GERMAN,
    }
}

/// A language. The arrays are in the order of what they name.
pub(super) struct Words {
    pub(super) heads: [&'static str; 5],
    pub(super) deliver_tls: &'static str,
    pub(super) deliver_plain: &'static str,
    pub(super) try_next: &'static str,
    pub(super) defer: &'static str,
    pub(super) reroute: &'static str,
    pub(super) bounce: &'static str,
    atoms: [&'static str; 11],
    origins: [&'static str; 6],
    notes: [&'static str; 8],
    checks: [&'static str; 7],
    pub(super) unreachable: &'static str,
    pub(super) not_offered: &'static str,
    pub(super) refused: &'static str,
    pub(super) too_old: &'static str,
    pub(super) handshake_failed: &'static str,
    plain: [&'static str; 17],
    recheck: &'static str,
    pub(super) exempt: &'static str,
    pub(super) route_weaker: &'static str,
    refusals: [&'static str; 5],
}

impl Words {
    pub(super) const fn atom(&self, atom: Atom) -> &'static str {
        let [encrypted, tls12, tls13, peer, pkix, dane, mx, listed, secure, tlsa, requiretls] = self.atoms;
        match atom {
            Atom::Encrypted => encrypted,
            Atom::Tls12 => tls12,
            Atom::Tls13 => tls13,
            Atom::PeerAuthenticated => peer,
            Atom::Pkix => pkix,
            Atom::Dane => dane,
            Atom::MxAuthenticated => mx,
            Atom::MxListed => listed,
            Atom::MxSecure => secure,
            Atom::TlsaAnswered => tlsa,
            Atom::RequireTls => requiretls,
        }
    }

    pub(super) const fn origin(&self, origin: Origin) -> &'static str {
        let [user, organisation, requiretls, sts, dane, admin] = self.origins;
        match origin {
            Origin::UserGuarantee => user,
            Origin::OrgCompliance => organisation,
            Origin::RequireTls => requiretls,
            Origin::MtaSts => sts,
            Origin::Dane => dane,
            Origin::AdminMap => admin,
        }
    }

    pub(super) const fn note(&self, note: Note) -> &'static str {
        let [no, ignored, stays, exception, over, once, exempt, null] = self.notes;
        match note {
            Note::TlsRequiredNo => no,
            Note::TlsRequiredNoIgnored => ignored,
            Note::GuaranteeStays => stays,
            Note::Exception => exception,
            Note::ExceptionOver => over,
            Note::OneTime => once,
            Note::Exempt => exempt,
            Note::NullSender => null,
        }
    }

    pub(super) const fn check(&self, check: CertificateCheck) -> &'static str {
        let [not_made, passed, other_name, expired, untrusted, no_match, unsound] = self.checks;
        match check {
            CertificateCheck::NotMade => not_made,
            CertificateCheck::Passed => passed,
            CertificateCheck::OtherName => other_name,
            CertificateCheck::Expired => expired,
            CertificateCheck::Untrusted => untrusted,
            CertificateCheck::NoMatch => no_match,
            CertificateCheck::Unsound => unsound,
        }
    }

    pub(super) const fn refusal(&self, refusal: Refusal) -> &'static str {
        let [twice, same, not_proved, recipient, other] = self.refusals;
        match refusal {
            Refusal::Twice => twice,
            Refusal::SameHost => same,
            Refusal::NotProved => not_proved,
            Refusal::Weaker(_) => self.route_weaker,
            Refusal::RecipientPolicy => recipient,
            Refusal::OtherFailure => other,
        }
    }

    /// What needs no more words; nothing for what does.
    pub(super) const fn plain(&self, finding: &Finding) -> &'static str {
        let [held, not_tried, no_tlsa, tlsa_failed, not_listed, not_vouched, unknown, rest @ ..] = self.plain;
        let [mx_insecure, not_advertised, literal, no_address, addresses_failed, rest @ ..] = rest;
        let [null_mx, no_domain, mx_failed, no_hosts, last @ ..] = rest;
        let [expired] = last;
        match finding {
            Finding::Held => held,
            Finding::NotTried => not_tried,
            Finding::NoTlsa => no_tlsa,
            Finding::TlsaFailed => tlsa_failed,
            Finding::NotListed => not_listed,
            Finding::NotVouchedFor => not_vouched,
            Finding::PolicyUnknown => unknown,
            Finding::MxInsecure => mx_insecure,
            Finding::NotAdvertised => not_advertised,
            Finding::AddressLiteral => literal,
            Finding::NoAddress => no_address,
            Finding::AddressesFailed => addresses_failed,
            Finding::NullMx => null_mx,
            Finding::NoSuchDomain => no_domain,
            Finding::MxFailed => mx_failed,
            Finding::NoHosts => no_hosts,
            Finding::Expired => expired,
            Finding::PolicyToRecheck => self.recheck,
            Finding::Channel(_)
            | Finding::Version(_)
            | Finding::Certificate(_)
            | Finding::Note(_)
            | Finding::NotRerouted(_) => "",
        }
    }
}

static ENGLISH: Words = Words {
    heads: ["host", "required", "by", "found", "rule"],
    deliver_tls: "deliver over TLS",
    deliver_plain: "deliver in clear",
    try_next: "try the next host",
    defer: "try again later",
    reroute: "send over the alternate secure route",
    bounce: "give it back to its sender",
    atoms: [
        "TLS",
        "TLS 1.2 or newer",
        "TLS 1.3",
        "a valid certificate",
        "a certificate valid by PKIX",
        "a certificate valid by DANE",
        "a host's name that is vouched for",
        "a host that the MTA-STS policy lists",
        "MX records that DNSSEC secures",
        "an answer about TLSA records",
        "REQUIRETLS",
    ],
    origins: [
        "the user's guarantee",
        "the organisation's rule",
        "REQUIRETLS",
        "the recipient's MTA-STS policy",
        "the recipient's TLSA records",
        "the administrator's floor",
    ],
    notes: [
        "TLS-Required: No sets the recipient's policies aside",
        "TLS-Required: No is ignored, for the envelope asks for REQUIRETLS",
        "TLS-Required: No does not set aside what the sender's side requires",
        "an exception sets the recipient's policies aside",
        "the exception for this destination is over",
        "the user lets this mail go without the guarantee, once",
        "the guarantee does not hold for automatic answers and own forwards",
        "REQUIRETLS is ignored, for the sender is empty",
    ],
    checks: [
        "not checked",
        "valid",
        "for other names",
        "not valid at this time",
        "not from a trusted authority",
        "no TLSA record matches",
        "unsound",
    ],
    unreachable: "no connection",
    not_offered: "TLS is not offered",
    refused: "TLS is offered and refused",
    too_old: "only versions of TLS before 1.2",
    handshake_failed: "the TLS handshake failed",
    plain: [
        "yes",
        "no connection was made",
        "no TLSA records",
        "the look-up of TLSA records failed",
        "the policy does not list it",
        "neither DNSSEC nor MTA-STS vouches for it",
        "DNSSEC does not vouch for it, and the MTA-STS policy could not be looked up",
        "DNSSEC does not secure them",
        "it is not offered",
        "the next hop is an address, without a name",
        "the host has no address",
        "the look-up of the host's addresses failed",
        "the domain takes no mail (null MX)",
        "the domain does not exist",
        "the look-up of MX records failed",
        "the domain has no host that takes mail",
        "this was the last try",
    ],
    recheck: "the MTA-STS policy must be looked up again before the mail is given up",
    exempt: "automatic answers and your permanent forwards are exempt from the guarantee: they may travel in clear",
    route_weaker: "not over the alternate route, which does not hold",
    refusals: [
        "not over the alternate route: the mail was rerouted once",
        "not over the alternate route: it is the same host",
        "not over the alternate route: it is not known to be secure",
        "not over the alternate route: the recipient's own policy failed",
        "not over the alternate route: it is not TLS that the host lacks",
    ],
};

static GERMAN: Words = Words {
    heads: ["Host", "verlangt", "von", "gefunden", "Regel"],
    deliver_tls: "über TLS zustellen",
    deliver_plain: "unverschlüsselt zustellen",
    try_next: "den nächsten Host versuchen",
    defer: "später wieder versuchen",
    reroute: "über die alternative sichere Route senden",
    bounce: "an den Absender zurückgeben",
    atoms: [
        "TLS",
        "TLS 1.2 oder neuer",
        "TLS 1.3",
        "ein gültiges Zertifikat",
        "ein nach PKIX gültiges Zertifikat",
        "ein nach DANE gültiges Zertifikat",
        "ein verbürgter Name des Hosts",
        "ein Host, den die MTA-STS-Richtlinie nennt",
        "durch DNSSEC gesicherte MX-Einträge",
        "eine Antwort auf die Frage nach TLSA-Einträgen",
        "REQUIRETLS",
    ],
    origins: [
        "die Garantie des Nutzers",
        "die Regel der Organisation",
        "REQUIRETLS",
        "die MTA-STS-Richtlinie des Empfängers",
        "die TLSA-Einträge des Empfängers",
        "die Untergrenze des Administrators",
    ],
    notes: [
        "TLS-Required: No setzt die Richtlinien des Empfängers außer Kraft",
        "TLS-Required: No gilt nicht, denn der Umschlag verlangt REQUIRETLS",
        "TLS-Required: No hebt nicht auf, was die Seite des Absenders verlangt",
        "eine Ausnahme setzt die Richtlinien des Empfängers außer Kraft",
        "die Ausnahme für dieses Ziel ist abgelaufen",
        "der Nutzer lässt diese Mail einmal ohne die Garantie gehen",
        "die Garantie gilt nicht für automatische Antworten und eigene Weiterleitungen",
        "REQUIRETLS gilt nicht, denn der Absender ist leer",
    ],
    checks: [
        "nicht geprüft",
        "gültig",
        "für andere Namen",
        "zurzeit nicht gültig",
        "von keiner vertrauten Stelle",
        "kein TLSA-Eintrag passt",
        "mangelhaft",
    ],
    unreachable: "keine Verbindung",
    not_offered: "TLS wird nicht angeboten",
    refused: "TLS wird angeboten und verweigert",
    too_old: "nur TLS-Versionen vor 1.2",
    handshake_failed: "der TLS-Handshake schlug fehl",
    plain: [
        "ja",
        "keine Verbindung wurde aufgebaut",
        "keine TLSA-Einträge",
        "die Frage nach TLSA-Einträgen schlug fehl",
        "die Richtlinie nennt ihn nicht",
        "weder DNSSEC noch MTA-STS verbürgt ihn",
        "DNSSEC verbürgt ihn nicht, und die Frage nach der MTA-STS-Richtlinie schlug fehl",
        "DNSSEC sichert sie nicht",
        "es wird nicht angeboten",
        "das Ziel ist eine Adresse ohne Namen",
        "der Host hat keine Adresse",
        "die Frage nach den Adressen des Hosts schlug fehl",
        "die Domain nimmt keine Mail an (Null MX)",
        "die Domain gibt es nicht",
        "die Frage nach den MX-Einträgen schlug fehl",
        "die Domain hat keinen Host, der Mail annimmt",
        "das war der letzte Versuch",
    ],
    recheck: "die MTA-STS-Richtlinie muss vor dem Aufgeben noch einmal abgefragt werden",
    exempt: "automatische Antworten und dauerhafte Weiterleitungen sind von der Garantie ausgenommen: sie gehen vielleicht unverschlüsselt hinaus",
    route_weaker: "nicht über die alternative Route, denn ihr fehlt",
    refusals: [
        "nicht über die alternative Route: die Mail wurde schon einmal umgeleitet",
        "nicht über die alternative Route: es ist derselbe Host",
        "nicht über die alternative Route: sie ist nicht als sicher bekannt",
        "nicht über die alternative Route: die eigene Richtlinie des Empfängers schlug fehl",
        "nicht über die alternative Route: nicht TLS fehlt dem Host",
    ],
};
