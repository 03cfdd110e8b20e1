//! A lane that stands for all numbers of a range: what is computed with it holds for each of them.

use super::{field::LOW_52, lanes::Lanes};

#[derive(Clone, Copy)]
pub(super) struct Range<const FULL: bool> {
    low: u64,
    high: u64,
}

impl<const FULL: bool> Range<FULL> {
    fn up_to(high: u64) -> Self {
        Self { low: 0, high }
    }

    /// The highest product of the low 52 bits.
    fn product(self, other: Self) -> u128 {
        u128::from(self.high.min(LOW_52)) * u128::from(other.high.min(LOW_52))
    }

    fn plus(self, high: u64) -> Self {
        self.add(Self::up_to(high))
    }
}

impl<const FULL: bool> Lanes for Range<FULL> {
    const COUNT: usize = 1;
    const WHOLE_PRODUCTS: bool = FULL;
    type Mask = ();

    fn splat(number: u64) -> Self {
        Self { low: number, high: number }
    }

    /// Numbers that are loaded may be any that fit into 52 bits; limb 4 must be told by a canonical number.
    fn load(numbers: &[u64; 8]) -> Self {
        Self::up_to(numbers[0])
    }

    fn store(self) -> [u64; 8] {
        [self.high; 8]
    }

    fn add(self, other: Self) -> Self {
        Self { low: self.low.checked_add(other.low).unwrap(), high: self.high.checked_add(other.high).unwrap() }
    }

    fn sub(self, other: Self) -> Self {
        Self { low: self.low.checked_sub(other.high).unwrap(), high: self.high.checked_sub(other.low).unwrap() }
    }

    fn and(self, other: Self) -> Self {
        Self::up_to(self.high.min(other.high))
    }

    fn shr<const BITS: u32>(self) -> Self {
        Self { low: self.low >> BITS, high: self.high >> BITS }
    }

    fn add_low(self, a: Self, b: Self) -> Self {
        self.plus(a.product(b).min(LOW_52.into()).try_into().unwrap())
    }

    fn add_high(self, a: Self, b: Self) -> Self {
        self.plus((a.product(b) >> 52).try_into().unwrap())
    }

    fn add_product(self, a: Self, b: Self) -> Self {
        self.plus(a.high.checked_mul(b.high).unwrap())
    }

    fn look_up(table: &[u64; 16], _: Self) -> Self {
        Self::up_to(*table.iter().max().unwrap())
    }

    fn mask(_: u8) {}

    fn select(self, other: Self, (): ()) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }
}
