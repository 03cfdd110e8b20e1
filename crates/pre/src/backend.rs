//! Where a factor multiplies points.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use zeroize::Zeroizing;

use crate::{Point, ProxyFactor};

#[cfg(feature = "pkcs11")]
pub(crate) mod pkcs11;

/// A factor that multiplies points wherever it is kept: in this process, in a token, in another service.
///
/// All it can do is X25519 (RFC 7748 §5) with a clamped private key, see `ProxyFactor::to_x25519_key`.
pub trait Backend: fmt::Debug + Send + Sync {
    /// `X25519(K', u)` for each of these points, in the same order. The caller has checked each: canonical, on the curve.
    ///
    /// # Errors
    ///
    /// The result for a point of small order is 0 or a `BackendError`.
    fn x25519(&self, points: &[Point]) -> Result<Vec<Point>, BackendError>;
}

/// Why a backend gave no result. Says what failed, never a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{backend}: {reason}")]
pub struct BackendError {
    backend: &'static str,
    reason: String,
}

impl BackendError {
    /// An error of this backend.
    pub fn new(backend: &'static str, reason: impl fmt::Display) -> Self {
        Self { backend, reason: reason.to_string() }
    }
}

impl ProxyFactor {
    /// The factor as a clamped X25519 private key: 32 octets, little-endian.
    ///
    /// With `t = -k·n⁻¹ mod 8` it is `k + t·n` for `t ≥ 4`, else `(8-t)·n - k`: 0 modulo 8, between 2^254 and 2^255.
    #[must_use]
    pub fn to_x25519_key(&self) -> Zeroizing<[u8; 32]> {
        const N: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let mut key = self.expose_bytes();
        // 5·5 = 1 modulo 8.
        let t = i32::from(key.first().map_or(0, |low| low.wrapping_mul(3) & 7));
        let (times, sign) = if t >= 4 { (t, 1) } else { (8 - t, -1) };
        let mut carry = 0_i32;
        for (octet, n) in key.iter_mut().zip(N) {
            carry += times * i32::from(n) + sign * i32::from(*octet);
            *octet = u8::try_from(carry & 0xff).unwrap_or(0);
            carry >>= 8;
        }
        key
    }
}
