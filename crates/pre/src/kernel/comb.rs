//! One point, many scalars: a table of multiples of the point, and 51 additions for each scalar.
//!
//! A scalar below 2^255 is written as Σ dᵢ·32^i with 51 odd digits dᵢ between -31 and 31, which needs it to be odd; its
//! negative modulo the group's order gives the same u-coordinate. The table has the multiples 1, 3, … 31 of each
//! 32^i·P. It is made of a public point, and read in constant time: all 16 multiples of a limb are in two registers.

use alloc::{boxed::Box, vec, vec::Vec};

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{
    Octets, OddScalar,
    edwards::{Extended, Niels, Projective},
    field::Tight,
    lanes::Lanes,
    octets::LANES,
    power::character_and_inverse,
};

/// Bits of a digit.
const WIDTH: usize = 5;
/// How many digits a scalar has.
const WINDOWS: usize = 51;
/// How many multiples of a power are in the table.
const MULTIPLES: usize = 16;
/// Limbs of a point: y + x, y - x and 2·d·x·y.
const LIMBS: usize = 15;

/// How many vectors share an inversion.
const GROUP: usize = 16;

/// The multiples of one power: each limb of all 16.
#[repr(align(64))]
#[derive(Clone)]
struct Window([[u64; MULTIPLES]; LIMBS]);

/// The table of a point.
pub(super) struct Comb(Box<[Window]>);

impl Comb {
    /// The table of 8·P for the point with this canonical u-coordinate; nothing if the point is on the twist or its
    /// order divides 8.
    #[inline(always)]
    pub(super) fn new<V: Lanes>(u: &Octets) -> Option<Self> {
        let (point, sign) = Extended::of_u(Tight::<V>::load(&[u; LANES]));
        // ±1, if the point is on the curve.
        let on_curve = sign.square().tight().equals(1) & 1 == 1;
        let point = point.double().double().double();
        let identity = point.projective().x.equals(0) & 1 == 1;
        if on_curve && !identity { Some(Self::of(point)) } else { None }
    }

    /// The table of a point, which is the same in all lanes.
    #[inline(always)]
    pub(super) fn of<V: Lanes>(point: Extended<V>) -> Self {
        let mut power = point;
        let mut windows = vec![Window([[0; MULTIPLES]; LIMBS]); WINDOWS].into_boxed_slice();
        let mut multiples = Vec::with_capacity(WINDOWS.div_ceil(V::COUNT) * MULTIPLES);
        for _ in 0..WINDOWS.div_ceil(V::COUNT) {
            // Each lane has a power of its own.
            let mut powers = power;
            for lane in 0..V::COUNT {
                powers = powers.select(&power, V::mask(1 << lane));
                for _ in 0..WIDTH {
                    power = power.double();
                }
            }
            odd_multiples(powers, &mut multiples);
        }
        let inverses = invert(&multiples);
        for (place, (point, inverse)) in multiples.iter().zip(inverses).enumerate() {
            let Niels { sum, difference, two_dt } = point.niels(inverse);
            let (first, multiple) = (place / MULTIPLES * V::COUNT, place % MULTIPLES);
            for (part, number) in [sum, difference, two_dt].into_iter().enumerate() {
                let limbs = number.store();
                for (lane, window) in windows.iter_mut().skip(first).take(V::COUNT).enumerate() {
                    for (limb, value) in limbs.lane(lane).into_iter().enumerate() {
                        window.0[5 * part + limb][multiple] = value;
                    }
                }
            }
        }
        Self(windows)
    }

    /// The u-coordinates of `s·8·P` for these scalars.
    #[inline(always)]
    pub(super) fn multiply<V: Lanes>(&self, scalars: &[OddScalar]) -> Vec<Octets> {
        let mut products = Vec::with_capacity(scalars.len());
        for scalars in scalars.chunks(GROUP * V::COUNT) {
            let mut above = [Tight::<V>::small(1); GROUP];
            let mut below = [Tight::<V>::small(1); GROUP];
            for (at, scalars) in scalars.chunks(V::COUNT).enumerate() {
                (above[at], below[at]) = self.multiply_vector::<V>(&Digits::new(scalars)).u_fraction();
            }
            invert_all(&mut below, &mut [Tight::small(1); GROUP]);
            for (at, scalars) in scalars.chunks(V::COUNT).enumerate() {
                let product = above[at].mul(below[at]).tight().store();
                for lane in 0..scalars.len() {
                    products.push(product.octets(lane));
                }
            }
        }
        products
    }

