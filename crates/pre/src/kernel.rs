//! The fast way to multiply many points: eight lanes side by side, where the processor can.
//!
//! All is written once over [`lanes::Lanes`]. [`batch`] multiplies many points by a scalar each, on the Montgomery
//! ladder; [`comb`] multiplies one point by many scalars, on the Edwards form.
#![expect(
    clippy::inline_always,
    reason = "what is not inlined into a function with AVX-512 is compiled without, and moves its operands through memory"
)]
#![cfg_attr(
    not(all(target_arch = "x86_64", not(unoptimized))),
    expect(dead_code, reason = "without vectors only the tests and checks use it")
)]
#![expect(clippy::indexing_slicing, reason = "all indices are constants, or counts of lanes, limbs, digits or bits")]

use alloc::vec::Vec;

#[cfg(all(target_arch = "x86_64", not(unoptimized)))]
mod avx512;
mod batch;
#[cfg(feature = "aws-lc")]
mod character;
mod comb;
mod edwards;
mod field;
mod ladder;
mod lanes;
mod octets;
mod power;
#[cfg(test)]
mod range;
#[cfg(any(test, feature = "aws-lc", feature = "checks"))]
mod single;
mod swaps;
mod text;

#[cfg(all(target_arch = "x86_64", not(unoptimized)))]
use avx512 as vectors;
pub(crate) use text::{is_base64, is_blank, runs};

#[cfg(feature = "aws-lc")]
pub(crate) use character::is_on_curve;

/// How many points a vector has.
pub(crate) const LANES: usize = octets::LANES;

/// A number: 32 octets, little-endian.
pub(crate) type Octets = [u8; 32];

/// A scalar below the group's order that is odd.
pub(crate) type OddScalar = Octets;

/// Whether this processor can run the kernel.
pub(crate) fn is_available() -> bool {
    vectors::Vectors::detect().is_some()
}

/// Whether the kernel reduces with whole products; nothing if this processor can't run it.
pub(crate) fn whole_products() -> Option<bool> {
    vectors::Vectors::detect().map(vectors::Vectors::whole_products)
}

/// `K'·P` for each of these clamped scalars and points with canonical coordinates. Nothing in place of a product whose
/// point is on the twist, or which is the identity; and nothing at all if the processor can't.
///
/// The time does not depend on the scalars. What it leaves on the stack and in registers is wiped.
pub(crate) fn multiply(scalars: &[&Octets], points: &[&Octets]) -> Option<Vec<Option<Octets>>> {
    vectors::Vectors::detect().map(|vectors| vectors.multiply(scalars, points))
}

/// `s·8·P` for each of these scalars and the point with this canonical coordinate. Nothing if the point is on the twist,
/// if its order divides 8, or if the processor can't.
pub(crate) fn fan_out(scalars: &[OddScalar], point: &Octets) -> Option<Vec<Octets>> {
    vectors::Vectors::detect()?.fan_out(scalars, point)
}

/// The same source on one lane, for programs that watch it where vectors can't run.
#[cfg(feature = "checks")]
pub(crate) mod one_lane {
    use super::{Octets, OddScalar, Vec, batch, comb::Comb, single::Single};

    pub(crate) fn multiply(scalars: &[&Octets], points: &[&Octets]) -> Vec<Option<Octets>> {
        batch::multiply::<Single<false>>(scalars, points)
    }

    pub(crate) fn fan_out(scalars: &[OddScalar], point: &Octets) -> Option<Vec<Octets>> {
        Comb::new::<Single<false>>(point).map(|comb| comb.multiply::<Single<false>>(scalars))
    }
}

/// Where there are no vectors.
#[cfg(not(all(target_arch = "x86_64", not(unoptimized))))]
mod vectors {
    use super::{Octets, OddScalar, Vec};

    pub(super) enum Vectors {}

    impl Vectors {
        pub(super) fn detect() -> Option<Self> {
            None
        }

        pub(super) fn whole_products(self) -> bool {
            match self {}
        }

        pub(super) fn multiply(self, _: &[&Octets], _: &[&Octets]) -> Vec<Option<Octets>> {
            match self {}
        }

        pub(super) fn fan_out(self, _: &[OddScalar], _: &Octets) -> Option<Vec<Octets>> {
            match self {}
        }
    }
}

#[cfg(all(test, target_arch = "x86_64", not(unoptimized)))]
mod tests;
