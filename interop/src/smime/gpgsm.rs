//! gpgsm, which does CMS and leaves the mail to its caller, in a home of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use tempfile::TempDir;

use super::{
    Cipher, Form, Identity, Outcome, Padding, Peer, Pki, Sealing, Signing, Transport, hash, mail,
    pki::PASSWORD,
    scratch::{Scratch, run, said, text},
};
use crate::{call, succeeded};

/// gpgsm with the keys of the tests, as far as it takes them.
#[derive(Debug)]
pub struct Gpgsm {
    home: TempDir,
    scratch: Scratch,
    /// Whose key it did not take, and why.
    refused: Vec<(String, String)>,
}

impl Gpgsm {
    /// `None` if it is not installed.
    ///
    /// # Panics
    ///
    /// If no home can be made for it.
    #[must_use]
    pub fn new(pki: &Pki) -> Option<Self> {
        if call(Path::new("gpgsm"), ["--version"], &[]).is_none() {
            sealpost_testkit::missing("gpgsm (cargo xtask test installs it)");
            return None;
        }
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| fs::write(home.path().join(name), text).unwrap();
        let print = ["x509", "-noout", "-fingerprint", "-sha1", "-in", text(&pki.root)];
        let print = String::from_utf8(run("openssl", print, &[]).stdout).unwrap();
        // "relax": a root without the extensions that it wants.
        write("trustlist.txt", format!("{} S relax\n", print.trim().rsplit('=').next().unwrap()));
        write("gpgsm.conf", "disable-dirmngr\ndisable-crl-checks\n".into());
        write("gpg-agent.conf", "allow-loopback-pinentry\n".into());
        let mut gpgsm = Self { home, scratch: Scratch::new(), refused: Vec::new() };
        for certificate in [&pki.root, &pki.issuing] {
            let _ = gpgsm.run(&["--import", text(certificate)]);
        }
        // In both lists those with two uses.
        let others = pki.readers.iter().filter(|reader| pki.signers.iter().all(|s| s.address != reader.address));
        for identity in pki.signers.iter().chain(others) {
            let _ = gpgsm.run(&["--import", text(&identity.certificate)]);
            let imported = gpgsm.run_with(&identity.password, &["--import", text(&identity.pkcs12)]);
            if !imported.status.success() {
                let why = format!("import of the key: {}", said(&imported, words_of_import));
                gpgsm.refused.push((identity.address.clone(), why));
            }
        }
        Some(gpgsm)
    }

    /// With the password of its keys, and of those that it makes.
    fn run(&self, args: &[&str]) -> Output {
        self.run_with(PASSWORD, args)
    }

    fn run_with(&self, password: &str, args: &[&str]) -> Output {
        let home = text(self.home.path());
        let common = ["--homedir", home, "--batch", "--no-tty", "--yes", "--pinentry-mode", "loopback"];
        let passphrase = ["--passphrase-fd", "0"];
        run("gpgsm", common.iter().chain(&passphrase).chain(args), password.as_bytes())
    }

    /// The file that it writes.
    fn made(&self, args: &[&str], input: &[u8]) -> Outcome {
        self.made_with(PASSWORD, args, input)
    }

    fn made_with(&self, password: &str, args: &[&str], input: &[u8]) -> Outcome {
        let (input, out) = (self.scratch.file(input), self.scratch.fresh());
        let output = self.run_with(password, &[&["--output", text(&out)], args, &[text(&input)]].concat());
        if output.status.success() { Ok(fs::read(out).unwrap()) } else { Err(said(&output, words)) }
    }

    /// A PKCS#12 file of a key and its certificate, with the password of all of them.
    ///
    /// # Panics
    ///
    /// If it is not made.
    #[must_use]
    pub fn pkcs12(&self, of: &Identity) -> PathBuf {
        let out = self.scratch.fresh();
        let args = ["--output", text(&out), "--export-secret-key-p12", &of.address];
        let _ = succeeded("gpgsm", self.run(&args));
        out
    }

