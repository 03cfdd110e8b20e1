//! The proxy factor: the number that turns messages for the forwarder into messages for the forwardee.

use alloc::boxed::Box;
use core::fmt;

use rand_core::CryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{Curve25519, Error, Group, PointRejection, Result};

mod curve25519;

pub(crate) use curve25519::X25519Key;

/// The proxy factor of OpenPGP: 32 octets, little-endian; the draft calls it the proxy parameter
/// ([draft-wussler-openpgp-forwarding-00 §5.2](https://datatracker.ietf.org/doc/html/draft-wussler-openpgp-forwarding-00#section-5.2)).
///
/// `n = 2^252 + 27742317777372353535851937790883648493` is the order of Curve25519's prime-order group,
/// `dB` and `dC` are the clamped secrets of forwarder and forwardee. `k` itself is never clamped.
#[doc(alias = "proxy parameter")]
pub type ProxyFactor = GroupFactor<Curve25519>;

/// The proxy factor `k = dB·dC⁻¹ mod n` of one pair of keys in a group of order n: `k·E` is for the forwardee what the
/// sender's point E is for the forwarder, since `dC·(k·E) = dB·E`.
///
/// It decrypts nothing by itself, yet it is a secret: together with the forwardee's key it gives the
/// forwarder's. Wiped when dropped, compared in constant time; moving it moves a pointer and leaves no copy behind.
pub struct GroupFactor<G: Group>(Box<Secret<G>>);

struct Secret<G: Group> {
    k: G::Scalar,
    derived: G::Derived,
}

impl<G: Group> GroupFactor<G> {
    /// Computes the factor of a pair of keys, in constant time.
    #[must_use]
    pub fn compute(forwarder: &G::Secret, forwardee: &G::Secret) -> Self {
        let inverse = Zeroizing::new(G::invert(&G::scalar(forwardee)));
        Self::new(*G::scalar(forwarder) * *inverse)
    }

    /// Reads a factor: as many octets as the group's scalars have, in the group's byte order.
    ///
    /// # Errors
    ///
    /// [`Error::FactorOutOfRange`] for 0 and for values of n and above.
    pub fn from_bytes(bytes: &G::Octets) -> Result<Self> {
        Option::from(G::read(bytes)).map(Self::new).ok_or(Error::FactorOutOfRange)
    }

    /// Reads a factor written in hexadecimal digits, two for each octet of [`Self::from_bytes`], in constant time.
    ///
    /// # Errors
    ///
    /// As [`Self::from_bytes`]; also for another length or other characters.
    pub fn from_hex(hex: &str) -> Result<Self> {
        let mut bytes = Zeroizing::new(G::Octets::default());
        let length = bytes.as_ref().len();
        match base16ct::mixed::decode(hex, bytes.as_mut()) {
            Ok(read) if read.len() == length => Self::from_bytes(&bytes),
            _ => Err(Error::FactorOutOfRange),
        }
    }

    /// The secret value, as [`Self::from_bytes`] reads it.
    #[must_use]
    pub fn expose_bytes(&self) -> Zeroizing<G::Octets> {
        Zeroizing::new(G::write(&self.0.k))
    }

    /// The factor of two forwards in a row, `k·k'`: what [`Self::compute`] gives for the first forwarder
    /// and the last forwardee.
    #[must_use]
    pub fn compose(&self, next: &Self) -> Self {
        Self::new(self.0.k * next.0.k)
    }

    /// For two proxies, one behind the other: two factors `k₁·k₂ = k`, in whichever order they are applied. k₁ is drawn
    /// uniformly from 1 to n - 1 and `k₂ = k·k₁⁻¹`, so that each of them by itself says nothing about k.
    #[must_use]
    pub fn split(&self, rng: &mut impl CryptoRng) -> [Self; 2] {
        let first = Self::random(rng);
        let inverse = Zeroizing::new(G::invert(&first.0.k));
        let second = Self::new(self.0.k * *inverse);
        [first, second]
    }

    /// Two factors whose product is 1, each by itself uniformly random. Where each of two proxies
    /// [composes](Self::compose) its share with one of them, they have new shares of the same factor; what one knew of an
    /// old share is worth nothing beside a new one.
    #[must_use]
    pub fn refresh(rng: &mut impl CryptoRng) -> [Self; 2] {
        Self::new(G::ONE).split(rng)
    }

    /// Draws until there is a factor. Whether a draw is one tells nothing about the one that is kept.
    fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = Zeroizing::new(G::Octets::default());
        loop {
            rng.fill_bytes(bytes.as_mut());
            G::trim(&mut bytes);
            if let Ok(factor) = Self::from_bytes(&bytes) {
                return factor;
            }
        }
    }

    /// Whether this factor belongs to these two public keys: `k·Q_C = Q_B`.
    ///
    /// Checked when an instance is registered, it refuses a wrong factor before the first mail is lost.
    #[must_use]
    pub fn verify(&self, forwarder: &G::Point, forwardee: &G::Point) -> bool {
        self.multiply(forwardee).is_ok_and(|point| point.ct_eq(forwarder).into())
    }

    /// `k·P`, of a point that is judged strictly, in the form that it has. The time does not depend on the factor.
    ///
    /// # Errors
    ///
    /// Says why the point is none that an honest sender makes.
    pub fn multiply(&self, point: &G::Point) -> Result<G::Point, PointRejection> {
        G::multiply(&self.0.k, &self.0.derived, point)
    }

    fn new(k: G::Scalar) -> Self {
        let mut secret = Box::new(Secret { k, derived: G::Derived::default() });
        G::derive(&k, &mut secret.derived);
        Self(secret)
    }
}

impl<G: Group> Clone for GroupFactor<G> {
    fn clone(&self) -> Self {
        Self::new(self.0.k)
    }
}

impl<G: Group> Drop for Secret<G> {
    fn drop(&mut self) {
        self.k.zeroize();
        self.derived.zeroize();
    }
}

impl<G: Group> ZeroizeOnDrop for GroupFactor<G> {}

impl<G: Group> ConstantTimeEq for GroupFactor<G> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.k.ct_eq(&other.0.k)
    }
}

impl<G: Group> fmt::Debug for GroupFactor<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyFactor(..)")
    }
}
