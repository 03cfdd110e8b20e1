//! The bodies of the fuzz targets. The tests run them over the seeds in `fuzz/seeds`.

use sealpost_pre::{
    Curve25519Subkey, Error, ForwardeeKey, Instance, Patch, Point, PointPolicy, ProxyFactor, Transform, public_export,
    transform_each,
};

use crate::{
    forms::{NOW, agree, instances, patched},
    messages::{Armor, Framing, armored, dearmored, packet, pkesk_v3},
};

/// The first octet says how the rest is cut into pieces.
fn sizes(input: &[u8]) -> ([usize; 2], &[u8]) {
    let (first, rest) = input.split_first().map_or((1, input), |(first, rest)| (*first, rest));
    ([usize::from(first & 15) + 1, usize::from(first) * 7 + 1], rest)
}

/// The packet rewriter on any octets.
pub fn rewrite(input: &[u8]) {
    let (sizes, message) = sizes(input);
    drop(agree(&Transform::new(&instances(), NOW), message, &sizes));
}

/// The armor: any text, and any octets in armor, whose packets must be treated as they are without it.
///
/// # Panics
///
/// If they aren't.
pub fn armor(input: &[u8]) {
    let (sizes, octets) = sizes(input);
    let instances = instances();
    let transform = Transform::new(&instances, NOW);
    drop(agree(&transform, &[b"-----BEGIN PGP MESSAGE-----\n", octets].concat(), &sizes));
    let [line, crlf] = sizes;
    let armor =
        Armor { line: line * 5, crlf: crlf % 2 == 0, headers: vec![], blanks: line % 3, checksum: crlf % 3 != 0 };
    let text = armored(octets, &armor);
    let as_text = agree(&transform, &text, &sizes);
    let mut binary = octets.to_vec();
    let as_binary = transform.in_place(&mut binary);
    if let (Ok(report), Ok(expected)) = (as_text, as_binary) {
        assert_eq!(report.transformed(), expected.transformed());
        let mut rewritten = text;
        transform.in_place(&mut rewritten).expect("what succeeded once");
        assert_eq!(dearmored(&rewritten), (binary, true));
    }
}

/// Keys and instances of any octets.
///
/// # Panics
///
/// If what was read is not read again as it was.
pub fn keys(input: &[u8]) {
    drop((ForwardeeKey::read(input), Instance::from_json(input), Instance::from_proton(input)));
    if let Ok(instance) = Instance::from_bytes(input) {
        assert_eq!(&instance.expose_bytes().unwrap()[..], input);
    }
    if let Ok(public) = public_export(input) {
        assert_eq!(public_export(&public).expect("an exported key"), public);
        let subkeys = Curve25519Subkey::read_all(&public).expect("an exported key");
        assert!(subkeys.iter().all(|subkey| subkey.first_forwarder.is_none()));
    }
}

/// Points: a factor and points, 32 octets each. Many at once must give what each gives alone.
///
/// # Panics
///
/// If they don't.
pub fn points(input: &[u8]) {
    let Some((factor, points)) = input.split_first_chunk() else { return };
    let Ok(factor) = ProxyFactor::from_bytes(factor) else { return };
    let points: Vec<_> = points.as_chunks().0.iter().take(20).map(|u| Point::from_bytes(*u)).collect();
    let alone: Vec<_> = points.iter().flat_map(|point| factor.transform(&[*point], PointPolicy::Strict)).collect();
    assert_eq!(factor.transform(&points, PointPolicy::Strict), alone);
    if let (Some(point), Some(alone)) = (points.first(), alone.first()) {
        let fan = transform_each(&[&factor; 41], *point, PointPolicy::Strict);
        assert!(fan.iter().all(|product| product == alone));
    }
}

/// Patches of any octets; and any replacements for a message, in armor or not.
///
/// # Panics
///
/// If what was read is not written as it was, or a patch changes more than the head of its message.
pub fn patch(input: &[u8]) {
    let (sizes, octets) = sizes(input);
    if let Ok(patch) = Patch::from_bytes(octets) {
        assert_eq!(patch.to_bytes(), octets);
        drop(patched(&patch, octets, &sizes));
    }
    let instances = instances();
    let pkesk = pkesk_v3(*instances[0].forwarder().key_id().as_bytes(), &[&[0x40, 9][..], &[0; 31]].concat(), &[7; 40]);
    let data = [7; 100];
    let message =
        [packet(1, &pkesk, Framing::New(1)), packet(18, &[&[1], &data[..]].concat(), Framing::New(1))].concat();
    let planned = Transform::new(&instances, NOW).plan_each(&message).expect("a message").each[0].patch.to_bytes();
    let Ok(patch) = Patch::from_bytes(&[&planned[..PATCH_START], octets].concat()) else { return };
    let [line, checksum] = sizes;
    let armor = Armor { line: line * 5, crlf: true, headers: vec![], blanks: 0, checksum: checksum % 3 != 0 };
    let text = armored(&message, &armor);
    match (patched(&patch, &message, &sizes), patched(&patch, &text, &sizes)) {
        (Ok(binary), Ok(text)) => {
            assert!(binary.len() == message.len() && binary.ends_with(&data));
            assert_eq!(dearmored(&text), (binary, true));
        }
        // It is for further messages, too.
        (Err(Error::PatchMismatch(_)), Err(Error::PatchMismatch(_))) => {}
        other => panic!("a patch for the message: {other:?}"),
    }
}

/// The octets of a patch up to the number of replacements.
const PATCH_START: usize = 5 + 8 + 32;
