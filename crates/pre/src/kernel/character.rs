//! Whether one public point is on the curve, as fast as the processor allows and in variable time.
//!
//! The Jacobi symbol by the steps of Bernstein and Yang (Fast constant-time gcd computation and modular inversion,
//! 2019), 62 at a time on the low words, in the form that keeps numbers positive, for which the symbol's three laws hold.

use super::{
    Octets,
    field::Tight,
    single::{Single, low},
};

/// A number in limbs of 62 bits.
type Number = [u64; 5];

const LOW_62: u64 = (1 << 62) - 1;
/// 2^255 - 19.
const P: Number = [LOW_62 - 18, LOW_62, LOW_62, LOW_62, (1 << 7) - 1];
const ONE: Number = [1, 0, 0, 0, 0];

/// Twice as many rounds as most numbers take. Nobody proved how many are enough.
const ROUNDS: usize = 25;

/// Whether the point with this canonical u-coordinate is on the curve. Nothing for u = 0, and for what takes too long.
pub(crate) fn is_on_curve(u: &Octets) -> Option<bool> {
    let right = Tight::<Single<false>>::load(&[u]).right_side().store().octets(0);
    let symbol = jacobi(limbs(&right))?;
    Some(symbol == 0)
}

/// 0 if a number below p is a square modulo p, 1 if it is none.
fn jacobi(number: Number) -> Option<u64> {
    let (mut f, mut g) = (P, number);
    // The paper's δ, negative. Bit 0 of the symbol is whether it was negated.
    let (mut eta, mut symbol) = (-1, 0);
    for _ in 0..ROUNDS {
        if f == ONE {
            return Some(symbol & 1);
        }
        let [u, v, q, r] = steps(&mut eta, low_word(f), low_word(g), &mut symbol);
        (f, g) = (combine(u, f, v, g), combine(q, f, r, g));
    }
    None
}

/// 62 steps: four numbers of which `(u·f + v·g)/2^62` and `(q·f + r·g)/2^62` are the new f and g.
fn steps(eta: &mut i64, mut f: u64, mut g: u64, symbol: &mut u64) -> [u64; 4] {
    let [mut u, mut v, mut q, mut r] = [1, 0, 0, 1];
    let mut left = 62_u32;
    loop {
        // (2/f) is -1 for f = ±3 modulo 8.
        let zeros = (g | u64::MAX << left).trailing_zeros();
        (g, u, v) = (g >> zeros, u << zeros, v << zeros);
        *symbol ^= u64::from(zeros) & ((f >> 1) ^ (f >> 2));
        *eta -= i64::from(zeros);
        left -= zeros;
        if left == 0 {
            return [u, v, q, r];
        }
        if *eta < 0 {
            // (f/g) is -(g/f) if both are 3 modulo 4.
            *symbol ^= (f & g) >> 1;
            *eta = -*eta;
            (f, g, u, v, q, r) = (g, f, q, r, u, v);
        }
        // (g/f) does not change with multiples of f: as many as cancel some low bits of g, and no more than keep f the
        // larger one.
        let bits = u64::from(left).min(eta.unsigned_abs() + 1).min(6);
        let inverse = f.wrapping_mul(f.wrapping_mul(f).wrapping_sub(2));
        let times = inverse.wrapping_mul(g) & ((1 << bits) - 1);
        g = g.wrapping_add(f.wrapping_mul(times));
        (q, r) = (q.wrapping_add(u.wrapping_mul(times)), r.wrapping_add(v.wrapping_mul(times)));
    }
}

/// `(a·f + b·g)/2^62`.
fn combine(a: u64, f: Number, b: u64, g: Number) -> Number {
    let mut result = [0; 6];
    let mut carry = 0_u128;
    for ((result, f), g) in result.iter_mut().zip(f).zip(g) {
        carry += u128::from(a) * u128::from(f) + u128::from(b) * u128::from(g);
        *result = low(carry) & LOW_62;
        carry >>= 62;
    }
    let [_, r0, r1, r2, r3, _] = result;
    [r0, r1, r2, r3, low(carry)]
}

fn low_word([low, next, ..]: Number) -> u64 {
    low | next << 62
}

fn limbs(octets: &Octets) -> Number {
    let mut limbs = [0; 5];
    for (bit, octet) in octets.iter().enumerate().map(|(place, octet)| (8 * place, u64::from(*octet))) {
        limbs[bit / 62] |= octet << (bit % 62) & LOW_62;
        if bit % 62 > 54 {
            limbs[bit / 62 + 1] |= octet >> (62 - bit % 62);
        }
    }
    limbs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use curve25519_dalek::MontgomeryPoint;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn agrees_with_the_square_root(mut u: Octets) {
            u[31] &= 0x3F;
            prop_assert_eq!(is_on_curve(&u), Some(MontgomeryPoint(u).to_edwards(0).is_some()));
        }
    }
}
