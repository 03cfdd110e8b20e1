//! Who can read what, before and after.

use std::io::Cursor;

use proptest::{collection::vec, prelude::*, sample::select};
use sealpost_smime::{
    ContentCipher, IdentifyBy, Signer, Verifier,
    algorithm::{Curve, Digest, SignatureScheme},
    path::{Purpose, Validator},
};
use sealpost_smime_forwarding::{Disposition, Instance, Outcome, Policy};

use crate::{
    der::{Kari, Message, element, oid},
    people::{
        CURVES, Draft, Person, SCHEMES, SIGNATURE, TEXT, by_serial, content_key, encrypted, forwarded, mail_to, rng,
        shared, transformed,
    },
};

const CIPHERS: [ContentCipher; 4] =
    [ContentCipher::Aes128Cbc, ContentCipher::Aes256Cbc, ContentCipher::Aes128Gcm, ContentCipher::Aes256Gcm];
const FORMS: [IdentifyBy; 2] = [IdentifyBy::IssuerAndSerial, IdentifyBy::SubjectKeyIdentifier];

fn others(others: Disposition) -> Policy {
    let mut policy = Policy::default();
    policy.others = others;
    policy
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_forwardee_reads_what_was_sent_and_the_forwarder_no_more(
        curve in select(&CURVES[..]),
        cipher in select(&CIPHERS[..]),
        by in select(&FORMS[..]),
        more in vec((select(&CURVES[..]), select(&FORMS[..])), 0..4),
        place in 0..4usize,
        disposition in select(vec![Disposition::Keep, Disposition::Drop]),
        len in 0..5000usize,
    ) {
        let [bob, charles] = [Person::new(curve), Person::new(curve)];
        let more: Vec<_> = more.iter().map(|(curve, by)| (Person::new(*curve), *by)).collect();
        let mut all: Vec<_> = more.iter().map(|(person, by)| person.recipient(*by)).collect();
        all.insert(place.min(all.len()), bob.recipient(by));
        let text = [TEXT, &b"More of it.\r\n".repeat(len / 13)].concat();
        let mail = encrypted(&text, cipher, all);
        let (forwarded, report) = transformed(&mail, &[bob.forwards_to(&charles)], others(disposition));

        prop_assert_eq!(bob.decrypted(&mail), Some(text.clone()));
        prop_assert_eq!(charles.decrypted(&mail), None);
        prop_assert_eq!(charles.decrypted(&forwarded), Some(text.clone()));
        prop_assert_eq!(bob.decrypted(&forwarded), None);
        let kept = (disposition == Disposition::Keep).then_some(text);
        for (person, _) in &more {
            prop_assert_eq!(person.decrypted(&forwarded), kept.clone());
        }
        let other = if disposition == Disposition::Keep { Outcome::Kept } else { Outcome::Dropped };
        for recipient in &report.recipients {
            let to_bob = recipient.recipient.id.as_ref().unwrap().matches(&bob.certificate);
            prop_assert_eq!(&recipient.outcome, if to_bob { &Outcome::Transformed(vec![0]) } else { &other });
        }
    }

    #[test]
    fn whatever_derives_the_key_without_a_key_can_be_forwarded(
        curve in select(&CURVES[..]), scheme in select(&SCHEMES[..]), ukm in proptest::option::of(vec(any::<u8>(), 0..100)),
        others in 0..3usize,
    ) {
        let [bob, charles] = [Person::new(curve), Person::new(curve)];
        let others: Vec<_> = (0..others).map(|_| Person::new(curve)).collect();
        let all: Vec<_> = [&bob].into_iter().chain(&others).collect();
        let message = shared(&mail_to(&bob), &all, scheme, ukm.as_deref());
        let before = Kari::read(&message.infos[0]);
        let key = content_key(&before, &bob);
        let after = Message::of_mail(&forwarded(&message.mail(), &[bob.forwards_to(&charles)]));
        let infos: Vec<_> = after.infos.iter().map(|info| Kari::read(info)).collect();
        let of = |person: &Person| {
            let id = by_serial(&person.certificate);
            infos.iter().find(|kari| kari.keys.iter().any(|(named, _)| *named == id))
        };
        // All but the point is as it was.
        let for_charles = of(&charles).unwrap();
        prop_assert_eq!(content_key(for_charles, &charles), key.clone());
        prop_assert_eq!((&for_charles.ukm, &for_charles.scheme, &for_charles.wrap), (&before.ukm, &before.scheme, &before.wrap));
        prop_assert_eq!(&for_charles.keys[0].1, &before.keys[0].1);
        prop_assert_eq!(for_charles.keys.len(), 1);
        prop_assert!(of(&bob).is_none());
        for other in &others {
            let for_other = of(other).unwrap();
            prop_assert_eq!(&for_other.point, &before.point);
            prop_assert_eq!(content_key(for_other, other), key.clone());
        }
    }

    #[test]
    fn a_factor_for_somebody_else_helps_nobody(curve in select(&CURVES[..]), cipher in select(&CIPHERS[..])) {
        let [bob, charles, dora] = [Person::new(curve), Person::new(curve), Person::new(curve)];
        let mail = encrypted(TEXT, cipher, [bob.recipient(IdentifyBy::IssuerAndSerial)]);
        // Dora's key in Charles's certificate: by its names it is for Charles.
        let [right, wrong] = [bob.forwards_to(&charles), bob.forwards_to(&dora)];
        let json = |instance: &Instance| instance.expose_json().to_string();
        let factor = |json: &str| json.split("\"factor\": ").nth(1).unwrap().to_owned();
        let mixed = json(&right).replace(&factor(&json(&right)), &factor(&json(&wrong)));
        let mixed = Instance::from_json(mixed.as_bytes()).unwrap();
        prop_assert!(mixed.verify(&bob.certificate, &charles.certificate).is_err());
        let forwarded = forwarded(&mail, &[mixed]);
        for person in [bob, charles, dora] {
            // A random key finds padding in one of 256 messages that have no tag, but hardly ever a mail.
            prop_assert_eq!(person.decrypted(&forwarded), None);
        }
    }
}

