//! Factors of a group that is chosen when the program runs.

use sealpost_pre::{AnyFactor, GroupId};
use sealpost_testkit::unhex;

use super::{Hide, Run, Seed, other, rng::Fixed};

/// The octets of a secret in the group, hidden: an integer from 1 to n - 1.
fn secret(seed: Seed, hide: Hide, group: GroupId) -> Vec<u8> {
    let length = if group == GroupId::P384 { 48 } else { 32 };
    let mut octets: Vec<u8> = seed.into_iter().cycle().take(length).collect();
    in_range(&mut octets);
    hide(&octets);
    octets
}

/// Makes it less than each group's order, in either byte order.
fn in_range(octets: &mut [u8]) {
    if let [first, .., last] = octets {
        *first &= 0x0F;
        *last &= 0x0F;
    }
}

/// A factor that is secret as a whole. That its digits are digits, and that it is in range, is decided once each.
fn factor(seed: Seed, hide: Hide, group: GroupId) -> Option<AnyFactor> {
    AnyFactor::from_hex(group, &digits(seed, hide, group)).ok()
}

fn digits(seed: Seed, hide: Hide, group: GroupId) -> String {
    let octets = secret(seed, |_| (), group);
    let digits = octets.iter().fold(String::new(), |digits, octet| digits + &format!("{octet:02x}"));
    hide(digits.as_bytes());
    digits
}

/// The base point (RFC 7748, section 4.1; SP 800-186, section 3.2.1), in the group's forms.
fn point(group: GroupId, compressed: bool) -> Vec<u8> {
    let (x, y) = match group {
        GroupId::P256 => (
            "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        ),
        GroupId::P384 => (
            "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
            "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
        ),
        _ => return [&[9][..], &[0; 31]].concat(),
    };
    if compressed { unhex(&format!("03{x}")) } else { unhex(&format!("04{x}{y}")) }
}

fn read(factor: Option<&AnyFactor>) -> Vec<u8> {
    factor.map(|factor| factor.expose_hex().as_bytes().to_vec()).unwrap_or_default()
}

pub(super) fn compute(seed: Seed, hide: Hide, group: GroupId) -> Run {
    let [forwarder, forwardee] = [seed, other(seed)].map(|seed| secret(seed, hide, group));
    Box::new(move || read(AnyFactor::compute(group, &forwarder, &forwardee).ok().as_ref()))
}

pub(super) fn from_hex(seed: Seed, hide: Hide, group: GroupId) -> Run {
    let digits = digits(seed, hide, group);
    Box::new(move || read(AnyFactor::from_hex(group, &digits).ok().as_ref()))
}

pub(super) fn compose(seed: Seed, hide: Hide, group: GroupId) -> Run {
    let factors = factor(seed, hide, group).zip(factor(other(seed), hide, group));
    Box::new(move || read(factors.and_then(|(first, next)| first.compose(&next)).as_ref()))
}

/// Both shares. What is drawn is in range.
pub(super) fn split(seed: Seed, hide: Hide, group: GroupId) -> Run {
    let factor = factor(seed, hide, group);
    let mut drawn = other(seed);
    in_range(&mut drawn);
    let mut rng = Fixed { seed: drawn, hide };
    Box::new(move || {
        let shares = factor.map(|factor| factor.split(&mut rng));
        shares.iter().flatten().flat_map(|share| read(Some(share))).collect()
    })
}

pub(super) fn transform(seed: Seed, hide: Hide, group: GroupId, compressed: bool) -> Run {
    let (factor, point) = (factor(seed, hide, group), point(group, compressed));
    // The octet in front of two coordinates only says that there are two.
    let form = usize::from(point.first() == Some(&4));
    Box::new(move || {
        let transformed = factor.and_then(|factor| factor.transform(&point).ok());
        transformed.into_iter().flatten().skip(form).collect()
    })
}

pub(super) fn verify(seed: Seed, hide: Hide, group: GroupId) -> Run {
    let (factor, point) = (factor(seed, hide, group), point(group, false));
    Box::new(move || factor.map(|factor| vec![factor.verify(&point, &point).into()]).unwrap_or_default())
}
