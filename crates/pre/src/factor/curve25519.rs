//! Factors of Curve25519 as X25519 keys, and many points at once.

use alloc::vec::Vec;
use core::fmt;

use curve25519_dalek::Scalar;
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Point, PointPolicy, PointRejection, ProxyFactor, Result,
    point::{transform_draft, transform_strict},
    product::multiply,
};

impl ProxyFactor {
    /// The factor as an X25519 private key ([RFC 7748 §5](https://www.rfc-editor.org/rfc/rfc7748#section-5)): 32 octets,
    /// little-endian, clamped.
    ///
    /// With `t = -k·n⁻¹ mod 8` it is `K' = k + t·n` for `t ≥ 4`, else `(8-t)·n - k`: a multiple of 8 between 2^254 and
    /// 2^255, and ±k modulo n. Since a point and its negative have the same u-coordinate, `X25519(K', P)` is what
    /// [`Self::transform`] gives, so whatever computes X25519 can transform: see [`Backend`](crate::Backend).
    ///
    /// Nothing for the few factors, one in 2^124, whose key would need more bits. Those made of keys are none of them,
    /// unless by that chance.
    #[must_use]
    pub fn to_x25519_key(&self) -> Option<Zeroizing<[u8; 32]>> {
        self.x25519_key().copied().map(Zeroizing::new)
    }

    /// The same where it is.
    pub(crate) fn x25519_key(&self) -> Option<&[u8; 32]> {
        self.0.derived.get()
    }

    /// `k/8` or `-k/8` modulo the group's order, whichever is odd.
    pub(crate) fn odd_eighth(&self) -> [u8; 32] {
        let k8 = eighth(&self.0.k);
        let mut odd = k8.to_bytes();
        let negative = Zeroizing::new((-*k8).to_bytes());
        let even = Choice::from(!odd.first().copied().unwrap_or_default() & 1);
        for (octet, other) in odd.iter_mut().zip(negative.iter()) {
            octet.conditional_assign(other, even);
        }
        odd
    }

    /// Multiplies each point by the factor. The time does not depend on the factor.
    ///
    /// The result has one entry per point, in the same order.
    #[must_use]
    pub fn transform(&self, points: &[Point], policy: PointPolicy) -> Vec<Result<Point, PointRejection>> {
        let pairs: Vec<_> = points.iter().map(|point| (self, *point)).collect();
        multiply(&pairs, policy)
    }

    /// Without the kernel.
    pub(crate) fn transform_one(&self, point: Point, policy: PointPolicy) -> Result<Point, PointRejection> {
        match policy {
            PointPolicy::Strict => self.multiply(&point),
            PointPolicy::Draft => transform_draft(&self.0.k, point),
        }
    }
}

fn eighth(k: &Scalar) -> Zeroizing<Scalar> {
    Zeroizing::new(k.div_by_2().div_by_2().div_by_2())
}

/// A factor as an X25519 key: see [`ProxyFactor::to_x25519_key`].
#[derive(Default, Zeroize)]
pub struct X25519Key {
    key: [u8; 32],
    #[cfg(feature = "aws-lc")]
    #[zeroize(skip)]
    prepared: crate::x25519::Prepared,
}

impl X25519Key {
    /// Writes the key of a factor here; in constant time.
    pub(crate) fn derive(&mut self, k: &Scalar) {
        let k = Zeroizing::new(k.to_bytes());
        // n = 5 modulo 8, and 5·5 = 1.
        let t = k.first().map_or(0, |low| low.wrapping_mul(3) & 7);
        let large = Choice::from(t >> 2);
        let (times, sign) =
            (i32::from(u8::conditional_select(&(8 - t), &t, large)), i32::conditional_select(&-1, &1, large));
        let mut carry = 0_i32;
        for ((to, k), n) in self.key.iter_mut().zip(k.iter()).zip(ORDER) {
            carry += times * i32::from(n) + sign * i32::from(*k);
            [*to, ..] = carry.to_le_bytes();
            carry >>= 8;
        }
    }

    fn get(&self) -> Option<&[u8; 32]> {
        self.key.last().is_some_and(|high| high & 0xC0 == 0x40).then_some(&self.key)
    }

    /// `k·P` of one point, judged strictly.
    #[cfg_attr(not(feature = "aws-lc"), expect(clippy::unused_self, reason = "only AWS-LC takes the key"))]
    pub(crate) fn multiply(&self, k: &Scalar, point: Point) -> Result<Point, PointRejection> {
        #[cfg(feature = "aws-lc")]
        if let Some(key) = self.get()
            && let Some(product) = self.prepared.transform(key, point)?
        {
            return Ok(product);
        }
        transform_strict(&eighth(k), point)
    }
}

impl fmt::Debug for X25519Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("X25519Key(..)")
    }
}

/// n, little-endian.
const ORDER: [u8; 32] = [
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
