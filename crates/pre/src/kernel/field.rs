//! The field of p = 2^255 - 19 in five limbs of 52 bits, one element per lane.
//!
//! A product of two limbs has 104 bits; the processor adds its low or its high half to a column of 64 bits. So an
//! element comes in two forms. [`Tight`] is what can be multiplied, [`Wide`] is what comes out and can be added and
//! subtracted. Only [`Wide::tight`] carries, and where a number is both added to and multiplied, it is done once.

use super::lanes::Lanes;

/// Bits of a limb.
pub(super) const LIMB: u32 = 52;
/// Bits of the highest limb: 4·52 + 47 = 255.
pub(super) const TOP: u32 = 47;
pub(super) const LOW_52: u64 = (1 << LIMB) - 1;
pub(super) const LOW_47: u64 = (1 << TOP) - 1;
/// 2^255 ≡ 19, and 2^260 ≡ 19·2^5.
const FOLD_255: u64 = 19;
const FOLD_260: u64 = 19 << 5;

/// A factor: the low 52 bits of limbs 0 to 3 count, whatever is above them, and limb 4 is below 2^47 + 2^12 + 1.
#[derive(Clone, Copy)]
pub(super) struct Tight<V>(pub(super) [V; 5]);

/// A sum: Σ wᵢ·2^(52·i). As a product comes, each wᵢ is below 2^61.3.
#[derive(Clone, Copy)]
pub(super) struct Wide<V>(pub(super) [V; 5]);

/// A sum with 2^15·p on top: what a product can be subtracted from.
#[derive(Clone, Copy)]
pub(super) struct Biased<V>(Wide<V>);

/// 2^15·p in limbs of about 2^62.
const BIAS: [u64; 5] = {
    let limb = (1 << 62) - (1 << 10);
    [(1 << 62) - (19 << 15), limb, limb, limb, limb]
};

impl<V: Lanes> Tight<V> {
    /// The same small number in all lanes, below 2^52.
    #[inline(always)]
    pub(super) fn small(number: u64) -> Self {
        let zero = V::splat(0);
        Self([V::splat(number), zero, zero, zero, zero])
    }

    #[inline(always)]
    pub(super) fn select(self, other: Self, mask: V::Mask) -> Self {
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        Self([a0.select(b0, mask), a1.select(b1, mask), a2.select(b2, mask), a3.select(b3, mask), a4.select(b4, mask)])
    }

    /// The product.
    #[inline(always)]
    pub(super) fn mul(self, other: Self) -> Wide<V> {
        self.mul_onto(other, [0; 5])
    }

    /// The product, to be subtracted from: the bias costs nothing here.
    #[inline(always)]
    pub(super) fn mul_biased(self, other: Self) -> Biased<V> {
        Biased(self.mul_onto(other, BIAS))
    }

    /// The square.
    #[inline(always)]
    pub(super) fn square(self) -> Wide<V> {
        self.square_onto([0; 5])
    }

    /// The square, to be subtracted from.
    #[inline(always)]
    pub(super) fn square_biased(self) -> Biased<V> {
        Biased(self.square_onto(BIAS))
    }

    #[inline(always)]
    fn mul_onto(self, other: Self, start: [u64; 5]) -> Wide<V> {
        let mut c: [V; 10] = columns(start);
        macro_rules! row {
            ($($i:literal)*) => { $( row!(@ $i, 0, 1, 2, 3, 4); )* };
            (@ $i:literal, $($j:literal),*) => { $(
                c[$i + $j] = c[$i + $j].add_low(self.0[$i], other.0[$j]);
                c[$i + $j + 1] = c[$i + $j + 1].add_high(self.0[$i], other.0[$j]);
            )* };
        }
        row!(0 1 2 3 4);
        fold(c)
    }

    #[inline(always)]
    fn square_onto(self, [start, rest @ ..]: [u64; 5]) -> Wide<V> {
        // All columns but the first are doubled below.
        let [k1, k2, k3, k4] = rest.map(|limb| limb / 2);
        let mut c: [V; 10] = columns([start, k1, k2, k3, k4]);
        macro_rules! add {
            ($($i:literal $j:literal),*) => { $(
                c[$i + $j] = c[$i + $j].add_low(self.0[$i], self.0[$j]);
                c[$i + $j + 1] = c[$i + $j + 1].add_high(self.0[$i], self.0[$j]);
            )* };
        }
        add!(0 1, 0 2, 0 3, 0 4, 1 2, 1 3, 1 4, 2 3, 2 4, 3 4);
        macro_rules! double {
            ($($k:literal)*) => { $( c[$k] = c[$k].add(c[$k]); )* };
        }
        double!(1 2 3 4 5 6 7 8);
        add!(0 0, 1 1, 2 2, 3 3, 4 4);
        fold(c)
    }

    /// `self·2^(52·i)` for i from 0 to 4, for [`Multiples::mul`].
    #[inline(always)]
    pub(super) fn multiples(self) -> Multiples<V> {
        let first = self.shift();
        let second = first.shift();
        let third = second.shift();
        Multiples([self, first, second, third, third.shift()])
    }

    /// `self·2^52`.
    #[inline(always)]
    fn shift(self) -> Self {
        let [a0, a1, a2, a3, a4] = self.0;
        let (zero, fold, low) = (V::splat(0), V::splat(FOLD_260), V::splat(LOW_52));
        Wide([zero.add_low(a4, fold), a0.and(low).add_high(a4, fold), a1.and(low), a2.and(low), a3.and(low)]).tight()
    }
}

