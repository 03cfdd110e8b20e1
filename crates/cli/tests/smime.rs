//! `sealpost smime`, with the keys of RFC 9216: some files have a key that signs and one that decrypts.

#![cfg(test)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use sealpost_testkit::vectors;
use tempfile::TempDir;

const MAIL: &str = "From: a@b\r\nTo: c@d\r\nSubject: s\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

struct Fixture {
    folder: TempDir,
    vectors: PathBuf,
}

impl Fixture {
    fn new() -> Option<Self> {
        let fixture = Self { folder: tempfile::tempdir().unwrap(), vectors: vectors()?.join("smime/rfc9216") };
        fs::write(fixture.path("mail"), MAIL).unwrap();
        for name in ["alice", "bob", "carlos", "dana"] {
            fs::write(fixture.path(name), name).unwrap();
        }
        Some(fixture)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command of `sealpost smime`, whose words are told apart by blanks. `@x` is a file of RFC 9216, `=x` one in
    /// the folder.
    fn run(&self, command: &str) -> Output {
        let words = command.split(' ').map(|word| match word.split_at(1) {
            ("@", name) => self.vectors.join(name).into_os_string(),
            ("=", name) => self.path(name).into_os_string(),
            _ => word.into(),
        });
        Command::new(env!("CARGO_BIN_EXE_sealpost")).arg("smime").args(words).output().unwrap()
    }

    fn ok(&self, command: &str) {
        let output = self.run(command);
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What a command that fails says; its output, `=out`, does not appear.
    fn fails(&self, command: &str) -> String {
        let output = self.run(command);
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(output.stdout.is_empty() && !Path::exists(&self.path("out")), "{command}");
        String::from_utf8(output.stderr).unwrap()
    }
}

#[test]
fn a_file_with_several_keys_signs_and_decrypts() {
    let Some(f) = Fixture::new() else { return };
    for name in ["alice", "bob", "carlos", "dana"] {
        f.ok(&format!("sign --key @{name}.p12 --password-file ={name} =mail =signed"));
        let chain = if matches!(name, "carlos" | "dana") { "--chain @ca.25519.cross.crt " } else { "" };
        let verify = f.run(&format!("verify --trust @ca.rsa.crt {chain}--at 2026-11-27T00:00:00Z =signed"));
        // Somebody else's mail, but signed well.
        assert_eq!(verify.status.code(), Some(12), "{name}: {}", String::from_utf8_lossy(&verify.stderr));
        f.ok(&format!("encrypt --to @{name}.encrypt.crt --cipher aes-256-gcm =mail =encrypted"));
        f.ok(&format!("decrypt --key @{name}.p12 --password-file ={name} =encrypted =decrypted"));
        assert_eq!(
            fs::read_to_string(f.path("decrypted")).unwrap(),
            MAIL.replace("Content", "MIME-Version: 1.0\r\nContent")
        );
        f.ok(&format!(
            "decrypt --key @{name}.encrypt.{} --cert @{name}.encrypt.crt =encrypted =decrypted",
            if chain.is_empty() { "key" } else { "25519.key" }
        ));
    }
}

#[test]
fn who_is_not_meant_reads_nothing_and_learns_nothing() {
    let Some(f) = Fixture::new() else { return };
    for cipher in ["aes-256-cbc", "aes-256-gcm"] {
        f.ok(&format!("encrypt --to @alice.encrypt.crt --cipher {cipher} =mail =encrypted"));
        let mut damaged = fs::read_to_string(f.path("encrypted")).unwrap();
        let end = damaged.trim_end().len() - 10;
        let other = if damaged.as_bytes()[end] == b'A' { "B" } else { "A" };
        damaged.replace_range(end..=end, other);
        fs::write(f.path("damaged"), damaged).unwrap();
        let errors = [
            "decrypt --key @bob.p12 --password-file =bob =encrypted =out",
            "decrypt --key @alice.p12 --password-file =alice --recipient bob@smime.example =encrypted =out",
            "decrypt --key @alice.p12 --password-file =alice =damaged =out",
        ]
        .map(|command| f.fails(command));
        for error in errors {
            assert!(error.ends_with("the message can't be decrypted with these keys\n"), "{cipher}: {error}");
        }
        f.ok("decrypt --key @alice.p12 --password-file =alice --recipient ALICE@smime.example =encrypted =decrypted");
    }
}
