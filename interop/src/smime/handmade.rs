//! Recipients by key agreement as the RFCs say, in structures written by hand, with the primitives of Python's
//! `cryptography`: for what no peer has, and where peers are few.

use std::fs;

use super::{Identity, Outcome, Peer, Pki, Sealing, Signing, Transport, mail, pyca, scratch::text, served::Served};

/// Those structures. It does not sign.
#[derive(Debug)]
pub struct Handmade<'a> {
    pki: &'a Pki,
    python: Served,
}

impl<'a> Handmade<'a> {
    /// `None` if `cryptography` is not installed.
    #[must_use]
    pub fn new(pki: &'a Pki) -> Option<Self> {
        Some(Self { pki, python: pyca::python()? })
    }

    /// Has it do something with a file in and a file out.
    fn made(&self, words: &[&str], input: &[u8]) -> Outcome {
        let (input, out) = (self.pki.scratch().file(input), self.pki.scratch().fresh());
        let _ = self.python.ask(&[words, &[text(&input), text(&out)]].concat())?;
        Ok(fs::read(out).unwrap())
    }

    /// Encrypts with the sender's point in compressed form.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub fn encrypt_compressed(&self, how: &Sealing<'_>, mail: &[u8]) -> Outcome {
        self.sealed(how, "compressed", mail)
    }

    fn sealed(&self, how: &Sealing<'_>, more: &str, mail: &[u8]) -> Outcome {
        if how.transport != Transport::Agreement {
            return Err("only key agreement".into());
        }
        let (outer, entity) = mail::split(mail);
        let [cipher, kdf, options, certificates] = how.words();
        let options = format!("{options},{more}");
        let message = self.made(&["agree", &cipher, &kdf, &options, &certificates], &entity)?;
        Ok(mail::pkcs7(&outer, how.smime_type(), &message))
    }
}

impl Peer for Handmade<'_> {
    fn name(&self) -> &'static str {
        "handmade"
    }

    fn version(&self) -> String {
        let version = self.python.ask(&["version"]).unwrap_or_default();
        format!("with cryptography {}", version.split(' ').next().unwrap_or_default())
    }

    fn sign(&self, _how: &Signing<'_>, _mail: &[u8]) -> Outcome {
        Err("only key agreement".into())
    }

    fn verify(&self, _mail: &[u8]) -> Outcome {
        Err("only key agreement".into())
    }

    fn encrypt(&self, how: &Sealing<'_>, mail: &[u8]) -> Outcome {
        self.sealed(how, "", mail)
    }

    fn decrypt(&self, to: &Identity, mail: &[u8]) -> Outcome {
        self.made(&["disagree", text(&to.key), text(&to.certificate)], &mail::base64_body(mail))
    }
}
