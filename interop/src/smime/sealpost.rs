//! Our own tool, called as anybody would call it.

use std::{fs, process::Output};

use super::{
    Form, Identity, Outcome, Padding, Peer, Pki, Sealing, Signing, Transport, hash, mail,
    scratch::{outcome, text},
};
use crate::sealpost;

/// `sealpost smime`.
#[derive(Debug)]
pub struct Sealpost<'a> {
    pki: &'a Pki,
}

impl<'a> Sealpost<'a> {
    /// With the certificates of a test.
    #[must_use]
    pub fn new(pki: &'a Pki) -> Self {
        Self { pki }
    }

    /// Runs `sealpost smime`.
    #[must_use]
    pub fn run(&self, args: &[&str], mail: &[u8]) -> Output {
        sealpost(&[&["smime"], args].concat(), mail)
    }

    /// Verifies with these options: the exit code. What is signed is given out if it is valid, and only then.
    ///
    /// # Panics
    ///
    /// If content is given out that is not valid, or none that is.
    #[must_use]
    pub fn judge(&self, args: &[&str], mail: &[u8]) -> Option<i32> {
        let content = self.pki.scratch().fresh();
        let code = self.run(&[&["verify", "--content", text(&content)], args].concat(), mail).status.code();
        assert_eq!(content.is_file(), code == Some(0), "{code:?}");
        code
    }

    /// Runs it; an error is what it says.
    ///
    /// # Errors
    ///
    /// What it says.
    pub fn made(&self, args: &[&str], mail: &[u8]) -> Outcome {
        outcome(self.run(args, mail), str::to_owned)
    }
}

impl Peer for Sealpost<'_> {
    fn name(&self) -> &'static str {
        "sealpost"
    }

    fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").into()
    }

    fn sign(&self, how: &Signing<'_>, mail: &[u8]) -> Outcome {
        let by = ["--key", text(&how.by.key), "--cert", text(&how.by.certificate)];
        let mut args = [&["sign"], &by[..], &["--chain", text(&self.pki.issuing)]].concat();
        if how.by.kind != "Ed25519" {
            args.extend(["--hash", hash(how.by)]);
        }
        if how.form == Form::Opaque {
            args.push("--opaque");
        }
        if how.padding == Padding::Pss {
            args.push("--pss");
        }
        self.made(&args, mail)
    }

    fn verify(&self, mail: &[u8]) -> Outcome {
        let content = self.pki.scratch().fresh();
        let _ = self.made(&["verify", "--trust", text(&self.pki.root), "--content", text(&content)], mail)?;
        Ok(fs::read(content).unwrap())
    }

    fn encrypt(&self, how: &Sealing<'_>, mail: &[u8]) -> Outcome {
        // What it derives keys with comes with the curve.
        let own = how.kdf.is_none_or(|kdf| kdf.name() == hash(how.to));
        if !own || how.ukm || how.by_key_id || how.streamed {
            return Err("encrypt has no option for it".into());
        }
        let mut args = vec!["encrypt", "--cipher", how.cipher.name(), "--to"];
        args.extend(how.recipients().map(|to| text(&to.certificate)));
        if how.transport != Transport::Agreement {
            args.extend(["--rsa", how.transport.name()]);
        }
        self.made(&args, mail)
    }

    fn decrypt(&self, to: &Identity, mail: &[u8]) -> Outcome {
        let args = ["decrypt", "--key", text(&to.key), "--cert", text(&to.certificate)];
        Ok(mail::split(&self.made(&args, mail)?).1)
    }
}
