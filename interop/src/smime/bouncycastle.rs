//! BouncyCastle and JavaMail, by a program of ours in `interop/java`.

use std::{fs, path::Path};

use super::{Form, Identity, Outcome, Padding, Peer, Pki, Sealing, Signing, mail, scratch::text, served::Served};
use crate::folder;

/// Debian's archives that it needs.
const ARCHIVES: [&str; 6] = ["bcprov", "bcutil", "bcpkix", "bcmail", "javax.mail", "javax.activation"];

/// BouncyCastle.
#[derive(Debug)]
pub struct BouncyCastle<'a> {
    pki: &'a Pki,
    java: Served,
}

impl<'a> BouncyCastle<'a> {
    /// `None` if it is not installed.
    #[must_use]
    pub fn new(pki: &'a Pki) -> Option<Self> {
        let archives = ARCHIVES.map(|name| format!("/usr/share/java/{name}.jar"));
        let program = folder().join("java/Smime.java");
        // It compiles the program itself. The quick compiler is enough for mails of some kilobytes.
        let args = ["-XX:TieredStopAtLevel=1", "-cp", &archives.join(":"), text(&program)];
        let there = archives.iter().all(|archive| Path::new(archive).is_file());
        let Some(java) = there.then(|| Served::start(Path::new("java"), args)).flatten() else {
            sealpost_testkit::missing("BouncyCastle (cargo xtask test installs it)");
            return None;
        };
        Some(Self { pki, java })
    }

    /// Has it do something with a file in and a file out.
    fn made(&self, words: &[&str], input: &[u8]) -> Outcome {
        let (input, out) = (self.pki.scratch().file(input), self.pki.scratch().fresh());
        let _ = self.java.ask(&[words, &[text(&input), text(&out)]].concat())?;
        Ok(fs::read(out).unwrap())
    }

    /// An AuthEnvelopedData's cipher in an EnvelopedData, which must not be.
    ///
    /// # Errors
    ///
    /// What it says.
    pub fn encrypt_without_authentication(&self, how: &Sealing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        Ok(mail::pkcs7(&outer, "enveloped-data", &self.sealed("confuse", how, &entity)?))
    }

    fn sealed(&self, verb: &str, how: &Sealing<'_>, entity: &[u8]) -> Outcome {
        let [cipher, kdf, options, certificates] = how.words();
        self.made(&[verb, &cipher, how.transport.name(), &kdf, &options, &certificates], entity)
    }
}

impl Peer for BouncyCastle<'_> {
    fn name(&self) -> &'static str {
        "BouncyCastle"
    }

    fn version(&self) -> String {
        self.java.ask(&["version"]).unwrap_or_default()
    }

    fn sign(&self, how: &Signing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        let form = if how.form == Form::Opaque { "opaque" } else { "multipart" };
        let algorithm = match how.by.kind {
            "Ed25519" => "Ed25519",
            "P-256" => "SHA256withECDSA",
            "P-384" => "SHA384withECDSA",
            _ if how.padding == Padding::Pss => "SHA256withRSAandMGF1",
            _ => "SHA256withRSA",
        };
        let by = [text(&how.by.key), text(&how.by.certificate), text(&self.pki.issuing)];
        Ok(mail::join(&outer, &self.made(&[&["sign", form, algorithm], &by[..]].concat(), &entity)?))
    }

    fn verify(&self, mail: &[u8]) -> Outcome {
        self.made(&["verify", text(&self.pki.root)], mail)
    }

    fn encrypt(&self, how: &Sealing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        Ok(mail::pkcs7(&outer, how.smime_type(), &self.sealed("encrypt", how, &entity)?))
    }

    fn decrypt(&self, to: &Identity, mail: &[u8]) -> Outcome {
        self.made(&["decrypt", text(&to.pkcs12), &to.password], mail)
    }
}
