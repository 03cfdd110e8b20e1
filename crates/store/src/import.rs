//! Keys from and for elsewhere, as PKCS#12 files (RFC 7292): what a user had before the schedule took over, and what a
//! user takes along. Old files, by RC2 and 3DES, are read; what is written is by AES-256 only.

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_rollover::{
    Cause, GenerationId, Slot, Time,
    port::{CertificateRecord, NewGeneration, PrivateKey, PublicKey},
};
use sealpost_smime::{Certificate, KeyAndCertificate, Limits, Pkcs12, Pkcs12Writer, key::SoftwareKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// What the policies of the S/MIME Baseline Requirements begin with (section 7.1.6.1).
const BASELINE: &str = "2.23.140.1.5.";

/// A key from a file, with its certificate.
#[derive(Debug)]
#[non_exhaustive]
pub struct Imported {
    /// The key.
    pub key: PrivateKey,
    /// Its certificate, and of those in the file the ones above it.
    pub certificate: CertificateRecord,
    /// What people call it (`friendlyName`).
    pub name: Option<String>,
    /// What the certificate's key usage makes of it.
    pub slot: Slot,
}

impl Imported {
    /// The key as the generation `id`, imported at `at`, and its certificate.
    #[must_use]
    pub fn into_generation(self, id: GenerationId, at: Time) -> (NewGeneration, CertificateRecord) {
        let public = self.certificate.public.clone();
        // It has its certificate: nobody is asked for one.
        (NewGeneration::new((id, Cause::Imported, at), self.key, public, Vec::new()), self.certificate)
    }
}

/// Reads the keys with a certificate in a PKCS#12 file, in the order of the file: one, or one to sign and one to decrypt,
/// or those of many years. Keys without a certificate of their own are left out: no mail is encrypted to
/// them.
///
/// # Errors
///
/// [`Error::Pkcs12`] if it can't be read, the password is wrong, or nothing authenticates the file.
pub fn read(file: &[u8], password: Option<&str>) -> Result<Vec<Imported>> {
    let file = Pkcs12::read(file, password, &Limits::default()).map_err(Error::Pkcs12)?;
    Ok(file.identities.iter().filter_map(|one| imported(one, &file.certificates)).collect())
}

/// Reads the one key with a certificate in a PKCS#12 file, as the generation `id`, imported at `at`.
///
/// # Errors
///
/// As [`read`]; [`Error::NotOneKey`] if there is none or more than one.
pub fn import(
    file: &[u8],
    password: Option<&str>,
    id: GenerationId,
    at: Time,
) -> Result<(NewGeneration, CertificateRecord)> {
    let mut all = read(file, password)?;
    match (all.pop(), all.len()) {
        (Some(one), 0) => Ok(one.into_generation(id, at)),
        (last, rest) => Err(Error::NotOneKey { found: rest + usize::from(last.is_some()) }),
    }
}

/// A PKCS#12 file of a key with its certificate, those above it, and a name for people: AES-256 by a password.
///
/// # Errors
///
/// [`Error::Pkcs12`] if the key or a certificate can't be read, if they do not belong together, or if the password is
/// empty; [`Error::Randomness`].
pub fn export(
    key: &PrivateKey,
    certificate: &CertificateRecord,
    name: Option<&str>,
    password: &str,
) -> Result<Zeroizing<Vec<u8>>> {
    // Whether there is randomness: the generator below would stop the program.
    getrandom::fill(&mut [0; 1]).map_err(|_| Error::Randomness)?;
    let key = SoftwareKey::from_pkcs8(key.expose_pkcs8()).map_err(Error::Pkcs12)?;
    let own = Certificate::from_der(&certificate.der).map_err(Error::Pkcs12)?;
    let chain: sealpost_smime::Result<Vec<_>> =
        certificate.chain.iter().map(|der| Certificate::from_der(der)).collect();
    let mut writer = Pkcs12Writer::new(&key, &own).chain(chain.map_err(Error::Pkcs12)?);
    if let Some(name) = name {
        writer = writer.name(name);
    }
    writer.write(password, &mut UnwrapErr(SysRng)).map_err(Error::Pkcs12)
}

fn imported(one: &KeyAndCertificate, others: &[Certificate]) -> Option<Imported> {
    let certificate = one.certificate.as_ref().filter(|certificate| one.key.matches(certificate))?;
    let slot = match (certificate.may_sign(), certificate.may_encrypt()) {
        (true, false) => Slot::Sign,
        (false, true) => Slot::Encrypt,
        _ => Slot::Dual,
    };
    let key = PrivateKey::from_pkcs8(Zeroizing::new(one.key.expose_pkcs8().to_vec()));
    Some(Imported { key, certificate: record(certificate, others), name: one.name.clone(), slot })
}

fn record(certificate: &Certificate, others: &[Certificate]) -> CertificateRecord {
    let spki_sha256 = Sha256::digest(certificate.public_key()).to_vec();
    // Where it has no identifier, nobody can use one: then it is found by the hash.
    let key_id =
        certificate.subject_key_id().map_or_else(|| spki_sha256.iter().take(20).copied().collect(), Into::into);
    let policies = certificate.policies().unwrap_or_default().into_iter().map(|id| id.to_string());
    let policies: Vec<_> = policies.collect();
    let product = policies.iter().find(|id| id.starts_with(BASELINE)).or(policies.first());
    CertificateRecord::new(
        (certificate.issuer().to_vec(), certificate.serial().to_vec()),
        PublicKey::new(spki_sha256, key_id),
        (Time::from_unix(certificate.not_before().0), Time::from_unix(certificate.not_after().0)),
        (certificate.as_der().to_vec(), chain(certificate, others)),
    )
    .product(product.cloned().unwrap_or_default())
}

/// Those above `certificate`, its issuer's first, without the root: it is nobody's to send.
fn chain(certificate: &Certificate, others: &[Certificate]) -> Vec<Vec<u8>> {
    let mut chain: Vec<&Certificate> = Vec::new();
    let mut below = certificate;
    while let Some(issuer) = others.iter().find(|one| one.subject() == below.issuer())
        && issuer.subject() != issuer.issuer()
        && !chain.contains(&issuer)
    {
        chain.push(issuer);
        below = issuer;
    }
    chain.into_iter().map(|certificate| certificate.as_der().to_vec()).collect()
}
