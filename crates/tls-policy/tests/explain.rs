//! Verdicts in words.
#![cfg(test)]

use std::collections::BTreeSet;

use sealpost_mail::Domain;
use sealpost_time::Time;
use sealpost_tls_policy::{
    AlternateRoute, Atom, Attempt, DestinationPolicy, Guarantee, Message, Verdict, conclude,
    explain::{Language, heads, rows, sentence},
    facts::{Addresses, Channel, DestinationFacts, Dnssec, HostFacts, Mx, NextHop, SessionFacts, StsState, Tlsa},
    judge, plan,
    requirement::Note,
    requirements,
    route::Refusal,
    sts::{Mode, Policy},
    verdict::{Finding, Reason},
};

fn domain(name: &str) -> Domain {
    name.parse().unwrap()
}

fn verdict(channel: &Channel) -> Verdict {
    let message = Message { tls_required_no: true, ..Message::default() };
    let now = Time::from_unix(1_795_780_800);
    let wants = requirements(&message, Guarantee::On, &DestinationPolicy::default(), now);
    let host = HostFacts::new(domain("mx.example.org"), 0, Addresses::Found(vec![[192, 0, 2, 1].into()]), Tlsa::Absent);
    let mx = Mx::Hosts { dnssec: Dnssec::Insecure, hosts: vec![host] };
    let policy = Policy::new(Mode::Enforce, &["mx.example.org"], 86_400).unwrap();
    let facts = DestinationFacts::new(NextHop::Domain(domain("example.org")), mx).with_sts(StsState::Policy(policy));
    let plan = plan(&wants, &facts);
    let tried: Vec<_> = plan.hosts().map(|host| judge(&host, &SessionFacts::new(channel.clone()))).collect();
    let route = AlternateRoute::new(domain("relay.example.net"), 25);
    conclude(&plan, &tried, Some(&route), Attempt::default())
}

fn table(verdict: &Verdict, language: Language) -> Vec<[String; 5]> {
    let rows = rows(verdict, language).into_iter();
    rows.map(|row| [row.host, row.requirement, row.asked_by, row.found, row.rule]).collect()
}

#[test]
fn a_bounce_says_all_that_led_to_it() {
    let verdict = verdict(&Channel::NotOffered);
    assert_eq!(
        sentence(&verdict, Language::English),
        "give it back to its sender: 5.7.10 TLS is required, but was not offered by host mx.example.org"
    );
    assert_eq!(
        table(&verdict, Language::English),
        [
            ["mx.example.org", "TLS", "the user's guarantee", "TLS is not offered", "guarantee"],
            ["mx.example.org", "TLS 1.2 or newer", "the user's guarantee", "TLS is not offered", "guarantee"],
            ["", "", "", "TLS-Required: No sets the recipient's policies aside", "RFC 8689 §4.2.2"],
            ["", "", "", "TLS-Required: No does not set aside what the sender's side requires", "RFC 8689 §4.2.2"],
            ["", "", "", "not over the alternate route: it is not known to be secure", "alternate route"],
        ]
    );
    let german = table(&verdict, Language::German);
    assert_eq!(german[0][1..4], ["TLS", "die Garantie des Nutzers", "TLS wird nicht angeboten"]);
    assert_eq!(heads(Language::German)[3], "gefunden");
    assert!(sentence(&verdict, Language::German).starts_with("an den Absender zurückgeben: 5.7.10 TLS is required"));
}

/// A language that lacks a word, or has one twice, would leave a reader guessing.
#[test]
fn each_language_has_its_own_words_for_everything() {
    let mut reasons: Vec<Reason> = Vec::new();
    let Verdict::Bounce { reasons: made, .. } = verdict(&Channel::NotOffered) else { panic!() };
    let like = |finding| {
        let mut reason = made[2].clone();
        reason.finding = finding;
        reason
    };
    reasons.extend(Note::ALL.map(|note| like(Finding::Note(note))));
    reasons.extend(
        [
            Refusal::Twice,
            Refusal::SameHost,
            Refusal::NotProved,
            Refusal::Weaker(Atom::Dane),
            Refusal::RecipientPolicy,
            Refusal::OtherFailure,
        ]
        .map(|refusal| like(Finding::NotRerouted(refusal))),
    );
    reasons.extend(
        [
            Finding::Held,
            Finding::NotTried,
            Finding::NoTlsa,
            Finding::TlsaFailed,
            Finding::NotListed,
            Finding::NotVouchedFor,
            Finding::PolicyUnknown,
            Finding::MxInsecure,
            Finding::NotAdvertised,
            Finding::AddressLiteral,
            Finding::NoAddress,
            Finding::AddressesFailed,
            Finding::NullMx,
            Finding::NoSuchDomain,
            Finding::MxFailed,
            Finding::NoHosts,
            Finding::Expired,
            Finding::PolicyToRecheck,
            Finding::Channel(Channel::NotOffered),
            Finding::Channel(Channel::TooOld),
            Finding::Channel(Channel::Refused { reply: "502".into() }),
            Finding::Channel(Channel::HandshakeFailed { reason: String::new() }),
            Finding::Channel(Channel::Unreachable { reason: String::new() }),
        ]
        .map(like),
    );
    let count = reasons.len();
    let verdict = Verdict::TryNext { reasons };
    let mut all = BTreeSet::new();
    for language in Language::ALL {
        let found: BTreeSet<String> = rows(&verdict, language).into_iter().map(|row| row.found).collect();
        assert!(found.len() == count && !found.contains(""), "{language:?}: {found:#?}");
        all.extend(found);
    }
    assert_eq!(all.len(), Language::ALL.len() * count, "two languages share a sentence");
}

#[test]
fn languages_are_known_by_their_tags() {
    for (tag, language) in [
        ("de", Some(Language::German)),
        ("de-AT", Some(Language::German)),
        ("EN_us", Some(Language::English)),
        ("fr", None),
        ("", None),
        ("deu", None),
    ] {
        assert_eq!(Language::from_tag(tag), language, "{tag}");
    }
}
