//! All versions agree, with each other and with curve25519-dalek; and no lane can overflow.

use alloc::{vec, vec::Vec};
use std::{fs::File, os::unix::fs::FileExt};

use curve25519_dalek::{MontgomeryPoint, Scalar, traits::IsIdentity};
use proptest::{collection::vec, prelude::*};

use super::{
    Octets, batch, comb::Comb, edwards::Extended, field::Tight, range::Range, single::Single, vectors::Vectors,
};

fn clamped(mut scalar: Octets) -> Octets {
    scalar[0] &= 0xF8;
    scalar[31] = scalar[31] & 0x7F | 0x40;
    scalar
}

/// What the kernel must say.
fn reference(scalar: &Octets, point: &Octets) -> Option<Octets> {
    let point = MontgomeryPoint(*point);
    let product = point.mul_clamped(*scalar).to_bytes();
    (point.to_edwards(0).is_some() && product != [0; 32]).then_some(product)
}

fn odd(scalar: &Octets) -> Octets {
    let scalar = Scalar::from_bytes_mod_order(*scalar);
    let odd = if scalar.to_bytes()[0] & 1 == 1 { scalar } else { -scalar };
    odd.to_bytes()
}

fn reference_fan(scalar: &Octets, point: &Octets) -> Option<Octets> {
    let eight = MontgomeryPoint(*point).to_edwards(0)?.mul_by_cofactor();
    let product = eight * Scalar::from_canonical_bytes(*scalar).unwrap();
    (!eight.is_identity()).then(|| product.to_montgomery().to_bytes())
}

fn octets(hex: &str) -> Octets {
    let mut octets = [0; 32];
    assert_eq!(base16ct::lower::decode(hex, &mut octets).map(<[u8]>::len), Ok(32));
    octets
}

/// Small ones, those around p and below 2^255, those of small order, limbs of all ones, and random ones.
fn points() -> impl Strategy<Value = Octets> {
    let mut near_p = [0xFF; 32];
    near_p[31] = 0x7F;
    let small = (0..40_u8).prop_map(|low| {
        let mut point = [0; 32];
        point[0] = low;
        point
    });
    let near_p = (0..0xED_u8).prop_map(move |low| {
        let mut point = near_p;
        point[0] = low;
        point
    });
    let order_8 = [
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ];
    let order_8: Vec<Octets> = order_8.into_iter().map(octets).collect();
    let honest = any::<Octets>().prop_map(|secret| MontgomeryPoint::mul_base_clamped(secret).to_bytes());
    let random = any::<Octets>().prop_map(|mut point| {
        point[31] &= 0x3F;
        point
    });
    prop_oneof![1 => small, 1 => near_p, 1 => proptest::sample::select(order_8), 4 => honest, 2 => random]
}

fn scalars() -> impl Strategy<Value = Octets> {
    let edges = [[0; 32], [0xFF; 32], [1; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }];
    prop_oneof![1 => proptest::sample::select(edges.to_vec()), 6 => any::<Octets>()]
}

fn vector_versions() -> Vec<Vectors> {
    let found = Vectors::both_versions();
    if found.is_none() {
        eprintln!("SKIPPED: this processor has no AVX-512 IFMA");
    }
    found.into_iter().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn batches_agree(pairs in vec((scalars().prop_map(clamped), points()), 0..40)) {
        let scalars: Vec<&Octets> = pairs.iter().map(|(scalar, _)| scalar).collect();
        let points: Vec<&Octets> = pairs.iter().map(|(_, point)| point).collect();
        let expected: Vec<_> = pairs.iter().map(|(scalar, point)| reference(scalar, point)).collect();
        prop_assert_eq!(&batch::multiply::<Single<false>>(&scalars, &points), &expected);
        prop_assert_eq!(&batch::multiply::<Single<true>>(&scalars, &points), &expected);
        for version in vector_versions() {
            prop_assert_eq!(&version.multiply(&scalars, &points), &expected);
        }
    }

    #[test]
    fn fans_agree(scalars in vec(scalars().prop_filter("0", |s| *s != [0; 32]), 1..40), point in points()) {
        let scalars: Vec<Octets> = scalars.iter().map(odd).collect();
        let expected: Option<Vec<_>> = scalars.iter().map(|scalar| reference_fan(scalar, &point)).collect();
        let single = |comb: Option<Comb>| comb.map(|comb| comb.multiply::<Single<false>>(&scalars));
        prop_assert_eq!(&single(Comb::new::<Single<false>>(&point)), &expected);
        prop_assert_eq!(&single(Comb::new::<Single<true>>(&point)), &expected);
        for version in vector_versions() {
            prop_assert_eq!(&version.fan_out(&scalars, &point), &expected);
        }
    }
}

/// Over ranges of numbers each operation checks that none of them can overflow, whatever the octets are.
#[test]
fn no_lane_overflows() {
    fn run<const FULL: bool>() {
        let scalar = [0xFF; 32];
        let mut u = scalar;
        u[31] = 0x7F;
        batch::multiply::<Range<FULL>>(&[&scalar], &[&u]);
        let (point, _) = Extended::of_u(Tight::<Range<FULL>>::load(&[&u]));
        Comb::of(point).multiply::<Range<FULL>>(&[scalar]);
    }
    run::<false>();
    run::<true>();
}

/// What the kernel left on the stack is wiped, and it went no deeper than that.
#[cfg(target_os = "linux")]
#[test]
fn the_stack_is_wiped() {
    const PAINT: u8 = 0xA5;

    #[inline(never)]
    #[expect(clippy::large_stack_arrays, reason = "it is the stack that is painted")]
    fn paint() {
        core::hint::black_box(&mut [PAINT; 160 << 10]);
    }

    let near = 0_u8;
    let memory = File::open("/proc/self/mem").unwrap();
    let mut below = vec![0; 128 << 10];
    let below_here = (&raw const near).addr() - below.len();
    let scalar = clamped([0x77; 32]);
    let points = [[9; 32]; 40];
    for version in vector_versions() {
        for count in [8, 16, 40] {
            for fan in [false, true] {
                paint();
                if fan {
                    version.fan_out(&vec![odd(&scalar); count], &points[0]);
                } else {
                    version.multiply(&vec![&scalar; count], &points.each_ref()[..count]);
                }
                memory.read_exact_at(&mut below, below_here.try_into().unwrap()).unwrap();
                let touched = below.iter().position(|octet| *octet != PAINT).unwrap();
                let wiped = below[touched..].iter().take_while(|octet| **octet == 0).count();
                // The last octets are those of the wiping function itself and of what was called since.
                assert!(wiped > 40 << 10, "{wiped} octets from {touched} on, {count} points");
            }
        }
    }
}
