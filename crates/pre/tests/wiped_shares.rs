//! No share of a factor stays behind on the heap, of no group.

#![cfg(test)]

use sealpost_pre::{
    AnyFactor, Fingerprint, GroupId, Instance,
    document::{Kind, Writer},
};
use sealpost_testkit::{
    leaks::{Leaks, NEEDLE, search},
    rng::Scripted,
    unhex,
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

#[global_allocator]
static ALLOCATOR: Leaks = Leaks;

fn digest(number: u8) -> [u8; 32] {
    Sha256::digest([number]).into()
}

/// Secrets that are known beforehand, as many octets of them as are asked for.
fn stream(mut number: u8) -> Scripted<impl FnMut(&mut [u8])> {
    Scripted(move |to: &mut [u8]| {
        for to in to.chunks_mut(32) {
            to.copy_from_slice(&digest(number)[..to.len()]);
            number += 1;
        }
    })
}

/// All that is done with shares; `look` is shown each factor.
fn share(group: GroupId, look: &mut dyn FnMut(&AnyFactor)) {
    let [one, other] = AnyFactor::refresh(group, &mut stream(0));
    let shares = one.split(&mut stream(10));
    let again = shares[0].compose(&other).unwrap();
    let read = AnyFactor::from_hex(group, &again.expose_hex()).unwrap();
    let length = one.expose_hex().len() / 2;
    let secret = Zeroizing::new(digest(30).repeat(2));
    let computed = AnyFactor::compute(group, &secret[..length], &vec![7; length]).unwrap();
    for factor in [&one, &other, &shares[0], &shares[1], &again, &read, &computed] {
        look(&factor.clone());
        let mut document = Writer::new(Kind::Smime);
        document.string("factor", &factor.expose_hex());
        // It has to grow.
        document.string("names", &"00".repeat(5000));
        assert!(document.finish().len() > 10_000);
    }
    if let AnyFactor::Curve25519(factor) = one {
        let [forwarder, forwardee] = [1, 2].map(|octet| Fingerprint::from_bytes([octet; 20]));
        let instance = Instance::new(forwarder, forwardee, None, factor);
        for share in instance.split(&mut stream(20)).unwrap().iter().flatten() {
            look(&share.factor().held().unwrap().clone().into());
            Instance::from_json(share.expose_json().unwrap().as_bytes()).unwrap();
        }
    }
}

#[test]
fn no_share_stays_behind() {
    for group in [GroupId::Curve25519, GroupId::P256, GroupId::P384] {
        let mut needles = Vec::new();
        share(group, &mut |factor| {
            let hex = factor.expose_hex();
            let octets = unhex(&hex);
            let reversed: Vec<u8> = octets.iter().rev().copied().collect();
            for (name, form) in [("in hex", hex.as_bytes()), ("as it is", &octets), ("reversed", &reversed)] {
                needles.extend(form.chunks_exact(NEEDLE).map(|part| (name, <[u8; NEEDLE]>::try_from(part).unwrap())));
            }
        });
        let ((), found) = search(&needles, || share(group, &mut |_| {}));
        assert_eq!(found, [""; 0], "{group}");
        // The needles are the right ones.
        let careless = &mut |factor: &AnyFactor| drop((unhex(&factor.expose_hex()), factor.expose_hex().to_string()));
        let ((), found) = search(&needles, || share(group, careless));
        assert!(["in hex", "as it is"].iter().all(|name| found.contains(name)), "{group}: {found:?}");
    }
}
