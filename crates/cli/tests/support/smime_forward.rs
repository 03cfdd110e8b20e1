//! What the tests of `sealpost smime forward` share: people with keys on a curve, a mail, and a forward.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost::{
    ca::personal::{Holder, self_signed},
    rollover::{Span, Time},
    smime::{algorithm::Curve, key::SoftwareKey, write_pem},
};
use tempfile::TempDir;

pub(crate) const MAIL: &str = "From: alice@example.org\r\nTo: bob@example.org\r\nSubject: The vault\r\n\
    MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nIts combination is 31-17-5.\r\n";
/// Where the forward is.
pub(crate) const SETUP: &str =
    "smime forward setup --key bob.key --cert bob.pem --to Charles_<charles@example.org> --out c";

/// A folder with bob.key, bob.pem, the mail, and the same encrypted to Bob.
pub(crate) struct Fixture {
    folder: TempDir,
}

impl Fixture {
    pub(crate) fn new(curve: Curve) -> Self {
        let fixture = Self { folder: tempfile::tempdir().unwrap() };
        fixture.person("bob", curve);
        fixture.write("mail", MAIL);
        fixture.ok("smime encrypt --to bob.pem -- mail encrypted");
        fixture
    }

    /// The same with a forward to Charles in the folder c.
    pub(crate) fn forward(curve: Curve) -> Self {
        let fixture = Self::new(curve);
        fixture.ok(SETUP);
        fixture
    }

    /// Somebody's NAME.key and NAME.pem.
    pub(crate) fn person(&self, name: &str, curve: Curve) {
        let key = SoftwareKey::generate_agreement(curve, &mut UnwrapErr(SysRng)).unwrap();
        let holder = Holder::new(None, &format!("{name}@example.org")).unwrap();
        let now = Time::from_unix(1_700_000_000);
        let certificate = self_signed(&key, &holder, (now, now + Span::days(9000)), 16).unwrap();
        self.write(&format!("{name}.key"), write_pem("PRIVATE KEY", key.expose_pkcs8()).as_bytes());
        self.write(&format!("{name}.pem"), write_pem("CERTIFICATE", certificate.as_der()).as_bytes());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        fs::symlink_metadata(self.path(name)).is_ok()
    }

    /// What is in a folder, sorted.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The tool with a command whose words are told apart by blanks; `_` stands for one in a word.
    pub(crate) fn tool(&self, command: &str) -> Command {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_sealpost"));
        tool.args(command.split(' ').map(|word| word.replace('_', " "))).current_dir(self.folder.path());
        tool
    }

    pub(crate) fn run(&self, command: &str) -> Output {
        self.tool(command).output().unwrap()
    }

    pub(crate) fn ok(&self, command: &str) -> Output {
        let output = self.run(command);
        assert!(output.status.success(), "{command}: {}", said(&output));
        output
    }

    /// Ends with this code, and says all of this.
    pub(crate) fn fails(&self, code: i32, says: &[&str], command: &str) {
        let output = self.run(command);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{command}: {text}");
        says.iter().for_each(|says| assert!(text.contains(says), "{command} does not say {says:?}: {text}"));
        assert!(!text.contains("panicked") && output.stdout.is_empty(), "{command}: {text}");
    }
}

/// What a command told people.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
