//! One lane, on any processor: what the tests compare with, and the checks for constant time run.

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::{field::LOW_52, lanes::Lanes};

/// A lane, with either way to reduce products.
#[derive(Clone, Copy)]
pub(super) struct Single<const FULL: bool>(u64);

fn product(a: u64, b: u64) -> u128 {
    u128::from(a & LOW_52) * u128::from(b & LOW_52)
}

/// The low 64 bits.
pub(super) fn low(number: u128) -> u64 {
    let [o0, o1, o2, o3, o4, o5, o6, o7, ..] = number.to_le_bytes();
    u64::from_le_bytes([o0, o1, o2, o3, o4, o5, o6, o7])
}

impl<const FULL: bool> Lanes for Single<FULL> {
    const COUNT: usize = 1;
    const WHOLE_PRODUCTS: bool = FULL;
    type Mask = Choice;

    fn splat(number: u64) -> Self {
        Self(number)
    }

    fn load([first, ..]: &[u64; 8]) -> Self {
        Self(*first)
    }

    fn store(self) -> [u64; 8] {
        [self.0, 0, 0, 0, 0, 0, 0, 0]
    }

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }

    fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn shr<const BITS: u32>(self) -> Self {
        Self(self.0 >> BITS)
    }

    fn add_low(self, a: Self, b: Self) -> Self {
        Self(self.0 + (low(product(a.0, b.0)) & LOW_52))
    }

    fn add_high(self, a: Self, b: Self) -> Self {
        Self(self.0 + low(product(a.0, b.0) >> 52))
    }

    fn add_product(self, a: Self, b: Self) -> Self {
        Self(self.0 + a.0 * b.0)
    }

    fn look_up(table: &[u64; 16], index: Self) -> Self {
        (0_u64..).zip(table).fold(Self(0), |found, (place, number)| found.select(Self(*number), place.ct_eq(&index.0)))
    }

    fn mask(bits: u8) -> Choice {
        Choice::from(bits & 1)
    }

    fn select(self, other: Self, mask: Choice) -> Self {
        Self(u64::conditional_select(&self.0, &other.0, mask))
    }
}
