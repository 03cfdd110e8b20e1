//! Factors as X25519 keys, factors that are kept elsewhere, and that many points at once give what one alone gives.

#![cfg(test)]

use std::sync::atomic::{AtomicUsize, Ordering};

use curve25519_dalek::MontgomeryPoint;
use proptest::{collection::vec, prelude::*};
use sealpost_pre::{
    Backend, BackendError, Error, Factor, Instance, Point, PointPolicy, PointRejection, ProxyFactor, Transform,
    UnixTime, transform_each,
};
use sealpost_testkit::a3::{INSTANCE, MESSAGE};

const STRICT: PointPolicy = PointPolicy::Strict;

fn factor(octets: [u8; 32]) -> ProxyFactor {
    let mut octets = octets;
    // Below n, and not 0.
    octets[31] &= 0x0F;
    octets[0] |= 1;
    ProxyFactor::from_bytes(&octets).unwrap()
}

fn small(value: u8) -> [u8; 32] {
    let mut octets = [0; 32];
    octets[0] = value;
    octets
}

fn honest(secret: [u8; 32]) -> Point {
    Point::from_bytes(MontgomeryPoint::mul_base_clamped(secret).to_bytes())
}

/// Honest points mostly, and some of each kind that is refused.
fn points() -> impl Strategy<Value = Point> {
    let not_canonical = (0xED_u8..).prop_map(|low| {
        let mut octets = [0xFF; 32];
        (octets[0], octets[31]) = (low, 0x7F);
        Point::from_bytes(octets)
    });
    prop_oneof![
        6 => any::<[u8; 32]>().prop_map(honest),
        2 => any::<[u8; 32]>().prop_map(Point::from_bytes),
        1 => (0_u8..10).prop_map(|low| Point::from_bytes(small(low))),
        1 => not_canonical,
    ]
}

/// A few have no X25519 key.
fn factors() -> impl Strategy<Value = ProxyFactor> {
    prop_oneof![
        8 => any::<[u8; 32]>().prop_map(factor),
        1 => (1_u8..=255).prop_map(|low| ProxyFactor::from_bytes(&small(low)).unwrap()),
    ]
}

fn alone(factor: &ProxyFactor, point: Point) -> Result<Point, PointRejection> {
    factor.transform(&[point], STRICT)[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn as_an_x25519_key_it_multiplies_the_same(octets: [u8; 32], secret: [u8; 32]) {
        let (factor, point) = (factor(octets), honest(secret));
        let key = factor.to_x25519_key().unwrap();
        prop_assert_eq!((key[0] & 7, key[31] & 0xC0), (0, 0x40));
        let product = MontgomeryPoint(*point.as_bytes()).mul_clamped(*key).to_bytes();
        prop_assert_eq!(alone(&factor, point), Ok(Point::from_bytes(product)));
        // By the integer, as the draft has it.
        prop_assert_eq!(factor.transform(&[point], PointPolicy::Draft), [Ok(Point::from_bytes(product))]);
    }

    #[test]
    fn many_points_at_once_are_points_alone(factor in factors(), points in vec(points(), 0..36)) {
        let expected: Vec<_> = points.iter().map(|point| alone(&factor, *point)).collect();
        prop_assert_eq!(factor.transform(&points, STRICT), expected);
    }

    #[test]
    fn many_factors_at_once_are_factors_alone(factors in vec(factors(), 36..44), point in points()) {
        let factors: Vec<_> = factors.iter().collect();
        let expected: Vec<_> = factors.iter().map(|factor| alone(factor, point)).collect();
        prop_assert_eq!(transform_each(&factors, point, STRICT), expected);
    }
}

#[test]
fn the_smallest_multiples_of_8_have_no_x25519_key() {
    for value in [8, 16, 248] {
        let factor = ProxyFactor::from_bytes(&small(value)).unwrap();
        assert!(factor.to_x25519_key().is_none());
        let point = honest([9; 32]);
        let expected = factor.transform(&[point], PointPolicy::Draft)[0];
        assert_eq!(factor.transform(&[point; 9], STRICT), [expected; 9]);
    }
}

/// A key somewhere else, which answers so many times.
#[derive(Debug)]
struct Elsewhere {
    key: [u8; 32],
    answers: usize,
    asked: AtomicUsize,
}

impl Backend for &'static Elsewhere {
    fn x25519(&self, point: Point) -> Result<Point, BackendError> {
        if self.asked.fetch_add(1, Ordering::Relaxed) >= self.answers {
            return Err(BackendError::new("elsewhere", "unplugged"));
        }
        Ok(Point::from_bytes(MontgomeryPoint(*point.as_bytes()).mul_clamped(self.key).to_bytes()))
    }
}

fn elsewhere(answers: usize) -> &'static Elsewhere {
    let key = *held().factor().held().unwrap().to_x25519_key().unwrap();
    Box::leak(Box::new(Elsewhere { key, answers, asked: AtomicUsize::new(0) }))
}

