//! The twisted Edwards form -x² + y² = 1 + d·x²·y² of Curve25519
//! ([RFC 7748 §4.1](https://www.rfc-editor.org/rfc/rfc7748#section-4.1)) in extended coordinates: x = X/Z, y = Y/Z,
//! x·y = T/Z. The formulas hold for all pairs of points (Hisil, Wong, Carter, Dawson: Twisted Edwards Curves
//! Revisited, 2008, §3).

use super::{
    field::{Biased, Tight, Wide},
    lanes::Lanes,
    power::power_252_3,
};

/// √-1.
const SQRT_MINUS_1: [u64; 5] =
    [0xe_1b27_4a0e_a0b0, 0x0_6ad2_fe47_8c4e, 0xd_fbd7_a72f_4318, 0xd_f0b2_b4d0_0993, 0x2b83_2480_4fc1];
/// √-486664: x = √-486664·u/v.
const SCALE: [u64; 5] =
    [0xe_04aa_ff45_7e06, 0xd_14b7_d1a8_2cc6, 0x3_fc4f_7ec5_a1d3, 0x0_6bbd_27b0_8dc0, 0x0f26_edf4_60a0];
/// 2·d, where d = -121665/121666.
const TWO_D: [u64; 5] =
    [0x6_9b94_26b2_f159, 0x9_a828_3b15_6ebd, 0xe_f3d1_3000_e014, 0xf_ce71_98e8_0f2e, 0x2406_d9dc_56df];

/// A point as it comes out of a formula.
#[derive(Clone, Copy)]
pub(super) struct Extended<V> {
    x: Wide<V>,
    y: Biased<V>,
    z: Biased<V>,
    t: Wide<V>,
}

/// A point as it is added to others: Y + X, Y - X, 2·d·T, 2·Z.
#[derive(Clone, Copy)]
pub(super) struct Cached<V> {
    affine: Niels<V>,
    two_z: Tight<V>,
}

/// A point with Z = 1 as it is added to others: y + x, y - x, 2·d·x·y.
#[derive(Clone, Copy)]
pub(super) struct Niels<V> {
    pub(super) sum: Tight<V>,
    pub(super) difference: Tight<V>,
    pub(super) two_dt: Tight<V>,
}

/// X, Y and Z, to be divided by Z.
#[derive(Clone, Copy)]
pub(super) struct Projective<V> {
    pub(super) x: Tight<V>,
    pub(super) y: Tight<V>,
    pub(super) z: Tight<V>,
}

impl<V: Lanes> Extended<V> {
    /// The identity.
    #[inline(always)]
    pub(super) fn identity() -> Self {
        let (zero, one) = (Wide(Tight::small(0).0), Wide(Tight::small(1).0));
        Self { x: zero, y: one.biased(), z: one.biased(), t: zero }
    }

    /// A point with this u-coordinate, and a number whose square is 1 if there is one on the curve.
    ///
    /// y = (u - 1)/(u + 1), and x = √-486664·u/v is one of the two roots.
    #[inline(always)]
    pub(super) fn of_u(u: Tight<V>) -> (Self, Tight<V>) {
        let one = Wide(Tight::small(1).0);
        let right = u.right_side();
        let [power] = power_252_3([right]);
        // v² = ±right, if that is a square.
        let v = right.mul(power).tight();
        let sign = v.mul(power).tight();
        let other = v.mul(constant(SQRT_MINUS_1)).tight();
        let v = v.select(other, V::mask(!sign.equals(1)));
        let (above, below) = (Wide(u.0).add(one).tight(), Wide(u.0).biased().sub(one).tight());
        let scaled = constant(SCALE).mul(u).tight();
        let point = Self {
            x: scaled.mul(above),
            y: below.mul_biased(v),
            z: above.mul_biased(v),
            t: scaled.mul(below),
        };
        (point, sign)
    }