/// An element that is multiplied often: its products need almost no reduction.
#[derive(Clone, Copy)]
pub(super) struct Multiples<V>([Tight<V>; 5]);

impl<V: Lanes> Multiples<V> {
    /// The product.
    #[inline(always)]
    pub(super) fn mul(&self, other: Tight<V>) -> Wide<V> {
        let mut c = [V::splat(0); 6];
        macro_rules! row {
            ($($i:literal)*) => { $( row!(@ $i, 0, 1, 2, 3, 4); )* };
            (@ $i:literal, $($j:literal),*) => { $(
                c[$j] = c[$j].add_low(other.0[$i], self.0[$i].0[$j]);
                c[$j + 1] = c[$j + 1].add_high(other.0[$i], self.0[$i].0[$j]);
            )* };
        }
        row!(0 1 2 3 4);
        let fold = V::splat(FOLD_260);
        let [c0, c1, c2, c3, c4, c5] = c;
        Wide([c0.add_low(c5, fold), c1.add_high(c5, fold).add_low(c5.shr::<LIMB>(), fold), c2, c3, c4])
    }
}

/// Ten columns, the first five of which start with these numbers.
#[inline(always)]
fn columns<V: Lanes>(start: [u64; 5]) -> [V; 10] {
    let ([c0, c1, c2, c3, c4], c) = (start.map(V::splat), V::splat(0));
    [c0, c1, c2, c3, c4, c, c, c, c, c]
}

/// Reduces ten columns to five.
#[inline(always)]
fn fold<V: Lanes>(c: [V; 10]) -> Wide<V> {
    let [c0, c1, c2, c3, c4, c5, c6, c7, c8, c9] = c;
    let fold = V::splat(FOLD_260);
    let c6 = c6.add(c5.shr::<LIMB>());
    let c7 = c7.add(c6.shr::<LIMB>());
    let c8 = c8.add(c7.shr::<LIMB>());
    let c9 = c9.add(c8.shr::<LIMB>());
    // Limbs 4 are below 2^47 + 2^12 + 1, so c9 is below 2^42 + 2^9 and 608·c9 below 2^52.
    if V::WHOLE_PRODUCTS {
        let low = V::splat(LOW_52);
        return Wide([
            c0.add_product(c5.and(low), fold),
            c1.add_product(c6.and(low), fold),
            c2.add_product(c7.and(low), fold),
            c3.add_product(c8.and(low), fold),
            c4.add_product(c9, fold),
        ]);
    }
    Wide([
        c0.add_low(c5, fold),
        c1.add_low(c6, fold).add_high(c5, fold),
        c2.add_low(c7, fold).add_high(c6, fold),
        c3.add_low(c8, fold).add_high(c7, fold),
        c4.add_low(c9, fold).add_high(c8, fold),
    ])
}

impl<V: Lanes> Wide<V> {
    #[inline(always)]
    pub(super) fn add(self, other: Self) -> Self {
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        Self([a0.add(b0), a1.add(b1), a2.add(b2), a3.add(b3), a4.add(b4)])
    }

    #[inline(always)]
    pub(super) fn biased(self) -> Biased<V> {
        Biased(self.add(Self(BIAS.map(V::splat))))
    }

    #[inline(always)]
    pub(super) fn select(self, other: Self, mask: V::Mask) -> Self {
        Self(Tight(self.0).select(Tight(other.0), mask).0)
    }

    /// `self + number·other`, with a number below 2^32.
    #[inline(always)]
    pub(super) fn add_small_product(self, number: u64, other: Tight<V>) -> Self {
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, other.0);
        let (number, zero) = (V::splat(number), V::splat(0));
        let a5 = zero.add_high(number, b4);
        Self([
            a0.add_low(number, b0).add_low(a5, V::splat(FOLD_260)),
            a1.add_low(number, b1).add_high(number, b0),
            a2.add_low(number, b2).add_high(number, b1),
            a3.add_low(number, b3).add_high(number, b2),
            a4.add_low(number, b4).add_high(number, b3),
        ])
    }

    /// Carries.
    #[inline(always)]
    pub(super) fn tight(self) -> Tight<V> {
        let [a0, a1, a2, a3, a4] = self.0;
        let a0 = a0.add_low(a4.shr::<TOP>(), V::splat(FOLD_255));
        let a1 = a1.add(a0.shr::<LIMB>());
        let a2 = a2.add(a1.shr::<LIMB>());
        let a3 = a3.add(a2.shr::<LIMB>());
        let a4 = a4.and(V::splat(LOW_47)).add(a3.shr::<LIMB>());
        Tight([a0, a1, a2, a3, a4])
    }
}

impl<V: Lanes> Biased<V> {
    /// The difference from a product.
    #[inline(always)]
    pub(super) fn sub(self, other: Wide<V>) -> Wide<V> {
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0.0, other.0);
        Wide([a0.sub(b0), a1.sub(b1), a2.sub(b2), a3.sub(b3), a4.sub(b4)])
    }

    /// The sum.
    #[inline(always)]
    pub(super) fn add(self, other: Wide<V>) -> Wide<V> {
        self.0.add(other)
    }

    /// Twice the number.
    #[inline(always)]
    pub(super) fn double(self) -> Self {
        Self(self.0.add(self.0))
    }

    #[inline(always)]
    pub(super) fn select(self, other: Self, mask: V::Mask) -> Self {
        Self(self.0.select(other.0, mask))
    }

    #[inline(always)]
    pub(super) fn wide(self) -> Wide<V> {
        self.0
    }
}
