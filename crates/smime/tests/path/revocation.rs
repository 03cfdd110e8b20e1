//! Revocation lists and OCSP responses: who may make them, when they hold, what they say.

use sealpost_smime::{
    Certificate, Limits, UnixTime,
    path::{Reason, Revocation, RevocationPolicy, RevocationReason, Validator},
};

use crate::{
    authority::{
        Answer, BASIC, DAY, Draft, EXTENDED_USAGE, KEY_USAGE, Key, List, NOW, OCSP_NOCHECK, OCSP_SIGNING, extension,
        good, name, oid, revoked, sequence, time, tlv, usage, usages,
    },
    chains::validator,
};

const ROOT: u16 = 1;
const PERSON: u16 = 2;
const RESPONDER: u16 = 3;
const SERIAL: u8 = 42;

fn key(number: u16) -> Key {
    Key::new(number)
}

fn leaf() -> Certificate {
    Draft::person("alice@example.org", &key(PERSON)).serial(SERIAL).sign("Root", &key(ROOT))
}

fn require() -> Validator {
    let anchor = Draft::authority("Root", &key(ROOT)).sign("Root", &key(ROOT));
    validator(&[anchor]).revocation(RevocationPolicy::Require)
}

/// What is known with `Require`, and with what is given: `None` is "unknown", and "refused" is revoked.
#[derive(Debug, PartialEq)]
enum Verdict {
    Known(Revocation),
    Unknown,
    Revoked(i64, RevocationReason),
}

fn verdict(validator: &Validator) -> Verdict {
    let strict = validator.clone().validate(&leaf(), &[]);
    let lax = validator.clone().revocation(RevocationPolicy::UseWhatIsGiven).validate(&leaf(), &[]);
    match (strict, lax) {
        (Ok(strict), Ok(lax)) => {
            assert_eq!(strict.revocation, lax.revocation);
            Verdict::Known(strict.revocation[0])
        }
        (Err(strict), Ok(lax)) => {
            assert_eq!((strict.reason, &lax.revocation[..]), (Reason::RevocationUnknown, &[Revocation::NotKnown][..]));
            Verdict::Unknown
        }
        (Err(strict), Err(lax)) => {
            assert_eq!(strict, lax);
            let Reason::Revoked { at, reason } = strict.reason else { panic!("{strict}") };
            Verdict::Revoked(at.0, reason)
        }
        (Ok(_), Err(lax)) => panic!("{lax}"),
    }
}

fn by_list(list: &List<'_>) -> Verdict {
    verdict(&require().crl(&list.sign(&key(ROOT))).unwrap())
}

#[test]
fn without_anything_nothing_is_known() {
    assert_eq!(verdict(&require()), Verdict::Unknown);
    let path = require().revocation(RevocationPolicy::Ignore).validate(&leaf(), &[]).unwrap();
    assert_eq!(path.revocation, [Revocation::Ignored]);
}

#[test]
fn a_list_in_force_says_all() {
    assert_eq!(by_list(&List::new("Root")), Verdict::Known(Revocation::GoodByCrl));
    assert_eq!(by_list(&List::new("Root").entry(SERIAL + 1, NOW - 9, 1)), Verdict::Known(Revocation::GoodByCrl));
    for (code, reason) in [
        (0, RevocationReason::Unspecified),
        (1, RevocationReason::KeyCompromise),
        (4, RevocationReason::Superseded),
        (6, RevocationReason::CertificateHold),
        (11, RevocationReason::Other(11)),
    ] {
        let list = List::new("Root").entry(3, NOW - 5, 0).entry(SERIAL, NOW - 9, code).entry(4, NOW, 0);
        assert_eq!(by_list(&list), Verdict::Revoked(NOW - 9, reason));
    }
    assert_eq!(by_list(&List::new("Root").entry(SERIAL, NOW - 9, 8)), Verdict::Known(Revocation::GoodByCrl));
}

#[test]
fn a_list_that_is_not_in_force_can_only_revoke() {
    for (from, to) in [(NOW - 9 * DAY, NOW - DAY), (NOW + DAY, NOW + 9 * DAY)] {
        let list = || List::new("Root").from(from, to);
        assert_eq!(by_list(&list()), Verdict::Unknown);
        let long_ago = NOW - 10 * DAY;
        let expected = Verdict::Revoked(long_ago, RevocationReason::KeyCompromise);
        assert_eq!(by_list(&list().entry(SERIAL, long_ago, 1)), expected);
        assert_eq!(by_list(&list().entry(SERIAL, long_ago, 6)), Verdict::Unknown);
        // It happened later than the time that is judged.
        assert_eq!(by_list(&list().entry(SERIAL, NOW + 1, 1)), Verdict::Unknown);
    }
}

