//! What can't be forwarded: each with its reason, and nothing is written.

use proptest::{prelude::*, sample::select};
use sealpost_pre::{NotValid, PointRejection, UnixTime, Validity};
use sealpost_smime::{ContentCipher, IdentifyBy, algorithm::Curve};
use sealpost_smime_forwarding::{Disposition, Outcome, Policy, Refusal};

use crate::{
    der::{Kari, Message, element, oid},
    people::{CURVES, NOW, Person, TEXT, by_serial, encrypted, mail_to, transformed},
};

/// Bob's refusal. He is the last recipient, and the policy drops others, which must not happen either.
fn refusal(message: &Message, bob: &Person, charles: &Person) -> Refusal {
    let mut policy = Policy::default();
    policy.others = Disposition::Drop;
    let (out, mut report) = transformed(&message.mail(), &[bob.forwards_to(charles)], policy);
    assert!(out.is_empty());
    match report.recipients.pop().unwrap().outcome {
        Outcome::Refused(refusal) => refusal,
        outcome => panic!("{outcome}"),
    }
}

/// A mail to Bob, with his KeyAgreeRecipientInfo changed.
fn changed(bob: &Person, change: impl FnOnce(&mut Kari)) -> Message {
    let message = Message::of_mail(&mail_to(bob));
    let mut kari = Kari::read(&message.infos[0]);
    change(&mut kari);
    message.with(vec![kari.der()])
}

fn pair(curve: Curve) -> (Person, Person) {
    (Person::new(curve), Person::new(curve))
}

#[test]
fn what_is_not_got_by_key_agreement() {
    let (bob, charles) = pair(Curve::P256);
    let message = Message::of_mail(&mail_to(&bob));
    let id = by_serial(&bob.certificate);
    let rsa = element(0x30, &[&oid("1.2.840.113549.1.1.1"), &[5, 0]]);
    let transport = element(0x30, &[&[2, 1, 0], &id, &rsa, &element(4, &[&[7; 256]])]);
    assert_eq!(refusal(&message.with(vec![transport.clone()]), &bob, &charles), Refusal::NotAgreement);
    // Named by key identifier.
    let key_id = element(0x80, &[bob.certificate.subject_key_id().unwrap()]);
    let by_key = element(0x30, &[&[2, 1, 2], &key_id, &rsa, &element(4, &[&[7; 256]])]);
    assert_eq!(refusal(&message.with(vec![by_key]), &bob, &charles), Refusal::NotAgreement);
    // Beside one that can be transformed it stays.
    let both = message.with(vec![message.infos[0].clone(), transport]);
    let (forwarded, report) = transformed(&both.mail(), &[bob.forwards_to(&charles)], Policy::default());
    assert_eq!(report.recipients[1].outcome, Outcome::Refused(Refusal::NotAgreement));
    assert_eq!(charles.decrypted(&forwarded).as_deref(), Some(TEXT));
    assert_eq!(Message::of_mail(&forwarded).infos[1], both.infos[1]);
}

#[test]
fn schemes_that_bind_keys_or_are_not_known() {
    for curve in CURVES {
        let (bob, charles) = pair(curve);
        // mqvSinglePass with SHA-1 and SHA-256 (RFC 5753 §7.1.4), id-alg-ESDH (RFC 3370 §4.1.1), and nothing.
        for id in ["1.3.133.16.840.63.0.16", "1.3.132.1.15.1", "1.2.840.113549.1.9.16.3.5", "1.2.3.4"] {
            let message = changed(&bob, |kari| kari.scheme = oid(id));
            assert_eq!(refusal(&message, &bob, &charles), Refusal::Scheme(id.parse().unwrap()));
        }
    }
}

#[test]
fn an_originator_without_a_key_in_the_message() {
    let (bob, charles) = pair(Curve::P256);
    let message = Message::of_mail(&mail_to(&bob));
    let kari = Kari::read(&message.infos[0]);
    for originator in [by_serial(&charles.certificate), element(0x80, &[&[7; 20]])] {
        let message = message.with(vec![kari.der_from(&originator)]);
        assert_eq!(refusal(&message, &bob, &charles), Refusal::NoOriginatorKey);
    }
}

