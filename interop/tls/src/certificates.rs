//! Certificates of servers, by OpenSSL.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::program::{command, run};

/// A certificate and its key, in PEM.
#[derive(Debug)]
#[non_exhaustive]
pub struct Certificate {
    /// The certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Certificate {
    /// The SHA-256 of the key that it certifies (RFC 6698, selector 1 and matching type 1), in hexadecimal digits.
    ///
    /// # Panics
    ///
    /// If OpenSSL fails.
    #[must_use]
    pub fn spki_sha256(&self) -> String {
        let folder = self.certificate.parent().expect("its folder");
        let (pem, der) = (folder.join("spki.pem"), folder.join("spki.der"));
        let openssl = || command("openssl", folder);
        run(openssl().args(["x509", "-noout", "-pubkey", "-in"]).arg(&self.certificate).arg("-out").arg(&pem));
        run(openssl().args(["pkey", "-pubin", "-outform", "DER", "-in"]).arg(&pem).arg("-out").arg(&der));
        let said = run(openssl().args(["dgst", "-sha256", "-r"]).arg(&der));
        said.split_whitespace().next().expect("a digest").to_owned()
    }
}

/// An authority.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    name: String,
}

impl Authority {
    /// A new one, whose files go to `folder`.
    ///
    /// # Panics
    ///
    /// If OpenSSL fails.
    #[must_use]
    pub fn new(folder: &Path, name: &str) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        // Debian's settings would make everybody an authority.
        fs::write(folder.join("openssl.cnf"), "[req]\ndistinguished_name = dn\n[dn]\n").expect("settings of OpenSSL");
        let authority = Self { folder: folder.to_owned(), name: name.to_owned() };
        let extensions = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign"];
        run(authority.request(name).args(extensions));
        authority
    }

    /// The certificate of the authority itself, in PEM.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.folder.join(format!("{}.pem", self.name))
    }

    /// A certificate of a server with these names.
    ///
    /// # Panics
    ///
    /// If OpenSSL fails.
    #[must_use]
    pub fn certify(&self, file: &str, names: &[&str]) -> Certificate {
        let names: Vec<String> = names.iter().map(|name| format!("DNS:{name}")).collect();
        let names = format!("subjectAltName={}", names.join(","));
        let root = [self.root(), self.folder.join(format!("{}.key", self.name))];
        let mut request = self.request(file);
        request.arg("-CA").arg(&root[0]).arg("-CAkey").arg(&root[1]).args(["-addext", &names]);
        run(request.args(["-addext", "extendedKeyUsage=serverAuth"]));
        let file = |ending: &str| self.folder.join(format!("{file}.{ending}"));
        Certificate { certificate: file("pem"), key: file("key") }
    }

    fn request(&self, file: &str) -> Command {
        let mut request = command("openssl", &self.folder);
        request.args(["req", "-x509", "-config", "openssl.cnf", "-days", "2", "-nodes"]);
        request.args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", &format!("/CN={file}")]);
        request.args(["-keyout", &format!("{file}.key"), "-out", &format!("{file}.pem")]);
        request
    }
}
