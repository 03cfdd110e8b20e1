//! The kernel's source on one lane: not part of the interface, for checks with Valgrind, which knows no AVX-512.

use alloc::vec::Vec;

use crate::{Point, ProxyFactor, kernel::one_lane};

/// Multiplies each point by the factor.
#[must_use]
pub fn transform(factor: &ProxyFactor, points: &[Point]) -> Vec<Option<[u8; 32]>> {
    let Some(key) = factor.x25519_key() else { return Vec::new() };
    let points: Vec<_> = points.iter().map(Point::as_bytes).collect();
    one_lane::multiply(&alloc::vec![key; points.len()], &points)
}

/// Multiplies a point by each of the factors.
#[must_use]
pub fn transform_each(factors: &[&ProxyFactor], point: Point) -> Option<Vec<[u8; 32]>> {
    let scalars: Vec<_> = factors.iter().map(|factor| factor.odd_eighth()).collect();
    one_lane::fan_out(&scalars, point.as_bytes())
}
