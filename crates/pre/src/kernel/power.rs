//! Inverses and quadratic characters: long powers in the field, of several vectors side by side.

use super::{
    field::{LIMB, LOW_47, LOW_52, TOP, Tight, Wide},
    lanes::Lanes,
};

/// Independent elements: while one waits for its last product, the processor goes on with the next.
pub(super) type Several<V, const N: usize> = [Tight<V>; N];

#[inline(always)]
fn mul<V: Lanes, const N: usize>(a: Several<V, N>, b: Several<V, N>) -> Several<V, N> {
    let mut products = a;
    for (product, b) in products.iter_mut().zip(b) {
        *product = product.mul(b).tight();
    }
    products
}

/// Squares so many times.
#[inline(always)]
fn square<V: Lanes, const N: usize>(a: Several<V, N>, times: u32) -> Several<V, N> {
    let mut powers = a;
    for _ in 0..times {
        for power in &mut powers {
            *power = power.square().tight();
        }
    }
    powers
}

/// The power (p - 5)/8 = 2^252 - 3.
#[inline(always)]
pub(super) fn power_252_3<V: Lanes, const N: usize>(a: Several<V, N>) -> Several<V, N> {
    let to_2 = square(a, 1);
    let to_9 = mul(square(to_2, 2), a);
    let to_11 = mul(to_9, to_2);
    // The powers 2^5 - 1, 2^10 - 1, and so on.
    let ones_5 = mul(square(to_11, 1), to_9);
    let ones_10 = mul(square(ones_5, 5), ones_5);
    let ones_20 = mul(square(ones_10, 10), ones_10);
    let ones_40 = mul(square(ones_20, 20), ones_20);
    let ones_50 = mul(square(ones_40, 10), ones_10);
    let ones_100 = mul(square(ones_50, 50), ones_50);
    let ones_200 = mul(square(ones_100, 100), ones_100);
    let ones_250 = mul(square(ones_200, 50), ones_50);
    mul(square(ones_250, 2), a)
}

/// The quadratic character of each element, 1, 0 or p - 1; and the inverses of those for which it is 1.
#[inline(always)]
pub(super) fn character_and_inverse<V: Lanes, const N: usize>(a: Several<V, N>) -> (Several<V, N>, Several<V, N>) {
    let to_2 = square(power_252_3(a), 1);
    // a^((p-1)/4), whose square is the character; and a^((p-3)/2).
    (square(mul(to_2, a), 1), mul(square(to_2, 1), a))
}

impl<V: Lanes> Tight<V> {
    /// `u³ + 486662·u² + u`: a square if the point is on the curve, and not if it is on the twist.
    #[inline(always)]
    pub(super) fn right_side(self) -> Self {
        let one = Wide(Self::small(1).0);
        self.mul(self.square().add_small_product(486_662, self).add(one).tight()).tight()
    }

    /// The number below p, its limbs with nothing above their bits.
    #[inline(always)]
    pub(super) fn canonical(self) -> Self {
        let low = V::splat(LOW_52);
        let [a0, a1, a2, a3, a4] = self.0;
        let (a0, a1, a2, a3) = (a0.and(low), a1.and(low), a2.and(low), a3.and(low));
        // Whether the number, below 2p, is p or more: then 19 more carry out of bit 254.
        let carry = a0.add(V::splat(19)).shr::<LIMB>();
        let carry = a1.add(carry).shr::<LIMB>();
        let carry = a2.add(carry).shr::<LIMB>();
        let carry = a3.add(carry).shr::<LIMB>();
        let excess = a4.add(carry).shr::<TOP>();
        let a0 = a0.add_low(excess, V::splat(19));
        let a1 = a1.add(a0.shr::<LIMB>());
        let a2 = a2.add(a1.shr::<LIMB>());
        let a3 = a3.add(a2.shr::<LIMB>());
        let a4 = a4.add(a3.shr::<LIMB>());
        Self([a0.and(low), a1.and(low), a2.and(low), a3.and(low), a4.and(V::splat(LOW_47))])
    }
}