    fn has_key(&self, of: &Identity) -> Outcome<()> {
        match self.refused.iter().find(|(address, _)| *address == of.address) {
            Some((_, why)) => Err(why.clone()),
            None => Ok(()),
        }
    }
}

impl Peer for Gpgsm {
    fn name(&self) -> &'static str {
        "gpgsm"
    }

    fn version(&self) -> String {
        let version = String::from_utf8(run("gpgsm", ["--version"], &[]).stdout).unwrap();
        version.lines().next().and_then(|line| line.rsplit(' ').next()).unwrap_or_default().into()
    }

    fn sign(&self, how: &Signing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        self.has_key(how.by)?;
        let verb = if how.form == Form::Opaque { "--sign" } else { "--detach-sign" };
        let mut args = vec!["--local-user", &how.by.address, "--digest-algo", hash(how.by), verb];
        if how.padding == Padding::Pss {
            args.insert(0, "--rsa-pss");
        }
        let message = self.made(&args, &entity)?;
        Ok(match how.form {
            Form::Opaque => mail::pkcs7(&outer, "signed-data", &message),
            Form::Multipart => mail::multipart(&outer, &entity, &message, hash(how.by)),
        })
    }

    fn verify(&self, mail: &[u8]) -> Outcome {
        if let Some((content, signature)) = mail::signed_parts(mail) {
            let [signature, signed] = [&signature, &content].map(|octets| self.scratch.file(octets));
            let output = self.run(&["--verify", text(&signature), text(&signed)]);
            return if output.status.success() { Ok(content) } else { Err(said(&output, words)) };
        }
        self.made(&["--verify"], &mail::base64_body(mail))
    }

    fn encrypt(&self, how: &Sealing<'_>, mail: &[u8]) -> Outcome {
        let (outer, entity) = mail::split(mail);
        let cipher = match how.cipher {
            Cipher::Aes128Cbc => "AES128",
            Cipher::Aes256Cbc => "AES256",
            // It takes a cipher by its object identifier too.
            Cipher::Aes128Gcm => "2.16.840.1.101.3.4.1.6",
            Cipher::Aes256Gcm => "2.16.840.1.101.3.4.1.46",
        };
        let mut args = vec!["--cipher-algo", cipher, "--recipient", &how.to.address, "--encrypt"];
        if how.transport == Transport::Oaep {
            args.insert(0, "--rsa-oaep");
        }
        Ok(mail::pkcs7(&outer, "enveloped-data", &self.made(&args, &entity)?))
    }

    fn decrypt(&self, to: &Identity, mail: &[u8]) -> Outcome {
        self.has_key(to)?;
        self.made_with(&to.password, &["--decrypt"], &mail::base64_body(mail))
    }
}

impl Drop for Gpgsm {
    fn drop(&mut self) {
        // Its agent would outlive the test.
        let home = self.home.path().as_os_str();
        drop(call(Path::new("gpgconf"), ["--homedir".as_ref(), home, "--kill".as_ref(), "all".as_ref()], &[]));
    }
}

/// Its complaints without what it also says when all is well.
fn words(stderr: &str) -> String {
    const CHAT: [&str; 11] = [
        "CRLs not checked",
        "DBG: ",
        "Signature made",
        "using ",
        "aka ",
        "encrypted to",
        "total number processed",
        "unchanged: ",
        "keybox ",
        "Note: ",
        "Good signature",
    ];
    let lines = stderr.lines().filter(|line| !line.is_empty());
    let lines = lines.map(|line| line.strip_prefix("gpgsm: ").unwrap_or(line).trim_start());
    lines.filter(|line| !CHAT.iter().any(|chat| line.starts_with(chat))).collect::<Vec<_>>().join("; ")
}

/// The sum of it: where it notices what it can't read depends on chance.
fn words_of_import(stderr: &str) -> String {
    let words = words(stderr);
    words.split("; ").find(|words| words.starts_with("error parsing")).map(str::to_owned).unwrap_or(words)
}
