//! What a server needs to forward: whose mail, to whom, and the factor.

mod json;
mod split;

use std::{fmt, slice};

use sealpost_pre::{AnyFactor, GroupId, Validity};
use sealpost_smime::{Certificate, CertificateIdentifier, KeyUsage, algorithm::Curve, key::SoftwareKey};
use zeroize::Zeroizing;

use crate::{Error, Result, names};

/// Whether keys are taken that also sign.
///
/// Proxy and forwardee together can compute the forwarder's key. Where it only decrypts, they read mail to it; where it
/// also signs, they can sign in the forwarder's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningKeys {
    /// No.
    #[default]
    Refuse,
    /// Yes.
    Accept,
}

/// What a server needs to forward messages from the owner of one certificate to that of another.
///
/// The names are those by which messages can name the certificates, the factor is `k = dB·dC⁻¹ mod n` of the two keys. It
/// decrypts nothing, yet it is a secret: together with the forwardee's key it gives the forwarder's.
pub struct Instance {
    /// Never empty, nor is the other.
    forwarder: Vec<CertificateIdentifier>,
    forwardee: Vec<CertificateIdentifier>,
    factor: AnyFactor,
    validity: Validity,
}

impl Instance {
    /// Of the forwarder's key with all certificates that it has (renewed ones, of several authorities), and of the
    /// forwardee's key with its certificate. The forwardee's key must be a fresh one, for this forward only: who made it
    /// for another forward knows it, and could compute the forwarder's from the factor.
    ///
    /// # Errors
    ///
    /// [`Error::CannotForward`] unless both keys are of P-256, P-384 or X25519; [`Error::OtherCurve`];
    /// [`Error::Mismatch`] if a certificate is of another key, there is none, they have more than 64 names, or both keys are
    /// one; [`Error::SigningKey`] if a certificate of the forwarder's lets its key sign; [`Error::Smime`] if one can't be
    /// read.
    pub fn compute(
        forwarder: (&SoftwareKey, &[Certificate]),
        forwardee: (&SoftwareKey, &Certificate),
        signing: SigningKeys,
    ) -> Result<Self> {
        let (curve, from) = forwardable(forwarder, signing)?;
        let (key, certificate) = forwardee;
        if !key.matches(certificate) {
            return Err(Error::Mismatch("the forwardee's certificate is of another key"));
        }
        if key.public_key() == forwarder.0.public_key() {
            return Err(Error::Mismatch("the forwardee has the forwarder's own key"));
        }
        let (other, to) = key.expose_agreement_secret().ok_or_else(|| cannot_forward(certificate))?;
        if curve != other {
            return Err(Error::OtherCurve { forwarder: curve, forwardee: other });
        }
        let group = group(curve).ok_or_else(|| cannot_forward(certificate))?;
        let factor = AnyFactor::compute(group, &from, &to)?;
        let named = |certificates| names::checked(names::of_certificates(certificates)).map_err(Error::Mismatch);
        Ok(Self::new(named(forwarder.1)?, named(slice::from_ref(certificate))?, factor))
    }

    /// Whether mail to this key, with all certificates that it has, can be forwarded, and on which curve the forwardee's
    /// key must be: what [`Self::compute`] looks at first.
    ///
    /// # Errors
    ///
    /// As [`Self::compute`], of what is about the forwarder.
    pub fn curve_for(forwarder: (&SoftwareKey, &[Certificate]), signing: SigningKeys) -> Result<Curve> {
        forwardable(forwarder, signing).map(|(curve, _)| curve)
    }

    fn new(forwarder: Vec<CertificateIdentifier>, forwardee: Vec<CertificateIdentifier>, factor: AnyFactor) -> Self {
        Self { forwarder, forwardee, factor, validity: Validity::default() }
    }

    /// Limits the time in which [`Transform`](crate::Transform) uses the instance; both ends are inclusive.
    #[must_use]
    pub fn valid(self, validity: Validity) -> Self {
        Self { validity, ..self }
    }

    /// How messages name the forwarder: never empty.
    #[must_use]
    pub fn forwarder(&self) -> &[CertificateIdentifier] {
        &self.forwarder
    }