#[test]
fn an_originator_on_another_curve() {
    let ec = |curve| element(0x30, &[&oid("1.2.840.10045.2.1"), &oid(curve)]);
    let x25519 = || element(0x30, &[&oid("1.3.101.110")]);
    let (p256, p384, p521) = ("1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35");
    for (curve, others) in [
        (Curve::P256, vec![ec(p384), x25519(), ec(p521)]),
        (Curve::P384, vec![ec(p256), x25519(), ec(p521)]),
        (Curve::X25519, vec![ec(p256), ec(p384), ec(p521)]),
    ] {
        let (bob, charles) = pair(curve);
        for other in others {
            let message = changed(&bob, |kari| kari.originator = other);
            assert_eq!(refusal(&message, &bob, &charles), Refusal::OtherCurve, "{curve:?}");
        }
    }
    // Named by the curve that it is on, it is taken.
    let (bob, charles) = pair(Curve::P384);
    let message = changed(&bob, |kari| kari.originator = ec(p384));
    let (forwarded, _) = transformed(&message.mail(), &[bob.forwards_to(&charles)], Policy::default());
    assert_eq!(charles.decrypted(&forwarded).as_deref(), Some(TEXT));
    // A point of another curve's length, where the message doesn't name the curve.
    let message = changed(&bob, |kari| kari.point = [&[4], &[7; 64][..]].concat());
    assert!(matches!(refusal(&message, &bob, &charles), Refusal::OtherCurve | Refusal::Point(_)));
}

/// Refused for its point.
fn rejected(bob: &Person, charles: &Person, point: &[u8]) {
    let message = changed(bob, |kari| kari.point = point.to_vec());
    let found = refusal(&message, bob, charles);
    // One that is as long as no point shows no curve.
    let lengths = if bob.curve == Curve::P256 { [33, 65] } else { [49, 97] };
    let expected = matches!(found, Refusal::Point(_)) == (bob.curve == Curve::X25519 || lengths.contains(&point.len()));
    assert!(expected && matches!(found, Refusal::Point(_) | Refusal::OtherCurve), "{point:02x?}: {found}");
}

#[test]
fn points_that_no_honest_sender_makes() {
    for (curve, len) in [(Curve::P256, 32), (Curve::P384, 48)] {
        let (bob, charles) = pair(curve);
        let honest = Kari::read(&Message::of_mail(&mail_to(&bob)).infos[0]).point;
        assert_eq!(honest.len(), 1 + 2 * len);
        let mut wrong = vec![
            // The identity, alone and in the length of others.
            vec![0],
            vec![0; 1 + 2 * len],
            // No point of the curve: y = x = 7, and the coordinates that are not below the prime.
            [&[4], &vec![7; 2 * len][..]].concat(),
            [&[4], &vec![0xFF; 2 * len][..]].concat(),
            [&[2], &vec![0xFF; len][..]].concat(),
            // Too short, too long, compact and hybrid forms.
            honest[..2 * len].to_vec(),
            [&honest[..], &[0]].concat(),
            [&[5], &honest[1..=len]].concat(),
            [&[6 + (honest[2 * len] & 1)], &honest[1..]].concat(),
            vec![],
        ];
        // A point of the same equation but another b, as an invalid-curve attack sends it.
        let mut invalid = honest.clone();
        invalid[2 * len] ^= 1;
        wrong.push(invalid);
        // An x-coordinate of the twist: half of them have no y.
        let twist = (1..=255u8).map(|x| [&[2], &vec![0; len - 1][..], &[x]].concat());
        let refused = twist.filter(|point| {
            let message = changed(&bob, |kari| kari.point.clone_from(point));
            let (out, report) = transformed(&message.mail(), &[bob.forwards_to(&charles)], Policy::default());
            out.is_empty() && matches!(report.recipients[0].outcome, Outcome::Refused(Refusal::Point(_)))
        });
        let refused: Vec<_> = refused.collect();
        assert!((64..192).contains(&refused.len()), "{}", refused.len());
        wrong.iter().for_each(|point| rejected(&bob, &charles, point));
    }
}

#[test]
fn points_of_curve25519_that_no_honest_sender_makes() {
    let (bob, charles) = pair(Curve::X25519);
    let honest = Kari::read(&Message::of_mail(&mail_to(&bob)).infos[0]).point;
    let with = |at: usize, octet: u8| {
        let mut point = [0; 32];
        point[at] = octet;
        point.to_vec()
    };
    // 0 and 1 have small orders, 2 is on the twist, 2^255 - 1 and p are not canonical.
    let mut p = [0xFF; 32];
    (p[0], p[31]) = (0xED, 0x7F);
    let mut high = honest.clone();
    high[31] |= 0x80;
    for point in [
        with(0, 0),
        with(0, 1),
        with(0, 2),
        vec![0xFF; 32],
        p.to_vec(),
        high,
        honest[..31].to_vec(),
        [&honest[..], &[0]].concat(),
        vec![],
    ] {
        rejected(&bob, &charles, &point);
    }
    let message = changed(&bob, |kari| kari.point = with(0, 2));
    assert_eq!(refusal(&message, &bob, &charles), Refusal::Point(PointRejection::OnTwist));
}

