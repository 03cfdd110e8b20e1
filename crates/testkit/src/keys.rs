//! Keys taken apart and put together again: packets and signatures that nobody would make in earnest.

use crate::messages::{Framing, packet};

/// A key's packets: of each the tag and the body.
///
/// # Panics
///
/// If the key is not binary, or has other lengths than those of one or two octets in new headers.
#[must_use]
pub fn split(mut key: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut packets = Vec::new();
    while let [header, rest @ ..] = key {
        let (len, rest) = match rest {
            [one @ 0..192, rest @ ..] => (usize::from(*one), rest),
            [high @ 192..224, low, rest @ ..] => ((usize::from(*high) - 192) * 256 + usize::from(*low) + 192, rest),
            _ => panic!("a length that this does not read"),
        };
        let (body, rest) = rest.split_at(len);
        packets.push((header & 0x3F, body.to_vec()));
        key = rest;
    }
    packets
}

/// A key of these packets.
#[must_use]
pub fn join(packets: &[(u8, Vec<u8>)]) -> Vec<u8> {
    packets.iter().flat_map(|(tag, body)| packet(*tag, body, Framing::New(1))).collect()
}

/// The body of a version 4 signature of this kind with these hashed subpackets. It verifies nowhere.
///
/// # Panics
///
/// If a subpacket is longer than 190 octets.
#[must_use]
pub fn signature(kind: u8, subpackets: &[(u8, &[u8])]) -> Vec<u8> {
    let subpacket = |(id, data): &(u8, &[u8])| [&[u8::try_from(data.len()).unwrap() + 1, *id], *data].concat();
    let hashed: Vec<u8> = subpackets.iter().flat_map(subpacket).collect();
    let len = u16::try_from(hashed.len()).unwrap().to_be_bytes();
    // EdDSA with SHA-512; no unhashed subpackets, the digest's first octets, two MPIs.
    [&[4, kind, 22, 10], &len[..], &hashed, &[0, 0, 0, 0], &[0, 1, 1], &[0, 1, 1]].concat()
}
