//! A plan takes little memory, however long the message is.

#![cfg(test)]

use std::sync::{Mutex, PoisonError};

use curve25519_dalek::MontgomeryPoint;
use sealpost_pre::{Error, Fingerprint, Instance, ProxyFactor, Transform};
use sealpost_testkit::{
    forms::{NOW, instances},
    memory::{Meter, peak},
    messages::{Armor, Framing, armored, packet, pkesk_v3},
};

#[global_allocator]
static ALLOCATOR: Meter = Meter;
/// One test at a time measures.
static ONE: Mutex<()> = Mutex::new(());

#[test]
fn a_message_of_25_mib_is_planned_and_patched_in_less_than_1_mib() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let instances = instances();
    let transform = Transform::new(&instances, NOW);
    let point = [&[0x40], &MontgomeryPoint::mul_base_clamped([5; 32]).to_bytes()[..]].concat();
    let pkesk = packet(1, &pkesk_v3(*instances[0].forwarder().key_id().as_bytes(), &point, &[7; 40]), Framing::New(1));
    let binary = [pkesk, packet(18, &vec![1; 25 << 20], Framing::Partial(12))].concat();
    let armor = Armor { line: 64, crlf: true, headers: vec![], blanks: 0, checksum: true };
    let text = [b"Subject: long\r\n\r\n".to_vec(), armored(&binary, &armor)].concat();
    for input in [&binary, &text] {
        let (first, planned) = peak(|| transform.plan_each(input).unwrap());
        let (all, read) = peak(|| transform.plan_each_from(&input[..]).unwrap());
        assert_eq!(first.each[0].patch, all.each[0].patch);
        let ((), streamed) = peak(|| all.each[0].patch.stream(&input[..], std::io::sink()).unwrap());
        let (_, spliced) = peak(|| all.each[0].patch.splice(input).unwrap().io_slices().len());
        let all = [planned, read, streamed, spliced];
        assert!(all.iter().all(|peak| *peak < 1 << 20), "{all:?}");
    }
}

#[test]
fn session_keys_that_concern_nobody_take_nothing_for_each_instance() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let factor = || ProxyFactor::from_bytes(&[[5; 31].as_slice(), &[1]].concat().try_into().unwrap()).unwrap();
    let forwarder = instances()[0].forwarder();
    let instances: Vec<_> =
        (0..500_u16).map(|_| Instance::new(forwarder, Fingerprint::from_bytes([7; 20]), None, factor())).collect();
    let transform = Transform::new(&instances, NOW);
    let armor = Armor { line: 64, crlf: true, headers: vec![], blanks: 0, checksum: true };
    let message =
        |junk: usize| armored(&[[0xC1, 0].repeat(junk), packet(18, &[1; 300], Framing::New(1))].concat(), &armor);
    // As many as there may be, and more, a message at a time.
    let (patches, planned) = peak(|| transform.plan_each(&message(1024)).unwrap());
    assert!(patches.report.pkesks().count() == 1024 && patches.each.iter().all(|planned| planned.pkesks.is_empty()));
    let text = message(1023).repeat(100);
    let (error, refused) = peak(|| transform.plan_each_from(&text[..]).unwrap_err());
    assert!(matches!(error, Error::Limit { limit: 1024, .. }), "{error}");
    let mail = [b"Subject: x\r\n\r\n", &text[..]].concat();
    let (error, in_mail) = peak(|| transform.plan_each_from(&mail[..]).unwrap_err());
    assert!(matches!(error, Error::Limit { limit: 1024, .. }), "{error}");
    assert!([planned, refused, in_mail].iter().all(|peak| *peak < 1 << 20), "{planned} {refused} {in_mail}");
}

#[test]
fn long_text_in_front_of_a_message_is_not_held() {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let instances = instances();
    let point = [&[0x40], &MontgomeryPoint::mul_base_clamped([5; 32]).to_bytes()[..]].concat();
    let pkesk = packet(1, &pkesk_v3(*instances[0].forwarder().key_id().as_bytes(), &point, &[7; 40]), Framing::New(1));
    let armor = Armor { line: 64, crlf: true, headers: vec![], blanks: 0, checksum: true };
    let message = armored(&[pkesk, packet(18, &[1; 300], Framing::New(1))].concat(), &armor);
    let input = [b"Hello\r\n".repeat(3 << 20), message].concat();
    let patch = Transform::new(&instances, NOW).plan_each_from(&input[..]).unwrap().each.remove(0).patch;
    let mut whole = input.clone();
    patch.in_place(&mut whole).unwrap();
    let mut streamed = Vec::with_capacity(input.len());
    let ((), held) = peak(|| patch.stream(&input[..], &mut streamed).unwrap());
    assert!(streamed == whole && whole != input);
    assert!(held < 3 << 20, "{held}");
}
