//! The bodies of the fuzz targets. The tests run them over the seeds in `fuzz/seeds`.

use sealpost_pre::{Curve25519Subkey, ForwardeeKey, Instance, Transform, public_export};

use crate::{
    forms::{NOW, agree, instances},
    messages::{Armor, armored, dearmored},
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
