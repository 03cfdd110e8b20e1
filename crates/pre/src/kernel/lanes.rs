//! What the kernel computes with: vectors of 64-bit lanes.

/// A vector of unsigned 64-bit lanes, all of which do the same.
///
/// No lane ever falls below 0 or reaches 2^64: a test runs the kernel over ranges of numbers and proves it.
pub(super) trait Lanes: Copy {
    /// How many lanes there are; at most 8.
    const COUNT: usize;
    /// Whether [`Self::add_product`] is as fast as [`Self::add_low`].
    const WHOLE_PRODUCTS: bool;
    /// One bit per lane.
    type Mask: Copy;

    /// The same number in all lanes.
    fn splat(number: u64) -> Self;
    /// The first [`Self::COUNT`] numbers.
    fn load(numbers: &[u64; 8]) -> Self;
    /// The number of each lane, in the first [`Self::COUNT`] places.
    fn store(self) -> [u64; 8];
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn shr<const BITS: u32>(self) -> Self;
    /// `self` plus the low 52 bits of the product of the low 52 bits of `a` and `b`.
    fn add_low(self, a: Self, b: Self) -> Self;
    /// `self` plus the high 52 bits of the product of the low 52 bits of `a` and `b`.
    fn add_high(self, a: Self, b: Self) -> Self;
    /// `self` plus the whole product, which is below 2^64.
    fn add_product(self, a: Self, b: Self) -> Self;
    /// For each lane the number at its index, which is below 16; in constant time.
    fn look_up(table: &[u64; 16], index: Self) -> Self;
    /// Lane `i` has bit `i`.
    fn mask(bits: u8) -> Self::Mask;
    /// `other` where the mask has a 1, `self` where it has a 0; in constant time.
    fn select(self, other: Self, mask: Self::Mask) -> Self;
}
