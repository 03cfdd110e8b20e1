//! Content in a stream: encrypted, decrypted, or only checked.
//!
//! What holds a key is in a box, and nothing is moved out of it: the box would keep a copy that nobody wipes.

use std::io::{self, Write};

use subtle::Choice;
use zeroize::Zeroizing;

use super::{
    BUFFER, ContentAlgorithm,
    cbc::{self, BLOCK},
    gcm::{Authenticator, Gcm},
};
use crate::{Error, Result, content::Content};

/// Encrypts content.
pub(in crate::enveloped) enum Encryptor {
    Cbc(Box<cbc::Encrypt>),
    Gcm(Box<Gcm>),
}

impl Encryptor {
    /// `None` if the key has the wrong length, or the cipher is a legacy one.
    pub(in crate::enveloped) fn new(algorithm: &ContentAlgorithm, key: &[u8]) -> Option<Self> {
        let key = algorithm.content_key(key);
        match algorithm.cipher {
            cipher if cipher.is_legacy() || cipher.key_len() != key.len() => None,
            cipher if cipher.is_authenticated() => {
                Gcm::new(&key, &algorithm.nonce, algorithm.tag_len).map(Box::new).map(Self::Gcm)
            }
            _ => cbc::Encrypt::new(&key, &algorithm.nonce).map(Box::new).map(Self::Cbc),
        }
    }

    /// Encrypts `len` octets, which `content` writes. Gives the tag, which is empty for CBC.
    ///
    /// # Errors
    ///
    /// [`Error::Structure`] if `content` does not write exactly so many.
    pub(in crate::enveloped) fn run(
        self,
        content: &mut Content<'_>,
        len: u64,
        out: &mut dyn Write,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let mut sealing = Sealing { cipher: self, ciphertext: vec![0; BUFFER + BLOCK], left: len, out };
        content(&mut sealing).map_err(Error::unwrapped)?;
        sealing.finish()
    }

    /// Encrypts up to [`BUFFER`] octets. How much of `out` was filled is returned.
    fn encrypt(&mut self, octets: &[u8], out: &mut [u8]) -> Result<usize> {
        match self {
            Self::Cbc(cbc) => Ok(cbc.encrypt(octets, out)),
            Self::Gcm(gcm) => {
                gcm.encrypt(octets, out.get_mut(..octets.len()).unwrap_or_default())?;
                Ok(octets.len())
            }
        }
    }
}

/// Plaintext on its way.
struct Sealing<'a> {
    cipher: Encryptor,
    ciphertext: Vec<u8>,
    /// How many octets are to come.
    left: u64,
    out: &'a mut dyn Write,
}

impl Sealing<'_> {
    fn finish(mut self) -> Result<Zeroizing<Vec<u8>>> {
        if self.left > 0 {
            return Err(wrong_length());
        }
        match &mut self.cipher {
            Encryptor::Cbc(cbc) => {
                let len = cbc.last(&mut self.ciphertext);
                let last = self.ciphertext.get(..len).unwrap_or_default();
                self.out.write_all(last).map_err(Error::Write)?;
                Ok(Zeroizing::new(Vec::new()))
            }
            Encryptor::Gcm(gcm) => Ok(Zeroizing::new(gcm.tag().to_vec())),
        }
    }
}

impl Write for Sealing<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let octets = octets.get(..BUFFER).unwrap_or(octets);
        let left = u64::try_from(octets.len()).ok().and_then(|len| self.left.checked_sub(len));
        self.left = left.ok_or_else(|| io::Error::other(wrong_length()))?;
        let len = self.cipher.encrypt(octets, &mut self.ciphertext).map_err(io::Error::other)?;
        self.out.write_all(self.ciphertext.get(..len).unwrap_or_default())?;
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wrong_length() -> Error {
    Error::structure("the content", "it does not have the announced length")
}

/// Decrypts content, and gives it out before it is known whether it is right: see [`Check`].
pub(in crate::enveloped) enum Decryptor {
    Cbc(Box<cbc::Decrypt>),
    Gcm(Box<Gcm>, Zeroizing<Vec<u8>>),
}