#[test]
fn a_list_of_another_is_nothing() {
    let list = List::new("Root").entry(SERIAL, NOW - 9, 1);
    assert_eq!(verdict(&require().crl(&list.sign(&key(9))).unwrap()), Verdict::Unknown);
    assert_eq!(by_list(&List::new("Other").entry(SERIAL, NOW - 9, 1)), Verdict::Unknown);
    let mut changed = list.sign(&key(ROOT));
    let serial = changed.windows(3).position(|window| window == [2, 1, SERIAL]).unwrap();
    changed[serial + 2] = 7;
    assert_eq!(verdict(&require().crl(&changed).unwrap()), Verdict::Unknown);
    // With a critical extension that nobody knows.
    let mut list = List::new("Root").entry(SERIAL, NOW - 9, 1);
    list.extensions = extension("1.2.3.4", true, &[5, 0]);
    assert_eq!(by_list(&list), Verdict::Unknown);
}

#[test]
fn an_anchor_that_may_not_sign_lists_signs_none() {
    let anchor = Draft::authority("Root", &key(ROOT)).with(KEY_USAGE, true, usage(&[5])).sign("Root", &key(ROOT));
    let validator = validator(&[anchor]).revocation(RevocationPolicy::Require);
    assert_eq!(verdict(&validator.crl(&List::new("Root").sign(&key(ROOT))).unwrap()), Verdict::Unknown);
}

#[test]
fn a_list_about_authorities_says_nothing_about_people() {
    for (flag, expected) in [(1, Verdict::Known(Revocation::GoodByCrl)), (2, Verdict::Unknown), (5, Verdict::Unknown)] {
        let mut list = List::new("Root");
        list.extensions = extension("2.5.29.28", true, &sequence(&[&[0x80 | flag, 1, 0xff]]));
        assert_eq!(by_list(&list), expected, "{flag}");
    }
}

#[test]
fn a_delta_continues_its_list_and_alone_can_only_revoke() {
    let number = |id, number| extension(id, id == "2.5.29.27", &[2, 1, number]);
    let complete =
        |own: u8| List { extensions: number("2.5.29.20", own), ..List::new("Root").from(NOW - 9 * DAY, NOW - DAY) };
    let delta = |base: u8, own: u8| List {
        extensions: [number("2.5.29.27", base), number("2.5.29.20", own)].concat(),
        ..List::new("Root")
    };
    let both = |complete: List<'_>, delta: List<'_>| {
        verdict(&require().crl(&complete.sign(&key(ROOT))).unwrap().crl(&delta.sign(&key(ROOT))).unwrap())
    };
    assert_eq!(both(complete(5), delta(5, 6)), Verdict::Known(Revocation::GoodByCrl));
    assert_eq!(both(complete(4), delta(5, 6)), Verdict::Unknown);
    assert_eq!(both(complete(7), delta(5, 6)), Verdict::Unknown);
    let revoked = Verdict::Revoked(NOW - 9, RevocationReason::KeyCompromise);
    assert_eq!(both(complete(5), delta(5, 6).entry(SERIAL, NOW - 9, 1)), revoked);
    let held = complete(5).entry(SERIAL, NOW - 9 * DAY, 6);
    assert_eq!(both(held, delta(5, 6).entry(SERIAL, NOW - 9, 8)), Verdict::Known(Revocation::GoodByCrl));
    assert_eq!(by_list(&delta(5, 6).entry(SERIAL, NOW - 9, 1)), revoked);
    assert_eq!(by_list(&delta(5, 6)), Verdict::Unknown);
}

#[test]
fn a_revoked_authority_is_named() {
    let middle = Draft::authority("Middle", &key(7)).serial(9).sign("Root", &key(ROOT));
    let leaf = Draft::person("alice@example.org", &key(PERSON)).sign("Middle", &key(7));
    let list = List::new("Root").entry(9, NOW - 9, 2).sign(&key(ROOT));
    let validator = require().revocation(RevocationPolicy::UseWhatIsGiven).crl(&list).unwrap();
    let distrust = validator.validate(&leaf, std::slice::from_ref(&middle)).unwrap_err();
    assert_eq!(distrust.certificate, middle);
    assert_eq!(
        distrust.to_string(),
        "the certificate of CN=Middle: it was revoked at 2026-11-27T11:59:51Z: the authority's key may be in other hands"
    );
}

