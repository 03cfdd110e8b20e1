//! A forwarding instance: one pair of subkeys and the factor between them.

use alloc::boxed::Box;
use core::fmt;

use subtle::ConstantTimeEq;

use crate::{
    Backend, Curve25519Subkey, Error, Fingerprint, Kdf, PointPolicy, ProxyFactor, Result, product::multiply_anywhere,
};

mod binary;
mod json;
mod proton;

/// A moment: seconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_structs, reason = "it is the number that it holds")]
pub struct UnixTime(pub u64);

/// Why an instance can't be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotValid {
    /// The time is before the instance's not-before.
    #[error("the instance is not valid before {} seconds after 1970", .not_before.0)]
    NotYet {
        /// The first moment at which it is valid.
        not_before: UnixTime,
    },
    /// The time is behind the instance's not-after.
    #[error("the instance expired {} seconds after 1970", .not_after.0)]
    Expired {
        /// The last moment at which it was valid.
        not_after: UnixTime,
    },
}

/// The factor of an instance: in this process, or elsewhere.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "there is no third place")]
pub enum Factor {
    /// It is here.
    Held(ProxyFactor),
    /// It is in a token or in another service, which multiplies points by it. They are always judged by
    /// [`PointPolicy::Strict`].
    Elsewhere(Box<dyn Backend>),
}

impl Factor {
    /// The factor, if it is here.
    #[must_use]
    pub fn held(&self) -> Option<&ProxyFactor> {
        match self {
            Self::Held(factor) => Some(factor),
            Self::Elsewhere(_) => None,
        }
    }
}

impl From<ProxyFactor> for Factor {
    fn from(factor: ProxyFactor) -> Self {
        Self::Held(factor)
    }
}

impl<B: Backend + 'static> From<B> for Factor {
    fn from(backend: B) -> Self {
        Self::Elsewhere(Box::new(backend))
    }
}

/// What a server needs to forward messages from one subkey to another: the two fingerprints, the key
/// derivation that both share, and the factor.
///
/// It can be kept as JSON ([`Self::expose_json`]), in 96 octets ([`Self::expose_bytes`]), and exchanged with
/// Proton's format ([`Self::expose_proton`]). All of them hold the secret factor.
pub struct Instance {
    forwarder: Fingerprint,
    forwardee: Fingerprint,
    kdf: Option<Kdf>,
    factor: Factor,
    not_before: Option<UnixTime>,
    not_after: Option<UnixTime>,
}

impl Instance {
    /// An instance for the subkeys with these fingerprints. `kdf` is for information and for
    /// [`Self::verify`]; Proton's format doesn't carry it.
    #[must_use]
    pub fn new(forwarder: Fingerprint, forwardee: Fingerprint, kdf: Option<Kdf>, factor: impl Into<Factor>) -> Self {
        Self { forwarder, forwardee, kdf, factor: factor.into(), not_before: None, not_after: None }
    }

    /// Limits the time in which [`Transform`](crate::Transform) uses the instance; both ends are inclusive.
    #[must_use]
    pub fn valid(mut self, not_before: Option<UnixTime>, not_after: Option<UnixTime>) -> Self {
        self.not_before = not_before;
        self.not_after = not_after;
        self
    }

    /// The fingerprint of the forwarder's subkey.
    #[must_use]
    pub fn forwarder(&self) -> Fingerprint {
        self.forwarder
    }

    /// The fingerprint of the forwardee's subkey.
    #[must_use]
    pub fn forwardee(&self) -> Fingerprint {
        self.forwardee
    }

    /// The key derivation of both subkeys, if it is known.
    #[must_use]
    pub fn kdf(&self) -> Option<Kdf> {
        self.kdf
    }

    /// The factor.
    #[must_use]
    pub fn factor(&self) -> &Factor {
        &self.factor
    }

    /// The factor, to be written.
    fn held(&self) -> Result<&ProxyFactor> {
        self.factor.held().ok_or(Error::FactorElsewhere)
    }

    /// The first moment at which the instance is valid, if it is limited.
    #[must_use]
    pub fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// The last moment at which the instance is valid, if it is limited.
    #[must_use]
    pub fn not_after(&self) -> Option<UnixTime> {
        self.not_after
    }

    /// Whether the instance may be used at this time.
    ///
    /// # Errors
    ///
    /// [`NotValid`] says since when it isn't, or from when it will be.
    pub fn check_time(&self, now: UnixTime) -> Result<(), NotValid> {
        match (self.not_before, self.not_after) {
            (Some(not_before), _) if now < not_before => Err(NotValid::NotYet { not_before }),
            (_, Some(not_after)) if now > not_after => Err(NotValid::Expired { not_after }),
            _ => Ok(()),
        }
    }

    /// Checks that the instance belongs to these two public keys: their fingerprints, the key derivation
    /// that both share, and the factor, `k·Q_C = Q_B`. To be called when an instance is registered, so that
    /// a wrong factor is not found out by the first lost mail.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`] says what else does not fit, [`Error::FactorMismatch`] that the factor doesn't;
    /// [`Error::Backend`] if it is elsewhere and could not be asked.
    pub fn verify(&self, forwarder: &Curve25519Subkey, forwardee: &Curve25519Subkey) -> Result<()> {
        let first = forwarder.sender_fingerprint();
        let checks = [
            (forwarder.fingerprint == self.forwarder, "the instance is for another subkey of a forwarder"),
            (forwardee.fingerprint == self.forwardee, "the instance is for another subkey of a forwardee"),
            (forwardee.first_forwarder == Some(first), "the forwardee's KDF field names another forwarder"),
            (forwardee.kdf == forwarder.kdf, "the key derivations of forwarder and forwardee differ"),
            (self.kdf.is_none_or(|kdf| kdf == forwarder.kdf), "the instance has another key derivation"),
        ];
        if let Some((_, mismatch)) = checks.into_iter().find(|(fits, _)| !fits) {
            return Err(Error::KeyMismatch(mismatch));
        }
        let products = multiply_anywhere(&[(&self.factor, forwardee.public)], PointPolicy::Strict)?;
        let product = products.first().and_then(|product| product.ok());
        let fits = product.is_some_and(|point| point.as_bytes().ct_eq(forwarder.public.as_bytes()).into());
        if fits { Ok(()) } else { Err(Error::FactorMismatch) }
    }
}

impl PartialEq for Instance {
    /// Compares the factors in constant time. One that is elsewhere is equal to none.
    fn eq(&self, other: &Self) -> bool {
        let factors = self.factor.held().zip(other.factor.held());
        let factor = factors.is_some_and(|(factor, other)| factor.ct_eq(other).into());
        factor
            && (self.forwarder, self.forwardee, self.kdf, self.not_before, self.not_after)
                == (other.forwarder, other.forwardee, other.kdf, other.not_before, other.not_after)
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("forwarder", &self.forwarder)
            .field("forwardee", &self.forwardee)
            .field("kdf", &self.kdf)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}
