//! Certificates and requests of a person's own making, as OpenSSL sees them.
#![cfg(test)]

use std::{fs, path::Path, process::Command};

use sealpost_ca::personal::{Holder, certification_request, self_signed};
use sealpost_rollover::{Span, Time};
use sealpost_smime::{Limits, key::SoftwareKey, write_pem};

/// Standard output and error of OpenSSL, which must succeed.
fn openssl(folder: &Path, args: &str) -> String {
    let output = Command::new("openssl").args(args.split(' ')).current_dir(folder).output().expect("openssl");
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(output.status.success(), "{args}: {text}");
    text
}

#[test]
fn openssl_verifies_what_a_person_makes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let now = Time::from_unix(1_795_780_800);
    for (curve, address, octets) in [("P-256", "charles@example.org", 8), ("P-384", "çharles@example.org", 20)] {
        openssl(folder, &format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out key.pem"));
        let key = fs::read(folder.join("key.pem")).unwrap();
        let key = SoftwareKey::read(&key, None, &Limits::default()).unwrap();
        let holder = Holder::new(Some("Charles"), address).unwrap();
        let certificate = self_signed(&key, &holder, (now, now + Span::days(3650)), octets).unwrap();
        fs::write(folder.join("charles.pem"), &*write_pem("CERTIFICATE", certificate.as_der())).unwrap();
        let verify = format!("verify -check_ss_sig -attime {} -CAfile charles.pem charles.pem", now.unix() + 1);
        assert!(openssl(folder, &verify).contains("charles.pem: OK"));
        let text = openssl(folder, "x509 -in charles.pem -noout -text -purpose");
        // Not that it is for encryption: there it looks for key encipherment alone, and encrypts to it all the same.
        for says in [
            "Version: 3 (0x2)",
            "Subject: CN = Charles",
            "X509v3 Key Usage: critical\n                Key Agreement\n",
            "CA:FALSE",
            "S/MIME signing : No",
            "S/MIME signing CA : No",
        ] {
            assert!(text.contains(says), "{says}: {text}");
        }
        let request = certification_request(&key, &holder).unwrap();
        fs::write(folder.join("charles.csr"), &*write_pem("CERTIFICATE REQUEST", &request)).unwrap();
        let text = openssl(folder, "req -in charles.csr -noout -verify -text");
        for says in ["self-signature verify OK", "Key Agreement", "E-mail Protection"] {
            assert!(text.contains(says), "{says}: {text}");
        }
    }
}