fn by_answer(answer: &Answer<'_>, signer: u16) -> Verdict {
    let response = answer.sign(&key(signer));
    let bare = verdict(&require().ocsp(&answer.basic(&key(signer))).unwrap());
    assert_eq!(verdict(&require().ocsp(&response).unwrap()), bare);
    bare
}

#[test]
fn the_issuer_answers() {
    let root = key(ROOT);
    let answer = |status| Answer::new("Root", &root, SERIAL, status);
    let expected = Verdict::Revoked(NOW - 9, RevocationReason::Superseded);
    assert_eq!(by_answer(&answer(good()), ROOT), Verdict::Known(Revocation::GoodByOcsp));
    assert_eq!(by_answer(&answer(revoked(NOW - 9, 4)), ROOT), expected);
    assert_eq!(by_answer(&answer(vec![0x82, 0]), ROOT), Verdict::Unknown);
    // Of another certificate, by another key, about another issuer's.
    assert_eq!(by_answer(&Answer::new("Root", &root, SERIAL + 1, good()), ROOT), Verdict::Unknown);
    assert_eq!(by_answer(&answer(good()), 9), Verdict::Unknown);
    assert_eq!(by_answer(&Answer::new("Other", &root, SERIAL, good()), ROOT), Verdict::Unknown);
    assert_eq!(by_answer(&Answer::new("Root", &key(9), SERIAL, good()), ROOT), Verdict::Unknown);
    // By the hash of its key.
    let by_key = Answer { responder: tlv(0xa2, &[&tlv(4, &[&root.hash()])]), ..answer(good()) };
    assert_eq!(by_answer(&by_key, ROOT), Verdict::Known(Revocation::GoodByOcsp));
}

#[test]
fn an_answer_holds_for_its_time() {
    let root = key(ROOT);
    let answer = |status, this_update, next_update| Answer {
        this_update,
        next_update,
        ..Answer::new("Root", &root, SERIAL, status)
    };
    for (from, to, holds) in [
        (NOW - 9, Some(NOW), true),
        (NOW, Some(NOW + 9), true),
        (NOW - 9, Some(NOW - 1), false),
        (NOW + 1, Some(NOW + 9), false),
        (NOW - 3600, None, true),
        (NOW - 2 * DAY, None, false),
    ] {
        let expected = if holds { Verdict::Known(Revocation::GoodByOcsp) } else { Verdict::Unknown };
        assert_eq!(by_answer(&answer(good(), from, to), ROOT), expected, "{from} {to:?}");
        let expected = Verdict::Revoked(NOW - 9 * DAY, RevocationReason::KeyCompromise);
        assert_eq!(by_answer(&answer(revoked(NOW - 9 * DAY, 1), from, to), ROOT), expected);
    }
    assert_eq!(by_answer(&answer(revoked(NOW + 5, 1), NOW + 9, Some(NOW + 10)), ROOT), Verdict::Unknown);
}

#[test]
fn a_responder_needs_its_issuers_word_for_it() {
    let (root, responder) = (key(ROOT), key(RESPONDER));
    let draft = || {
        Draft::new("Responder", &responder)
            .serial(77)
            .with(KEY_USAGE, true, usage(&[0]))
            .with(EXTENDED_USAGE, false, usages(&[OCSP_SIGNING]))
            .with(OCSP_NOCHECK, false, vec![5, 0])
    };
    let by = |certificate: &Certificate| {
        by_answer(&Answer::new("Root", &root, SERIAL, good()).by(&responder, certificate), RESPONDER)
    };
    let good_by_ocsp = Verdict::Known(Revocation::GoodByOcsp);
    assert_eq!(by(&draft().sign("Root", &root)), good_by_ocsp);
    for wrong in [
        draft().without(EXTENDED_USAGE).sign("Root", &root),
        draft().with(EXTENDED_USAGE, false, usages(&["2.5.29.37.0"])).sign("Root", &root),
        draft().with(KEY_USAGE, true, usage(&[4])).sign("Root", &root),
        draft().sign("Root", &key(9)),
        draft().sign("Responder", &responder),
        Draft { not_after: NOW - 1, ..draft() }.sign("Root", &root),
        draft().with("1.2.3.4", true, vec![5, 0]).sign("Root", &root),
    ] {
        assert_eq!(by(&wrong), Verdict::Unknown);
    }
    // An authority below the issuer may not answer for it.
    let middle =
        Draft::authority("Responder", &responder).with(BASIC, true, sequence(&[&[1, 1, 0xff]])).sign("Root", &root);
    assert_eq!(by(&middle), Verdict::Unknown);
}