#[test]
fn one_mail_goes_to_several_forwardees() {
    for curve in CURVES {
        let [bob, charles, dora, other] = [0; 4].map(|_| Person::new(curve));
        let mail = encrypted(
            TEXT,
            ContentCipher::Aes256Gcm,
            [&other, &bob].map(|one| one.recipient(IdentifyBy::IssuerAndSerial)),
        );
        let instances = [bob.forwards_to(&charles), other.forwards_to(&dora), bob.forwards_to(&dora)];
        let (forwarded, report) = transformed(&mail, &instances, Policy::default());
        for recipient in report.recipients {
            let to_bob = recipient.recipient.id.unwrap().matches(&bob.certificate);
            assert_eq!(recipient.outcome, Outcome::Transformed(if to_bob { vec![0, 2] } else { vec![1] }));
        }
        for (person, reads) in [(charles, true), (dora, true), (bob, false), (other, false)] {
            assert_eq!(person.decrypted(&forwarded).is_some(), reads);
        }
    }
}

#[test]
fn a_forwarder_who_is_named_twice_is_forwarded_twice() {
    let [bob, charles] = [0; 2].map(|_| Person::new(Curve::P256));
    let mail = encrypted(TEXT, ContentCipher::Aes256Gcm, FORMS.map(|by| bob.recipient(by)));
    let (forwarded, report) = transformed(&mail, &[bob.forwards_to(&charles)], Policy::default());
    assert_eq!(report.transformed(), 2);
    // In the form in which it was named.
    let infos: Vec<_> = Message::of_mail(&forwarded).infos.iter().map(|info| Kari::read(info).keys[0].0[0]).collect();
    assert!(infos == [0x30, 0xA0] || infos == [0xA0, 0x30]);
    assert_eq!(charles.decrypted(&forwarded).as_deref(), Some(TEXT));
}

#[test]
fn names_are_compared_as_names_and_serial_numbers_as_numbers() {
    let [bob, charles] = [0; 2].map(|_| Person::new(Curve::P256));
    let message = Message::of_mail(&mail_to(&bob));
    let mut kari = Kari::read(&message.infos[0]);
    let mut forwarded = |common_name: &[u8], tag, serial: &[u8]| {
        let attribute = element(0x30, &[&oid("2.5.4.3"), &element(tag, &[common_name])]);
        let issuer = element(0x30, &[&element(0x31, &[&attribute])]);
        kari.keys[0].0 = element(0x30, &[&issuer, &element(2, &[serial])]);
        let (out, report) =
            transformed(&message.with(vec![kari.der()]).mail(), &[bob.forwards_to(&charles)], Policy::default());
        report.transformed() == 1 && charles.decrypted(&out).as_deref() == Some(TEXT)
    };
    let serial = bob.certificate.serial();
    assert!(forwarded(b"Authority", 12, serial));
    assert!(forwarded(b" AUTHORITY", 19, &[&[0], serial].concat()));
    assert!(!forwarded(b"Authorities", 12, serial));
    assert!(!forwarded(b"Authority", 12, &[&[1], serial].concat()));
}

#[test]
fn a_forwardee_without_a_key_identifier_is_named_as_it_can_be() {
    let mut draft = Draft::new();
    draft.key_id = None;
    let [bob, charles] = [Person::new(Curve::P256), Person::with(Curve::P256, &draft)];
    let mail = encrypted(TEXT, ContentCipher::Aes256Gcm, [bob.recipient(IdentifyBy::SubjectKeyIdentifier)]);
    assert_eq!(charles.decrypted(&forwarded(&mail, &[bob.forwards_to(&charles)])).as_deref(), Some(TEXT));
}

