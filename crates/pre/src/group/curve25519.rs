//! Curve25519 as a group.

use alloc::vec::Vec;

use curve25519_dalek::Scalar;
use subtle::{ConstantTimeEq, CtOption};
use zeroize::Zeroizing;

use super::{Group, private::Sealed};
use crate::{Error, Point, PointRejection, Result, SubkeySecret, factor::X25519Key};

/// The prime-order group of Curve25519, whose points are written as u-coordinates (RFC 7748).
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "it is only a name")]
pub enum Curve25519 {}

impl Sealed for Curve25519 {}

impl Group for Curve25519 {
    type Secret = SubkeySecret;
    type Point = Point;
    type Octets = [u8; 32];
    type Scalar = Scalar;
    type Derived = X25519Key;

    const ONE: Scalar = Scalar::ONE;

    fn read(octets: &[u8; 32]) -> CtOption<Scalar> {
        Scalar::from_canonical_bytes(*octets).and_then(|k| CtOption::new(k, !k.ct_eq(&Scalar::ZERO)))
    }

    fn write(k: &Scalar) -> [u8; 32] {
        k.to_bytes()
    }

    fn trim(octets: &mut [u8; 32]) {
        let [.., high] = octets;
        *high &= 0x1F;
    }

    fn invert(k: &Scalar) -> Scalar {
        k.invert()
    }

    fn scalar(secret: &SubkeySecret) -> Zeroizing<Scalar> {
        secret.scalar()
    }

    fn derive(k: &Scalar, key: &mut X25519Key) {
        key.derive(k);
    }

    fn multiply(k: &Scalar, key: &X25519Key, point: &Point) -> Result<Point, PointRejection> {
        key.multiply(k, *point)
    }

    fn read_secret(octets: &[u8]) -> Result<SubkeySecret> {
        let octets = octets.try_into().map_err(|_| Error::NotAKey("an X25519 secret has 32 octets"))?;
        Ok(SubkeySecret::from_x25519(octets))
    }

    fn read_point(octets: &[u8]) -> Result<Point, PointRejection> {
        octets.try_into().map(Point::from_bytes).map_err(|_| PointRejection::Malformed)
    }

    fn write_point(point: &Point) -> Vec<u8> {
        point.as_bytes().to_vec()
    }
}