impl Decryptor {
    /// `None` if the key has the wrong length.
    pub(in crate::enveloped) fn new(algorithm: &ContentAlgorithm, key: &[u8]) -> Option<Self> {
        let key = algorithm.content_key(key);
        match algorithm.cipher {
            cipher if cipher.key_len() != key.len() => None,
            cipher if cipher.is_authenticated() => {
                let gcm = Gcm::new(&key, &algorithm.nonce, algorithm.tag_len)?;
                Some(Self::Gcm(Box::new(gcm), Zeroizing::new(vec![0; BUFFER])))
            }
            cipher => cbc::Decrypt::new(cipher, &key, &algorithm.nonce).map(Box::new).map(Self::Cbc),
        }
    }

    /// More of the ciphertext.
    pub(in crate::enveloped) fn update(
        &mut self,
        ciphertext: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        match self {
            Self::Cbc(cbc) => cbc.update(ciphertext, sink),
            Self::Gcm(gcm, buffer) => ciphertext.chunks(BUFFER).try_for_each(|piece| {
                let out = buffer.get_mut(..piece.len()).unwrap_or_default();
                gcm.decrypt(piece, out)?;
                sink(out)
            }),
        }
    }

    /// Whether it was right: the padding of CBC, the tag of GCM.
    pub(in crate::enveloped) fn finish(
        &mut self,
        additional: &[u8],
        tag: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Choice> {
        match self {
            Self::Cbc(cbc) => cbc.finish(sink),
            Self::Gcm(gcm, _) => Ok(gcm.verify(additional, tag)),
        }
    }
}

/// Looks at what a decryption gives before anything of it is given out.
pub(crate) trait Judge {
    /// More of the plaintext. In the place of the padding there may be blanks.
    fn see(&mut self, plaintext: &[u8]);

    /// From here on the time may tell what the plaintext is like: it was accepted before.
    fn hurry(&mut self) {}

    /// Whether it may be given out; asked once, at the end.
    fn accepts(&mut self) -> Choice;
}

/// Says if content is what was encrypted, and gives nothing out.
pub(in crate::enveloped) enum Check<'a> {
    /// All is decrypted: the padding is at the end, and the judge sees the rest.
    Cbc(Box<cbc::Decrypt>, Box<dyn Judge + 'a>),
    /// The tag is over the ciphertext.
    Gcm(Box<Authenticator>),
}

impl<'a> Check<'a> {
    /// `None` if the key has the wrong length.
    pub(in crate::enveloped) fn new(
        algorithm: &ContentAlgorithm,
        key: &[u8],
        judge: impl FnOnce() -> Box<dyn Judge + 'a>,
    ) -> Option<Self> {
        let ContentAlgorithm { cipher, nonce, tag_len, .. } = algorithm;
        let key = Some(algorithm.content_key(key)).filter(|key| key.len() == cipher.key_len())?;
        if cipher.is_authenticated() {
            Authenticator::new(&key, nonce, *tag_len).map(Box::new).map(Self::Gcm)
        } else {
            cbc::Decrypt::new(*cipher, &key, nonce).map(|cbc| Self::Cbc(Box::new(cbc), judge()))
        }
    }

    /// More of the ciphertext.
    pub(in crate::enveloped) fn update(&mut self, ciphertext: &[u8]) -> Result<()> {
        match self {
            Self::Cbc(cbc, judge) => cbc.update(ciphertext, &mut |plaintext| {
                judge.see(plaintext);
                Ok(())
            }),
            Self::Gcm(authenticator) => {
                authenticator.update(ciphertext);
                Ok(())
            }
        }
    }

    /// Whether all was right.
    pub(in crate::enveloped) fn finish(&mut self, additional: &[u8], tag: &[u8]) -> Choice {
        match self {
            Self::Cbc(cbc, judge) => cbc.finish_blank(&mut |plaintext| judge.see(plaintext)) & judge.accepts(),
            Self::Gcm(authenticator) => authenticator.verify(additional, tag),
        }
    }
}
