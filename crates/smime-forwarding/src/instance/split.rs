//! Two proxies of different operators in the place of one, neither of which has the factor.

use rand_core::CryptoRng;
use sealpost_pre::AnyFactor;
use sealpost_smime::{Certificate, CertificateIdentifier};

use super::Instance;
use crate::{Error, Result, names};

impl Instance {
    /// For two proxies: what each gets, two instances with the same share of the factor, `k = k₁·k₂`. The first of them is
    /// for mail that comes from the sender, the second for mail that the other proxy has treated; who has both can be
    /// either.
    ///
    /// What only one proxy has treated is addressed to a random name, which nobody has, and for a key that nobody has.
    /// Each share alone is a random number and says nothing about `k`. The two together do what the whole instance does,
    /// to the octet.
    pub fn split(&self, rng: &mut impl CryptoRng) -> [[Self; 2]; 2] {
        let [one, other] = self.factor.split(rng);
        let [behind_one, behind_other] =
            [names::of_nobody(&self.forwardee, rng), names::of_nobody(&self.forwardee, rng)];
        let part = |from: &[CertificateIdentifier], to: &[CertificateIdentifier], factor: &AnyFactor| {
            Self::new(from.to_vec(), to.to_vec(), factor.clone()).valid(self.validity)
        };
        let share = |factor: &AnyFactor, behind_this: &[_], behind_that: &[_]| {
            [part(&self.forwarder, behind_this, factor), part(behind_that, &self.forwardee, factor)]
        };
        [share(&one, &behind_one, &behind_other), share(&other, &behind_other, &behind_one)]
    }

    /// Both ways in one: the instance that does what this one and then `next` do. Valid when both are.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] unless `next` is for whom this one forwards to.
    pub fn compose(&self, next: &Self) -> Result<Self> {
        if !self.forwardee.iter().all(|name| names::is_among(name, &next.forwarder)) {
            return Err(Error::Mismatch("the second does not take over where the first ends"));
        }
        let factor = self.factor.compose(&next.factor);
        let factor = factor.ok_or(Error::Mismatch("the factors are for keys on different curves"))?;
        let validity = self.validity.intersection(next.validity);
        Ok(Self::new(self.forwarder.clone(), next.forwardee.clone(), factor).valid(validity))
    }

    /// The same with its factor multiplied by another. With one of the two of [`AnyFactor::refresh`] each, two proxies
    /// get other shares of the same factor: what was taken from one of them before is worth nothing beside what is taken
    /// from the other afterwards.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if the factors are for keys on different curves.
    pub fn refreshed(&self, by: &AnyFactor) -> Result<Self> {
        let factor = self.factor.compose(by).ok_or(Error::Mismatch("the factors are for keys on different curves"))?;
        Ok(Self::new(self.forwarder.clone(), self.forwardee.clone(), factor).valid(self.validity))
    }

    /// Whether two shares together belong to these certificates: the first instance of one and the second of the other,
    /// in whichever order they are given.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] if they are no such two; all that [`Instance::verify`] has.
    pub fn verify_split(shares: [&Self; 2], forwarder: &Certificate, forwardee: &Certificate) -> Result<()> {
        let [one, other] = shares;
        let whole = one.compose(other).or_else(|_| other.compose(one));
        whole.map_err(|_| Error::Mismatch("the two are not the ends of one way"))?.verify(forwarder, forwardee)
    }
}
