//! The Montgomery ladder ([RFC 7748 §5](https://www.rfc-editor.org/rfc/rfc7748#section-5)) over clamped scalars.

use super::{
    field::{Biased, Multiples, Tight, Wide},
    lanes::Lanes,
    swaps::Swaps,
};

/// (A - 2)/4, where A = 486662 is the coefficient of Curve25519.
const A24: u64 = 121_665;

/// A point (X : Z).
pub(super) struct Projective<V> {
    pub(super) x: Biased<V>,
    pub(super) z: Wide<V>,
}

impl<V: Lanes> Projective<V> {
    /// X + Z and X - Z.
    #[inline(always)]
    fn sum_and_difference(&self) -> (Tight<V>, Tight<V>) {
        (self.x.add(self.z).tight(), self.x.sub(self.z).tight())
    }
}

/// The double of a point, from X + Z and X - Z.
#[inline(always)]
fn double<V: Lanes>(sum: Tight<V>, difference: Tight<V>) -> Projective<V> {
    let aa = sum.square_biased();
    let bb = difference.square();
    let e = aa.sub(bb).tight();
    let f = aa.wide().add_small_product(A24, e).tight();
    Projective { x: aa.wide().tight().mul_biased(bb.tight()), z: e.mul(f) }
}

/// The double of one point of the ladder, and the sum of both.
struct Pair<V> {
    double: Projective<V>,
    sum: Projective<V>,
}

/// One step: the sum of both points, and the double of that which the next bit asks for.
///
/// The order of the statements is the one that ran fastest of some hundreds: products that others wait for come
/// early, and between them what can be done meanwhile.
#[inline(always)]
fn step<V: Lanes>(pair: &Pair<V>, swap: V::Mask, u: &Multiples<V>) -> Pair<V> {
    let (a, b) = pair.double.sum_and_difference();
    let (c, d) = pair.sum.sum_and_difference();
    let da = d.mul_biased(a);
    let p = a.select(c, swap);
    let cb = c.mul(b);
    let q = b.select(d, swap);
    let aa = p.square_biased();
    let bb = q.square();
    let e = aa.sub(bb).tight();
    let difference = da.sub(cb).tight();
    let sum = da.add(cb).tight();
    let bb = bb.tight();
    let f = aa.wide().add_small_product(A24, e).tight();
    let aa = aa.wide().tight();
    let difference = difference.square();
    let sum_x = sum.square_biased();
    let sum_z = u.mul(difference.tight());
    let double_z = e.mul(f);
    let double_x = aa.mul_biased(bb);
    Pair { double: Projective { x: double_x, z: double_z }, sum: Projective { x: sum_x, z: sum_z } }
}

/// `K'·P` for the points with these u-coordinates, whose limbs hold nothing above their bits.
///
/// `swaps` has a bit per lane for each bit of the scalars from 253 down to 2: whether it differs from the one above.
#[inline(always)]
pub(super) fn ladder<V: Lanes>(u: Tight<V>, swaps: &Swaps) -> Projective<V> {
    let multiples = u.multiples();
    let start = Projective { x: Wide(u.0).biased(), z: Wide(Tight::small(1).0) };
    let (sum, difference) = start.sum_and_difference();
    let mut pair = Pair { double: double(sum, difference), sum: start };
    for &swap in &swaps.steps {
        pair = step(&pair, V::mask(swap), &multiples);
    }
    let last = V::mask(swaps.last);
    let ((a, b), (c, d)) = (pair.double.sum_and_difference(), pair.sum.sum_and_difference());
    let mut point = double(a.select(c, last), b.select(d, last));
    for _ in 0..2 {
        let (sum, difference) = point.sum_and_difference();
        point = double(sum, difference);
    }
    point
}
