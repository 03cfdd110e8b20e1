//! Factors of all groups: their algebra, their shares, and what is refused.

#![cfg(test)]

use getrandom::{SysRng, rand_core::UnwrapErr};
use proptest::prelude::*;
use sealpost_pre::{AnyFactor, Error, GroupFactor, GroupId, NistPoint, NistSecret, P384, PointRejection};
use subtle::ConstantTimeEq;

const GROUPS: [GroupId; 3] = [GroupId::Curve25519, GroupId::P256, GroupId::P384];

fn length(group: GroupId) -> usize {
    if group == GroupId::P384 { 48 } else { 32 }
}

/// A secret as a standard writes it: of Curve25519 any octets, else below the order, whose first 4 octets are not all 0xFF.
fn secret(group: GroupId, octets: &[u8; 48]) -> Vec<u8> {
    let mut secret = octets[..length(group)].to_vec();
    if group != GroupId::Curve25519 {
        secret[0] &= 0x7F;
        secret[1] |= 1;
    }
    secret
}

/// The public key, and the shared secret with a point: by the standards' own operation, not by a factor.
mod peer {
    use curve25519_dalek::MontgomeryPoint;
    use p256::elliptic_curve::{
        CurveArithmetic, FieldBytes, FieldBytesSize, PublicKey, SecretKey,
        sec1::{FromSec1Point, ModulusSize, ToSec1Point},
    };
    use sealpost_pre::GroupId;

    pub(super) fn public(group: GroupId, secret: &[u8], compressed: bool) -> Vec<u8> {
        fn public<C: CurveArithmetic>(secret: &[u8], compressed: bool) -> Vec<u8>
        where
            FieldBytesSize<C>: ModulusSize,
            C::AffinePoint: FromSec1Point<C> + ToSec1Point<C>,
        {
            SecretKey::<C>::from_slice(secret).unwrap().public_key().to_sec1_point(compressed).as_bytes().to_vec()
        }
        match group {
            GroupId::P256 => public::<p256::NistP256>(secret, compressed),
            GroupId::P384 => public::<p384::NistP384>(secret, compressed),
            _ => MontgomeryPoint::mul_base_clamped(secret.try_into().unwrap()).to_bytes().to_vec(),
        }
    }

    /// Whether it is a public key, in whatever form.
    pub(super) fn takes(group: GroupId, point: &[u8]) -> bool {
        match group {
            GroupId::P256 => PublicKey::<p256::NistP256>::from_sec1_bytes(point).is_ok(),
            _ => PublicKey::<p384::NistP384>::from_sec1_bytes(point).is_ok(),
        }
    }

    /// The x-coordinate, which is what ECDH gives (RFC 5753, RFC 7748).
    pub(super) fn shared(group: GroupId, secret: &[u8], point: &[u8]) -> Vec<u8> {
        fn shared<C: CurveArithmetic>(secret: &[u8], point: &[u8]) -> Vec<u8>
        where
            FieldBytesSize<C>: ModulusSize,
            C::AffinePoint: FromSec1Point<C> + ToSec1Point<C>,
            FieldBytes<C>: Copy,
        {
            let secret = SecretKey::<C>::from_slice(secret).unwrap();
            let point = PublicKey::<C>::from_sec1_bytes(point).unwrap();
            let product = point.to_projective() * *secret.to_nonzero_scalar();
            let affine: C::AffinePoint = product.into();
            affine.to_sec1_point(false).x().unwrap().to_vec()
        }
        match group {
            GroupId::P256 => shared::<p256::NistP256>(secret, point),
            GroupId::P384 => shared::<p384::NistP384>(secret, point),
            _ => MontgomeryPoint(point.try_into().unwrap()).mul_clamped(secret.try_into().unwrap()).to_bytes().to_vec(),
        }
    }
}

fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

fn same(one: &AnyFactor, other: &AnyFactor) -> bool {
    one.ct_eq(other).into()
}

fn groups() -> impl Strategy<Value = GroupId> {
    proptest::sample::select(&GROUPS[..])
}