#[test]
fn compressed_points_are_taken_and_given() {
    for curve in [Curve::P256, Curve::P384] {
        let (bob, charles) = pair(curve);
        let message = changed(&bob, |kari| {
            let len = kari.point.len() / 2;
            kari.point = [&[2 | kari.point[2 * len] & 1], &kari.point[1..=len]].concat();
        });
        assert_eq!(bob.decrypted(&message.mail()).as_deref(), Some(TEXT));
        let (forwarded, _) = transformed(&message.mail(), &[bob.forwards_to(&charles)], Policy::default());
        let point = Kari::read(&Message::of_mail(&forwarded).infos[0]).point;
        assert!(point.len() == Kari::read(&message.infos[0]).point.len() && matches!(point[0], 2 | 3));
        assert_eq!(charles.decrypted(&forwarded).as_deref(), Some(TEXT));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_octets_as_a_point_are_refused_or_give_a_point(
        curve in select(&CURVES[..]), point in prop_oneof![any::<Vec<u8>>(), any::<[u8; 32]>().prop_map(|point| point.to_vec())],
    ) {
        let (bob, charles) = pair(curve);
        let message = changed(&bob, |kari| kari.point.clone_from(&point));
        let (out, report) = transformed(&message.mail(), &[bob.forwards_to(&charles)], Policy::default());
        match &report.recipients[0].outcome {
            Outcome::Transformed(_) => prop_assert_eq!(Kari::read(&Message::of_mail(&out).infos[0]).point.len(), point.len()),
            Outcome::Refused(Refusal::Point(_) | Refusal::OtherCurve) => {}
            outcome => prop_assert!(false, "{}", outcome),
        }
    }
}

#[test]
fn instances_that_may_not_be_used_now() {
    let (bob, charles) = pair(Curve::P256);
    let mail = mail_to(&bob);
    let at = |not_before: Option<u64>, not_after: Option<u64>| {
        let validity = Validity { not_before: not_before.map(UnixTime), not_after: not_after.map(UnixTime) };
        bob.forwards_to(&charles).valid(validity)
    };
    let UnixTime(now) = NOW;
    let outcome =
        |instances: &[_]| transformed(&mail, instances, Policy::default()).1.recipients.pop().unwrap().outcome;
    let expired = NotValid::Expired { not_after: UnixTime(now - 1) };
    assert_eq!(outcome(&[at(None, Some(now - 1))]), Outcome::Refused(Refusal::NotValid(expired)));
    let early = NotValid::NotYet { not_before: UnixTime(now + 1) };
    assert_eq!(outcome(&[at(Some(now + 1), None)]), Outcome::Refused(Refusal::NotValid(early)));
    assert_eq!(outcome(&[at(Some(now), Some(now))]), Outcome::Transformed(vec![0]));
    // Those beside it are used.
    assert_eq!(outcome(&[at(None, Some(now - 1)), at(None, None)]), Outcome::Transformed(vec![1]));
}

#[test]
fn more_products_than_allowed() {
    let (bob, charles) = pair(Curve::P256);
    let mail = encrypted(TEXT, ContentCipher::Aes256Gcm, (0..5).map(|_| bob.recipient(IdentifyBy::IssuerAndSerial)));
    let instances = [bob.forwards_to(&charles), bob.forwards_to(&Person::new(Curve::P256))];
    let mut policy = Policy::default();
    policy.products = 7;
    let (_, report) = transformed(&mail, &instances, policy);
    let refused = report.recipients.iter().map(|one| one.outcome == Outcome::Refused(Refusal::Limit(7)));
    assert_eq!(refused.collect::<Vec<_>>(), [false, false, false, true, true]);
}

#[test]
fn mails_that_are_not_encrypted_have_no_recipients() {
    let (bob, charles) = pair(Curve::P256);
    let (out, report) = transformed(TEXT, &[bob.forwards_to(&charles)], Policy::default());
    assert!(out.is_empty() && report.recipients.is_empty());
}

#[test]
fn each_refusal_says_why() {
    let all = [
        Refusal::NotAgreement,
        Refusal::Scheme("1.2.3".parse().unwrap()),
        Refusal::Malformed,
        Refusal::NoOriginatorKey,
        Refusal::OtherCurve,
        Refusal::Point(PointRejection::OnTwist),
        Refusal::NotValid(NotValid::Expired { not_after: NOW }),
        Refusal::Limit(7),
    ];
    let codes: std::collections::BTreeSet<_> = all.iter().map(Refusal::code).collect();
    assert_eq!(codes.len(), all.len());
    // For an RSA recipient the words that people look for.
    assert!(all[0].to_string().contains("cannot be forwarded"));
}
