//! The proxy factor: the number that turns messages for the forwarder into messages for the forwardee.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use curve25519_dalek::Scalar;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    Error, Point, PointPolicy, PointRejection, Result, SubkeySecret,
    point::{transform_draft, transform_strict},
};

/// The proxy factor `k = dB·dC⁻¹ mod n` of one pair of subkeys; the draft calls it the proxy parameter
/// ([draft-wussler-openpgp-forwarding-00 §5.2](https://datatracker.ietf.org/doc/html/draft-wussler-openpgp-forwarding-00#section-5.2)).
///
/// `n = 2^252 + 27742317777372353535851937790883648493` is the order of Curve25519's prime-order group,
/// `dB` and `dC` are the clamped secrets of forwarder and forwardee. `k` itself is never clamped.
///
/// It decrypts nothing by itself, yet it is a secret: together with the forwardee's key it gives the
/// forwarder's. Wiped when dropped, compared in constant time; moving it moves a pointer and leaves no copy behind.
#[doc(alias = "proxy parameter")]
pub struct ProxyFactor(Box<Zeroizing<Scalar>>);

impl ProxyFactor {
    /// Computes the factor of a pair of subkeys, in constant time.
    #[must_use]
    pub fn compute(forwarder: &SubkeySecret, forwardee: &SubkeySecret) -> Self {
        let inverse = Zeroizing::new(forwardee.scalar().invert());
        Self::new(*forwarder.scalar() * *inverse)
    }

    /// Reads a factor: 32 octets, little-endian.
    ///
    /// # Errors
    ///
    /// [`Error::FactorOutOfRange`] for 0 and for values of n and above.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        let factor = Option::from(Scalar::from_canonical_bytes(*bytes)).map(Self::new);
        factor.filter(|k: &Self| !bool::from(k.0.ct_eq(&Scalar::ZERO))).ok_or(Error::FactorOutOfRange)
    }

    fn new(k: Scalar) -> Self {
        Self(Box::new(Zeroizing::new(k)))
    }

    /// Reads a factor written as 64 hexadecimal digits, little-endian, in constant time.
    ///
    /// # Errors
    ///
    /// As [`Self::from_bytes`]; also for another length or other characters.
    pub fn from_hex(hex: &str) -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        match base16ct::mixed::decode(hex, bytes.as_mut()) {
            Ok(read) if read.len() == 32 => Self::from_bytes(&bytes),
            _ => Err(Error::FactorOutOfRange),
        }
    }

    /// The secret value: 32 octets, little-endian.
    #[must_use]
    pub fn expose_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The factor of two forwards in a row, `k·k'`: what [`Self::compute`] gives for the first forwarder
    /// and the last forwardee.
    #[must_use]
    pub fn compose(&self, next: &Self) -> Self {
        Self::new(**self.0 * **next.0)
    }

    /// Whether this factor belongs to these two public keys: `k·Q_C = Q_B`.
    ///
    /// Checked when an instance is registered, it refuses a wrong factor before the first mail is lost.
    #[must_use]
    pub fn verify(&self, forwarder: &Point, forwardee: &Point) -> bool {
        self.transform_point(*forwardee, PointPolicy::Strict)
            .is_ok_and(|point| point.as_bytes().ct_eq(forwarder.as_bytes()).into())
    }

    /// Multiplies each point by the factor. The time does not depend on the factor.
    ///
    /// The result has one entry per point, in the same order.
    #[must_use]
    pub fn transform(&self, points: &[Point], policy: PointPolicy) -> Vec<Result<Point, PointRejection>> {
        points.iter().map(|point| self.transform_point(*point, policy)).collect()
    }

    fn transform_point(&self, point: Point, policy: PointPolicy) -> Result<Point, PointRejection> {
        match policy {
            PointPolicy::Strict => {
                let eighth = Zeroizing::new(self.0.div_by_2().div_by_2().div_by_2());
                transform_strict(&eighth, point)
            }
            PointPolicy::Draft => transform_draft(&self.0, point),
        }
    }
}

impl ConstantTimeEq for ProxyFactor {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl ZeroizeOnDrop for ProxyFactor {}

impl fmt::Debug for ProxyFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyFactor(..)")
    }
}
