//! How much memory a transform takes: hardly any for large mails, and not much more for hostile ones.

#![cfg(test)]

#[path = "forwarding/der.rs"]
mod der;
#[expect(dead_code, reason = "it is for other tests too")]
#[path = "forwarding/people.rs"]
mod people;

use std::io::Cursor;

use sealpost_smime::{ContentCipher, IdentifyBy, algorithm::Curve};
use sealpost_smime_forwarding::{Error, Instance, Outcome, Refusal, Report, Result, Transform};
use sealpost_testkit::memory::{Meter, peak};

use der::{Kari, Message};
use people::{NOW, Person, TEXT, encrypted, mail_to};

#[global_allocator]
static ALLOCATOR: Meter = Meter;

/// Neither a mail of any size nor one with too many recipients takes more of the heap than this.
const MOST: usize = 4 << 20;

fn transform(mail: &[u8], instances: &[Instance]) -> (Result<Report>, Vec<u8>) {
    let mut out = Vec::with_capacity(mail.len() + 4096);
    let (result, octets) = peak(|| Transform::new(instances, NOW).mail(&mut Cursor::new(mail), &mut out));
    println!("a mail of {} octets: {octets} octets of memory", mail.len());
    assert!(octets < MOST, "{octets}");
    (result, out)
}

/// One test: what is measured is measured alone.
#[test]
fn transforms_take_little_memory() {
    let [bob, charles] = [0; 2].map(|_| Person::new(Curve::P256));
    let instances = [bob.forwards_to(&charles)];
    // 25 MiB.
    let text = [TEXT, &b"The quick brown fox jumps over the lazy dog.\r\n".repeat((25 << 20) / 46)].concat();
    let mail = encrypted(&text, ContentCipher::Aes256Cbc, [bob.recipient(IdentifyBy::IssuerAndSerial)]);
    let (result, out) = transform(&mail, &instances);
    assert_eq!(result.unwrap().transformed(), 1);
    assert_eq!(out[out.len() - (24 << 20)..], mail[mail.len() - (24 << 20)..]);

    // As many recipients as there may be, all of them the forwarder, and ten times as many; in one KeyAgreeRecipientInfo
    // and in as many.
    let message = Message::of_mail(&mail_to(&bob));
    let with = |count: usize| {
        let mut kari = Kari::read(&message.infos[0]);
        kari.keys = vec![kari.keys[0].clone(); count];
        [message.with(vec![message.infos[0].clone(); count]), message.with(vec![kari.der()])]
    };
    for message in with(1000) {
        let (result, out) = transform(&message.mail(), &instances);
        let report = result.unwrap();
        assert_eq!((report.recipients.len(), report.transformed()), (1000, 256));
        assert_eq!(report.recipients[256].outcome, Outcome::Refused(Refusal::Limit(256)));
        assert_eq!(Message::of_mail(&out).infos.iter().map(|info| Kari::read(info).keys.len()).sum::<usize>(), 1000);
    }
    for message in with(10_000) {
        let (result, out) = transform(&message.mail(), &instances);
        assert!(matches!(result, Err(Error::Smime(sealpost_smime::Error::Limit { what: "recipients", limit: 1000 }))));
        assert!(out.is_empty());
    }
}
