//! Opening: first all is checked, with nothing given out, then the content is written.

use std::io::{Read, Write};

use rand_core::CryptoRng;
use subtle::Choice;

use super::{
    cipher::{Check, ContentAlgorithm, Decryptor, Judge},
    credential::Credential,
    structure::{Enveloped, Head, Tail, content},
    unlock::{Candidate, Unlocker},
};
use crate::{Certificate, Error, Limits, Result, ber::Reader};

/// Whether messages with broken ciphers are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LegacyCiphers {
    /// They are refused.
    #[default]
    Refuse,
    /// Triple DES and RC2 are read: for old mail in archives. What they hide may have been read, and changed, by
    /// others.
    Read,
}

/// A message that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// What it shows to anyone.
    pub message: Enveloped,
    /// The certificate whose key opened it.
    pub certificate: Certificate,
}

/// Gives a judge for each content key that is tried.
pub(crate) type Judges<'a> = dyn Fn() -> Box<dyn Judge + 'a> + 'a;

/// How messages are opened.
pub(crate) struct Opener<'a> {
    pub(crate) credentials: &'a [Credential],
    pub(crate) limits: &'a Limits,
    pub(crate) legacy: LegacyCiphers,
    /// Who looks at content that is not authenticated before it is given out.
    pub(crate) judges: Option<&'a Judges<'a>>,
}

impl Opener<'_> {
    /// Opens a message. `reopen` gives it from its start, twice; nothing is written to `out` before all of it was
    /// checked.
    ///
    /// # Errors
    ///
    /// What is wrong with the message for anyone to see; and [`Error::Decryption`] for all that depends on a key.
    pub(crate) fn open<'m>(
        &self,
        reopen: &mut dyn FnMut() -> Result<Box<dyn Read + 'm>>,
        rng: &mut dyn CryptoRng,
        out: &mut dyn Write,
    ) -> Result<Opened> {
        let mut reader = Reader::new(reopen()?, self.limits);
        let head = Head::read(&mut reader, self.limits)?;
        let algorithm = head.algorithm()?;
        if algorithm.cipher.is_legacy() && self.legacy == LegacyCiphers::Refuse {
            return Err(Error::Algorithm { place: "the content of an encrypted message", oid: algorithm.cipher.oid() });
        }
        let candidates = Unlocker::new(self.credentials, algorithm.cipher.key_len(), rng).run(&head.recipients)?;
        let (chosen, tail) = self.check(&mut reader, &algorithm, candidates, head.authenticated)?;
        drop(reader);
        self.give(reopen, &algorithm, (&chosen, &tail), out)?;
        Ok(Opened { message: head.describe()?, certificate: chosen.credential.certificate.clone() })
    }

    /// The second pass: the content is written. It may be another one by now, so all is checked again; then it is too
    /// late to write nothing, but not for an error.
    fn give<'m>(
        &self,
        reopen: &mut dyn FnMut() -> Result<Box<dyn Read + 'm>>,
        algorithm: &ContentAlgorithm,
        (chosen, tail): (&Candidate<'_>, &Tail),
        out: &mut dyn Write,
    ) -> Result<()> {
        let mut decryptor = Decryptor::new(algorithm, &chosen.key).ok_or(Error::Decryption)?;
        let mut judge = (!algorithm.cipher.is_authenticated()).then(|| self.judge());
        judge.iter_mut().for_each(|judge| judge.hurry());
        let mut write = |octets: &[u8]| {
            if let Some(judge) = &mut judge {
                judge.see(octets);
            }
            out.write_all(octets).map_err(Error::Write)
        };
        let mut reader = Reader::new(reopen()?, self.limits);
        Head::skip(&mut reader, self.limits)?;
        content(&mut reader, &mut |ciphertext| decryptor.update(ciphertext, &mut write))?;
        let right = decryptor.finish(&tail.additional, &tail.tag, &mut write)?;
        if bool::from(right) && judge.is_none_or(|mut judge| judge.accepts().into()) {
            Ok(())
        } else {
            Err(Error::Decryption)
        }
    }

    /// The first pass: the candidate with which all is right.
    fn check<'c, R: Read>(
        &self,
        reader: &mut Reader<R>,
        algorithm: &ContentAlgorithm,
        candidates: Vec<Candidate<'c>>,
        authenticated: bool,
    ) -> Result<(Candidate<'c>, Tail)> {
        let checks = candidates.iter().map(|candidate| Check::new(algorithm, &candidate.key, || self.judge()));
        let mut checks = checks.collect::<Option<Vec<_>>>().ok_or(Error::Decryption)?;
        content(reader, &mut |ciphertext| checks.iter_mut().try_for_each(|check| check.update(ciphertext)))?;
        let tail = Tail::read(reader, authenticated, self.limits)?;
        if tail.tag.len() != algorithm.tag_len {
            return Err(Error::structure("an encrypted message", "its tag has another length than it says"));
        }
        let mut chosen = None;
        for (check, candidate) in checks.iter_mut().zip(candidates) {
            // All of them always.
            if bool::from(check.finish(&tail.additional, &tail.tag)) && chosen.is_none() {
                chosen = Some(candidate);
            }
        }
        Ok((chosen.ok_or(Error::Decryption)?, tail))
    }

    fn judge(&self) -> Box<dyn Judge + '_> {
        match self.judges {
            Some(judges) => judges(),
            None => Box::new(Lenient),
        }
    }
}

/// Accepts all.
struct Lenient;

impl Judge for Lenient {
    fn see(&mut self, _: &[u8]) {}

    fn accepts(&mut self) -> Choice {
        Choice::from(1)
    }
}