    /// How they name the forwardee: never empty.
    #[must_use]
    pub fn forwardee(&self) -> &[CertificateIdentifier] {
        &self.forwardee
    }

    /// The factor.
    #[must_use]
    pub fn factor(&self) -> &AnyFactor {
        &self.factor
    }

    /// When it may be used.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.validity
    }

    /// Checks that the instance belongs to these certificates: that it has all names of the forwarder's, and of the
    /// forwardee no others than the certificate's; and the factor, `k·Q_C = Q_B`. To be called when an instance is
    /// registered, so that a wrong factor is not found out by the first lost mail.
    ///
    /// Whether the certificates are trusted is not looked at, and it proves nobody's consent.
    ///
    /// # Errors
    ///
    /// [`Error::Mismatch`] says what else does not fit, [`sealpost_pre::Error::FactorMismatch`] that the factor doesn't;
    /// [`Error::CannotForward`].
    pub fn verify(&self, forwarder: &Certificate, forwardee: &Certificate) -> Result<()> {
        if !names::of_certificate(forwarder).all(|name| names::is_among(&name, &self.forwarder)) {
            return Err(Error::Mismatch("the instance does not name this certificate of the forwarder's"));
        }
        if !self.forwardee.iter().all(|name| name.matches(forwardee)) {
            return Err(Error::Mismatch("the instance names another certificate of a forwardee's"));
        }
        let [forwarder, forwardee] = [self.point(forwarder)?, self.point(forwardee)?];
        let fits = self.factor.verify(&forwarder, &forwardee);
        if fits { Ok(()) } else { Err(Error::Pre(sealpost_pre::Error::FactorMismatch)) }
    }

    /// A certificate's key, on the factor's curve.
    fn point(&self, certificate: &Certificate) -> Result<Vec<u8>> {
        let (curve, point) = certificate.agreement_point().ok_or_else(|| cannot_forward(certificate))?;
        let fits = group(curve) == Some(self.factor.group());
        fits.then_some(point).ok_or(Error::Mismatch("the factor is for keys on another curve"))
    }
}

/// The names; nothing of the factor but its group.
impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance")
            .field("forwarder", &self.forwarder)
            .field("forwardee", &self.forwardee)
            .field("group", &self.factor.group())
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

/// The forwarder's curve and secret.
fn forwardable(
    (key, certificates): (&SoftwareKey, &[Certificate]),
    signing: SigningKeys,
) -> Result<(Curve, Zeroizing<Vec<u8>>)> {
    let first = certificates.first().ok_or(Error::Mismatch("the forwarder has no certificate"))?;
    if !certificates.iter().all(|certificate| key.matches(certificate)) {
        return Err(Error::Mismatch("a certificate of the forwarder's is of another key"));
    }
    let (curve, secret) = key.expose_agreement_secret().ok_or_else(|| cannot_forward(first))?;
    if signing == SigningKeys::Refuse && curve != Curve::X25519 {
        certificates.iter().try_for_each(for_encryption_only)?;
    }
    Ok((curve, secret))
}

/// The group in which keys on this curve are forwarded.
pub(crate) fn group(curve: Curve) -> Option<GroupId> {
    match curve {
        Curve::P256 => Some(GroupId::P256),
        Curve::P384 => Some(GroupId::P384),
        Curve::X25519 => Some(GroupId::Curve25519),
        _ => None,
    }
}

fn cannot_forward(certificate: &Certificate) -> Error {
    Error::CannotForward(certificate.key_name().unwrap_or_else(|_| "a key of an unknown kind".to_owned()))
}

/// By its key usage; without that extension a key may be used for anything (RFC 5280 §4.2.1.3).
fn for_encryption_only(certificate: &Certificate) -> Result<()> {
    let signs =
        KeyUsage::DIGITAL_SIGNATURE.or(KeyUsage::NON_REPUDIATION).or(KeyUsage::KEY_CERT_SIGN).or(KeyUsage::CRL_SIGN);
    match certificate.key_usage()? {
        Some(usage) if !usage.has_one_of(signs) => Ok(()),
        _ => Err(Error::SigningKey),
    }
}
