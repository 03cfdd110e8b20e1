//! A workshop without cryptography: a key is 32 octets, a certificate is the JSON of its fields.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    GenerationId, Result, Span, Subject, Time,
    authority::Issued,
    port::{CertificateRecord, PrivateKey, PublicKey},
    workshop::{Asked, Inspection, MadeKey, Workshop},
};

/// How long a certificate may be valid (S/MIME Baseline Requirements, section 6.3.2, strict).
const LONGEST: Span = Span::days(825);
/// By how much the clocks of an authority and of a node may differ.
const SKEW: Span = Span::hours(2);

/// A certificate of the simulated world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SimulatedCertificate {
    /// Who issued it.
    pub issuer: String,
    /// Its number.
    pub serial: u64,
    /// Whom it is for.
    pub address: String,
    /// SHA-256 of its key's public half.
    pub spki_sha256: Vec<u8>,
    /// Its first second.
    pub not_before: Time,
    /// Its last second.
    pub not_after: Time,
}

/// Makes keys that are all different, in each workshop of the same seed the same ones. A clone is the same workshop.
#[derive(Clone, Debug)]
pub struct SimulatedWorkshop {
    seed: u64,
    made: Arc<AtomicU64>,
}

impl SimulatedWorkshop {
    /// The one that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, made: Arc::default() }
    }

    /// How many keys it made.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::SeqCst)
    }

    /// What stands for the public half of `key`.
    #[must_use]
    pub fn public(key: &PrivateKey) -> PublicKey {
        let spki_sha256 = Sha256::digest(key.expose_pkcs8()).to_vec();
        let key_id = spki_sha256.iter().take(20).copied().collect();
        PublicKey::new(spki_sha256, key_id)
    }
}

impl Workshop for SimulatedWorkshop {
    async fn make_key(&self, subject: &Subject, _: GenerationId) -> Result<MadeKey> {
        let number = self.made.fetch_add(1, Ordering::SeqCst);
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        hash.update(number.to_be_bytes());
        let key = PrivateKey::from_pkcs8(Zeroizing::new(hash.finalize().to_vec()));
        let public = Self::public(&key);
        let request = subject.address.clone().into_bytes();
        Ok(MadeKey::new(key, public, request))
    }

    fn read(&self, issued: &Issued) -> Result<CertificateRecord, String> {
        let fields: SimulatedCertificate =
            serde_json::from_slice(&issued.certificate).map_err(|error| error.to_string())?;
        let key_id = fields.spki_sha256.iter().take(20).copied().collect();
        Ok(CertificateRecord {
            issuer: fields.issuer.into_bytes(),
            serial: fields.serial.to_be_bytes().to_vec(),
            public: PublicKey::new(fields.spki_sha256, key_id),
            not_before: fields.not_before,
            not_after: fields.not_after,
            product: "1.2.3".to_owned(),
            der: issued.certificate.clone(),
            chain: issued.chain.clone(),
        })
    }

    fn inspect(&self, certificate: &CertificateRecord, asked: &Asked<'_>, now: Time) -> Inspection {
        let address = serde_json::from_slice(&certificate.der).map(|fields: SimulatedCertificate| fields.address).ok();
        let rules = [
            (certificate.public == *asked.public, "it is for another key"),
            (address.as_ref() == Some(&asked.subject.address), "it is for another address"),
            (certificate.not_after - certificate.not_before < LONGEST, "it is valid for too long"),
            (certificate.not_before <= now + SKEW, "it is not valid yet"),
            (certificate.not_after > now, "it is not valid any more"),
        ];
        let findings: Vec<String> =
            rules.into_iter().filter(|(holds, _)| !holds).map(|(_, finding)| finding.to_owned()).collect();
        if findings.is_empty() { Inspection::Fit } else { Inspection::Unfit { findings } }
    }
}
