//! The fast way to multiply many points: eight lanes side by side, where the processor can.
//!
//! All is written once over [`lanes::Lanes`]. [`batch`] multiplies many points by a scalar each, on the Montgomery
//! ladder; [`comb`] multiplies one point by many scalars, on the Edwards form.

use alloc::vec::Vec;

#[cfg(all(target_arch = "x86_64", not(unoptimized)))]
mod avx512;
mod batch;
mod comb;
mod edwards;
mod field;
mod ladder;
mod lanes;
mod octets;
mod power;
#[cfg(test)]
mod range;
#[cfg(test)]
mod single;
mod swaps;

/// A number: 32 octets, little-endian.
pub(crate) type Octets = [u8; 32];

/// A scalar below the group's order that is odd.
pub(crate) type OddScalar = Octets;

/// Whether this processor has a kernel.
pub(crate) fn is_available() -> bool {
    #[cfg(all(target_arch = "x86_64", not(unoptimized)))]
    return avx512::Avx512::detect().is_some();
    #[cfg(not(all(target_arch = "x86_64", not(unoptimized))))]
    return false;
}
#[cfg(test)]
mod tests;
