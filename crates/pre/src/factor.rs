//! The proxy factor: the number that turns messages for the forwarder into messages for the forwardee.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use curve25519_dalek::Scalar;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    Error, Point, PointPolicy, PointRejection, Result, SubkeySecret,
    point::{transform_draft, transform_strict},
    product::multiply,
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
pub struct ProxyFactor {
    secret: Box<Secret>,
    #[cfg(feature = "aws-lc")]
    prepared: crate::x25519::Prepared,
}

#[derive(Zeroize, ZeroizeOnDrop)]
struct Secret {
    k: Scalar,
    x25519_key: [u8; 32],
}

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
        factor.filter(|k: &Self| !bool::from(k.secret.k.ct_eq(&Scalar::ZERO))).ok_or(Error::FactorOutOfRange)
    }

    fn new(k: Scalar) -> Self {
        let mut secret = Box::new(Secret { k, x25519_key: [0; 32] });
        write_x25519_key(&secret.k.to_bytes(), &mut secret.x25519_key);
        Self {
            secret,
            #[cfg(feature = "aws-lc")]
            prepared: crate::x25519::Prepared::default(),
        }
    }

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
        let key = &self.secret.x25519_key;
        key.last().is_some_and(|high| high & 0xC0 == 0x40).then_some(key)
    }

    /// `k/8` or `-k/8` modulo the group's order, whichever is odd.
    pub(crate) fn odd_eighth(&self) -> [u8; 32] {
        let mut eighth = self.eighth().to_bytes();
        let negative = Zeroizing::new((-*self.eighth()).to_bytes());
        let even = Choice::from(!eighth.first().copied().unwrap_or_default() & 1);
        for (octet, other) in eighth.iter_mut().zip(negative.iter()) {
            octet.conditional_assign(other, even);
        }
        eighth
    }

    fn eighth(&self) -> Zeroizing<Scalar> {
        Zeroizing::new(self.secret.k.div_by_2().div_by_2().div_by_2())
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
        Zeroizing::new(self.secret.k.to_bytes())
    }

    /// The factor of two forwards in a row, `k·k'`: what [`Self::compute`] gives for the first forwarder
    /// and the last forwardee.
    #[must_use]
    pub fn compose(&self, next: &Self) -> Self {
        Self::new(self.secret.k * next.secret.k)
    }

    /// Whether this factor belongs to these two public keys: `k·Q_C = Q_B`.
    ///
    /// Checked when an instance is registered, it refuses a wrong factor before the first mail is lost.
    #[must_use]
    pub fn verify(&self, forwarder: &Point, forwardee: &Point) -> bool {
        self.transform_one(*forwardee, PointPolicy::Strict)
            .is_ok_and(|point| point.as_bytes().ct_eq(forwarder.as_bytes()).into())
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
            PointPolicy::Strict => {
                #[cfg(feature = "aws-lc")]
                if let Some(key) = self.x25519_key()
                    && let Some(product) = self.prepared.transform(key, point)?
                {
                    return Ok(product);
                }
                transform_strict(&self.eighth(), point)
            }
            PointPolicy::Draft => transform_draft(&self.secret.k, point),
        }
    }
}

/// See [`ProxyFactor::to_x25519_key`]; in constant time.
fn write_x25519_key(k: &[u8; 32], key: &mut [u8; 32]) {
    // n = 5 modulo 8, and 5·5 = 1.
    let t = k.first().map_or(0, |low| low.wrapping_mul(3) & 7);
    let large = Choice::from(t >> 2);
    let (times, sign) =
        (i32::from(u8::conditional_select(&(8 - t), &t, large)), i32::conditional_select(&-1, &1, large));
    let mut carry = 0_i32;
    for ((to, k), n) in key.iter_mut().zip(k).zip(ORDER) {
        carry += times * i32::from(n) + sign * i32::from(*k);
        [*to, ..] = carry.to_le_bytes();
        carry >>= 8;
    }
}

/// n, little-endian.
const ORDER: [u8; 32] = [
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

impl ConstantTimeEq for ProxyFactor {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.secret.k.ct_eq(&other.secret.k)
    }
}

impl ZeroizeOnDrop for ProxyFactor {}

impl fmt::Debug for ProxyFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyFactor(..)")
    }
}