    #[inline(always)]
    fn multiply_vector<V: Lanes>(&self, digits: &Digits) -> Extended<V> {
        let mut point = Extended::identity();
        for ((window, indices), &negative) in self.0.iter().zip(&digits.indices).zip(&digits.negative) {
            let index = V::load(indices);
            let mut limbs = [V::splat(0); LIMBS];
            for (limb, table) in limbs.iter_mut().zip(&window.0) {
                *limb = V::look_up(table, index);
            }
            let [a0, a1, a2, a3, a4, b0, b1, b2, b3, b4, c0, c1, c2, c3, c4] = limbs;
            let multiple = Niels {
                sum: Tight([a0, a1, a2, a3, a4]),
                difference: Tight([b0, b1, b2, b3, b4]),
                two_dt: Tight([c0, c1, c2, c3, c4]),
            };
            point = point.add_signed(&multiple, V::mask(negative));
        }
        point
    }
}

/// 1, 3, … 31 times a point.
#[inline(always)]
fn odd_multiples<V: Lanes>(point: Extended<V>, multiples: &mut Vec<Projective<V>>) {
    let double = point.double().cached();
    let mut multiple = point;
    for _ in 0..MULTIPLES {
        multiples.push(multiple.projective());
        multiple = multiple.add(&double);
    }
}

/// 1/Z for each point, with a single inversion. No Z is 0.
#[inline(always)]
fn invert<V: Lanes>(points: &[Projective<V>]) -> Vec<Tight<V>> {
    let mut inverses: Vec<Tight<V>> = Vec::with_capacity(points.len());
    for point in points {
        inverses.push(point.z);
    }
    let mut before = inverses.clone();
    invert_all(&mut inverses, &mut before);
    inverses
}

/// Inverts each number, of which none is 0, with a single inversion. The products of those before each number may be
/// secret: they are kept where the caller says.
#[inline(always)]
fn invert_all<V: Lanes>(numbers: &mut [Tight<V>], before: &mut [Tight<V>]) {
    let mut product = Tight::small(1);
    for (number, before) in numbers.iter().zip(before.iter_mut()) {
        *before = product;
        product = product.mul(*number).tight();
    }
    // A square has an inverse by that power.
    let (_, [inverse]) = character_and_inverse([product.square().tight()]);
    let mut inverse = inverse.mul(product).tight();
    for (number, before) in numbers.iter_mut().zip(before.iter()).rev() {
        let inverted = inverse.mul(*before).tight();
        inverse = inverse.mul(*number).tight();
        *number = inverted;
    }
}

/// The digits of eight scalars: which multiple, and the lanes in which it is negated.
#[derive(Zeroize, ZeroizeOnDrop)]
struct Digits {
    indices: [[u64; 8]; WINDOWS],
    negative: [u8; WINDOWS],
}

impl Digits {
    fn new(scalars: &[OddScalar]) -> Self {
        let mut digits = Self { indices: [[0; 8]; WINDOWS], negative: [0; WINDOWS] };
        for (lane, scalar) in scalars.iter().enumerate() {
            // With bits c of (scalar + 2^255 - 1)/2 the scalar is the sum of ±2^i, + where a bit is 1.
            for window in 0..WINDOWS {
                let at = window * WIDTH + 1;
                let pair = [scalar[at / 8], scalar.get(at / 8 + 1).copied().unwrap_or_default()];
                let [five, _] = (u16::from_le_bytes(pair) >> (at % 8)).to_le_bytes();
                let top = u8::from(window == WINDOWS - 1) << (WIDTH - 1);
                // Five bits v stand for the digit 2·v - 31.
                let five = (five | top) & 31;
                let negative = (five >> 4) ^ 1;
                digits.indices[window][lane] = u64::from((five ^ (negative * 31)) & 15);
                digits.negative[window] |= negative << lane;
            }
        }
        digits
    }
}
