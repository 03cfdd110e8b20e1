//! Makes keys and requests for mail, and looks at what comes back.

use sealpost_rollover::{
    GenerationId, Subject, Time,
    authority::Issued,
    port::{CertificateRecord, PrivateKey},
    workshop::{Asked, Inspection, MadeKey, Workshop},
};
use sealpost_smime::Certificate;

use crate::{
    Error, Result, address,
    check::{self, Check},
    keys::{self, Key},
    pool::KeyPool,
    profile, request,
};

/// The workshop for mail: RSA or elliptic keys, PKCS#10 requests, and [`Check`].
#[derive(Clone, Debug)]
pub struct MailWorkshop {
    pool: KeyPool,
    check: Check,
}

impl MailWorkshop {
    /// With keys from `pool`, and certificates looked at by `check`.
    #[must_use]
    pub const fn new(pool: KeyPool, check: Check) -> Self {
        Self { pool, check }
    }

    /// A key and a request for `subject`'s generation.
    async fn make(&self, subject: &Subject, generation: GenerationId) -> Result<MadeKey> {
        let names = address::names(subject.kind, generation.slot, &subject.address)?;
        let key = self.pool.take().await?;
        made(&key, subject, generation, &names)
    }
}

fn made(key: &Key, subject: &Subject, generation: GenerationId, names: &[address::MailName]) -> Result<MadeKey> {
    let usage = profile::key_usage(key.spki(), subject.kind, generation.slot);
    let request = request::write(key, &subject.address, names, usage)?;
    let private = PrivateKey::from_pkcs8(key.expose_pkcs8().clone());
    Ok(MadeKey::new(private, keys::names_of(key.spki()), request))
}

impl Workshop for MailWorkshop {
    async fn make_key(&self, subject: &Subject, generation: GenerationId) -> sealpost_rollover::Result<MadeKey> {
        let made = self.make(subject, generation).await;
        made.map_err(|problem| sealpost_rollover::Error::Key(problem.to_string()))
    }

    fn read(&self, issued: &Issued) -> Result<CertificateRecord, String> {
        read(issued).map_err(|problem| problem.to_string())
    }

    fn inspect(&self, certificate: &CertificateRecord, asked: &Asked<'_>, now: Time) -> Inspection {
        let findings = self.check.inspect(certificate, asked, now);
        if findings.is_empty() {
            return Inspection::Fit;
        }
        Inspection::Unfit { findings: findings.iter().map(ToString::to_string).collect() }
    }
}

/// The record of a certificate that was issued.
pub(crate) fn read(issued: &Issued) -> Result<CertificateRecord> {
    let unreadable = Error::unreadable("the certificate");
    let certificate = Certificate::from_der(&issued.certificate).map_err(|problem| unreadable(&problem))?;
    let mut public = keys::names_of(certificate.public_key());
    if let Some(id) = certificate.subject_key_id() {
        public.key_id = id.to_vec();
    }
    // The root is the anchor, and everybody has it or must not take it from here.
    let is_root =
        |der: &&Vec<u8>| Certificate::from_der(der).is_ok_and(|authority| authority.issuer() == authority.subject());
    let chain: Vec<Vec<u8>> = issued.chain.iter().filter(|der| !is_root(der)).cloned().collect();
    // It is worth nothing any more once one above it has ended.
    let ends = chain.iter().filter_map(|der| Some(Certificate::from_der(der).ok()?.not_after().0));
    let not_after = ends.fold(certificate.not_after().0, i64::min);
    let validity = (Time::from_unix(certificate.not_before().0), Time::from_unix(not_after));
    let name = (certificate.issuer().to_vec(), certificate.serial().to_vec());
    let record = CertificateRecord::new(name, public, validity, (issued.certificate.clone(), chain));
    Ok(record.product(check::product(&certificate).map(|id| id.to_string()).unwrap_or_default()))
}