    #[inline(always)]
    pub(super) fn double(&self) -> Self {
        let (x, y, z) = (self.x.tight(), self.y.wide().tight(), self.z.wide().tight());
        let (a, b, c) = (x.square(), y.square(), z.square());
        let h = a.add(b);
        let e = h.biased().sub(self.y.add(self.x).tight().square()).tight();
        let g = a.biased().sub(b);
        let f = g.add(c).add(c).tight();
        Self::of(e, f, g.tight(), h.tight())
    }

    #[inline(always)]
    pub(super) fn add(&self, other: &Cached<V>) -> Self {
        let d = self.z.wide().tight().mul_biased(other.two_z);
        self.add_scaled(&other.affine, d, V::mask(0))
    }

    /// Adds a point, or its negative in the lanes of the mask.
    #[inline(always)]
    pub(super) fn add_signed(&self, other: &Niels<V>, negative: V::Mask) -> Self {
        self.add_scaled(other, self.z.double(), negative)
    }

    /// `d` is 2·Z·Z' for the Z' of the other point.
    #[inline(always)]
    fn add_scaled(&self, other: &Niels<V>, d: Biased<V>, negative: V::Mask) -> Self {
        // The negative of a point has Y + X and Y - X exchanged, and T negated.
        let Niels { sum, difference, two_dt } = *other;
        let a = self.y.sub(self.x).tight().mul(difference.select(sum, negative));
        let b = self.y.add(self.x).tight().mul_biased(sum.select(difference, negative));
        let c = self.t.tight().mul(two_dt);
        let (f, g) = (d.sub(c).tight(), d.add(c).tight());
        Self::of(b.sub(a).tight(), f.select(g, negative), g.select(f, negative), b.add(a).tight())
    }

    /// The common end of all formulas.
    #[inline(always)]
    fn of(e: Tight<V>, f: Tight<V>, g: Tight<V>, h: Tight<V>) -> Self {
        Self { x: e.mul(f), y: g.mul_biased(h), z: f.mul_biased(g), t: e.mul(h) }
    }

    #[inline(always)]
    pub(super) fn cached(&self) -> Cached<V> {
        let affine = Niels {
            sum: self.y.add(self.x).tight(),
            difference: self.y.sub(self.x).tight(),
            two_dt: self.t.tight().mul(constant(TWO_D)).tight(),
        };
        Cached { affine, two_z: self.z.double().wide().tight() }
    }

    #[inline(always)]
    pub(super) fn projective(&self) -> Projective<V> {
        Projective { x: self.x.tight(), y: self.y.wide().tight(), z: self.z.wide().tight() }
    }

    /// Numerator and denominator of u = (1 + y)/(1 - y).
    #[inline(always)]
    pub(super) fn u_fraction(&self) -> (Tight<V>, Tight<V>) {
        let y = self.y.wide();
        // y has its own bias, so z needs another.
        (self.z.add(y).tight(), self.z.wide().biased().sub(y).tight())
    }

    /// The other point in the lanes of the mask.
    #[inline(always)]
    pub(super) fn select(&self, other: &Self, mask: V::Mask) -> Self {
        Self {
            x: self.x.select(other.x, mask),
            y: self.y.select(other.y, mask),
            z: self.z.select(other.z, mask),
            t: self.t.select(other.t, mask),
        }
    }
}

impl<V: Lanes> Projective<V> {
    /// The point with Z = 1, from 1/Z.
    #[inline(always)]
    pub(super) fn niels(&self, inverse: Tight<V>) -> Niels<V> {
        let (x, y) = (self.x.mul(inverse), self.y.mul_biased(inverse));
        let product = x.tight().mul(y.wide().tight()).tight();
        Niels { sum: y.add(x).tight(), difference: y.sub(x).tight(), two_dt: product.mul(constant(TWO_D)).tight() }
    }
}

#[inline(always)]
fn constant<V: Lanes>([c0, c1, c2, c3, c4]: [u64; 5]) -> Tight<V> {
    Tight([V::splat(c0), V::splat(c1), V::splat(c2), V::splat(c3), V::splat(c4)])
}
