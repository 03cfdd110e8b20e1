//! What a proxy holds says nothing about the factor: each share is uniformly random, whatever the factor is, and has
//! nothing in common with it.
//!
//! What is counted is in how many of [`DRAWS`] splits a bit is set, or differs from another. Where the bits are uniform and
//! independent in pairs, each count is that of fair coins. How far it may be off is Hoeffding's inequality: off by t or
//! more of N is less likely than 2·exp(-2t²/N), without any approximation. All counts of this file together, fewer than
//! 2^23, fail by chance less often than once in 10^9 runs.

#![cfg(test)]

use getrandom::{
    SysRng,
    rand_core::{Rng, UnwrapErr},
};
use sealpost_pre::{AnyFactor, GroupId};
use sealpost_testkit::unhex;

const DRAWS: usize = 2048;

/// 2^24·exp(-40) is less than 10^-9.
const EXPONENT: f64 = 40.0;

/// A bit of each draw.
type Column = [u64; DRAWS / 64];

/// How many bits of a share are uniform: the order's are, but for less than 2^-31, as it is that close to a power of 2.
fn bits(group: GroupId) -> usize {
    match group {
        GroupId::P256 => 256,
        GroupId::P384 => 384,
        _ => 252,
    }
}

/// Little-endian octets of a factor.
fn octets(factor: &AnyFactor) -> Vec<u8> {
    let mut octets = unhex(&factor.expose_hex());
    if factor.group() != GroupId::Curve25519 {
        octets.reverse();
    }
    octets
}

fn random(octets: &mut [u8]) {
    UnwrapErr(SysRng).fill_bytes(octets);
}

/// Below the order, and not 0.
fn factor(group: GroupId) -> AnyFactor {
    let [random, _] = AnyFactor::refresh(group, &mut UnwrapErr(SysRng));
    random
}

fn one(group: GroupId) -> AnyFactor {
    let [one, other] = AnyFactor::refresh(group, &mut UnwrapErr(SysRng));
    one.compose(&other).unwrap()
}

/// What a proxy got in each draw, and which factor was split.
struct Drawn {
    shares: [Vec<Column>; 2],
    factors: Vec<Column>,
}

type Split = fn(&AnyFactor) -> [Vec<u8>; 2];

fn split(factor: &AnyFactor) -> [Vec<u8>; 2] {
    factor.split(&mut UnwrapErr(SysRng)).map(|share| octets(&share))
}

fn draw(group: GroupId, split: Split, mut next: impl FnMut() -> AnyFactor) -> Drawn {
    let empty = || vec![[0; DRAWS / 64]; bits(group)];
    let mut drawn = Drawn { shares: [empty(), empty()], factors: empty() };
    for i in 0..DRAWS {
        let factor = next();
        let [one, other] = split(&factor);
        let [first, second] = &mut drawn.shares;
        for (columns, octets) in [(first, one), (second, other), (&mut drawn.factors, octets(&factor))] {
            for (bit, column) in columns.iter_mut().enumerate() {
                column[i / 64] |= u64::from(octets[bit / 8] >> (bit % 8) & 1) << (i % 64);
            }
        }
    }
    drawn
}

fn count(column: impl Iterator<Item = u64>) -> f64 {
    f64::from(column.map(u64::count_ones).sum::<u32>())
}

/// Whether a count of `coins` coins is one of fair ones.
fn fair(count: f64, coins: usize) -> bool {
    let coins = f64::from(u32::try_from(coins).unwrap());
    (count - coins / 2.0).abs() < (coins * EXPONENT / 2.0).sqrt()
}

fn differ(one: &Column, other: &Column) -> f64 {
    count(one.iter().zip(other).map(|(one, other)| one ^ other))
}

/// Each bit is set as often as not, and differs from each other as often as not.
fn is_uniform(columns: &[Column]) -> bool {
    columns.iter().enumerate().all(|(i, column)| {
        let alone = fair(count(column.iter().copied()), DRAWS);
        alone && columns[..i].iter().all(|other| fair(differ(column, other), DRAWS))
    })
}

/// No bit of one follows a bit of the other.
fn are_independent(one: &[Column], other: &[Column]) -> bool {
    one.iter().all(|column| other.iter().all(|other| fair(differ(column, other), DRAWS)))
}

/// Two samples of the same: each count of one, and what is left of each count of the other, are of twice as many coins.
fn are_alike(one: &[Column], other: &[Column]) -> bool {
    let alike = |one, other| fair(one + f64::from(u32::try_from(DRAWS).unwrap()) - other, 2 * DRAWS);
    (0..one.len()).all(|i| {
        let alone = alike(count(one[i].iter().copied()), count(other[i].iter().copied()));
        alone && (0..i).all(|j| alike(differ(&one[i], &one[j]), differ(&other[i], &other[j])))
    })
}