#[test]
fn a_signature_inside_stays_to_the_octet() {
    let mut draft = Draft::new();
    draft.usage = Some(SIGNATURE);
    let alice = Person::with(Curve::P256, &draft);
    let [bob, charles] = [0; 2].map(|_| Person::new(Curve::P384));
    let signer =
        Signer::new(alice.certificate.clone(), alice.key.signing().unwrap(), SignatureScheme::Ecdsa(Digest::Sha256));
    let mut signed = Vec::new();
    let now = sealpost_smime::UnixTime(1_800_000_000);
    signer.unwrap().sign(&mut Cursor::new(TEXT), now, &mut rng(), &mut signed).unwrap();
    for cipher in CIPHERS {
        let mail = encrypted(&signed, cipher, [bob.recipient(IdentifyBy::IssuerAndSerial)]);
        let (forwarded, report) = transformed(&mail, &[bob.forwards_to(&charles)], Policy::default());
        assert!(!report.breaks_signature);
        let read = charles.decrypted(&forwarded).unwrap();
        assert_eq!(read, signed);
        let verifier = Verifier::new(Validator::new(&[], now, Purpose::EmailSigning));
        let verification = verifier.verify(&mut Cursor::new(&read)).unwrap();
        assert!(verification.signers[0].integrity.is_ok());
    }
}

/// A mail with encrypted parts.
fn parts(messages: &[&[u8]]) -> Vec<u8> {
    let entity = |mail: &[u8]| {
        String::from_utf8(mail.to_vec()).unwrap().split("MIME-Version: 1.0\r\n").last().unwrap().to_owned()
    };
    let parts = messages.iter().flat_map(|mail| ["--b\r\n".to_owned(), entity(mail), "\r\n".to_owned()]);
    let parts: String = parts.collect();
    format!(
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n{parts}--b--\r\n"
    )
    .into_bytes()
}

#[test]
fn each_encrypted_part_is_transformed_and_products_are_counted_across_the_mail() {
    let [bob, charles, other] = [0; 3].map(|_| Person::new(Curve::P256));
    let to = |people: &[&Person]| {
        let recipients = people.iter().map(|person| person.recipient(IdentifyBy::IssuerAndSerial));
        let message = Message::of_mail(&encrypted(TEXT, ContentCipher::Aes256Gcm, recipients));
        // In this order.
        let named = |person: &&&Person| by_serial(&person.certificate);
        let infos = people.iter().map(|person| {
            message.infos.iter().find(|info| Kari::read(info).keys[0].0 == named(&person)).unwrap().clone()
        });
        message.with(infos.collect()).mail()
    };
    let (first, second, third) = (to(&[&bob, &other]), to(&[&other]), to(&[&other, &bob]));
    let mail = parts(&[&first, &second, &third]);
    let mut policy = others(Disposition::Drop);
    let instances = [bob.forwards_to(&charles)];
    let outcomes = |policy: &Policy| {
        let (out, report) = transformed(&mail, &instances, policy.clone());
        let outcomes: Vec<_> = report.recipients.iter().map(|one| (one.part.clone(), one.outcome.code())).collect();
        (String::from_utf8(out).unwrap(), outcomes)
    };
    let (out, found) = outcomes(&policy);
    let expected = [("2", "transformed"), ("2", "dropped"), ("3", "kept"), ("4", "dropped"), ("4", "transformed")];
    assert_eq!(found, expected.map(|(part, code)| (part.to_owned(), code)));
    let bodies: Vec<_> = out.split("--b").collect();
    for (at, reader) in [(2, &charles), (3, &other), (4, &charles)] {
        let part = bodies[at].split("\r\n\r\n").nth(1).unwrap();
        let message = crate::der::cms(format!("\r\n\r\n{part}").as_bytes());
        assert!(reader.decrypted(&crate::der::mail(&message)).is_some());
    }
    policy.products = 1;
    let (_, found) = outcomes(&policy);
    // The third message stays as it is, since nothing in it was transformed.
    assert_eq!(
        found.iter().map(|(_, code)| *code).collect::<Vec<_>>(),
        ["transformed", "dropped", "kept", "kept", "refused"]
    );
}

#[test]
fn a_mail_for_somebody_else_is_not_written() {
    let [bob, charles, other] = [0; 3].map(|_| Person::new(Curve::P256));
    for disposition in [Disposition::Keep, Disposition::Drop] {
        let (out, report) = transformed(&mail_to(&other), &[bob.forwards_to(&charles)], others(disposition));
        assert!(out.is_empty() && report.recipients[0].outcome == Outcome::Kept);
    }
}
