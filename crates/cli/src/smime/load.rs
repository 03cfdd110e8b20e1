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

/// A key and its certificate: PEM or DER each, or PKCS#12 with both.
pub(super) fn owner(key: &Path, certificate: Option<&Path>, password_file: Option<&PathBuf>) -> Result<Owner> {
    let file = read_small(key)?;
    let password = read_passphrase(password_file)?;
    let password = match &password {
        Some(password) => Some(std::str::from_utf8(password).map_err(|_| not_text(password_file))?),
        None => None,
    };
    let own = certificate.map(|path| certificates(&[path.to_owned()])).transpose()?.unwrap_or_default();
    if Pkcs12::recognizes(&file) {
        return from_pkcs12(Pkcs12::read(&file, password, &limits()).at(key)?, own, key);
    }
    let read = SoftwareKey::read(&file, password, &limits()).at(key)?;
    // A PEM file may have all of it.
    let beside = Certificate::read_all(&file, &limits()).unwrap_or_default();
    let (certificate, others) = pick(&read, own.into_iter().chain(beside), key)?;
    Ok(Owner { key: read, certificate, others })
}

fn from_pkcs12(file: Pkcs12, own: Vec<Certificate>, path: &Path) -> Result<Owner> {
    // Of several keys the one that the certificate is for.
    let is_meant = |key: &SoftwareKey| own.first().is_none_or(|certificate| key.matches(certificate));
    let chosen = file.identities.iter().find(|identity| is_meant(&identity.key)).cloned();
    let chosen =
        chosen.ok_or_else(|| Failure::new(format!("{}: it has no key for the certificate", path.display())))?;
    let beside = file.identities.into_iter().filter_map(|identity| identity.certificate);
    let first = own.into_iter().chain(chosen.certificate);
    let (certificate, others) = pick(&chosen.key, first.chain(beside).chain(file.certificates), path)?;
    Ok(Owner { key: chosen.key, certificate, others })
}

/// The key's certificate, and the others.
fn pick(
    key: &SoftwareKey,
    certificates: impl Iterator<Item = Certificate>,
    path: &Path,
) -> Result<(Certificate, Vec<Certificate>)> {
    let (mut own, mut others): (Vec<_>, Vec<_>) = certificates.partition(|certificate| key.matches(certificate));
    if own.is_empty() {
        let what =
            if others.is_empty() { "give its certificate with --cert" } else { "the certificate is another key's" };
        return Err(Failure::new(format!("{}: {what}", path.display())));
    }
    let certificate = own.remove(0);
    own.retain(|other| *other != certificate);
    others.extend(own);
    Ok((certificate, others))
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

    /// What decrypts.
    pub(super) fn credential(&self, path: &Path) -> Result<Credential> {
        let transport = self.key.decryption().map(PrivateKey::Transport);
        let key = transport.or_else(|| self.key.agreement().map(PrivateKey::Agreement));
        let key = key.or_else(|| self.key.kem().map(PrivateKey::Kem));
        let key = key.ok_or_else(|| Failure::new(format!("{}: a key of this kind can't decrypt", path.display())))?;
        Credential::new(self.certificate.clone(), key).at(path)
    }
}
