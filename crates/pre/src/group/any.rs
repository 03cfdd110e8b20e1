//! Factors of a group that is chosen when a program runs.

use alloc::{string::String, vec::Vec};

use rand_core::CryptoRng;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{Curve25519, Group, GroupId, P256, P384};
use crate::{GroupFactor, PointRejection, ProxyFactor, Result};

/// A proxy factor of whichever group: octets in, octets out.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AnyFactor {
    /// Of Curve25519.
    Curve25519(ProxyFactor),
    /// Of P-256.
    P256(GroupFactor<P256>),
    /// Of P-384.
    P384(GroupFactor<P384>),
}

/// Does the same with a factor of each group.
macro_rules! with {
    ($any:expr, $factor:ident => $result:expr) => {
        match $any {
            Self::Curve25519($factor) => $result,
            Self::P256($factor) => $result,
            Self::P384($factor) => $result,
        }
    };
}

/// Does the same in each group.
macro_rules! within {
    ($group:expr, $G:ident => $result:expr) => {
        match $group {
            GroupId::Curve25519 => {
                type $G = Curve25519;
                $result
            }
            GroupId::P256 => {
                type $G = P256;
                $result
            }
            GroupId::P384 => {
                type $G = P384;
                $result
            }
        }
    };
}

impl AnyFactor {
    /// Computes the factor of two secrets as the standards write them: Curve25519 32 octets, little-endian, clamped here
    /// ([RFC 7748 §5](https://www.rfc-editor.org/rfc/rfc7748#section-5)); P-256 32 and P-384 48 octets, big-endian
    /// ([RFC 5915 §3](https://www.rfc-editor.org/rfc/rfc5915#section-3)).
    ///
    /// # Errors
    ///
    /// [`Error::NotAKey`](crate::Error::NotAKey) for another length, and for P-256 and P-384 also for 0 and for values of
    /// the group's order and above.
    pub fn compute(group: GroupId, forwarder: &[u8], forwardee: &[u8]) -> Result<Self> {
        within!(group, G => {
            Ok(GroupFactor::<G>::compute(&G::read_secret(forwarder)?, &G::read_secret(forwardee)?).into())
        })
    }

    /// Its group.
    #[must_use]
    pub fn group(&self) -> GroupId {
        match self {
            Self::Curve25519(_) => GroupId::Curve25519,
            Self::P256(_) => GroupId::P256,
            Self::P384(_) => GroupId::P384,
        }
    }

    /// Reads hexadecimal digits: see [`GroupFactor::from_hex`].
    ///
    /// # Errors
    ///
    /// [`Error::FactorOutOfRange`](crate::Error::FactorOutOfRange), also for another length or other characters.
    pub fn from_hex(group: GroupId, hex: &str) -> Result<Self> {
        within!(group, G => GroupFactor::<G>::from_hex(hex).map(Self::from))
    }

    /// The secret value in lower-case hexadecimal digits.
    #[must_use]
    pub fn expose_hex(&self) -> Zeroizing<String> {
        with!(self, factor => Zeroizing::new(base16ct::lower::encode_string(factor.expose_bytes().as_ref())))
    }

    /// The product: see [`GroupFactor::compose`]. Nothing if the groups differ.
    #[must_use]
    pub fn compose(&self, next: &Self) -> Option<Self> {
        match (self, next) {
            (Self::Curve25519(first), Self::Curve25519(next)) => Some(first.compose(next).into()),
            (Self::P256(first), Self::P256(next)) => Some(first.compose(next).into()),
            (Self::P384(first), Self::P384(next)) => Some(first.compose(next).into()),
            _ => None,
        }
    }

    /// Two factors whose product it is, each by itself uniformly random: see [`GroupFactor::split`].
    #[must_use]
    pub fn split(&self, rng: &mut impl CryptoRng) -> [Self; 2] {
        with!(self, factor => factor.split(rng).map(Self::from))
    }

    /// Two factors whose product is 1: see [`GroupFactor::refresh`].
    #[must_use]
    pub fn refresh(group: GroupId, rng: &mut impl CryptoRng) -> [Self; 2] {
        within!(group, G => GroupFactor::<G>::refresh(rng).map(Self::from))
    }

    /// Whether `k·Q_C = Q_B`, for public keys as [`Self::transform`] reads points.
    #[must_use]
    pub fn verify(&self, forwarder: &[u8], forwardee: &[u8]) -> bool {
        with!(self, factor => factor.verify_octets(forwarder, forwardee))
    }

    /// `k·P`, of a point as messages carry it and in the same form, judged strictly: Curve25519 32 octets
    /// ([`PointPolicy::Strict`](crate::PointPolicy::Strict)); P-256 and P-384 compressed or not
    /// ([`NistPoint::from_sec1`](crate::NistPoint::from_sec1)).
    ///
    /// # Errors
    ///
    /// Says why the point is none that an honest sender makes.
    pub fn transform(&self, point: &[u8]) -> Result<Vec<u8>, PointRejection> {
        with!(self, factor => factor.multiply_octets(point))
    }
}

impl<G: Group> GroupFactor<G> {
    fn verify_octets(&self, forwarder: &[u8], forwardee: &[u8]) -> bool {
        let points = G::read_point(forwarder).and_then(|forwarder| Ok((forwarder, G::read_point(forwardee)?)));
        points.is_ok_and(|(forwarder, forwardee)| self.verify(&forwarder, &forwardee))
    }

    fn multiply_octets(&self, point: &[u8]) -> Result<Vec<u8>, PointRejection> {
        Ok(G::write_point(&self.multiply(&G::read_point(point)?)?))
    }
}

impl From<ProxyFactor> for AnyFactor {
    fn from(factor: ProxyFactor) -> Self {
        Self::Curve25519(factor)
    }
}

impl From<GroupFactor<P256>> for AnyFactor {
    fn from(factor: GroupFactor<P256>) -> Self {
        Self::P256(factor)
    }
}

impl From<GroupFactor<P384>> for AnyFactor {
    fn from(factor: GroupFactor<P384>) -> Self {
        Self::P384(factor)
    }
}

impl ConstantTimeEq for AnyFactor {
    /// Factors of two groups differ, which is public.
    fn ct_eq(&self, other: &Self) -> Choice {
        match (self, other) {
            (Self::Curve25519(one), Self::Curve25519(other)) => one.ct_eq(other),
            (Self::P256(one), Self::P256(other)) => one.ct_eq(other),
            (Self::P384(one), Self::P384(other)) => one.ct_eq(other),
            _ => Choice::from(0),
        }
    }
}

impl ZeroizeOnDrop for AnyFactor {}
