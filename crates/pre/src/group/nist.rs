//! P-256 and P-384, and their points as SEC 1 writes them.

use alloc::{boxed::Box, vec::Vec};
use core::{fmt, marker::PhantomData};

use p256::elliptic_curve::{
    CurveArithmetic, FieldBytes,
    ff::{Field, PrimeField},
    group::Curve,
    hazmat::FieldArithmetic,
    ops::Invert,
    point::{AffineCoordinates, DecompressPoint},
};
use subtle::{Choice, ConstantTimeEq, CtOption};
use zeroize::Zeroizing;

use super::{Group, private::Sealed};
use crate::{Error, PointRejection, Result};

/// P-256 (SP 800-186, section 3.2.1.3).
pub type P256 = NistGroup<p256::NistP256>;

/// P-384 (SP 800-186, section 3.2.1.4).
pub type P384 = NistGroup<p384::NistP384>;

/// A curve of prime order in Weierstrass form. Only this crate says of a curve that it is one.
pub trait NistCurve: Sealed + CurveArithmetic<AffinePoint: DecompressPoint<Self>> + FieldArithmetic {}

impl Sealed for p256::NistP256 {}
impl NistCurve for p256::NistP256 {}
impl Sealed for p384::NistP384 {}
impl NistCurve for p384::NistP384 {}

/// The group of such a curve.
#[derive(Debug)]
pub struct NistGroup<C>(PhantomData<C>);

impl<C> Sealed for NistGroup<C> {}

impl<C: NistCurve> Group for NistGroup<C> {
    type Secret = NistSecret<C>;
    type Point = NistPoint<C>;
    type Octets = FieldBytes<C>;
    type Scalar = C::Scalar;
    type Derived = ();

    const ONE: C::Scalar = C::Scalar::ONE;

    fn read(octets: &FieldBytes<C>) -> CtOption<C::Scalar> {
        C::Scalar::from_repr(*octets).and_then(|k| CtOption::new(k, !k.is_zero()))
    }

    fn write(k: &C::Scalar) -> FieldBytes<C> {
        k.to_repr()
    }

    fn invert(k: &C::Scalar) -> C::Scalar {
        Invert::invert(k).unwrap_or(C::Scalar::ZERO)
    }

    fn scalar(secret: &NistSecret<C>) -> Zeroizing<C::Scalar> {
        Zeroizing::clone(&secret.0)
    }

    fn multiply(k: &C::Scalar, (): &(), point: &NistPoint<C>) -> Result<NistPoint<C>, PointRejection> {
        // It is in the group, whose order is prime: the product is not the identity either.
        Ok(NistPoint { affine: (C::ProjectivePoint::from(point.affine) * k).to_affine(), ..*point })
    }

    fn read_secret(octets: &[u8]) -> Result<NistSecret<C>> {
        NistSecret::from_bytes(octets)
    }

    fn read_point(octets: &[u8]) -> Result<NistPoint<C>, PointRejection> {
        NistPoint::from_sec1(octets)
    }

    fn write_point(point: &NistPoint<C>) -> Vec<u8> {
        point.to_sec1()
    }
}

/// A secret key: an integer from 1 to n - 1. Wiped when dropped; moving it moves a pointer.
pub struct NistSecret<C: NistCurve>(Box<Zeroizing<C::Scalar>>);

impl<C: NistCurve> NistSecret<C> {
    /// Reads a secret as long as the field's elements, big-endian
    /// ([RFC 5915 §3](https://www.rfc-editor.org/rfc/rfc5915#section-3)): P-256 32 octets, P-384 48.
    ///
    /// # Errors
    ///
    /// [`Error::NotAKey`] for another length, 0, and values of n and above.
    pub fn from_bytes(octets: &[u8]) -> Result<Self> {
        let read = |octets: Zeroizing<FieldBytes<C>>| Option::from(NistGroup::<C>::read(&octets));
        let scalar = octets.try_into().ok().map(Zeroizing::new).and_then(read);
        let secret = scalar.map(|scalar: C::Scalar| Self(Box::new(Zeroizing::new(scalar))));
        secret.ok_or(Error::NotAKey("the secret must be as long as its group's order, above 0 and below it"))
    }
}

impl<C: NistCurve> fmt::Debug for NistSecret<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NistSecret(..)")
    }
}

/// A point of the group, not the identity, and the form in which it is written.
#[derive(Clone, Copy, Debug)]
pub struct NistPoint<C: NistCurve> {
    affine: C::AffinePoint,
    compressed: bool,
}

impl<C: NistCurve> NistPoint<C> {
    /// Reads a point ([SEC 1, version 2.0, section 2.3.4](https://www.secg.org/sec1-v2.pdf)): 0x04 and two coordinates, or
    /// 0x02 or 0x03 and one, each as long as the field's elements (P-256 32 octets, P-384 48), big-endian. No other form
    /// is read, neither hybrid nor compact. The time may depend on the point, which is public.
    ///
    /// # Errors
    ///
    /// [`PointRejection::Malformed`], [`PointRejection::NonCanonical`], [`PointRejection::NotOnCurve`],
    /// [`PointRejection::Identity`].
    pub fn from_sec1(octets: &[u8]) -> Result<Self, PointRejection> {
        let (affine, compressed) = match octets {
            [0] => return Err(PointRejection::Identity),
            [tag @ (2 | 3), x @ ..] => (C::AffinePoint::decompress(&coordinate::<C>(x)?, Choice::from(tag & 1)), true),
            [4, coordinates @ ..] => {
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                (C::AffinePoint::from_coordinates(&coordinate::<C>(x)?, &coordinate::<C>(y)?), false)
            }
            _ => return Err(PointRejection::Malformed),
        };
        Option::from(affine).map(|affine| Self { affine, compressed }).ok_or(PointRejection::NotOnCurve)
    }

    /// The same, written in the form in which it was read.
    #[must_use]
    pub fn to_sec1(&self) -> Vec<u8> {
        let (x, y) = (self.affine.x(), self.affine.y());
        if self.compressed {
            [&[2 | self.affine.y_is_odd().unwrap_u8()], &x[..]].concat()
        } else {
            [&[4], &x[..], &y[..]].concat()
        }
    }
}

/// A coordinate that is below the field's prime.
fn coordinate<C: NistCurve>(octets: &[u8]) -> Result<FieldBytes<C>, PointRejection> {
    let octets = FieldBytes::<C>::try_from(octets).map_err(|_| PointRejection::Malformed)?;
    let element = Option::from(C::FieldElement::from_repr(octets));
    element.map(|element: C::FieldElement| element.to_repr()).ok_or(PointRejection::NonCanonical)
}

impl<C: NistCurve> ConstantTimeEq for NistPoint<C> {
    /// Whether they are the same point, in whatever form.
    fn ct_eq(&self, other: &Self) -> Choice {
        self.affine.ct_eq(&other.affine)
    }
}
