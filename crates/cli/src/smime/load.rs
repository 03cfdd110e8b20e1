//! Keys and certificates from files.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sealpost::smime::{
    Certificate, Credential, Limits, Pkcs12, PrivateKey,
    key::{SigningKey, SoftwareKey},
};

use crate::{
    failure::{At, Failure, Result},
    files::{read_passphrase, read_small},
};

/// A private key, its certificate, and what else was in their files.
pub(super) struct Owner {
    pub(super) key: SoftwareKey,
    pub(super) certificate: Certificate,
    pub(super) others: Vec<Certificate>,
}

/// What a person's own files may have: there are bundles of many authorities.
pub(super) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.certificates = 10_000;
    limits
}

/// What the files of a person have.
struct Found {
    keys: Vec<SoftwareKey>,
    /// Those of a file of certificates, if one was named.
    named: Option<Vec<Certificate>>,
    /// Those that stand beside the keys.
    beside: Vec<Certificate>,
}

/// Keys and certificates: PEM or DER each, or PKCS#12 with both.
fn read(key: &Path, certificate: Option<&Path>, password_file: Option<&PathBuf>) -> Result<Found> {
    let file = read_small(key)?;
    let password = read_passphrase(password_file)?;
    let password = match &password {
        Some(password) => Some(std::str::from_utf8(password).map_err(|_| not_text(password_file))?),
        None => None,
    };
    let named = certificate.map(|path| certificates(&[path.to_owned()])).transpose()?;
    if Pkcs12::recognizes(&file) {
        let file = Pkcs12::read(&file, password, &limits()).at(key)?;
        let keys = file.identities.iter().map(|identity| identity.key.clone()).collect();
        let own = file.identities.into_iter().filter_map(|identity| identity.certificate);
        return Ok(Found { keys, named, beside: own.chain(file.certificates).collect() });
    }
    let keys = vec![SoftwareKey::read(&file, password, &limits()).at(key)?];
    // A PEM file may have all of it.
    Ok(Found { keys, named, beside: Certificate::read_all(&file, &limits()).unwrap_or_default() })
}

impl Found {
    /// The keys and their certificates: each with all that are of it, since messages name certificates, and keys live
    /// longer.
    fn pairs(&self, path: &Path) -> Result<Vec<(&SoftwareKey, &Certificate)>> {
        let certificates = self.named.as_ref().unwrap_or(&self.beside);
        let of_key = |key| certificates.iter().filter(move |of| SoftwareKey::matches(key, of)).map(move |of| (key, of));
        let pairs: Vec<_> = self.keys.iter().flat_map(of_key).collect();
        let what = match (pairs.is_empty(), certificates.is_empty()) {
            (false, _) => return Ok(pairs),
            (true, true) => "give its certificate with --cert",
            (true, false) => "the certificate is another key's",
        };
        Err(Failure::new(format!("{}: {what}", path.display())))
    }
}

/// The key that signs, of several, and its certificate.
pub(super) fn signer(key: &Path, certificate: Option<&Path>, password_file: Option<&PathBuf>) -> Result<Owner> {
    let found = read(key, certificate, password_file)?;
    let pairs = found.pairs(key)?;
    let signs = |(key, of): &&(&SoftwareKey, &Certificate)| of.may_sign() && key.signing().is_some();
    let (key, certificate) = *pairs.iter().find(signs).or(pairs.first()).ok_or_else(|| Failure::new("no key"))?;
    let (key, certificate) = (key.clone(), certificate.clone());
    let all = found.named.into_iter().flatten().chain(found.beside);
    let others = all.filter(|other| *other != certificate).collect();
    Ok(Owner { key, certificate, others })
}

/// All keys that decrypt.
pub(super) fn credentials(
    path: &Path,
    certificate: Option<&Path>,
    password_file: Option<&PathBuf>,
) -> Result<Vec<Credential>> {
    let found = read(path, certificate, password_file)?;
    let decrypts = |(key, of): (&SoftwareKey, &Certificate)| Some((PrivateKey::from_software(key)?, of.clone()));
    let usable: Vec<_> = found.pairs(path)?.into_iter().filter_map(decrypts).collect();
    if usable.is_empty() {
        return Err(Failure::new(format!("{}: a key of this kind can't decrypt", path.display())));
    }
    usable.into_iter().map(|(key, of)| Credential::new(of, key).at(path)).collect()
}

fn not_text(password_file: Option<&PathBuf>) -> Failure {
    let path = password_file.map(|path| path.display().to_string()).unwrap_or_default();
    Failure::new(format!("{path}: the passphrase must be UTF-8"))
}

/// Certificates from PEM or DER files.
pub(super) fn certificates(paths: &[PathBuf]) -> Result<Vec<Certificate>> {
    let mut all = Vec::new();
    for path in paths {
        let read = Certificate::read_all(&fs::read(path).at(path)?, &limits()).at(path)?;
        if read.is_empty() {
            return Err(Failure::new(format!("{}: there is no certificate in it", path.display())));
        }
        all.extend(read);
    }
    Ok(all)
}

/// The lists in a file: one in DER, or several in PEM.
pub(super) fn lists(path: &Path) -> Result<Vec<Vec<u8>>> {
    sealpost::smime::read_crls(&fs::read(path).at(path)?, &limits()).at(path)
}

impl Owner {
    /// What signs.
    pub(super) fn signing(&self, path: &Path) -> Result<Arc<dyn SigningKey>> {
        self.key.signing().ok_or_else(|| Failure::new(format!("{}: a key of this kind can't sign", path.display())))
    }
}
