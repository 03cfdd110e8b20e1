//! PKCS#12 files that we write, read by OpenSSL, NSS, gpgsm and Java's keytool: with their defaults of today, none of
//! which are told to accept old algorithms.

#![cfg(test)]

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_interop::{
    call,
    smime::{Identity, Pki},
};
use sealpost_smime::{Certificate, Limits, Pkcs12, Pkcs12Writer, key::SoftwareKey};

const PASSWORD: &str = "correct horse";
const KINDS: [&str; 4] = ["RSA-2048", "P-256", "P-384", "Ed25519"];

fn certificate(path: &Path) -> Certificate {
    Certificate::read_all(&fs::read(path).unwrap(), &Limits::default()).unwrap().remove(0)
}

/// Files of all kinds of keys, each with the issuing authority's certificate.
fn files(pki: &Pki) -> BTreeMap<&'static str, (Identity, PathBuf)> {
    let issuing = certificate(&pki.issuing);
    let write = |identity: &Identity| {
        let key = SoftwareKey::read(&fs::read(&identity.key).unwrap(), None, &Limits::default()).unwrap();
        let own = certificate(&identity.certificate);
        let writer = Pkcs12Writer::new(&key, &own).chain([issuing.clone()]).name(identity.nickname());
        pki.scratch().file(&writer.write(PASSWORD, &mut UnwrapErr(SysRng)).unwrap())
    };
    pki.signers.iter().map(|identity| (identity.kind, (identity.clone(), write(identity)))).collect()
}

/// Runs a program. `None` if it is not there.
fn run<A: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = A>, input: &[u8]) -> Option<Output> {
    let output = call(Path::new(program), args, input);
    if output.is_none() {
        sealpost_testkit::missing(&format!("{program} (cargo xtask test installs it)"));
    }
    output
}

/// All that it said.
fn said(output: &Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn openssl_reads_our_files_without_its_old_algorithms() {
    let pki = Pki::with(&KINDS);
    for (kind, (identity, file)) in files(&pki) {
        let args = ["pkcs12", "-in", text(&file), "-nodes", "-passin", "pass:correct horse"];
        let output = run("openssl", args, &[]).unwrap();
        assert!(output.status.success(), "{kind}: {}", said(&output));
        let read = SoftwareKey::read(&output.stdout, None, &Limits::default()).unwrap();
        let key = SoftwareKey::read(&fs::read(&identity.key).unwrap(), None, &Limits::default()).unwrap();
        assert_eq!(read.expose_pkcs8(), key.expose_pkcs8(), "{kind}");
        let mut certificates = Certificate::read_all(&output.stdout, &Limits::default()).unwrap();
        certificates.sort_by_key(|certificate| certificate.subject_name() == "CN=Interop Issuing");
        assert_eq!(certificates, [certificate(&identity.certificate), certificate(&pki.issuing)], "{kind}");
        assert!(said(&output).contains(&format!("friendlyName: {}", identity.nickname())), "{}", said(&output));
        let args = ["pkcs12", "-in", text(&file), "-info", "-noout", "-passin", "pass:correct horse"];
        let info = said(&run("openssl", args, &[]).unwrap());
        let parts = "PBES2, PBKDF2, AES-256-CBC, Iteration 600000, PRF hmacWithSHA256";
        assert_eq!(info.matches(parts).count(), 2, "{kind}: {info}");
        assert!(info.contains("MAC: sha256, Iteration 600000"), "{kind}: {info}");
        let args = ["pkcs12", "-in", text(&file), "-noout", "-passin", "pass:wrong"];
        assert!(!run("openssl", args, &[]).unwrap().status.success(), "{kind}");
    }
}

#[test]
fn nss_takes_our_keys() {
    let pki = Pki::with(&KINDS);
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sql:{}", text(folder.path()));
    let Some(made) = run("certutil", ["-N", "--empty-password", "-d", &database], &[]) else { return };
    assert!(made.status.success(), "{}", said(&made));
    for (kind, (identity, file)) in files(&pki) {
        if kind == "Ed25519" {
            // NSS has none.
            continue;
        }
        let import = |password| run("pk12util", ["-d", &database, "-i", text(&file), "-W", password, "-K", ""], &[]);
        assert!(!import("wrong").unwrap().status.success(), "{kind}");
        let output = import(PASSWORD).unwrap();
        assert!(output.status.success(), "{kind}: {}", said(&output));
        let keys = said(&run("certutil", ["-K", "-d", &database], &[]).unwrap());
        assert!(keys.contains(identity.nickname()), "{kind}: {keys}");
    }
}

/// gpgsm 2.2 reads no certificates that are encrypted by PBES2 with HMAC-SHA-256, whoever wrote them: not OpenSSL's
/// either. A gpgsm that reads those must read ours.
#[test]
fn gpgsm_takes_our_rsa_keys_if_it_takes_those_of_openssl() {
    let pki = Pki::with(&["RSA-2048"]);
    let import = |file: &Path| {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("gpg-agent.conf"), "allow-loopback-pinentry\n").unwrap();
        let common = ["--homedir", text(home.path()), "--batch", "--no-tty", "--yes", "--pinentry-mode", "loopback"];
        let passphrase = ["--disable-dirmngr", "--disable-crl-checks", "--passphrase-fd", "0", "--import", text(file)];
        run("gpgsm", common.iter().chain(&passphrase), PASSWORD.as_bytes())
    };
    for (identity, file) in files(&pki).values() {
        let theirs = pki.scratch().fresh();
        let keys = ["-inkey", text(&identity.key), "-in", text(&identity.certificate)];
        let args = ["pkcs12", "-export", "-passout", "pass:correct horse", "-out", text(&theirs)];
        assert!(run("openssl", args.iter().chain(&keys), &[]).unwrap().status.success());
        let (Some(ours), Some(theirs)) = (import(file), import(&theirs)) else { return };
        assert_eq!(ours.status.success(), theirs.status.success(), "{}\n{}", said(&ours), said(&theirs));
    }
}

#[test]
fn java_reads_our_files() {
    let pki = Pki::with(&KINDS);
    for (kind, (identity, file)) in files(&pki) {
        let list = |password| {
            run(
                "keytool",
                ["-list", "-v", "-storetype", "PKCS12", "-keystore", text(&file), "-storepass", password],
                &[],
            )
        };
        let Some(output) = list(PASSWORD) else { return };
        let listed = said(&output);
        assert!(output.status.success(), "{kind}: {listed}");
        assert!(listed.contains("PrivateKeyEntry"), "{kind}: {listed}");
        assert!(listed.contains(&format!("Alias name: {}", identity.nickname())), "{kind}: {listed}");
        assert!(listed.contains("Certificate chain length: 2"), "{kind}: {listed}");
        assert!(!list("wrong pass").unwrap().status.success(), "{kind}");
    }
}

/// What old programs wrote is read, and what we write of it is new.
#[test]
fn an_old_file_becomes_a_new_one() {
    let pki = Pki::with(&["RSA-2048"]);
    for identity in &pki.signers {
        let old = Pkcs12::read(&fs::read(&identity.pkcs12).unwrap(), Some("interop"), &Limits::default()).unwrap();
        let [one] = &old.identities[..] else { panic!("one key") };
        let own = one.certificate.as_ref().unwrap();
        let new = Pkcs12Writer::new(&one.key, own).write(PASSWORD, &mut UnwrapErr(SysRng)).unwrap();
        let file = pki.scratch().file(&new);
        let args = ["pkcs12", "-in", text(&file), "-noout", "-passin", "pass:correct horse"];
        let output = run("openssl", args, &[]).unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
}
