//! Keys that come from elsewhere.

#![cfg(test)]

use std::sync::Arc;

use sealpost_rollover::{
    Cause, Error, Layout, Policy, SecondPlace, Slot, Span, Subject, SubjectKind, SubjectState, Time,
    driver::{Driver, Limits},
    memory::{MemoryStore, SecondMode},
    port::{CertificateRecord, Claim, KeyName, KeyStore, PrivateKey, PublicKey},
    testing::{
        authority::{Faults, SimulatedAuthority},
        clock::ManualClock,
        run,
        workshop::SimulatedWorkshop,
    },
};
use zeroize::Zeroizing;

const START: Time = Time::from_unix(2_208_988_800);
const YEAR: Span = Span::days(365);

type Node = Driver<MemoryStore, SimulatedAuthority, SimulatedWorkshop>;

fn node(policy: Policy) -> (ManualClock, MemoryStore, Node, Subject) {
    let clock = ManualClock::new(START);
    let store = MemoryStore::new(clock.clone());
    let authority = SimulatedAuthority::new(clock.clone(), 3_600, YEAR, Faults::none());
    let subject = Subject::new(SubjectKind::Mailbox, "anna@example.org", Layout::Dual, START).unwrap();
    run(store.enroll(&subject, "admin")).unwrap().unwrap();
    let workshop = Arc::new(SimulatedWorkshop::new(1));
    let node = Driver::new(Arc::new(store.clone()), Arc::new(authority), workshop, policy, "one");
    (clock, store, node.limited(Limits::new(Span::minutes(1), 9)), subject)
}

/// A key and its certificate for a year from `not_before` on.
fn from_elsewhere(name: &str, not_before: Time) -> (PrivateKey, CertificateRecord) {
    let key = PrivateKey::from_pkcs8(Zeroizing::new(name.as_bytes().to_vec()));
    let public = PublicKey::new(format!("{name:32}").into_bytes(), name.as_bytes().to_vec());
    let named = (b"another authority".to_vec(), name.as_bytes().to_vec());
    let validity = (not_before, not_before + YEAR - Span::seconds(1));
    (key, CertificateRecord::new(named, public, validity, (name.as_bytes().to_vec(), Vec::new())))
}

fn state(store: &MemoryStore, subject: &Subject) -> SubjectState {
    run(store.load(subject.id)).unwrap().unwrap().unwrap().state
}

fn live(clock: &ManualClock, node: &Node, span: Span) {
    let end = clock.now() + span;
    while clock.now() < end {
        clock.advance(Span::hours(1));
        run(node.tick()).unwrap().unwrap();
    }
}

/// What a user had before signs until it is due, and is not replaced for having come from elsewhere.
#[test]
fn a_key_from_elsewhere_signs_until_its_successor_is_due_and_decrypts_for_ever() {
    let (clock, store, node, anna) = node(Policy::safe());
    let (key, certificate) = from_elsewhere("old", START - Span::days(100));
    let id = run(node.import(anna.id, Slot::Dual, key, certificate.clone())).unwrap().unwrap();
    live(&clock, &node, Span::days(200));
    assert_eq!(state(&store, &anna).generations().len(), 1, "nothing was due");
    assert_eq!(state(&store, &anna).signer(clock.now()).unwrap().cause, Cause::Imported);
    live(&clock, &node, Span::days(60));
    let rolled = state(&store, &anna);
    assert_eq!(rolled.signer(clock.now()).map(|signer| (signer.number, signer.cause)), Some((2, Cause::Due)));
    let name = KeyName::IssuerAndSerial { issuer: certificate.issuer, serial: certificate.serial };
    let found = run(node.decrypters_for(&name)).unwrap().unwrap();
    assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id]);
}

/// T4: an archive is only there to decrypt.
#[test]
fn an_archive_changes_nothing_about_who_signs_and_what_is_due() {
    let (clock, store, node, anna) = node(Policy::safe());
    live(&clock, &node, Span::days(3));
    let before = run(store.load(anna.id)).unwrap().unwrap().unwrap();
    for years in 1..6 {
        let (key, certificate) = from_elsewhere(&format!("archive{years}"), START - YEAR * years);
        run(node.import(anna.id, Slot::Dual, key, certificate)).unwrap().unwrap();
    }
    live(&clock, &node, Span::days(1));
    let after = run(store.load(anna.id)).unwrap().unwrap().unwrap();
    assert_eq!(after.state.decrypters().count(), 6);
    assert_eq!(after.state.signer(clock.now()).unwrap().number, 1);
    assert_eq!(after.wake, before.wake);
    live(&clock, &node, YEAR);
    let numbers: Vec<u32> = state(&store, &anna).generations().iter().map(|generation| generation.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7], "the successor takes the next free number");
}

#[test]
fn what_comes_twice_is_taken_in_once_and_what_stopped_half_way_goes_on() {
    let mut policy = Policy::safe();
    policy.second_place = SecondPlace::Required;
    let (clock, store, node, anna) = node(policy);
    let take_in = || {
        let (key, certificate) = from_elsewhere("old", START);
        run(node.import(anna.id, Slot::Dual, key, certificate)).unwrap()
    };
    store.second_place(SecondMode::Failing);
    take_in().unwrap_err();
    assert!(state(&store, &anna).signer(START).is_none(), "no partner learns it before the second place has it");
    store.second_place(SecondMode::Working);
    let id = take_in().unwrap();
    assert_eq!(take_in().unwrap(), id);
    assert_eq!(state(&store, &anna).generations().len(), 1);
    let claim = Claim::only(anna.id, "two", Span::hours(1));
    assert_eq!(run(store.claim(clock.now(), &claim)).unwrap().unwrap().len(), 1);
    assert!(matches!(take_in(), Err(Error::Held { subject }) if subject == anna.id));
}
