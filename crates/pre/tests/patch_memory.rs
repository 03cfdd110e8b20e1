//! A plan takes little memory, however long the message is.

#![cfg(test)]

use curve25519_dalek::MontgomeryPoint;
use sealpost_pre::Transform;
use sealpost_testkit::{
    forms::{NOW, instances},
    memory::{Meter, peak},
    messages::{Armor, Framing, armored, packet, pkesk_v3},
};

#[global_allocator]
static ALLOCATOR: Meter = Meter;

#[test]
fn a_message_of_25_mib_is_planned_and_patched_in_less_than_1_mib() {
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
