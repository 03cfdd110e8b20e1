//! Verifying a mail (RFC 8551 §3.5, RFC 8550): every signer is judged, and what was verified can be had, to the octet.

use std::io::{Read, Seek, Write};

use crate::{
    Certificate, Error, Flaw, Identity, Limits, Result, SignerInfo, UnixTime,
    identity::same_address,
    mime::{
        header::Header,
        locate::{Entity, Kind},
    },
    path::{Distrust, Path, Purpose, Validator},
    protected::{Heads, ProtectedFields, ProtectedHeader},
};

mod content;
mod judge;

use content::Content;
use judge::Judge;

/// Verifies mails against trust anchors, at a time.
#[derive(Clone, Debug)]
pub struct Verifier {
    validator: Validator,
    known: Vec<Certificate>,
    limits: Limits,
}

/// What became of a mail.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verification {
    /// How it is signed.
    pub form: Form,
    /// All signers, in the message's order; at least one.
    pub signers: Vec<SignerReport>,
    /// Certificates that came with the message, as far as they could be read.
    pub certificates: Vec<Certificate>,
    /// The header fields that were signed too, if there are any (RFC 9788). They are worth as much as the signatures.
    pub protected: Option<ProtectedHeader>,
    /// When the mail was written, as its header says: the protected one, if there is one. An honest signer's time is
    /// close to it; another one shows a mail that is sent again.
    pub date: Option<UnixTime>,
    content: Content,
}

/// How a mail is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// multipart/signed: every program can read the content (RFC 8551 §3.5.3).
    Detached,
    /// application/pkcs7-mime: the content is in the signature (§3.5.2).
    Opaque,
}

/// What became of a signer.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignerReport {
    /// Whose signature it is, if the certificate is known.
    pub certificate: Option<Certificate>,
    /// Whether it is a signature by that certificate's key over this content.
    pub integrity: Result<(), Flaw>,
    /// Whether the certificate is trusted; not looked at where the signature is not sound.
    pub trust: Option<Result<Path, Distrust>>,
    /// Whether the mail comes from whom the certificate is for, if it is known.
    pub identity: Option<Identity>,
    /// What the signer says; `None` if it can't be read.
    pub info: Option<SignerInfo>,
}

/// The sum of what became of a mail's signers, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// All signatures are sound and by trusted signers, one of whom the mail is from.
    Valid,
    /// The same, but the mail is from somebody else.
    IdentityMismatch,
    /// All signatures are sound, but a signer is not trusted.
    Untrusted,
    /// A signature is not sound.
    Invalid,
}

impl Verifier {
    /// Trusts whom `validator` trusts to sign mails. What it makes of signatures over SHA-1 holds for those of mails too.
    #[must_use]
    pub fn new(validator: Validator) -> Self {
        let validator = validator.purpose(Purpose::EmailSigning);
        Self { validator, known: Vec::new(), limits: Limits::default() }
    }

    /// Certificates of signers whose messages may lack them.
    #[must_use]
    pub fn known(mut self, certificates: &[Certificate]) -> Self {
        self.known = certificates.into();
        self
    }

