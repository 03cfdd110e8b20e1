//! OpenSSL's `cms`, which reads and writes whole mails by itself.

use std::{fs, path::PathBuf};

use super::{
    Form, Identity, Kdf, Outcome, Padding, Peer, Pki, Sealing, Signing, Transport, hash, mail,
    pki::PASSWORD,
    scratch::{outcome, run, text},
};

use crate::succeeded;

/// OpenSSL's command line.
#[derive(Debug)]
pub struct OpenSsl<'a> {
    pki: &'a Pki,
}

impl<'a> OpenSsl<'a> {
    /// Is always there: the certificates are its work.
    #[must_use]
    pub fn new(pki: &'a Pki) -> Self {
        Self { pki }
    }

    /// Runs `openssl cms` with this input and more of its options. Gives the file that it writes.
    ///
    /// # Errors
    ///
    /// What it says.
    ///
    /// # Panics
    ///
    /// If its file can't be read.
    pub fn cms(&self, args: &[&str], input: &[u8]) -> Outcome {
        let (scratch, out) = (self.pki.scratch(), self.pki.scratch().fresh());
        let input = scratch.file(input);
        let files = ["cms", "-in", text(&input), "-out", text(&out)];
        outcome(run("openssl", [&files[..], args].concat(), &[]), words)?;
        Ok(fs::read(out).unwrap())
    }
}

impl OpenSsl<'_> {
    /// A PKCS#12 file of a key and its certificate, with the password of all of them.
    ///
    /// # Panics
    ///
    /// If it is not made.
    #[must_use]
    pub fn pkcs12(&self, of: &Identity, how: &[&str]) -> PathBuf {
        let (out, password) = (self.pki.scratch().fresh(), format!("pass:{PASSWORD}"));
        let files = ["-inkey", text(&of.key), "-in", text(&of.certificate), "-certfile", text(&self.pki.issuing)];
        let args = ["pkcs12", "-export", "-passout", &password, "-out", text(&out)];
        let _ = succeeded("openssl", run("openssl", [&args[..], &files, how].concat(), &[]));
        out
    }
}

impl Peer for OpenSsl<'_> {
    fn name(&self) -> &'static str {
        "OpenSSL"
    }

    fn version(&self) -> String {
        let version = String::from_utf8(run("openssl", ["version"], &[]).stdout).unwrap();
        version.split(' ').nth(1).unwrap_or_default().into()
    }

    fn sign(&self, how: &Signing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        let (by, chain) = (how.by, text(&self.pki.issuing));
        let mut args = vec!["-sign", "-binary", "-crlfeol", "-md", hash(how.by), "-certfile", chain];
        args.extend(["-signer", text(&by.certificate), "-inkey", text(&by.key)]);
        if how.form == Form::Opaque {
            args.push("-nodetach");
        }
        if how.padding == Padding::Pss {
            args.extend(["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"]);
        }
        Ok(mail::join(&outer, &self.cms(&args, &entity)?))
    }

    fn verify(&self, mail: &[u8]) -> Outcome {
        self.cms(&["-verify", "-binary", "-crlfeol", "-purpose", "smimesign", "-CAfile", text(&self.pki.root)], mail)
    }

    fn encrypt(&self, how: &Sealing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        let cipher = format!("-{}", how.cipher.name());
        let derivation = format!("ecdh_kdf_md:{}", how.kdf.unwrap_or(Kdf::Sha256).name());
        if how.ukm {
            return Err("cms has no option for user keying material".into());
        }
        let mut args = vec!["-encrypt", "-binary", "-crlfeol", &cipher];
        args.extend(how.by_key_id.then_some("-keyid"));
        args.extend(how.streamed.then_some("-stream"));
        for to in how.recipients() {
            args.extend(["-recip", text(&to.certificate)]);
            // Is for the recipient in front of it.
            match how.transport {
                Transport::Pkcs1 => {}
                Transport::Oaep => args.extend(["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"]),
                // By itself it takes SHA-1 for its key derivation.
                Transport::Agreement if to.is_rsa() || to.kind.ends_with("X25519") => {}
                Transport::Agreement => args.extend(["-keyopt", &derivation]),
            }
        }
        Ok(mail::join(&outer, &self.cms(&args, &entity)?))
    }

    fn decrypt(&self, to: &Identity, mail: &[u8]) -> Outcome {
        self.cms(&["-decrypt", "-binary", "-recip", text(&to.certificate), "-inkey", text(&to.key)], mail)
    }
}

/// Library, function and reason of the first error in its queue: `error:CODE:LIBRARY:FUNCTION:REASON:FILE:LINE:`.
fn words(stderr: &str) -> String {
    let error = |line: &str| {
        let mut fields = line.split(":error:").nth(1)?.split(':').skip(1);
        let (library, function, reason) = (fields.next()?, fields.next()?, fields.next()?);
        Some(format!("{library}: {function}: {reason}"))
    };
    stderr.lines().find_map(error).unwrap_or_else(|| stderr.into())
}
