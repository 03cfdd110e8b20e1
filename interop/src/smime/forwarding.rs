//! Encrypted forwarding by our tool, called as a user and a server call it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Identity, Outcome, Pki,
    scratch::{outcome, run, text},
};
use crate::{sealpost, sealpost_ok, succeeded};

/// What somebody set up who forwards mail.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Forwarding {
    /// Who gets it: key and certificate are those that OpenSSL takes out of the PKCS#12 file.
    pub forwardee: Identity,
    /// What the server has.
    pub instances: Vec<PathBuf>,
}

impl Forwarding {
    /// From this identity to another, which is named by its kind and gets a key and a certificate of its own signature.
    ///
    /// # Panics
    ///
    /// If it can't be set up.
    #[must_use]
    pub fn set_up(pki: &Pki, forwarder: &Identity, kind: &'static str) -> Self {
        Self::set_up_with(pki, forwarder, kind, &[])
    }

    /// From this identity to another, which has a key.
    ///
    /// # Panics
    ///
    /// If it can't be set up.
    #[must_use]
    pub fn set_up_to(pki: &Pki, forwarder: &Identity, forwardee: &Identity) -> Self {
        let key = ["--forwardee-key", text(&forwardee.key), "--forwardee-cert", text(&forwardee.certificate)];
        Self::set_up_with(pki, forwarder, forwardee.kind, &key)
    }

    fn set_up_with(pki: &Pki, forwarder: &Identity, kind: &'static str, how: &[&str]) -> Self {
        let folder = pki.scratch().fresh();
        let address = format!("{}@example.org", kind.to_ascii_lowercase().replace([' ', '-'], ""));
        let from = ["--key", text(&forwarder.key), "--cert", text(&forwarder.certificate)];
        let to = ["--to", &format!("{kind} <{address}>"), "--out", text(&folder)];
        let _ = sealpost_ok(&[&["smime", "forward", "setup"], &from[..], &to, how].concat(), &[]);
        let pkcs12 = with_extension(&folder, "p12");
        let password_file = with_extension(&folder, "pass");
        let password = fs::read_to_string(&password_file).unwrap().trim_end().to_owned();
        let unpack = |what: &str, write: &[&str]| {
            let password = format!("file:{}", text(&password_file));
            let args = ["pkcs12", "-in", text(&pkcs12), "-passin", &password, "-nodes", what];
            let unpacked = succeeded("openssl", run("openssl", args, &[]));
            pki.scratch().file(&succeeded("openssl", run("openssl", write, &unpacked)))
        };
        let (key, certificate) = (unpack("-nocerts", &["pkey"]), unpack("-nokeys", &["x509"]));
        let forwardee = Identity { kind, address, certificate, key, pkcs12, password };
        Self { forwardee, instances: vec![folder.join("instance-0.json")] }
    }

    /// The same for two servers of different operators.
    ///
    /// # Panics
    ///
    /// If it can't be split, or is so already.
    #[must_use]
    pub fn split(&self, pki: &Pki) -> [Self; 2] {
        let folder = pki.scratch().fresh();
        let args = ["forward", "split", "--instance", text(&self.instances[0]), "--out", text(&folder)];
        let _ = sealpost_ok(&args, &[]);
        [1, 2].map(|server| {
            // For when the mail comes to it first, and for when it comes second.
            let instances = ["first", "second"].map(|place| folder.join(format!("share-{server}-{place}.json")));
            Self { instances: instances.into(), ..self.clone() }
        })
    }

    /// What the server sends on.
    ///
    /// # Errors
    ///
    /// What our tool says.
    pub fn transform(&self, mail: &[u8]) -> Outcome {
        let mut args = vec!["smime", "forward", "transform"];
        self.instances.iter().for_each(|instance| args.extend(["--instance", text(instance)]));
        outcome(sealpost(&args, mail), str::to_owned)
    }
}

/// The file with this extension.
fn with_extension(folder: &Path, extension: &str) -> PathBuf {
    let mut files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.find(|file| file.extension().is_some_and(|found| found == extension)).unwrap()
}
