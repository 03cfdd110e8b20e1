//! Python's `cryptography`, by a program of ours in `interop/python`.

use std::fs;

use super::{Form, Identity, Outcome, Padding, Peer, Pki, Sealing, Signing, hash, mail, scratch::text, served::Served};
use crate::folder;

/// `cryptography`.
#[derive(Debug)]
pub struct Pyca<'a> {
    pki: &'a Pki,
    python: Served,
}

impl<'a> Pyca<'a> {
    /// `None` if it is not installed.
    #[must_use]
    pub fn new(pki: &'a Pki) -> Option<Self> {
        Some(Self { pki, python: python()? })
    }

    /// Has it do something with a file in and a file out.
    fn made(&self, words: &[&str], input: &[u8]) -> Outcome {
        let (input, out) = (self.pki.scratch().file(input), self.pki.scratch().fresh());
        self.ask(&[words, &[text(&input), text(&out)]].concat())?;
        Ok(fs::read(out).unwrap())
    }

    fn ask(&self, words: &[&str]) -> Outcome<()> {
        self.python.ask(words).map(drop).map_err(|why| openssl(&why).unwrap_or(why))
    }
}

impl Peer for Pyca<'_> {
    fn name(&self) -> &'static str {
        "cryptography"
    }

    fn version(&self) -> String {
        let version = self.python.ask(&["version"]).unwrap_or_default();
        // OpenSSL's has a date.
        version.split(' ').take(3).collect::<Vec<_>>().join(" ") + ")"
    }

    fn sign(&self, how: &Signing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        let form = if how.form == Form::Opaque { "opaque" } else { "multipart" };
        let padding = if how.padding == Padding::Pss { "pss" } else { "plain" };
        let by = [text(&how.by.key), text(&how.by.certificate), text(&self.pki.issuing)];
        let made = self.made(&[&["sign", form, hash(how.by), padding], &by[..]].concat(), &entity)?;
        Ok(match how.form {
            Form::Opaque => mail::pkcs7(&outer, "signed-data", &made),
            Form::Multipart => mail::join(&outer, &made),
        })
    }

    fn verify(&self, mail: &[u8]) -> Outcome {
        let scratch = self.pki.scratch();
        let known = ["verify", text(&self.pki.root), text(&self.pki.issuing)];
        if let Some((content, signature)) = mail::signed_parts(mail) {
            let [signature, signed] = [&signature, &content].map(|octets| scratch.file(octets));
            self.ask(&[&known[..], &[text(&signature), text(&signed)]].concat())?;
            return Ok(content);
        }
        let message = mail::base64_body(mail);
        self.ask(&[&known[..], &[text(&scratch.file(&message)), "-"]].concat())?;
        // It gives out no content. Whoever looks for it finds it in the message.
        Ok(message)
    }

    fn encrypt(&self, how: &Sealing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        let words = ["encrypt", how.cipher.name(), how.transport.name(), text(&how.to.certificate)];
        Ok(mail::join(&outer, &self.made(&words, &entity)?))
    }

    fn decrypt(&self, to: &Identity, mail: &[u8]) -> Outcome {
        self.made(&["decrypt", text(&to.key), text(&to.certificate)], mail)
    }
}

/// Our program; `None` if what it needs is not installed.
pub(super) fn python() -> Option<Served> {
    let (python, program) = (folder().join("python/venv/bin/python"), folder().join("python/smime.py"));
    let python = Served::start(&python, [program]);
    if python.is_none() {
        sealpost_testkit::missing("Python's cryptography (cargo xtask test installs it)");
    }
    python
}

/// What OpenSSL said, where Python wraps it: `(error:CODE:LIBRARY:FUNCTION:REASON:FILE:LINE:DATA, ...)`.
fn openssl(why: &str) -> Option<String> {
    let mut fields = why.split("(error:").nth(1)?.split(':').skip(1);
    let (library, function, reason) = (fields.next()?, fields.next()?, fields.next()?);
    // What it finds first in a padding that is another one depends on chance.
    let reason = if function.starts_with("RSA_padding_check") { "" } else { reason };
    Some(format!("InternalError: {library}: {function}: {reason}").trim_end_matches(": ").to_owned())
}