    /// Other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.validator = self.validator.limits(limits.clone());
        self.limits = limits;
        self
    }

    /// Verifies a mail. What is signed must be all of it: a signed part in a mail is reported as
    /// [`Error::NotThis`] that names it.
    ///
    /// # Errors
    ///
    /// [`Error::NotThis`] if the mail is not signed, [`Error::NoSigner`] if it only looks so; and if it can't be read:
    /// [`Error::Mime`], [`Error::Encoding`], [`Error::Structure`], [`Error::Limit`], [`Error::Read`].
    pub fn verify<M: Read + Seek>(&self, mail: &mut M) -> Result<Verification> {
        let entity = Entity::locate(mail, &self.limits)?;
        let (form, mut signed, content) = match &entity.kind {
            Kind::Signed(place) => self.detached(mail, place)?,
            Kind::Pkcs7(place) => self.opaque(mail, place)?,
            Kind::Other => return Err(Error::not("a signed mail", content::instead(&entity))),
        };
        if signed.signers.is_empty() {
            return Err(Error::NoSigner);
        }
        let protected = Heads::read(&content.head, &self.limits)?.protected;
        // Whom the mail is from is said inside too, where some programs look first (RFC 9788 §4.4).
        let mut authors = Heads::with_author(&content.head, &self.limits)?;
        authors.push(entity.header.clone());
        let infos = std::mem::take(&mut signed.signers);
        let mut judge = Judge::new(self, (form, &signed), &content.digests, &authors);
        let signers = infos.into_iter().map(|info| judge.any_signer(info)).collect();
        let date = protected.as_ref().map(ProtectedFields::header).and_then(|header| date_of(&header));
        let date = date.or_else(|| date_of(&entity.header));
        let protected = protected.map(|protected| protected.report(&entity.header));
        Ok(Verification { form, signers, certificates: signed.certificates, protected, date, content })
    }

    /// The certificate to encrypt to for this signer of a mail that was verified: the one that it prefers, else its own
    /// (RFC 8551 §2.5.3.1). Certificates come along unsigned, so it is one only if it is trusted for encryption itself and
    /// has the address that the mail is from; `None` too if the signer is not trusted or not the author.
    #[must_use]
    pub fn encryption_certificate<'a>(
        &self,
        verification: &'a Verification,
        signer: &'a SignerReport,
    ) -> Option<&'a Certificate> {
        let (Verdict::Valid, Some(Identity::From { address })) = (signer.soundness(), &signer.identity) else {
            return None;
        };
        let validator = self.validator.clone().purpose(Purpose::EmailEncryption);
        let (mut budget, all) = (validator.budget(), verification.certificates.as_slice());
        let mut is_good = |candidate: &Certificate| {
            candidate.addresses().iter().any(|own| same_address(own, address))
                && validator.validate_within(candidate, all, &mut budget).is_ok()
        };
        match signer.info.as_ref().and_then(SignerInfo::encryption_key_preference) {
            Some(name) => {
                let is_named = name.matcher();
                all.iter().find(|candidate| is_named(candidate) && is_good(candidate))
            }
            None => signer.certificate.as_ref().filter(|own| is_good(own)),
        }
    }
}

/// What the only field Date says.
fn date_of(header: &Header) -> Option<UnixTime> {
    let mut dates = header.all("date");
    dates.next().filter(|_| dates.next().is_none())?.date()
}

impl SignerReport {
    fn unreadable(error: &Error) -> Self {
        Self { certificate: None, integrity: Err(Flaw::of_algorithm(error)), trust: None, identity: None, info: None }
    }

    /// What is to be said of the signature, whoever the mail is from.
    fn soundness(&self) -> Verdict {
        match (&self.integrity, &self.trust) {
            (Err(_), _) => Verdict::Invalid,
            (Ok(()), Some(Ok(_))) => Verdict::Valid,
            (Ok(()), _) => Verdict::Untrusted,
        }
    }
}

impl Verification {
    /// The sum of it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let from_a_signer = self.signers.iter().any(|signer| signer.identity.as_ref().is_some_and(Identity::is_match));
        match self.signers.iter().map(SignerReport::soundness).max() {
            Some(Verdict::Valid) if !from_a_signer => Verdict::IdentityMismatch,
            Some(worst) => worst,
            None => Verdict::Invalid,
        }
    }

    /// How many octets were signed.
    #[must_use]
    pub fn octets(&self) -> u64 {
        self.content.octets
    }

    /// Writes the signed content, exactly as it was signed: a MIME entity with lines that end with CR LF.
    ///
    /// # Errors
    ///
    /// [`Error::NotThis`] unless all signatures are sound; [`Error::Structure`] if the mail is no longer what was
    /// verified; [`Error::Read`], [`Error::Write`].
    pub fn write_content<M: Read + Seek>(&self, mail: &mut M, out: &mut dyn Write) -> Result<()> {
        if self.signers.iter().any(|signer| signer.integrity.is_err()) {
            return Err(Error::not("verified content", "a signature is invalid"));
        }
        self.content.write(mail, out)
    }
}
