//! Content in a stream: encrypted, decrypted, or only checked.

use std::io::{Read, Write};

use subtle::Choice;
use zeroize::Zeroizing;

use super::{
    BUFFER, ContentAlgorithm, cbc,
    gcm::{Authenticator, Gcm},
};
use crate::{Error, Result};

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

    /// Encrypts `len` octets of `content`. Gives the tag, which is empty for CBC.
    ///
    /// # Errors
    ///
    /// [`Error::Structure`] if `content` does not have exactly this length.
    pub(in crate::enveloped) fn run(
        mut self,
        content: &mut dyn Read,
        len: u64,
        out: &mut dyn Write,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let wrong = || Error::structure("the content", "it does not have the announced length");
        // Room for the padding, so that nothing moves.
        let mut buffer = Zeroizing::new(Vec::with_capacity(BUFFER + 16));
        let mut left = len;
        loop {
            buffer.clear();
            let piece = left.min(u64::try_from(BUFFER).unwrap_or(u64::MAX));
            Read::take(&mut *content, piece).read_to_end(&mut buffer).map_err(Error::Read)?;
            if u64::try_from(buffer.len()).ok() != Some(piece) {
                return Err(wrong());
            }
            left -= piece;
            if buffer.len() < BUFFER {
                break;
            }
            match &mut self {
                Self::Cbc(cbc) => cbc.blocks(&mut buffer),
                Self::Gcm(gcm) => gcm.encrypt(&mut buffer)?,
            }
            out.write_all(&buffer).map_err(Error::Write)?;
        }
        if content.read(&mut [0]).map_err(Error::Read)? != 0 {
            return Err(wrong());
        }
        let tag = match self {
            Self::Cbc(cbc) => {
                cbc.last(&mut buffer);
                Zeroizing::new(Vec::new())
            }
            Self::Gcm(mut gcm) => {
                gcm.encrypt(&mut buffer)?;
                Zeroizing::new(gcm.authenticator().finish(&[]).to_vec())
            }
        };
        out.write_all(&buffer).map_err(Error::Write)?;
        Ok(tag)
    }
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
        self,
        additional: &[u8],
        tag: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Choice> {
        match self {
            Self::Cbc(cbc) => cbc.finish(sink),
            Self::Gcm(gcm, _) => Ok(gcm.authenticator().verify(additional, tag)),
        }
    }
}

/// Looks at what a decryption gives before anything of it is given out.
pub(crate) trait Judge {
    /// More of the plaintext.
    fn see(&mut self, plaintext: &[u8]);

    /// Whether it may be given out; asked once, at the end.
    fn accepts(&mut self) -> bool;
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
        Some(match Decryptor::new(algorithm, key)? {
            Decryptor::Cbc(cbc) => Self::Cbc(cbc, judge()),
            Decryptor::Gcm(gcm, _) => Self::Gcm(Box::new(gcm.authenticator())),
        })
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
    pub(in crate::enveloped) fn finish(self, additional: &[u8], tag: &[u8]) -> Result<Choice> {
        match self {
            Self::Cbc(cbc, mut judge) => {
                let padded = cbc.finish(&mut |plaintext| {
                    judge.see(plaintext);
                    Ok(())
                })?;
                Ok(padded & Choice::from(u8::from(judge.accepts())))
            }
            Self::Gcm(authenticator) => Ok(authenticator.verify(additional, tag)),
        }
    }
}
