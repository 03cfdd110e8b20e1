//! Forwarding one message of 25 MiB: ours, and what it takes to write it anew.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a bench stops where its material is not as it should be"
)]

use std::{io, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use pgp::{packet::PacketParser, ser::Serialize as _};
use sealpost_benches::{CHUNKS, HEAD, NOW, instances, message, print};
use sealpost_measure::Comparison;
use sealpost_pre::{Instance, Plan, Transform};
use sealpost_testkit::messages::{Armor, Framing, armored};
use sequoia_openpgp::{PacketPile, parse::Parse, serialize::Serialize as _};

const ROUNDS: u32 = 31;
/// Base64 characters in a line of armor.
const LINE: usize = 64;

fn main() {
    let instances = instances(1);
    let (chunks, whole) = (message(CHUNKS), message(Framing::New(5)));
    binary(&instances, &chunks);
    let armor = Armor { line: LINE, crlf: true, headers: Vec::new(), blanks: 0, checksum: true };
    in_armor("25 MiB in armor with a checksum, one length", &instances, &armored(&whole, &armor));
    in_armor("25 MiB in armor with a checksum, chunks of 4 KiB", &instances, &armored(&chunks, &armor));
}

fn binary(instances: &[Instance], message: &[u8]) {
    let sequoia = || PacketPile::from_bytes(message).unwrap().serialize(&mut io::sink()).unwrap();
    let pgp = || {
        let packets = PacketParser::new(message);
        packets.for_each(|packet| packet.unwrap().to_writer(&mut io::sink()).unwrap());
    };
    let comparison = Comparison::against("sequoia-openpgp 2.4, parse and serialise", 1, sequoia)
        .with("pgp 0.21, parse and serialise", 1, pgp)
        .with("copying the octets in memory", 1, || message.to_vec())
        .with("sealpost, `Transform::stream`", 1, || stream(instances, message))
        .with("sealpost, `Transform::plan` of all octets", 1, || plan(instances, message))
        .with("sealpost, `Transform::plan` of the first 64 KiB", 1, || plan(instances, &message[..HEAD]));
    print("25 MiB, binary, chunks of 4 KiB", comparison.rounds(ROUNDS).turn(Duration::ZERO));
}

fn in_armor(headline: &str, instances: &[Instance], text: &[u8]) {
    let comparison = Comparison::against("base64 0.22, decode, encode and wrap", 1, || wrapped(&unwrapped(text)))
        .with("copying the octets in memory", 1, || text.to_vec())
        .with("sealpost, `Transform::stream`, with the checksum", 1, || stream(instances, text))
        .with("sealpost, `Transform::plan` of all octets, with the checksum", 1, || plan(instances, text))
        .with("sealpost, `Transform::plan` of the first 64 KiB", 1, || plan(instances, &text[..HEAD]));
    print(headline, comparison.rounds(ROUNDS).turn(Duration::ZERO));
}

fn plan(instances: &[Instance], octets: &[u8]) -> Plan {
    let plan = Transform::new(instances, NOW).plan(octets).unwrap();
    assert_eq!(plan.report.transformed(), 1);
    plan
}

fn stream(instances: &[Instance], octets: &[u8]) {
    let report = Transform::new(instances, NOW).stream(octets, io::sink()).unwrap();
    assert_eq!(report.transformed(), 1);
}

/// The octets of armor: the base64 between its first blank line and the checksum.
fn unwrapped(text: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(text).unwrap();
    let (start, end) = (text.find("\r\n\r\n").unwrap() + 4, text.rfind("\r\n=").unwrap());
    let mut digits = Vec::with_capacity(end - start);
    text[start..end].split("\r\n").for_each(|line| digits.extend_from_slice(line.as_bytes()));
    STANDARD.decode(digits).unwrap()
}

fn wrapped(octets: &[u8]) -> Vec<u8> {
    let digits = STANDARD.encode(octets);
    let mut text = Vec::with_capacity(digits.len() + digits.len() / LINE * 2 + 2);
    for line in digits.as_bytes().chunks(LINE) {
        text.extend_from_slice(line);
        text.extend_from_slice(b"\r\n");
    }
    text
}
