//! `sealpost smime`, with the keys of RFC 9216: some files have a key that signs and one that decrypts.

#![cfg(test)]

use std::{fs, path::Path};

#[path = "support/smime.rs"]
mod support;

use support::{Fixture, said};

const MAIL: &str = "From: a@b\r\nTo: c@d\r\nSubject: s\r\nContent-Type: text/plain\r\n\r\nhello\r\n";

/// With the passphrase of each person in a file of that name.
fn fixture() -> Option<Fixture> {
    let fixture = Fixture::with(MAIL)?;
    for name in ["alice", "bob", "carlos", "dana"] {
        fixture.write(name, name);
    }
    Some(fixture)
}

impl Fixture {
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
    let Some(f) = fixture() else { return };
    for name in ["alice", "bob", "carlos", "dana"] {
        f.ok(&format!("sign --key @{name}.p12 --password-file ={name} =mail =signed"));
        let chain = if matches!(name, "carlos" | "dana") { "--chain @ca.25519.cross.crt " } else { "" };
        let verify = f.run(&format!("verify --trust @ca.rsa.crt {chain}--at 2026-11-27T00:00:00Z =signed"));
        // Somebody else's mail, but signed well.
        assert_eq!(verify.status.code(), Some(12), "{name}: {}", said(&verify));
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
    let Some(f) = fixture() else { return };
    for cipher in ["aes-256-cbc", "aes-256-gcm"] {
        f.ok(&format!("encrypt --to @alice.encrypt.crt --cipher {cipher} =mail =encrypted"));
        let mut damaged = fs::read_to_string(f.path("encrypted")).unwrap();
        let end = damaged.trim_end().len() - 10;
        let other = if damaged.as_bytes()[end] == b'A' { "B" } else { "A" };
        damaged.replace_range(end..=end, other);
        f.write("damaged", damaged);
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