#[test]
fn a_responder_that_was_revoked_answers_no_more() {
    let (root, responder) = (key(ROOT), key(RESPONDER));
    let certificate = Draft::new("Responder", &responder)
        .serial(77)
        .with(EXTENDED_USAGE, false, usages(&[OCSP_SIGNING]))
        .sign("Root", &root);
    let answer = Answer::new("Root", &root, SERIAL, revoked(NOW - 9, 1)).by(&responder, &certificate);
    let validator = require().ocsp(&answer.sign(&responder)).unwrap();
    let lists = |list: List<'_>| validator.clone().crl(&list.sign(&root)).unwrap();
    assert_eq!(verdict(&lists(List::new("Root"))), Verdict::Revoked(NOW - 9, RevocationReason::KeyCompromise));
    assert_eq!(verdict(&lists(List::new("Root").entry(77, NOW - 9, 1))), Verdict::Known(Revocation::GoodByCrl));
}

#[test]
fn revoked_by_one_is_revoked() {
    let root = key(ROOT);
    let list = List::new("Root").entry(SERIAL, NOW - 9, 1).sign(&root);
    let answer = Answer::new("Root", &root, SERIAL, good()).sign(&root);
    let validator = require().crl(&list).unwrap().ocsp(&answer).unwrap();
    assert_eq!(verdict(&validator), Verdict::Revoked(NOW - 9, RevocationReason::KeyCompromise));
    let past = validator.at(UnixTime(NOW - 2 * DAY));
    assert_eq!(verdict(&past), Verdict::Unknown);
}

#[test]
fn where_the_limit_ends_the_search_nothing_counts_as_not_revoked() {
    let list = List::new("Root").entry(SERIAL, NOW - 9, 1).sign(&key(ROOT));
    let lax = require().revocation(RevocationPolicy::UseWhatIsGiven).crl(&list).unwrap();
    let reason = |signatures| {
        let mut limits = Limits::default();
        limits.path_signatures = signatures;
        lax.clone().limits(limits).validate(&leaf(), &[]).unwrap_err().reason
    };
    for signatures in [0, 1] {
        assert!(matches!(reason(signatures), Reason::Limit { .. }), "{signatures}");
    }
    assert!(matches!(reason(2), Reason::Revoked { .. }));
}

#[test]
fn what_is_no_answer_is_an_error() {
    assert!(require().ocsp(&sequence(&[&[10, 1, 6]])).is_err());
    assert!(require().ocsp(&[]).is_err());
    assert!(require().crl(&sequence(&[])).is_err());
    let other = sequence(&[&oid("1.2.3"), &tlv(4, &[&[]])]);
    assert!(require().ocsp(&sequence(&[&[10, 1, 0], &tlv(0xa0, &[&other])])).is_err());
    let root = key(ROOT);
    let list = List::new("Root").entry(SERIAL, NOW - 9, 1).sign(&root);
    for len in 0..list.len() {
        assert!(require().crl(&list[..len]).is_err());
    }
}

#[test]
fn a_list_of_many_entries_is_read_once_from_its_octets() {
    let root = key(ROOT);
    let reason = sequence(&[&extension("2.5.29.21", false, &[10, 1, 1])]);
    let entry = |serial: &[u8]| sequence(&[&tlv(2, &[serial]), &time(NOW - 9), &reason]);
    let others = entry(&[1, 2, 3]).repeat(20_000);
    for (entries, expected) in [
        (others.clone(), Verdict::Known(Revocation::GoodByCrl)),
        ([others, entry(&[SERIAL])].concat(), Verdict::Revoked(NOW - 9, RevocationReason::KeyCompromise)),
    ] {
        let times = [time(NOW - DAY), time(NOW + DAY)].concat();
        let tbs = sequence(&[&[2, 1, 1], &root.algorithm(), &name("Root"), &times, &sequence(&[&entries])]);
        assert_eq!(verdict(&require().crl(&root.sign(&tbs, &[])).unwrap()), expected);
    }
}
