//! GnuPG in a home of its own.

use std::path::Path;

use tempfile::TempDir;

use crate::{call, succeeded};

/// GnuPG with an empty home, removed afterwards.
#[derive(Debug)]
pub struct Gnupg {
    home: TempDir,
}

impl Gnupg {
    /// `None` if it is not installed.
    ///
    /// # Panics
    ///
    /// If no home can be made for it.
    #[must_use]
    pub fn new() -> Option<Self> {
        if call(Path::new("gpg"), ["--version"], &[]).is_none() {
            sealpost_testkit::missing("GnuPG");
            return None;
        }
        Some(Self { home: tempfile::tempdir().unwrap() })
    }

    fn run(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let home = self.home.path().to_str().unwrap();
        let common = ["--homedir", home, "--batch", "--no-tty", "--quiet", "--trust-model", "always"];
        let loopback = ["--pinentry-mode", "loopback", "--passphrase", ""];
        let args = common.iter().chain(&loopback).chain(args);
        succeeded("gpg", call(Path::new("gpg"), args, input).unwrap())
    }

    /// Makes a key: Ed25519 and Curve25519.
    pub fn generate(&self, user_id: &str) {
        self.run(&["--quick-generate-key", user_id, "future-default", "default", "never"], &[]);
    }

    /// Makes a key on P-256.
    ///
    /// # Panics
    ///
    /// If GnuPG lists no fingerprint for it.
    pub fn generate_p256(&self, user_id: &str) {
        self.run(&["--quick-generate-key", user_id, "nistp256", "cert,sign", "never"], &[]);
        let list = self.run(&["--with-colons", "--list-keys", user_id], &[]);
        let list = String::from_utf8(list).unwrap();
        let fingerprint = list.lines().find_map(|line| line.strip_prefix("fpr:")).unwrap().replace(':', "");
        self.run(&["--quick-add-key", &fingerprint, "nistp256", "encr", "never"], &[]);
    }

    /// The public key, armored.
    #[must_use]
    pub fn export(&self, user_id: &str) -> Vec<u8> {
        self.run(&["--armor", "--export", user_id], &[])
    }

    /// The secret key, armored.
    #[must_use]
    pub fn export_secret(&self, user_id: &str) -> Vec<u8> {
        self.run(&["--armor", "--export-secret-keys", user_id], &[])
    }

    /// Encrypts; `options` name the recipients and say how.
    #[must_use]
    pub fn encrypt(&self, options: &[&str], plaintext: &[u8]) -> Vec<u8> {
        self.run(&[options, &["--encrypt"]].concat(), plaintext)
    }

    /// Removes the armor.
    #[must_use]
    pub fn dearmor(&self, armored: &[u8]) -> Vec<u8> {
        self.run(&["--dearmor"], armored)
    }

    /// Decrypts.
    #[must_use]
    pub fn decrypt(&self, message: &[u8]) -> Vec<u8> {
        self.run(&["--decrypt"], message)
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        // Its agent would outlive the test.
        let home = self.home.path().as_os_str();
        drop(call(Path::new("gpgconf"), ["--homedir".as_ref(), home, "--kill".as_ref(), "all".as_ref()], &[]));
    }
}
