//! The dialogue with an SMTP server, octet by octet: how the network splits what a host says changes nothing.

#![cfg(test)]
#![cfg(feature = "probe")]

use proptest::prelude::*;
use sealpost_tls_policy::{
    facts::Channel,
    probe::{
        Limits,
        dialogue::{Dialogue, Offers, Step},
    },
};

const LIMITS: Limits = Limits { line: 60, lines: 5, octets: 400 };

fn dialogue() -> Dialogue {
    Dialogue::new("client.example".parse().unwrap(), None, LIMITS)
}

/// What a dialogue comes to, when the host's octets come in these pieces.
#[derive(Debug, PartialEq)]
struct Course {
    sent: Vec<String>,
    last: Step,
    clear: Option<Channel>,
    offers: Offers,
}

fn course<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Course {
    let mut dialogue = dialogue();
    let mut sent = Vec::new();
    let mut pieces = pieces.into_iter();
    let last = loop {
        let step = dialogue.step();
        match (step, pieces.next()) {
            (Step::Send(line), Some(piece)) => {
                sent.push(line);
                dialogue.received(piece);
            }
            (Step::Send(line), None) => sent.push(line),
            (_, Some(piece)) => dialogue.received(piece),
            (step, None) => break step,
        }
    };
    Course { sent, last, clear: dialogue.clear().cloned(), offers: dialogue.offers() }
}

fn whole(octets: &[u8]) -> Course {
    course([octets])
}

fn failed(reason: &str) -> Step {
    Step::Over(Channel::HandshakeFailed { reason: reason.to_owned() })
}

fn unreachable(reason: &str) -> Step {
    Step::Over(Channel::Unreachable { reason: reason.to_owned() })
}

const OFFERED: &[u8] = b"220 mx.example ESMTP\r\n250-mx.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n";

fn with_offer(more: &[u8]) -> Course {
    whole(&[OFFERED, more].concat())
}

#[test]
fn starttls_is_asked_for_where_it_is_offered() {
    let course = with_offer(b"220 go\r\n");
    assert_eq!(course.sent, ["EHLO client.example\r\n", "STARTTLS\r\n"]);
    assert_eq!(course.last, Step::Handshake);
}

#[test]
fn only_what_is_said_inside_of_tls_counts() {
    let mut dialogue = dialogue();
    dialogue.received(b"220 hello\r\n250-mx\r\n250-starttls\r\n250 REQUIRETLS\r\n220 go\r\n");
    while dialogue.step() != Step::Handshake {}
    assert!(dialogue.offers().requiretls);
    dialogue.secured();
    assert_eq!(dialogue.offers(), Offers::default());
    assert_eq!(dialogue.step(), Step::Send("EHLO client.example\r\n".to_owned()));
    dialogue.received(b"250-mx\r\n250 SIZE 1\r\n");
    assert_eq!((dialogue.step(), dialogue.offers().requiretls, dialogue.clear()), (Step::Ready, false, None));
}

#[test]
fn octets_between_the_reply_and_the_handshake_end_it() {
    let reason = "octets came between the reply to STARTTLS and the handshake";
    assert_eq!(with_offer(b"220 go\r\n250-mx\r\n250 REQUIRETLS\r\n").last, failed(reason));
    assert_eq!(with_offer(b"220 go\r\n\0").last, failed(reason));
    // Later ones, too, and then there is no way on.
    let mut dialogue = dialogue();
    dialogue.received(&[OFFERED, b"220 go\r\n"].concat());
    while dialogue.step() != Step::Handshake {}
    dialogue.received(b"2");
    dialogue.secured();
    assert_eq!(dialogue.step(), failed(reason));
    dialogue.secured();
    assert_eq!(dialogue.step(), failed(reason));
}

#[test]
fn without_the_offer_or_with_a_refusal_it_is_clear_why() {
    let course = whole(b"220 hello\r\n250-mx\r\n250 STARTTLSX\r\n");
    assert_eq!((course.last, course.clear), (Step::Ready, Some(Channel::NotOffered)));
    // The first line of the answer is a greeting, no keyword.
    assert_eq!(whole(b"220 hello\r\n250 STARTTLS\r\n").clear, Some(Channel::NotOffered));
    let course = with_offer(b"454-4.7.0 not\r\n454 now \xff\r\n");
    let reply = "454 4.7.0 not now ?".to_owned();
    assert_eq!((course.last, course.clear), (Step::Ready, Some(Channel::Refused { reply })));
}

