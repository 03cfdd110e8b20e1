//! The groups in which mail is forwarded.

use alloc::vec::Vec;
use core::{fmt, ops::Mul, str::FromStr};

use subtle::{ConstantTimeEq, CtOption};
use zeroize::{Zeroize, Zeroizing};

use crate::{Error, PointRejection, Result};

mod any;
mod curve25519;
mod nist;

pub use any::AnyFactor;
pub use curve25519::Curve25519;
pub use nist::{NistCurve, NistGroup, NistPoint, NistSecret, P256, P384};

/// A group of prime order, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GroupId {
    /// Curve25519 (RFC 7748): OpenPGP and S/MIME.
    Curve25519,
    /// NIST P-256 (SP 800-186, section 3.2.1.3): S/MIME.
    P256,
    /// NIST P-384 (SP 800-186, section 3.2.1.4): S/MIME.
    P384,
}

impl GroupId {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Curve25519, "Curve25519"), (Self::P256, "P-256"), (Self::P384, "P-384")];
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find_map(|(group, name)| (group == self).then_some(name)).unwrap_or(&""))
    }
}

impl FromStr for GroupId {
    type Err = Error;

    /// Reads what [`Display`](fmt::Display) writes, nothing else.
    fn from_str(name: &str) -> Result<Self> {
        let group = Self::ALL.iter().find_map(|(group, other)| (*other == name).then_some(*group));
        group.ok_or(Error::Instance("its group is none of Curve25519, P-256 and P-384"))
    }
}

/// A group of prime order n whose points mail carries; in constant time where there are secrets. Only this crate has such.
pub trait Group: private::Sealed + Sized + 'static {
    /// A secret key.
    type Secret;
    /// A point as messages carry it.
    type Point: ConstantTimeEq;
    /// An integer modulo n: 32 octets, little-endian, for Curve25519; 32 or 48, big-endian, for P-256 and P-384.
    type Octets: AsRef<[u8]> + AsMut<[u8]> + Default + Zeroize;

    /// An integer modulo n.
    #[doc(hidden)]
    type Scalar: Copy + ConstantTimeEq + Zeroize + Mul<Output = Self::Scalar>;
    /// What is computed once for each factor.
    #[doc(hidden)]
    type Derived: Default + Zeroize;

    /// The neutral element of multiplication.
    #[doc(hidden)]
    const ONE: Self::Scalar;

    /// A scalar from 1 to n - 1.
    #[doc(hidden)]
    fn read(octets: &Self::Octets) -> CtOption<Self::Scalar>;
    /// Its octets.
    #[doc(hidden)]
    fn write(k: &Self::Scalar) -> Self::Octets;
    /// Clears the bits that no scalar has.
    #[doc(hidden)]
    fn trim(_: &mut Self::Octets) {}
    /// `k⁻¹ mod n` of what isn't 0.
    #[doc(hidden)]
    fn invert(k: &Self::Scalar) -> Self::Scalar;
    /// The secret key modulo n, which isn't 0.
    #[doc(hidden)]
    fn scalar(secret: &Self::Secret) -> Zeroizing<Self::Scalar>;
    /// Computes what is computed once, where it is to be.
    #[doc(hidden)]
    fn derive(_: &Self::Scalar, _: &mut Self::Derived) {}
    /// `k·P`, judged strictly.
    #[doc(hidden)]
    fn multiply(k: &Self::Scalar, derived: &Self::Derived, point: &Self::Point) -> Result<Self::Point, PointRejection>;

    /// A secret key as the standards write it.
    #[doc(hidden)]
    fn read_secret(octets: &[u8]) -> Result<Self::Secret>;
    /// A point as messages carry it.
    #[doc(hidden)]
    fn read_point(octets: &[u8]) -> Result<Self::Point, PointRejection>;
    /// The same, written.
    #[doc(hidden)]
    fn write_point(point: &Self::Point) -> Vec<u8>;
}

mod private {
    /// No other crate can name it.
    pub trait Sealed {}
}
