//! Keys and certificates from files.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sealpost::smime::{
    Certificate, Credential, Limits, Pkcs12, PrivateKey,
    key::{SigningKey, SoftwareKey},
};
use zeroize::Zeroizing;

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
fn read(key: &Path, certificates: &[PathBuf], password_file: Option<&PathBuf>) -> Result<Found> {
    let file = read_small(key)?;
    let password = Password::read(password_file)?;
    let named = if certificates.is_empty() { None } else { Some(self::certificates(certificates)?) };
    if Pkcs12::recognizes(&file) {
        let file = Pkcs12::read(&file, password.as_str(), &limits()).at(key)?;
        let keys = file.identities.iter().map(|identity| identity.key.clone()).collect();
        return Ok(Found { keys, named, beside: all_of(file) });
    }
    let keys = vec![SoftwareKey::read(&file, password.as_str(), &limits()).at(key)?];
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
pub(super) fn signer(key: &Path, certificates: &[PathBuf], password_file: Option<&PathBuf>) -> Result<Owner> {
    let found = read(key, certificates, password_file)?;
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
    certificates: &[PathBuf],
    password_file: Option<&PathBuf>,
) -> Result<Vec<Credential>> {
    let found = read(path, certificates, password_file)?;
    let decrypts = |(key, of): (&SoftwareKey, &Certificate)| Some((PrivateKey::from_software(key)?, of.clone()));
    let usable: Vec<_> = found.pairs(path)?.into_iter().filter_map(decrypts).collect();
    if usable.is_empty() {
        return Err(Failure::new(format!("{}: a key of this kind can't decrypt", path.display())));
    }
    usable.into_iter().map(|(key, of)| Credential::new(of, key).at(path)).collect()
}

/// The key that agrees on secrets, with all certificates that are of it.
pub(super) fn agreeing(path: &Path, certificates: &[PathBuf], password_file: Option<&PathBuf>) -> Result<Agreeing> {
    let found = read(path, certificates, password_file)?;
    let pairs = found.pairs(path)?;
    let agrees = |(key, of): &&(&SoftwareKey, &Certificate)| key.agreement().is_some() && of.may_encrypt();
    let usable: Vec<_> = pairs.iter().filter(agrees).map(|(key, _)| *key).collect();
    let (key, _) = *pairs.first().ok_or_else(|| Failure::new("no key"))?;
    let key = usable.first().copied().unwrap_or(key);
    if usable.iter().any(|other| other.public_key() != key.public_key()) {
        let path = path.display();
        return Err(Failure::new(format!(
            "{path}: several of its keys decrypt: name the certificate of one with --cert"
        )));
    }
    let key = key.clone();
    let all = found.named.into_iter().flatten().chain(found.beside);
    let (mut certificates, others): (Vec<_>, Vec<_>) = all.partition(|certificate| key.matches(certificate));
    let mut known = HashSet::new();
    certificates.retain(|certificate| known.insert(certificate.fingerprint()));
    Ok(Agreeing { key, certificates, others })
}

/// A key that agrees on secrets.
pub(super) struct Agreeing {
    pub(super) key: SoftwareKey,
    /// Those of the key: never none.
    pub(super) certificates: Vec<Certificate>,
    /// What else was in the files.
    pub(super) others: Vec<Certificate>,
}

/// The certificates in a file: PEM, DER, or PKCS#12, of whose keys nothing is kept.
pub(super) fn certificates_beside_keys(path: &Path, password_file: Option<&PathBuf>) -> Result<Vec<Certificate>> {
    let file = read_small(path)?;
    if !Pkcs12::recognizes(&file) {
        return certificates(&[path.to_owned()]);
    }
    let password = Password::read(password_file)?;
    let all = all_of(Pkcs12::read(&file, password.as_str(), &limits()).at(path)?);
    if all.is_empty() {
        return Err(Failure::new(format!("{}: there is no certificate in it", path.display())));
    }
    Ok(all)
}

/// The certificates of a PKCS#12 file, those of its keys first.
fn all_of(file: Pkcs12) -> Vec<Certificate> {
    let own = file.identities.into_iter().filter_map(|identity| identity.certificate);
    own.chain(file.certificates).collect()
}

/// A passphrase from a file, if one was named.
struct Password(Option<Zeroizing<Vec<u8>>>);

impl Password {
    fn read(path: Option<&PathBuf>) -> Result<Self> {
        let password = read_passphrase(path)?;
        match (path, &password) {
            (Some(path), Some(octets)) if str::from_utf8(octets).is_err() => {
                Err(Failure::new(format!("{}: the passphrase must be UTF-8", path.display())))
            }
            _ => Ok(Self(password)),
        }
    }

    fn as_str(&self) -> Option<&str> {
        self.0.as_ref().and_then(|octets| str::from_utf8(octets).ok())
    }
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
