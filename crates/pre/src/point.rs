//! Points of Curve25519 as OpenPGP messages carry them, and the transform of such a point.

use core::fmt;

use curve25519_dalek::{MontgomeryPoint, Scalar, edwards::EdwardsPoint, traits::IsIdentity};
use subtle::{Choice, ConstantTimeEq};

use crate::{Error, Result};

/// The u-coordinate of a point of Curve25519 in Montgomery form: 32 octets, little-endian
/// ([RFC 7748 §5](https://www.rfc-editor.org/rfc/rfc7748#section-5)).
///
/// On the wire OpenPGP puts the octet 0x40 in front ([RFC 9580 §11.2.1](https://www.rfc-editor.org/rfc/rfc9580#section-11.2.1)).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Point([u8; 32]);

impl Point {
    /// The octet in front of a native point on the wire.
    pub(crate) const PREFIX: u8 = 0x40;

    /// The point with this u-coordinate: 32 octets, little-endian. Any value is accepted here; the
    /// [`PointPolicy`] judges it when it is transformed.
    #[must_use]
    pub const fn from_bytes(u: [u8; 32]) -> Self {
        Self(u)
    }

    /// The point in OpenPGP's form: 0x40, then the u-coordinate; 33 octets.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if the length or the first octet is another one.
    pub fn from_wire(wire: &[u8]) -> Result<Self> {
        match wire {
            [Self::PREFIX, u @ ..] => u.try_into().map(Self).map_err(|_| Error::malformed("point", 0)),
            _ => Err(Error::malformed("point", 0)),
        }
    }

    /// The u-coordinate: 32 octets, little-endian.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The point in OpenPGP's form: 0x40, then the u-coordinate; 33 octets.
    #[must_use]
    pub fn to_wire(self) -> [u8; 33] {
        let mut wire = [Self::PREFIX; 33];
        for (to, from) in wire.iter_mut().skip(1).zip(self.0) {
            *to = from;
        }
        wire
    }

    pub(crate) fn montgomery(self) -> MontgomeryPoint {
        MontgomeryPoint(self.0)
    }

    /// Whether the coordinate is one that an honest sender makes.
    pub(crate) fn check_coordinate(self) -> Result<(), PointRejection> {
        match self.0.last() {
            Some(0x80..) => Err(PointRejection::HighBit),
            _ if !self.is_canonical() => Err(PointRejection::NonCanonical),
            _ => Ok(()),
        }
    }

    /// 8 times the point on the Edwards curve, or why it isn't one that an honest sender makes.
    pub(crate) fn on_curve(self) -> Result<EdwardsPoint, PointRejection> {
        self.check_coordinate()?;
        let point = self.montgomery().to_edwards(0).ok_or(PointRejection::OnTwist)?;
        let cleared = point.mul_by_cofactor();
        if cleared.is_identity() { Err(PointRejection::SmallOrder) } else { Ok(cleared) }
    }

    /// Whether the value, high bit aside, is below p = 2^255 - 19. Points are public: the time may vary.
    fn is_canonical(self) -> bool {
        let [low, middle @ .., high] = self.0;
        low < 0xED || high & 0x7F != 0x7F || middle.iter().any(|&octet| octet != 0xFF)
    }
}

impl ConstantTimeEq for Point {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Which points of Curve25519 the transform accepts. Both policies give the same octets for every point that an
/// honest sender makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PointPolicy {
    /// The u-coordinate is canonical and its high bit clear, the point is on the curve and not on its
    /// twist, its torsion component is removed before the factor touches it, and the identity is refused.
    ///
    /// The factor that multiplies the sender's point is thus ≡ k modulo the group's order and ≡ 0 modulo
    /// 8: what a sender adds of order 8 can't reveal k modulo 8.
    #[default]
    Strict,
    /// Exactly the draft's check ([draft-wussler-openpgp-forwarding-00 §6](https://datatracker.ietf.org/doc/html/draft-wussler-openpgp-forwarding-00#section-6)):
    /// `8·P` must not be the identity. A sender who crafts points learns the factor modulo 8, up to its sign.
    Draft,
}

/// Why a point was refused. [`PointRejection::NonCanonical`] is for all groups, what stands before it and the two behind
/// it for Curve25519, and the others for P-256 and P-384.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PointRejection {
    /// The high bit of the last octet is set.
    #[error("the ephemeral point's high bit is set")]
    HighBit,
    /// A coordinate is not below the field's prime: for Curve25519 2^255 - 19.
    #[error("the ephemeral point's coordinate is not canonical")]
    NonCanonical,
    /// The point lies on the twist of the curve.
    #[error("the ephemeral point is not on Curve25519 but on its twist")]
    OnTwist,
    /// The point has an order that divides 8.
    #[error("the ephemeral point has a small order")]
    SmallOrder,
    /// Its length, or its first octet, is none of the forms of its group: see [`NistPoint::from_sec1`](crate::NistPoint::from_sec1).
    #[error("the ephemeral point is malformed")]
    Malformed,
    /// The coordinates don't fulfil the equation of the curve.
    #[error("the ephemeral point is not on the curve")]
    NotOnCurve,
    /// The point at infinity.
    #[error("the ephemeral point is the point at infinity")]
    Identity,
}

/// `k·P`, where `k8` is `k/8` modulo the group's order.
pub(crate) fn transform_strict(k8: &Scalar, point: Point) -> Result<Point, PointRejection> {
    Ok(Point((point.on_curve()? * k8).to_montgomery().to_bytes()))
}

/// `k·P` by the ladder over the integer k < n, after the draft's check.
pub(crate) fn transform_draft(k: &Scalar, point: Point) -> Result<Point, PointRejection> {
    let point = point.montgomery();
    // The ladder gives u = 0 for the identity, on the curve and on the twist.
    if (point * Scalar::from(8u8)).to_bytes() == [0; 32] {
        return Err(PointRejection::SmallOrder);
    }
    Ok(Point((point * k).to_bytes()))
}