/// Draws shares of factors, each of which is uniform.
fn uniform(group: GroupId, name: &str, split: Split, next: impl FnMut() -> AnyFactor) -> Result<Drawn, String> {
    let drawn = draw(group, split, next);
    match drawn.shares.iter().position(|share| !is_uniform(share)) {
        Some(share) => Err(format!("{group}: share {share} of {name} is not uniform")),
        None => Ok(drawn),
    }
}

/// What is wrong with the shares of a splitter.
fn verdict(group: GroupId, split: Split) -> Result<(), String> {
    let fixed = factor(group);
    let ones = uniform(group, "1", split, || one(group))?;
    let same = uniform(group, "one random factor", split, || fixed.clone())?;
    let any = uniform(group, "random factors", split, || factor(group))?;
    for share in [0, 1] {
        if !are_alike(&ones.shares[share], &same.shares[share]) {
            return Err(format!("{group}: share {share} tells 1 from another factor"));
        }
        if !are_independent(&any.shares[share], &any.factors) {
            return Err(format!("{group}: share {share} tells of the factor"));
        }
    }
    Ok(())
}

#[test]
fn a_share_says_nothing_of_curve25519_s_factor() {
    verdict(GroupId::Curve25519, split).unwrap();
}

#[test]
fn a_share_says_nothing_of_p_256_s_factor() {
    verdict(GroupId::P256, split).unwrap();
}

#[test]
fn a_share_says_nothing_of_p_384_s_factor() {
    verdict(GroupId::P384, split).unwrap();
}

/// `k·k₁⁻¹` in big-endian octets, for a k₁ of the splitters below.
fn rest(factor: &AnyFactor, first: &[u8]) -> Vec<u8> {
    let first: Vec<u8> = first.iter().rev().copied().collect();
    octets(&AnyFactor::compute(GroupId::P256, &unhex(&factor.expose_hex()), &first).unwrap())
}

/// Splitters that are wrong, each in one way.
const BROKEN: [(Split, &str); 6] = [
    // k₁ of 64 bits.
    (
        |factor| {
            let mut first = vec![0; 32];
            random(&mut first[..8]);
            [first.clone(), rest(factor, &first)]
        },
        "share 0 of 1 is not uniform",
    ),
    // k₁ of 255 bits.
    (
        |factor| {
            let mut first = split(factor)[0].clone();
            first[31] &= 0x7F;
            [first.clone(), rest(factor, &first)]
        },
        "share 0 of 1 is not uniform",
    ),
    // Half of k₁ again.
    (
        |factor| {
            let mut first = split(factor)[0].clone();
            first.copy_within(..16, 16);
            [first.clone(), rest(factor, &first)]
        },
        "share 0 of 1 is not uniform",
    ),
    // k₂ is k and something small.
    (
        |factor| {
            let [first, _] = split(factor);
            let mut second = octets(factor);
            random(&mut second[..8]);
            [first, second]
        },
        "share 1 of 1 is not uniform",
    ),
    // No split at all.
    (|factor| [split(factor)[0].clone(), octets(factor)], "share 1 of 1 is not uniform"),
    // k₁ is uniform but for one bit, which is the factor's.
    (
        |factor| {
            let [mut first, second] = split(factor);
            first[5] = (first[5] & 0xFE) | (octets(factor)[9] & 1);
            [first, second]
        },
        "share 0 of 1 is not uniform",
    ),
];

#[test]
fn broken_splitters_are_seen() {
    for (split, expected) in BROKEN {
        let said = verdict(GroupId::P256, split).unwrap_err();
        assert!(said.contains(expected), "{said}");
    }
}

/// What differs only from factor to factor is seen by comparing them.
#[test]
fn shares_that_tell_of_the_factor_are_seen_by_each_comparison() {
    let fixed = factor(GroupId::P256);
    // One share is the factor, which is uniform where factors are.
    let copied: Split = |factor| [split(factor)[0].clone(), octets(factor)];
    let any = draw(GroupId::P256, copied, || factor(GroupId::P256));
    assert!(is_uniform(&any.shares[1]) && !are_independent(&any.shares[1], &any.factors));
    let [ones, same] =
        [draw(GroupId::P256, copied, || one(GroupId::P256)), draw(GroupId::P256, copied, || fixed.clone())];
    assert!(!are_alike(&ones.shares[1], &same.shares[1]) && are_alike(&ones.shares[0], &same.shares[0]));
}
