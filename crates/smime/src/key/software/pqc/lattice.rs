//! Whether the parts of an expanded ML-DSA key belong together (FIPS 204, algorithm 6): the public key, its hash
//! and t0 follow from rho, s1 and s2, and are computed again.

use shake::{ExtendableOutput, Shake128, Shake256, Update, XofReader};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const Q: u32 = 8_380_417;
/// A root of unity of order 512.
const ZETA: u32 = 1753;
/// 1 / 256.
const INVERSE: u32 = 8_347_681;
/// Bits that t0 takes of a coefficient (FIPS 204, table 1).
const D: u32 = 13;

type Polynomial = Zeroizing<Vec<u32>>;

/// A parameter set, by the size of its matrix and of its secrets (FIPS 204, table 1).
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) eta: u32,
}

impl Shape {
    /// Of an expanded key, whether all that follows from the rest does; also whether s1 and s2 are in range.
    pub(super) fn fits(self, expanded: &[u8]) -> bool {
        self.check(expanded).unwrap_or(false)
    }

    fn check(self, expanded: &[u8]) -> Option<bool> {
        let width = if self.eta == 2 { 3 } else { 4 };
        let (rho, rest) = expanded.split_at_checked(32)?;
        // The next 32 octets seed the nonces: any may.
        let (hash, rest) = rest.get(32..)?.split_at_checked(64)?;
        let (s1, rest) = rest.split_at_checked(32 * width * self.columns)?;
        let (s2, t0) = rest.split_at_checked(32 * width * self.rows)?;
        let mut s1 = unpack(s1, width);
        let s2 = unpack(s2, width);
        let largest = s1.iter().chain(&s2).flat_map(|polynomial| polynomial.iter()).max()?;
        if *largest > 2 * self.eta {
            return Some(false);
        }
        s1.iter_mut().for_each(|polynomial| {
            polynomial.iter_mut().for_each(|it| *it = subtract(self.eta, *it));
            transform(polynomial);
        });
        let mut public = rho.to_vec();
        let mut low = Zeroizing::new(Vec::new());
        for (row, s2) in (0_u8..).zip(&s2) {
            let product = multiply_row(rho, row, &s1);
            let t = product.iter().zip(s2.iter()).map(|(it, s2)| add(*it, subtract(self.eta, *s2)));
            let (high, rest): (Vec<u32>, Vec<u32>) = t.map(split).unzip();
            public.extend(pack(&high, 10));
            low.extend(pack(&Zeroizing::new(rest), D));
        }
        let mut own = [0; 64];
        Shake256::default().chain(&public).finalize_xof().read(&mut own);
        Some(bool::from(own.as_slice().ct_eq(hash) & low.as_slice().ct_eq(t0)))
    }
}

/// The product of a row of the matrix that `rho` stands for and a vector, which is transformed.
fn multiply_row(rho: &[u8], row: u8, vector: &[Polynomial]) -> Polynomial {
    let mut sum = Zeroizing::new(vec![0; 256]);
    for (column, polynomial) in (0_u8..).zip(vector) {
        for ((sum, element), it) in sum.iter_mut().zip(element(rho, column, row)).zip(polynomial.iter()) {
            *sum = add(*sum, multiply(element, *it));
        }
    }
    transform_back(&mut sum);
    sum
}

/// One element of the matrix, transformed (RejNTTPoly, FIPS 204, algorithm 30).
fn element(rho: &[u8], column: u8, row: u8) -> impl Iterator<Item = u32> {
    let mut reader = Shake128::default().chain(rho).chain([column, row]).finalize_xof();
    std::iter::repeat_with(move || {
        let mut octets = [0; 4];
        let (three, _) = octets.split_at_mut(3);
        reader.read(three);
        u32::from_le_bytes(octets) & 0x7f_ffff
    })
    .filter(|number| *number < Q)
    .take(256)
}

/// The upper bits of a coefficient, and the lower ones, `2^12 - r0`, as they are written (Power2Round).
fn split(coefficient: u32) -> (u32, u32) {
    let high = (coefficient + (1 << (D - 1)) - 1) >> D;
    (high, (high << D) + (1 << (D - 1)) - coefficient)
}

/// The number theoretic transform (FIPS 204, algorithm 41).
fn transform(polynomial: &mut [u32]) {
    let mut place = 0_u8;
    for len in [128, 64, 32, 16, 8, 4, 2, 1] {
        for block in polynomial.chunks_exact_mut(2 * len) {
            place = place.wrapping_add(1);
            let (zeta, (low, high)) = (power(place.reverse_bits()), block.split_at_mut(len));
            for (one, other) in low.iter_mut().zip(high) {
                let turned = multiply(zeta, *other);
                (*one, *other) = (add(*one, turned), subtract(*one, turned));
            }
        }
    }
}

/// Its inverse (algorithm 42).
fn transform_back(polynomial: &mut [u32]) {
    let mut place = 0_u8;
    for len in [1, 2, 4, 8, 16, 32, 64, 128] {
        for block in polynomial.chunks_exact_mut(2 * len) {
            place = place.wrapping_sub(1);
            let (zeta, (low, high)) = (subtract(0, power(place.reverse_bits())), block.split_at_mut(len));
            for (one, other) in low.iter_mut().zip(high) {
                (*one, *other) = (add(*one, *other), multiply(zeta, subtract(*one, *other)));
            }
        }
    }
    polynomial.iter_mut().for_each(|it| *it = multiply(*it, INVERSE));
}

fn power(exponent: u8) -> u32 {
    (0..exponent).fold(1, |power, _| multiply(power, ZETA))
}

fn add(one: u32, other: u32) -> u32 {
    (one + other) % Q
}

fn subtract(one: u32, other: u32) -> u32 {
    (one + Q - other) % Q
}

fn multiply(one: u32, other: u32) -> u32 {
    u32::try_from(u64::from(one) * u64::from(other) % u64::from(Q)).unwrap_or_default()
}

/// Polynomials of coefficients of `width` bits, the lowest first.
fn unpack(octets: &[u8], width: usize) -> Vec<Polynomial> {
    let coefficients = |octets: &[u8]| {
        let (mut bits, mut count) = (0_u32, 0);
        let mut polynomial = Zeroizing::new(Vec::with_capacity(256));
        for octet in octets {
            bits |= u32::from(*octet) << count;
            count += 8;
            while count >= width {
                polynomial.push(bits & ((1 << width) - 1));
                bits >>= width;
                count -= width;
            }
        }
        polynomial
    };
    octets.chunks_exact(32 * width).map(coefficients).collect()
}

fn pack(coefficients: &[u32], width: u32) -> Vec<u8> {
    let (mut bits, mut count) = (0_u32, 0);
    let mut octets = Vec::with_capacity(coefficients.len() * 13 / 8);
    for coefficient in coefficients {
        bits |= coefficient << count;
        count += width;
        while count >= 8 {
            let [low, ..] = bits.to_le_bytes();
            octets.push(low);
            bits >>= 8;
            count -= 8;
        }
    }
    octets
}