fn held() -> Instance {
    Instance::from_proton(INSTANCE).unwrap()
}

fn moved(backend: &'static Elsewhere) -> Instance {
    let held = held();
    Instance::new(held.forwarder(), held.forwardee(), held.kdf(), backend)
}

/// Each form of a message, and how many messages are in it.
fn inputs() -> [(Vec<u8>, usize); 5] {
    let binary = sealpost_pre::dearmor(MESSAGE.as_bytes()).unwrap().to_vec();
    let quoted = MESSAGE.replace('=', "=3D");
    let part = "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n";
    [
        (MESSAGE.into(), 1),
        (format!("{MESSAGE}\n{MESSAGE}").into(), 2),
        (format!("Subject: hello\n\n{MESSAGE}").into(), 1),
        (format!("Subject: hello\n{part}{quoted}\n{quoted}").into(), 2),
        (binary, 1),
    ]
}

fn transform(instance: Instance, input: &[u8]) -> Result<(Vec<u8>, usize), Error> {
    let mut octets = input.to_vec();
    let report = Transform::new(&[instance], UnixTime(0)).in_place(&mut octets)?;
    Ok((octets, report.transformed()))
}

#[test]
fn a_factor_that_is_elsewhere_transforms_whole_messages() {
    for (input, messages) in inputs() {
        let backend = elsewhere(messages);
        let (octets, transformed) = transform(moved(backend), &input).unwrap();
        assert_eq!((octets, transformed), transform(held(), &input).unwrap());
        assert_eq!((transformed, backend.asked.load(Ordering::Relaxed)), (messages, messages));
    }
}

#[test]
fn what_stops_a_backend_stops_the_whole_input() {
    for (input, messages) in inputs() {
        let error = transform(moved(elsewhere(messages - 1)), &input).unwrap_err();
        assert!(matches!(error, Error::Backend(_)), "{error}");
        assert_eq!(error.to_string(), "elsewhere: unplugged");
    }
}

#[test]
fn crafted_points_never_reach_a_backend() {
    let backend = elsewhere(0);
    let factor = Factor::from(backend);
    assert!(factor.held().is_none());
    // The message's point becomes one of small order: u = 1.
    let mut binary = sealpost_pre::dearmor(MESSAGE.as_bytes()).unwrap().to_vec();
    let start = binary.iter().position(|octet| *octet == 0x40).unwrap() + 1;
    binary[start..start + 32].copy_from_slice(&small(1));
    let report = Transform::new(&[moved(backend)], UnixTime(0)).in_place(&mut binary).unwrap();
    assert_eq!((report.transformed(), backend.asked.load(Ordering::Relaxed)), (0, 0));
}

/// It answers with what is no point of the group.
#[derive(Debug)]
struct Broken;

impl Backend for Broken {
    fn x25519(&self, _: Point) -> Result<Point, BackendError> {
        Ok(Point::from_bytes([0; 32]))
    }
}

#[test]
fn what_is_no_point_never_gets_into_a_message() {
    let held = held();
    let instance = Instance::new(held.forwarder(), held.forwardee(), held.kdf(), Broken);
    assert!(matches!(transform(instance, MESSAGE.as_bytes()), Err(Error::Backend(_))));
}

#[test]
fn a_factor_that_is_elsewhere_can_not_be_written() {
    let instance = moved(elsewhere(0));
    assert!(matches!(instance.expose_json(), Err(Error::FactorElsewhere)));
    assert!(matches!(instance.expose_bytes(), Err(Error::FactorElsewhere)));
    assert!(matches!(instance.expose_proton(), Err(Error::FactorElsewhere)));
    assert_ne!(instance, moved(elsewhere(0)));
}

#[test]
fn points_that_are_equal_but_for_the_last_are_no_fan() {
    let factor = factor([7; 32]);
    let mut points = vec![honest([1; 32]); 50];
    points[49] = honest([2; 32]);
    let [first, last] = [points[0], points[49]].map(|point| alone(&factor, point));
    let products = factor.transform(&points, STRICT);
    assert!(products[..49].iter().all(|product| *product == first));
    assert_eq!(products[49], last);
}

#[test]
fn the_draft_policy_takes_points_with_torsion_as_they_are() {
    // On the twist: strictly refused, and multiplied by the integer as the draft says.
    let twist = Point::from_bytes(small(2));
    let factor = factor([7; 32]);
    let one = factor.transform(&[twist], PointPolicy::Draft)[0];
    assert!(one.is_ok() && alone(&factor, twist).is_err());
    assert_eq!(factor.transform(&[twist; 9], PointPolicy::Draft), [one; 9]);
}

#[test]
fn more_factors_than_share_an_inversion() {
    let factors: Vec<_> = (0..150).map(|i| factor([i; 32])).collect();
    let point = honest([3; 32]);
    let expected: Vec<_> = factors.iter().map(|factor| alone(factor, point)).collect();
    assert_eq!(transform_each(&factors.iter().collect::<Vec<_>>(), point, STRICT), expected);
}