fn octets() -> impl Strategy<Value = [u8; 48]> {
    proptest::array::uniform(any::<u8>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What the forwardee agrees on with the transformed point is what the forwarder agrees on with the sender's.
    #[test]
    fn the_forwardee_gets_the_forwarders_shared_secret(
        group in groups(), bob in octets(), charles in octets(), sender in octets(), compressed: bool,
    ) {
        let [bob, charles, sender] = [bob, charles, sender].map(|octets| secret(group, &octets));
        let factor = AnyFactor::compute(group, &bob, &charles).unwrap();
        let point = peer::public(group, &sender, compressed);
        let transformed = factor.transform(&point).unwrap();
        prop_assert_eq!(peer::shared(group, &charles, &transformed), peer::shared(group, &bob, &point));
        // In the same form.
        prop_assert_eq!(transformed.len(), point.len());
        if group != GroupId::Curve25519 {
            prop_assert_eq!(transformed[0] == 4, point[0] == 4);
        }
        // The factor belongs to these keys, in whatever form they are, and to no others.
        let [q_b, q_c, other] = [&bob, &charles, &sender].map(|secret| peer::public(group, secret, !compressed));
        prop_assert!(factor.verify(&q_b, &peer::public(group, &charles, compressed)));
        prop_assert!(!factor.verify(&q_c, &q_b) && !factor.verify(&other, &q_c) && !factor.verify(&q_b, &other));
    }

    #[test]
    fn factors_compose_and_are_written_and_read(
        group in groups(), bob in octets(), charles in octets(), dora in octets(),
    ) {
        let [bob, charles, dora] = [bob, charles, dora].map(|octets| secret(group, &octets));
        let first = AnyFactor::compute(group, &bob, &charles).unwrap();
        let next = AnyFactor::compute(group, &charles, &dora).unwrap();
        let both = AnyFactor::compute(group, &bob, &dora).unwrap();
        prop_assert!(same(&first.compose(&next).unwrap(), &both));
        prop_assert!(!same(&first, &next));
        let hex = both.expose_hex();
        prop_assert_eq!(hex.len(), 2 * length(group));
        prop_assert!(same(&AnyFactor::from_hex(group, &hex).unwrap(), &both));
        prop_assert!(same(&AnyFactor::from_hex(group, &hex.to_uppercase()).unwrap(), &both));
        prop_assert_eq!(both.group(), group);
    }

    /// In either order, point for point; and refreshed shares are others of the same factor.
    #[test]
    fn shares_together_are_the_factor(group in groups(), bob in octets(), charles in octets(), sender in octets()) {
        let [bob, charles, sender] = [bob, charles, sender].map(|octets| secret(group, &octets));
        let factor = AnyFactor::compute(group, &bob, &charles).unwrap();
        let point = peer::public(group, &sender, true);
        let whole = factor.transform(&point).unwrap();
        let [one, other] = factor.split(&mut rng());
        prop_assert!(same(&one.compose(&other).unwrap(), &factor) && same(&other.compose(&one).unwrap(), &factor));
        prop_assert_eq!(&other.transform(&one.transform(&point).unwrap()).unwrap(), &whole);
        prop_assert_eq!(&one.transform(&other.transform(&point).unwrap()).unwrap(), &whole);
        for share in [&one, &other] {
            prop_assert!(share.transform(&point).unwrap() != whole && !same(share, &factor));
        }
        let [r, inverse] = AnyFactor::refresh(group, &mut rng());
        let [new, new_other] = [one.compose(&r).unwrap(), other.compose(&inverse).unwrap()];
        prop_assert!(same(&new.compose(&new_other).unwrap(), &factor));
        prop_assert!(!same(&new, &one) && !same(&new_other, &other));
        // An old share beside a new one is worth nothing.
        prop_assert!(!same(&one.compose(&new_other).unwrap(), &factor));
    }
}

#[test]
fn groups_have_names() {
    let names = ["Curve25519", "P-256", "P-384"];
    for (group, name) in GROUPS.into_iter().zip(names) {
        assert_eq!((group.to_string().as_str(), name.parse::<GroupId>().unwrap()), (name, group));
    }
    for name in ["", "p-256", "P256", "P-521", "curve25519", "P-256 "] {
        assert!(matches!(name.parse::<GroupId>(), Err(Error::Instance(_))), "{name}");
    }
}

#[test]
fn factors_of_two_groups_have_nothing_in_common() {
    let one = |group| AnyFactor::from_hex(group, &number(group, &format!("{:0>1$}", "1", 2 * length(group)))).unwrap();
    for (group, other) in [(0, 1), (1, 2), (2, 0)].map(|(one, other)| (GROUPS[one], GROUPS[other])) {
        assert!(one(group).compose(&one(other)).is_none() && !same(&one(group), &one(other)));
        let point = peer::public(other, &[7; 48][..length(other)], false);
        assert!(one(group).transform(&point).is_err(), "{group} {other}");
        assert!(!one(group).verify(&point, &point));
    }
    assert_eq!(format!("{:?}", one(GroupId::P384)), "P384(ProxyFactor(..))");
}

#[test]
fn a_group_that_is_known_beforehand_has_types() {
    let [bob, charles] = [7, 9].map(|octet| NistSecret::from_bytes(&[octet; 48]).unwrap());
    let factor = GroupFactor::<P384>::compute(&bob, &charles);
    let public = |octet, compressed| peer::public(GroupId::P384, &[octet; 48], compressed);
    let [q_b, q_c] = [7, 9].map(|octet| NistPoint::from_sec1(&public(octet, true)).unwrap());
    assert!(factor.verify(&q_b, &q_c) && !factor.verify(&q_c, &q_b));
    assert_eq!((q_b.to_sec1(), factor.multiply(&q_c).unwrap().to_sec1()), (public(7, true), public(7, true)));
    let read = GroupFactor::<P384>::from_bytes(&factor.expose_bytes()).unwrap();
    assert!(bool::from(read.ct_eq(&factor)) && same(&read.into(), &factor.clone().into()));
    assert_eq!(format!("{bob:?} {factor:?}"), "NistSecret(..) ProxyFactor(..)");
}

/// Digits, most significant first, in the group's byte order.
fn number(group: GroupId, digits: &str) -> String {
    if group != GroupId::Curve25519 {
        return digits.to_owned();
    }
    digits.as_bytes().rchunks(2).map(|octet| str::from_utf8(octet).unwrap()).collect()
}

/// The orders (RFC 7748, section 4.1; SP 800-186, section 3.2.1), and n - 1, n + 1.
fn orders(group: GroupId) -> [String; 3] {
    let rest = match group {
        GroupId::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc6325",
        GroupId::P384 => {
            "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc529"
        }
        _ => "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3",
    };
    let last = match group {
        GroupId::P256 => 0x51_u8,
        GroupId::P384 => 0x73,
        _ => 0xed,
    };
    [last - 1, last, last + 1].map(|last| number(group, &format!("{rest}{last:02x}")))
}

#[test]
fn factors_are_from_1_to_below_the_order() {
    for group in GROUPS {
        let digits = 2 * length(group);
        let [below, order, above] = orders(group);
        let one = number(group, &format!("{:0>digits$}", "1"));
        for good in [&one, &below] {
            assert_eq!(*AnyFactor::from_hex(group, good).unwrap().expose_hex(), *good);
        }
        let bad =
            ["0".repeat(digits), "f".repeat(digits), order, above, one.get(2..).unwrap().into(), format!("{one}00")];
        let other = [String::new(), format!("00{one}"), "x".repeat(digits), one.get(1..).unwrap().into()];
        for bad in bad.iter().chain(&other) {
            assert!(matches!(AnyFactor::from_hex(group, bad), Err(Error::FactorOutOfRange)), "{group} {bad}");
        }
        // n - 1 is -1: its own inverse.
        let minus = AnyFactor::from_hex(group, &below).unwrap();
        assert!(same(&minus.compose(&minus).unwrap(), &AnyFactor::from_hex(group, &one).unwrap()));
    }
}

#[test]
fn secrets_are_as_the_standards_have_them() {
    for group in GROUPS {
        let good = vec![7; length(group)];
        let refused = |secret: &[u8]| {
            let errors = [AnyFactor::compute(group, secret, &good), AnyFactor::compute(group, &good, secret)];
            errors.into_iter().all(|result| matches!(result, Err(Error::NotAKey(_))))
        };
        assert!(refused(&[]) && refused(&good[1..]) && refused(&[&good[..], &[7]].concat()) && refused(&[7; 66]));
        if group == GroupId::Curve25519 {
            // All 32 octets are secrets, clamped.
            let [low, clamped] = [0xFF, 0xF8].map(|low| [&[low][..], &[7; 31]].concat());
            let [one, other] = [low, clamped].map(|secret| AnyFactor::compute(group, &secret, &good).unwrap());
            assert!(same(&one, &other) && AnyFactor::compute(group, &[0; 32], &[0xFF; 32]).is_ok());
        } else {
            let [below, order, above] = orders(group).map(|digits| sealpost_testkit::unhex(&digits));
            assert!(refused(&order) && refused(&above) && refused(&vec![0; length(group)]));
            assert!(AnyFactor::compute(group, &below, &good).is_ok());
        }
    }
}

#[test]
fn malformed_points_are_refused() {
    use PointRejection::{Identity, Malformed, NonCanonical, NotOnCurve};
    let point = |group, compressed| peer::public(group, &[7; 48][..length(group)], compressed);
    for group in [GroupId::P256, GroupId::P384] {
        let factor = AnyFactor::compute(group, &[5; 48][..length(group)], &[6; 48][..length(group)]).unwrap();
        let verdict = |octets: &[u8]| {
            assert!(!factor.verify(octets, &point(group, true)) && !factor.verify(&point(group, true), octets));
            factor.transform(octets).unwrap_err()
        };
        let [compressed, whole] = [true, false].map(|compressed| point(group, compressed));
        let tagged = |tag: u8, octets: &[u8]| [&[tag], &octets[1..]].concat();
        for (octets, expected) in [
            (vec![], Malformed),
            (vec![0], Identity),
            (vec![0; length(group) + 1], Malformed),
            (vec![4], Malformed),
            (vec![2], Malformed),
            (tagged(5, &compressed), Malformed),
            (tagged(6 | (whole[whole.len() - 1] & 1), &whole), Malformed),
            (tagged(6 ^ 1, &whole), Malformed),
            (tagged(4, &compressed), Malformed),
            (tagged(compressed[0], &whole), Malformed),
            (tagged(0x40, &whole), Malformed),
            (whole[1..].to_vec(), Malformed),
            (whole[..whole.len() - 1].to_vec(), Malformed),
            ([&whole[..], &[0]].concat(), Malformed),
            ([&compressed[..], &[0]].concat(), Malformed),
            (compressed[..length(group)].to_vec(), Malformed),
            (tagged(4, &vec![0; 2 * length(group) + 1]), NotOnCurve),
            (tagged(4, &vec![0xFF; 2 * length(group) + 1]), NonCanonical),
            (tagged(2, &vec![0xFF; length(group) + 1]), NonCanonical),
        ] {
            assert_eq!(verdict(&octets), expected, "{group} {octets:02x?}");
        }
        // A point of the curve with another curve's y.
        let mut off = whole.clone();
        *off.last_mut().unwrap() ^= 1;
        assert_eq!(verdict(&off), NotOnCurve);
    }
    let factor = AnyFactor::compute(GroupId::Curve25519, &[5; 32], &[6; 32]).unwrap();
    let point = point(GroupId::Curve25519, false);
    for octets in [&[][..], &point[1..], &[&[0x40], &point[..]].concat()] {
        assert_eq!(factor.transform(octets), Err(Malformed));
    }
    for (octets, expected) in [
        ([0; 32], PointRejection::SmallOrder),
        ([0xFF; 32], PointRejection::HighBit),
        (
            [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            PointRejection::OnTwist,
        ),
    ] {
        assert_eq!(factor.transform(&octets), Err(expected));
    }
}

/// The field's prime (SP 800-186, section 3.2.1), big-endian.
fn prime(group: GroupId) -> Vec<u8> {
    sealpost_testkit::unhex(match group {
        GroupId::P256 => "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        _ => "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
    })
}

/// `p + x`, for an x so small that it has as many octets.
fn above_prime(group: GroupId, x: u8) -> Vec<u8> {
    let mut sum = prime(group);
    let mut carry = u16::from(x);
    for octet in sum.iter_mut().rev() {
        carry += u16::from(*octet);
        [_, *octet] = carry.to_be_bytes();
        carry >>= 8;
    }
    assert_eq!(carry, 0);
    sum
}

fn small_number(group: GroupId, x: u8) -> Vec<u8> {
    [&vec![0; length(group) - 1][..], &[x]].concat()
}

/// Each coordinate has one form: p, and what is above it, is none.
#[test]
fn coordinates_are_below_the_prime() {
    for group in [GroupId::P256, GroupId::P384] {
        let factor = AnyFactor::compute(group, &[5; 48][..length(group)], &[6; 48][..length(group)]).unwrap();
        let on_curve = |x: &u8| factor.transform(&[&[2], &small_number(group, *x)[..]].concat()).is_ok();
        let x = (0..=255).find(on_curve).unwrap();
        for tag in [2, 3] {
            let octets = [&[tag], &above_prime(group, x)[..]].concat();
            assert_eq!(factor.transform(&octets), Err(PointRejection::NonCanonical), "{group} {x}");
        }
        let [zero, p] = [small_number(group, 0), prime(group)];
        for (x, y) in [(&p, &zero), (&zero, &p), (&p, &p)] {
            let octets = [&[4], &x[..], y].concat();
            assert_eq!(factor.transform(&octets), Err(PointRejection::NonCanonical), "{group}");
        }
    }
}

/// A point with y = 0 has order 2 on a curve with another constant, on which the same formulas compute: what a sender
/// learns of such a product is the factor modulo 2.
#[test]
fn points_of_small_order_on_other_curves_are_refused() {
    for group in [GroupId::P256, GroupId::P384] {
        let factor = AnyFactor::compute(group, &[5; 48][..length(group)], &[6; 48][..length(group)]).unwrap();
        for x in 0..=255 {
            let octets = [&[4], &small_number(group, x)[..], &small_number(group, 0)].concat();
            assert_eq!(factor.transform(&octets), Err(PointRejection::NotOnCurve), "{group} {x}");
        }
    }
}

proptest! {
    /// What is read is what others read, but for compact points and the identity.
    #[test]
    fn others_take_the_same_points(
        group in proptest::sample::select(&[GroupId::P256, GroupId::P384][..]),
        tag in prop_oneof![4 => 2_u8..=4, 1 => any::<u8>()],
        octets in octets(), secret_octets in octets(), compressed: bool, mutation in 0..4,
    ) {
        let mut point = peer::public(group, &secret(group, &secret_octets), compressed);
        match mutation {
            0 => {}
            // An x by chance: half of them are on the curve, the others on its twist.
            1 => point[1..=length(group)].copy_from_slice(&octets[..length(group)]),
            2 => point[0] = tag,
            _ => *point.last_mut().unwrap() ^= octets[0],
        }
        let accepted = (2..=4).contains(&point[0]) && peer::takes(group, &point);
        let factor = AnyFactor::compute(group, &[5; 48][..length(group)], &[6; 48][..length(group)]).unwrap();
        prop_assert_eq!(factor.transform(&point).is_ok(), accepted);
    }
}

/// A private key of theirs is a factor: the product's x-coordinate is the shared secret.
#[test]
fn products_are_what_wycheproof_says() {
    let Some(folder) = sealpost_testkit::vectors() else { return };
    let json = std::fs::read(folder.join("smime/wycheproof/ecdh_secp256r1_ecpoint_test.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for test in json["testGroups"].as_array().unwrap().iter().flat_map(|group| group["tests"].as_array().unwrap()) {
        let field = |name: &str| test[name].as_str().unwrap();
        // With a zero in front, or without those that it has.
        let digits = field("private").trim_start_matches('0');
        let factor = AnyFactor::from_hex(GroupId::P256, &format!("{digits:0>64}")).unwrap();
        let product = factor.transform(&sealpost_testkit::unhex(field("public")));
        if field("result") == "invalid" {
            assert!(product.is_err(), "{test}");
            invalid += 1;
        } else {
            let expected = sealpost_testkit::unhex(field("shared"));
            assert_eq!(product.as_ref().map(|product| &product[1..33]), Ok(&expected[..]), "{test}");
            valid += 1;
        }
    }
    assert_eq!((valid, invalid), (331, 24));
}
