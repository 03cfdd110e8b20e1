//! Decrypting a mail (RFC 8551 §3.3, §3.4), for a recipient, with all the keys that it ever had.

use std::{
    cell::RefCell,
    io::{self, Read, Seek, SeekFrom, Write},
};

use rand_core::CryptoRng;

use crate::{
    Certificate, Credential, Enveloped, Error, LegacyCiphers, Limits, Result,
    enveloped::{Judge, Opener},
    identity::same_address,
    mime::{
        claim::SmimeType,
        locate::{Entity, Kind, Pkcs7},
        transfer::decoded,
    },
};

mod judge;
mod splice;

use judge::MailJudge;
use splice::Splice;

/// Decrypts the mails of a recipient.
///
/// Whoever captures a mail could send it again, to somebody for whom the gateway decrypts, and have it read there. So
/// a key is used only for mails to an address of its certificate, unless it is assigned to the recipient by hand.
#[derive(Clone, Debug)]
pub struct Decrypter {
    recipient: String,
    credentials: Vec<Credential>,
    legacy: LegacyCiphers,
    limits: Limits,
}

/// What became of a mail.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Decrypted {
    /// What it showed to anyone.
    pub message: Enveloped,
    /// Whose key opened it.
    pub certificate: Certificate,
}

impl Decrypter {
    /// For mails that are delivered to this address.
    #[must_use]
    pub fn new(recipient: &str) -> Self {
        Self {
            recipient: recipient.to_owned(),
            credentials: Vec::new(),
            legacy: LegacyCiphers::Refuse,
            limits: Limits::default(),
        }
    }

    /// With the keys of the recipient among these: those whose certificates have its address. That a certificate has
    /// expired does not matter, since mails are older than today.
    #[must_use]
    pub fn with(mut self, credentials: impl IntoIterator<Item = Credential>) -> Self {
        let of_recipient = |credential: &Credential| {
            let addresses = credential.certificate().addresses();
            addresses.iter().any(|address| same_address(address, &self.recipient))
        };
        let theirs: Vec<_> = credentials.into_iter().filter(of_recipient).collect();
        self.credentials.extend(theirs);
        self
    }

    /// With keys that were assigned to the recipient, whatever addresses their certificates have: those of a domain,
    /// of a shared mailbox, of a former name.
    #[must_use]
    pub fn with_assigned(mut self, credentials: impl IntoIterator<Item = Credential>) -> Self {
        self.credentials.extend(credentials);
        self
    }

    /// Whether mails in broken ciphers are read.
    #[must_use]
    pub fn legacy(mut self, legacy: LegacyCiphers) -> Self {
        self.legacy = legacy;
        self
    }

    /// Other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Decrypts a mail. The result has the header of `mail` but for the fields `Content-…`, which are those of the
    /// encrypted entity, and that entity's body. Where the header was protected (RFC 9788), what its author wrote for
    /// readers comes from inside. Nothing is written before all of it was checked.
    ///
    /// Only a mail that is encrypted as a whole is decrypted: what stands beside an encrypted part could otherwise
    /// carry its text away (Efail, direct exfiltration). A content without authentication (CBC) must be a MIME entity
    /// of text: what somebody made of pieces of another mail is not (Efail, gadgets).
    ///
    /// Whoever can send mails and sees which of them could be decrypted learns whether a guess of some octets of another
    /// mail is right, even of one in GCM (RFC 9709 §1): let no sender see it, and don't let one try often.
    ///
    /// # Errors
    ///
    /// [`Error::Decryption`], whatever the cause; [`Error::NotThis`] if the mail is not encrypted; and if it can't be
    /// read: [`Error::Mime`], [`Error::Encoding`], [`Error::Structure`], [`Error::Algorithm`], [`Error::Limit`],
    /// [`Error::Read`]; [`Error::Write`].
    pub fn decrypt<M: Read + Seek>(
        &self,
        mail: &mut M,
        rng: &mut dyn CryptoRng,
        out: &mut dyn Write,
    ) -> Result<Decrypted> {
        let entity = Entity::locate(mail, &self.limits)?;
        let Kind::Pkcs7(Pkcs7 { body, encoding, .. }) = &entity.kind else {
            return Err(Error::not("an encrypted mail", instead(&entity)));
        };
        let mail = RefCell::new(mail);
        let judges = || -> Box<dyn Judge> { Box::new(MailJudge::new(&self.limits)) };
        let opener =
            Opener { credentials: &self.credentials, limits: &self.limits, legacy: self.legacy, judges: Some(&judges) };
        let mut reopen = || -> Result<Box<dyn Read>> {
            let message = decoded(Shared(&mail), body.clone(), *encoding)?;
            Ok(Box::new(message))
        };
        let mut splice = Splice::new(&entity.header, &self.limits, out);
        let opened = opener.open(&mut reopen, rng, &mut splice).map_err(Error::unwrapped)?;
        splice.finish()?;
        Ok(Decrypted { message: opened.message, certificate: opened.certificate })
    }
}

/// A mail that several readers share, one after the other.
struct Shared<'m, M>(&'m RefCell<&'m mut M>);

impl<M: Read> Read for Shared<'_, M> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(to)
    }
}

impl<M: Seek> Seek for Shared<'_, M> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.borrow_mut().seek(to)
    }
}

/// What a mail is that is not encrypted.
fn instead(entity: &Entity) -> String {
    let is_encrypted =
        |kind: &Kind| matches!(kind, Kind::Pkcs7(message) if message.smime_type != SmimeType::SignedData);
    let encrypted = entity.protected().find(|part| part.kind.as_ref().is_ok_and(is_encrypted));
    match (encrypted, entity.tree.root()) {
        (Some(part), _) => format!("only its part {} is", part.path),
        (None, Some(root)) => format!("it is {}", root.media_type.escape_debug()),
        (None, None) => "it is empty".to_owned(),
    }
}

#[cfg(test)]
mod tests;