#[test]
fn a_host_that_knows_no_ehlo_is_greeted_with_helo() {
    let course = whole(b"220 hello\r\n502 what?\r\n250 mx\r\n");
    assert_eq!(course.sent, ["EHLO client.example\r\n", "HELO client.example\r\n"]);
    assert_eq!((course.last, course.clear), (Step::Ready, Some(Channel::NotOffered)));
}

#[test]
fn a_mail_that_may_go_in_clear_asks_for_no_tls() {
    let mut dialogue = Dialogue::new("client.example".parse().unwrap(), Some(Channel::TooOld), LIMITS);
    dialogue.received(OFFERED);
    assert_eq!(dialogue.step(), Step::Send("EHLO client.example\r\n".to_owned()));
    assert_eq!((dialogue.step(), dialogue.clear()), (Step::Ready, Some(&Channel::TooOld)));
}

#[test]
fn what_is_no_smtp_is_a_fact() {
    for (said, reason) in [
        (&b"554 go away\r\n"[..], "the host said 554 go away"),
        (b"421 4.3.2 later\r\n", "the host said 421 4.3.2 later"),
        (b"220 hello\r\n421 full\r\n", "the host said 421 full"),
        (b"HTTP/1.1 400 Bad Request\r\n", "the host sent what is no reply"),
        (b"220-a\r\n250 b\r\n", "the host sent what is no reply"),
        (b"22\r\n", "the host sent what is no reply"),
        (b"\x16\x03\x01\0\n", "the host sent what is no reply"),
        (b"220-1\r\n220-2\r\n220-3\r\n220-4\r\n220-5\r\n220 6\r\n", "the host sent a reply of more than 5 lines"),
        (&[b'2'; 62], "the host sent a line of more than 60 octets"),
        (&[b"220 ".as_slice(), &[b'2'; 57], b"\r\n"].concat(), "the host sent a line of more than 60 octets"),
    ] {
        assert_eq!(whole(said).last, unreachable(reason), "{}", said.escape_ascii());
    }
    let line = [b"220-".as_slice(), &[b'2'; 56], b"\r\n"].concat();
    let reply = [line.repeat(3), b"220 \r\n250-\r\n".to_vec(), line.repeat(4)].concat();
    assert_eq!(whole(&reply).last, unreachable("the host sent what is no reply"));
    let ehlo = String::from_utf8(line.repeat(4)).unwrap().replace("220", "250");
    let reply = [line.repeat(3), b"220 \r\n".to_vec(), ehlo.into_bytes()].concat();
    assert_eq!(whole(&reply).last, unreachable("the host sent more than 400 octets"));
}

/// Octets that lead far into a dialogue, more often than not.
fn octets() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => prop::sample::select(vec![
            "220 hello\r\n", "250-mx\r\n", "250 STARTTLS\r\n", "250-STARTTLS\n", "250 REQUIRETLS\r\n", "220 go\r\n",
            "454 no\r\n", "502 what?\r\n", "250 mx\r\n", "220-more\r\n", "421 bye\r\n", "250\r\n", "\r\n",
        ])
        .prop_map(|line| line.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..80),
    ];
    let lead =
        prop::sample::select(vec![&b""[..], OFFERED, b"220 hello\r\n250-mx\r\n250-STARTTLS\r\n250 A\r\n220 go\r\n"]);
    (lead, prop::collection::vec(line, 0..12)).prop_map(|(lead, lines)| [lead, &lines.concat()].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same(octets in octets(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.index(octets.len() + 1)).collect();
        cuts.extend([0, octets.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &octets[cut[0]..cut[1]]);
        prop_assert_eq!(course(pieces), whole(&octets));
        prop_assert_eq!(course(octets.chunks(1)), whole(&octets));
    }

    #[test]
    fn nothing_leads_into_tls_but_a_clean_reply(octets in octets()) {
        if whole(&octets).last == Step::Handshake {
            prop_assert!(octets.ends_with(b"\n"));
            let last = octets.split_inclusive(|octet| *octet == b'\n').next_back().unwrap_or_default();
            prop_assert!(last.starts_with(b"220"), "{}", octets.escape_ascii());
        }
    }
}
