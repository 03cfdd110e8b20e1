//! The engine, with our resolver and our probe, against real hosts: with STARTTLS, without, with TLS 1.0 only; with DANE
//! that is right, wrong, bogus, insecure, unusable, or denied.

use sealpost_interop_tls::inside;
use sealpost_tls_policy::{
    Guarantee, Message,
    facts::{DestinationFacts, Mx, Tlsa},
};

use crate::ours::{Mail, Ours, block_on, words};

const TLS: &str = "deliver over TLS";
const CLEAR: &str = "deliver in clear";
const NOT_OFFERED: &str = "bounce 5.7.10 TLS is required, but was not offered by host mx.plain.example[127.0.0.3]";
const OLD: &str =
    "bounce 5.7.10 TLS is required, but host mx.old.example[127.0.0.4] offers only TLS versions older than 1.2";
const WAIT_FOR_TLS: &str = "defer 4.7.10 TLS is required, but was not offered by host mx.";
const WAIT_FOR_NAME: &str = "defer 4.7.5 the name of host mx.host.insecure[127.0.0.2] is vouched for neither by DNSSEC";
const WAIT_FOR_CERTIFICATE: &str = "defer 4.7.5 Server certificate not verified: host mx.";
const WAIT_FOR_TLSA: &str = "defer 4.7.5 TLSA lookup error for mx.broken.example:25";
const WAIT_FOR_MX: &str = "defer 4.4.3 Host or domain name not found. Name service error for name=host.bogus type=MX";
const NULL_MX: &str = "bounce 5.1.10 Domain nothing.example does not accept mail (nullMX)";
const NO_DOMAIN: &str = "bounce 5.1.2 ";

/// A domain, what DNS says about the TLSA records of its first host, and the verdicts without a guarantee, with one, and
/// with a strict one.
const CASES: [(&str, &str, [&str; 3]); 16] = [
    ("good.example", "absent", [TLS; 3]),
    ("plain.example", "absent", [CLEAR, NOT_OFFERED, NOT_OFFERED]),
    // The handshake fails, and a mail that may go in clear does.
    ("old.example", "absent", [CLEAR, OLD, OLD]),
    ("stranger.example", "absent", [TLS, TLS, WAIT_FOR_CERTIFICATE]),
    ("two.example", "absent", [CLEAR, TLS, TLS]),
    ("dane.example", "usable", [TLS; 3]),
    // The recipient's side asks for TLS: it may be an attacker who takes it away.
    ("dane-plain.example", "usable", [WAIT_FOR_TLS; 3]),
    ("wrong.example", "usable", [WAIT_FOR_CERTIFICATE; 3]),
    ("unusable.example", "unusable", [TLS; 3]),
    ("unusable-plain.example", "unusable", [WAIT_FOR_TLS; 3]),
    ("broken.example", "failed", [WAIT_FOR_TLSA; 3]),
    // Its TLSA record matches nothing, and nothing secures it.
    ("host.insecure", "not asked", [TLS, TLS, WAIT_FOR_NAME]),
    ("mixed.example", "not asked", [TLS; 3]),
    ("host.bogus", "no host", [WAIT_FOR_MX; 3]),
    ("nothing.example", "no host", [NULL_MX; 3]),
    ("nowhere.example", "no host", [NO_DOMAIN; 3]),
];

/// Each verdict is acted on: what is to be delivered arrives, as the verdict says, and nothing else does.
#[test]
fn every_kind_of_host_gets_its_verdict() {
    inside("hosts::every_kind_of_host_gets_its_verdict", |lab| {
        let ours = Ours::new(lab);
        for (domain, records, verdicts) in CASES {
            assert_eq!(tlsa(&block_on(ours.facts(domain))), records, "{domain}");
            for (guarantee, wanted) in [Guarantee::Off, Guarantee::On, Guarantee::Strict].into_iter().zip(verdicts) {
                let marker = format!("marker-{domain}-{guarantee:?}");
                let recipient = format!("berta@{domain}");
                let mail = Mail {
                    sender: "anna@home.example",
                    recipient: &recipient,
                    message: Message::default(),
                    guarantee,
                    content: format!("Subject: {marker}\r\n\r\nHello.\r\n"),
                };
                let (verdict, _) = block_on(ours.send(&mail, None));
                assert!(words(&verdict).starts_with(wanted), "{domain} {guarantee:?}: {}", words(&verdict));
                if wanted == TLS || wanted == CLEAR {
                    let received = lab.receivers().mail(&[&marker]);
                    assert_eq!(received.contains("(using TLSv1.3"), wanted == TLS, "{domain}: {received}");
                } else {
                    assert!(lab.receivers().mails(&[&marker]).is_empty(), "{domain}");
                }
            }
        }
    });
}

/// Postfix's own DANE finds the same about the same hosts.
#[test]
fn postfix_finds_the_same() {
    inside("hosts::postfix_finds_the_same", |lab| {
        for (level, domain, said) in [
            ("encrypt", "good.example", "Trusted TLS connection established"),
            ("encrypt", "stranger.example", "Untrusted TLS connection established"),
            ("dane", "dane.example", "Matched DANE EE certificate at depth 0: 3 1 1"),
            ("dane", "wrong.example", "no matching DANE TLSA records"),
            ("dane", "unusable.example", "all TLSA records unusable, fallback to unauthenticated TLS"),
            ("dane", "broken.example", "TLSA lookup error for mx.broken.example:25"),
            ("dane", "host.insecure", "matched peername: mx.host.insecure"),
            ("dane", "host.bogus", "type=MX: Host not found, try again"),
            ("dane", "nothing.example", "does not accept mail (nullMX)"),
        ] {
            let finger = lab.finger(level, domain);
            assert!(finger.contains(said), "{level} {domain}: {finger}");
        }
        for domain in ["plain.example", "dane-plain.example", "unusable-plain.example"] {
            let finger = lab.finger("encrypt", domain);
            assert!(!finger.contains("TLS connection established"), "{domain}: {finger}");
        }
    });
}

fn tlsa(facts: &DestinationFacts) -> &'static str {
    let Mx::Hosts { hosts, .. } = &facts.mx else { return "no host" };
    match hosts[0].tlsa {
        Tlsa::NotAsked => "not asked",
        Tlsa::Absent => "absent",
        Tlsa::Failed => "failed",
        Tlsa::Unusable => "unusable",
        Tlsa::Usable { .. } => "usable",
        _ => "something else",
    }
}
