//! Whose signatures they are, and whether they are sound and trusted.

use std::collections::HashMap;

use super::{Form, SignerReport, Verdict, Verifier};
use crate::{
    Certificate, Flaw, Identity, Result, SignerInfo,
    algorithm::{Digest, SignatureScheme},
    mime::header::Header,
    oid,
    path::{Budget, Distrust, Path, WeakSignatures},
    signed::{Digests, SignedData},
};

/// Judges the signers of one message, with what may be spent on all of them together.
pub(super) struct Judge<'a> {
    verifier: &'a Verifier,
    certificates: &'a [Certificate],
    digests: &'a Digests,
    /// What is wrong with the message, whoever signed it.
    general: Result<(), Flaw>,
    /// The headers of the mail that name an author.
    authors: &'a [Header],
    budget: Budget,
    /// What became of certificates (DER): signers may have the same.
    trust: HashMap<&'a [u8], Result<Path, Distrust>>,
    identities: HashMap<&'a [u8], Identity>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        verifier: &'a Verifier,
        (form, signed): (Form, &'a SignedData),
        digests: &'a Digests,
        authors: &'a [Header],
    ) -> Self {
        let general = match form {
            _ if signed.content_type != oid::DATA => Err(Flaw::ContentType),
            Form::Detached if signed.content_len.is_some() => Err(Flaw::ContentTwice),
            Form::Opaque if signed.content_len.is_none() => Err(Flaw::ContentMissing),
            _ => Ok(()),
        };
        Self {
            verifier,
            certificates: &signed.certificates,
            digests,
            general,
            authors,
            budget: verifier.validator.budget(),
            trust: HashMap::new(),
            identities: HashMap::new(),
        }
    }

    /// A signer that may be unreadable.
    pub(super) fn any_signer(&mut self, info: Result<SignerInfo>) -> SignerReport {
        info.map_or_else(|error| SignerReport::unreadable(&error), |info| self.signer(info))
    }

    /// A signer's certificate is the one, of those it may mean, with which it is sound and trusted.
    fn signer(&mut self, info: SignerInfo) -> SignerReport {
        let mut found = SignerReport {
            certificate: None,
            integrity: Err(Flaw::NoCertificate),
            trust: None,
            identity: None,
            info: None,
        };
        let is_named = info.signer_identifier().matcher();
        for certificate in self.certificates.iter().chain(&self.verifier.known).filter(|candidate| is_named(candidate))
        {
            let integrity = self.integrity(&info, certificate);
            let trust = integrity.is_ok().then(|| self.trust(certificate));
            let identity = Some(self.identity(certificate));
            let judged =
                SignerReport { certificate: Some(certificate.clone()), integrity, trust, identity, info: None };
            if found.certificate.is_none() || judged.soundness() < found.soundness() {
                found = judged;
            }
            if found.soundness() == Verdict::Valid {
                break;
            }
        }
        drop(is_named);
        SignerReport { info: Some(info), ..found }
    }

    fn integrity(&mut self, info: &SignerInfo, certificate: &Certificate) -> Result<(), Flaw> {
        self.general.clone()?;
        if !self.budget.take_signature() {
            return Err(Flaw::TooManySignatures);
        }
        info.check(self.digests, oid::DATA, certificate)?;
        self.is_strong(info)
    }

    /// Whether nobody can have the same signature for another content.
    fn is_strong(&self, info: &SignerInfo) -> Result<(), Flaw> {
        let weak = info.scheme().is_some_and(SignatureScheme::is_weak) || info.digest().is_some_and(Digest::is_weak);
        let refused = weak && self.verifier.validator.weak() == WeakSignatures::Refuse;
        if refused { Err(Flaw::WeakDigest) } else { Ok(()) }
    }

    fn trust(&mut self, certificate: &'a Certificate) -> Result<Path, Distrust> {
        let (validator, others) = (&self.verifier.validator, self.certificates);
        let judge = || validator.validate_within(certificate, others, &mut self.budget);
        self.trust.entry(certificate.as_der()).or_insert_with(judge).clone()
    }

    /// The signer must be the author by all headers.
    fn identity(&mut self, certificate: &'a Certificate) -> Identity {
        let compare = || {
            let addresses = certificate.addresses();
            let mut all = self.authors.iter().map(|header| Identity::of(header, &addresses));
            let first = all.next().unwrap_or(Identity::NoFrom);
            if first.is_match() { all.find(|other| !other.is_match()).unwrap_or(first) } else { first }
        };
        self.identities.entry(certificate.as_der()).or_insert_with(compare).clone()
    }
}
