//! A forwarding instance: one pair of subkeys and the factor between them.

use alloc::boxed::Box;
use core::fmt;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

use crate::{
    Backend, Curve25519Subkey, Error, Fingerprint, Kdf, NotValid, PointPolicy, ProxyFactor, Result, UnixTime, Validity,
    product::multiply_anywhere,
};

mod binary;
mod json;
mod proton;

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
    validity: Validity,
}

impl Instance {
    /// An instance for the subkeys with these fingerprints. `kdf` is for information and for
    /// [`Self::verify`]; Proton's format doesn't carry it.
    #[must_use]
    pub fn new(forwarder: Fingerprint, forwardee: Fingerprint, kdf: Option<Kdf>, factor: impl Into<Factor>) -> Self {
        Self { forwarder, forwardee, kdf, factor: factor.into(), validity: Validity::default() }
    }

    /// Limits the time in which [`Transform`](crate::Transform) uses the instance; both ends are inclusive.
    #[must_use]
    pub fn valid(mut self, not_before: Option<UnixTime>, not_after: Option<UnixTime>) -> Self {
        self.validity = Validity { not_before, not_after };
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
        self.validity.not_before
    }

    /// The last moment at which the instance is valid, if it is limited.
    #[must_use]
    pub fn not_after(&self) -> Option<UnixTime> {
        self.validity.not_after
    }

    /// Whether the instance may be used at this time.
    ///
    /// # Errors
    ///
    /// [`NotValid`] says since when it isn't, or from when it will be.
    pub fn check_time(&self, now: UnixTime) -> Result<(), NotValid> {
        self.validity.check(now)
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

impl Instance {
    /// For two proxies that forward one behind the other: what each of them gets, so that neither alone can forward, nor
    /// with the forwardee find out the forwarder's key.
    ///
    /// The two instances of a proxy have the same share of the factor ([`ProxyFactor::split`]): the first is for where
    /// that proxy comes first, and ends at a random fingerprint, which no key has; the second is for where it comes second,
    /// and starts where the other proxy's first one ends. So a message that only one proxy has treated is for nobody,
    /// treating it there again changes nothing, and either order gives what this instance gives. A message that hides its
    /// recipient (a wildcard key ID) can't say how far it is: each proxy transforms it each time it sees it.
    ///
    /// # Errors
    ///
    /// [`Error::FactorElsewhere`].
    pub fn split(&self, rng: &mut impl CryptoRng) -> Result<[[Self; 2]; 2]> {
        let [one, other] = self.held()?.split(rng);
        let (between, reverse) = (Fingerprint::random(rng), Fingerprint::random(rng));
        let share = |forwarder, forwardee, factor| Self {
            validity: self.validity,
            ..Self::new(forwarder, forwardee, self.kdf, factor)
        };
        Ok([
            [share(self.forwarder, between, one.clone()), share(reverse, self.forwardee, one)],
            [share(self.forwarder, reverse, other.clone()), share(between, self.forwardee, other)],
        ])
    }

    /// Both ways in one: the instance that does what this one and then `next` do. Valid when both are.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`] unless `next` is for whom this one forwards to, with the same key derivation;
    /// [`Error::FactorElsewhere`].
    pub fn compose(&self, next: &Self) -> Result<Self> {
        if self.forwardee != next.forwarder {
            return Err(Error::KeyMismatch("the second does not take over where the first ends"));
        }
        if self.kdf != next.kdf {
            return Err(Error::KeyMismatch("the key derivations of the two differ"));
        }
        let factor = self.held()?.compose(next.held()?);
        let validity = self.validity.intersection(next.validity);
        Ok(Self { validity, ..Self::new(self.forwarder, next.forwardee, self.kdf, factor) })
    }
}

impl PartialEq for Instance {
    /// Compares the factors in constant time. One that is elsewhere is equal to none.
    fn eq(&self, other: &Self) -> bool {
        let factors = self.factor.held().zip(other.factor.held());
        let factor = factors.is_some_and(|(factor, other)| factor.ct_eq(other).into());
        factor
            && (self.forwarder, self.forwardee, self.kdf, self.validity)
                == (other.forwarder, other.forwardee, other.kdf, other.validity)
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("forwarder", &self.forwarder)
            .field("forwardee", &self.forwardee)
            .field("kdf", &self.kdf)
            .field("not_before", &self.validity.not_before)
            .field("not_after", &self.validity.not_after)
            .finish_non_exhaustive()
    }
}
