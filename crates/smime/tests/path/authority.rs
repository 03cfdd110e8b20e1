//! Makes certificates, revocation lists and OCSP responses for tests, right and wrong ones.

use der::oid::ObjectIdentifier;
use p256::ecdsa::{DerSignature, SigningKey, signature::Signer};
use sealpost_smime::{Certificate, UnixTime};
use sha1::{Digest, Sha1};

/// 2026-11-27T12:00:00Z.
pub(crate) const NOW: i64 = 1_795_780_800;
pub(crate) const DAY: i64 = 86_400;

pub(crate) const KEY_USAGE: &str = "2.5.29.15";
pub(crate) const ALT_NAME: &str = "2.5.29.17";
pub(crate) const BASIC: &str = "2.5.29.19";
pub(crate) const NAME_CONSTRAINTS: &str = "2.5.29.30";
pub(crate) const POLICIES: &str = "2.5.29.32";
pub(crate) const MAPPINGS: &str = "2.5.29.33";
pub(crate) const EXTENDED_USAGE: &str = "2.5.29.37";
pub(crate) const OCSP_NOCHECK: &str = "1.3.6.1.5.5.7.48.1.5";
pub(crate) const MAIL: &str = "1.3.6.1.5.5.7.3.4";
pub(crate) const TLS: &str = "1.3.6.1.5.5.7.3.1";
pub(crate) const OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let value = parts.concat();
    let len = value.len();
    let header = if len < 0x80 {
        vec![tag, u8::try_from(len).unwrap()]
    } else {
        let octets: Vec<u8> = len.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
        [vec![tag, 0x80 | u8::try_from(octets.len()).unwrap()], octets].concat()
    };
    [header, value].concat()
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

pub(crate) fn oid(id: &str) -> Vec<u8> {
    tlv(6, &[ObjectIdentifier::new(id).unwrap().as_bytes()])
}

pub(crate) fn time(seconds: i64) -> Vec<u8> {
    let text: String = UnixTime(seconds).to_string().chars().filter(|c| !"-:T".contains(*c)).collect();
    tlv(0x18, &[text.as_bytes()])
}

/// A name of one part.
pub(crate) fn name(common_name: &str) -> Vec<u8> {
    sequence(&[&tlv(0x31, &[&sequence(&[&oid("2.5.4.3"), &tlv(12, &[common_name.as_bytes()])])])])
}

pub(crate) fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical { vec![1, 1, 0xff] } else { vec![] };
    sequence(&[&oid(id), &flag, &tlv(4, &[value])])
}

/// The octets of a keyUsage with these bits, from digitalSignature (0) on.
pub(crate) fn usage(bits: &[u8]) -> Vec<u8> {
    let octet = bits.iter().fold(0u8, |octet, bit| octet | 0x80 >> bit);
    vec![3, 2, 0, octet]
}

pub(crate) fn usages(ids: &[&str]) -> Vec<u8> {
    sequence(&[&ids.iter().flat_map(|id| oid(id)).collect::<Vec<_>>()])
}

pub(crate) fn mail_names(addresses: &[&str]) -> Vec<u8> {
    sequence(&[&addresses.iter().flat_map(|address| tlv(0x81, &[address.as_bytes()])).collect::<Vec<_>>()])
}

/// nameConstraints over rfc822Name.
pub(crate) fn mail_constraints(permitted: &[&str], excluded: &[&str]) -> Vec<u8> {
    let list = |tag, bases: &[&str]| {
        let subtrees: Vec<u8> = bases.iter().flat_map(|base| sequence(&[&tlv(0x81, &[base.as_bytes()])])).collect();
        if bases.is_empty() { Vec::new() } else { tlv(tag, &[&subtrees]) }
    };
    sequence(&[&list(0xa0, permitted), &list(0xa1, excluded)])
}

/// A key of an authority or a person.
#[derive(Clone)]
pub(crate) enum Key {
    P256(SigningKey),
    #[cfg(feature = "pqc")]
    MlDsa44(Box<ml_dsa::SigningKey<ml_dsa::MlDsa44>>),
}

impl Key {
    pub(crate) fn new(number: u16) -> Self {
        let mut secret = [7; 32];
        secret[..2].copy_from_slice(&number.to_be_bytes());
        Self::P256(SigningKey::from_slice(&secret).unwrap())
    }

    #[cfg(feature = "pqc")]
    pub(crate) fn ml_dsa_44(seed: [u8; 32]) -> Self {
        Self::MlDsa44(Box::new(ml_dsa::SigningKey::from_seed(&seed.into())))
    }

    fn octets(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key.verifying_key().to_sec1_point(false).as_bytes().to_vec(),
            #[cfg(feature = "pqc")]
            Self::MlDsa44(key) => key.expanded_key().verifying_key().encode().to_vec(),
        }
    }

    pub(crate) fn spki(&self) -> Vec<u8> {
        let algorithm = match self {
            Self::P256(_) => sequence(&[&oid("1.2.840.10045.2.1"), &oid("1.2.840.10045.3.1.7")]),
            #[cfg(feature = "pqc")]
            Self::MlDsa44(_) => self.algorithm(),
        };
        sequence(&[&algorithm, &tlv(3, &[&[0], &self.octets()])])
    }

    pub(crate) fn hash(&self) -> Vec<u8> {
        Sha1::digest(self.octets()).to_vec()
    }

    pub(crate) fn algorithm(&self) -> Vec<u8> {
        sequence(&[&oid(match self {
            Self::P256(_) => "1.2.840.10045.4.3.2",
            #[cfg(feature = "pqc")]
            Self::MlDsa44(_) => "2.16.840.1.101.3.4.3.17",
        })])
    }

    /// The signature alone.
    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(key) => {
                let signature: DerSignature = key.sign(message);
                signature.as_bytes().to_vec()
            }
            #[cfg(feature = "pqc")]
            Self::MlDsa44(key) => key.expanded_key().sign_deterministic(message, &[]).unwrap().encode().to_vec(),
        }
    }

    /// SEQUENCE { tbs, algorithm, signature, more }.
    pub(crate) fn sign(&self, tbs: &[u8], more: &[u8]) -> Vec<u8> {
        sequence(&[tbs, &self.algorithm(), &tlv(3, &[&[0], &self.signature(tbs)]), more])
    }
}

/// What is to be certified.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) subject: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) spki: Vec<u8>,
    pub(crate) extensions: Vec<(&'static str, bool, Vec<u8>)>,
}

impl Draft {
    pub(crate) fn new(subject: &str, key: &Key) -> Self {
        Self {
            subject: name(subject),
            serial: vec![1],
            not_before: NOW - 100 * DAY,
            not_after: NOW + 100 * DAY,
            spki: key.spki(),
            extensions: Vec::new(),
        }
    }

    /// An authority's certificate, without a limit to its path.
    pub(crate) fn authority(subject: &str, key: &Key) -> Self {
        Self::new(subject, key).with(BASIC, true, sequence(&[&[1, 1, 0xff]])).with(KEY_USAGE, true, usage(&[5, 6]))
    }

    /// A person's certificate.
    pub(crate) fn person(subject: &str, key: &Key) -> Self {
        Self::new(subject, key)
            .with(KEY_USAGE, true, usage(&[0, 1, 4]))
            .with(EXTENDED_USAGE, false, usages(&[MAIL]))
            .with(ALT_NAME, false, mail_names(&[subject]))
    }

    /// With this extension instead of one that it has.
    pub(crate) fn with(mut self, id: &'static str, critical: bool, value: Vec<u8>) -> Self {
        self.extensions.retain(|(known, ..)| *known != id);
        self.extensions.push((id, critical, value));
        self
    }

    pub(crate) fn without(mut self, id: &str) -> Self {
        self.extensions.retain(|(known, ..)| *known != id);
        self
    }

    pub(crate) fn serial(mut self, serial: u8) -> Self {
        self.serial = vec![serial];
        self
    }

    pub(crate) fn der(&self, issuer: &[u8], key: &Key) -> Vec<u8> {
        let extensions: Vec<u8> =
            self.extensions.iter().flat_map(|(id, critical, value)| extension(id, *critical, value)).collect();
        let extensions = if extensions.is_empty() { vec![] } else { tlv(0xa3, &[&sequence(&[&extensions])]) };
        let tbs = sequence(&[
            &tlv(0xa0, &[&[2, 1, 2]]),
            &tlv(2, &[&self.serial]),
            &key.algorithm(),
            issuer,
            &sequence(&[&time(self.not_before), &time(self.not_after)]),
            &self.subject,
            &self.spki,
            &extensions,
        ]);
        key.sign(&tbs, &[])
    }

    pub(crate) fn sign(&self, issuer: &str, key: &Key) -> Certificate {
        Certificate::from_der(&self.der(&name(issuer), key)).unwrap()
    }
}

/// A revocation list: entries are a serial number, when, and CRLReason.
pub(crate) struct List<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) this_update: i64,
    pub(crate) next_update: i64,
    pub(crate) entries: Vec<(u8, i64, u8)>,
    pub(crate) extensions: Vec<u8>,
}

impl<'a> List<'a> {
    pub(crate) fn new(issuer: &'a str) -> Self {
        Self { issuer, this_update: NOW - DAY, next_update: NOW + DAY, entries: Vec::new(), extensions: Vec::new() }
    }

    pub(crate) fn entry(mut self, serial: u8, at: i64, reason: u8) -> Self {
        self.entries.push((serial, at, reason));
        self
    }

    pub(crate) fn from(mut self, this_update: i64, next_update: i64) -> Self {
        (self.this_update, self.next_update) = (this_update, next_update);
        self
    }

    pub(crate) fn sign(&self, key: &Key) -> Vec<u8> {
        let entries: Vec<u8> = self
            .entries
            .iter()
            .flat_map(|(serial, at, reason)| {
                let reason = sequence(&[&extension("2.5.29.21", false, &[10, 1, *reason])]);
                sequence(&[&[2, 1, *serial], &time(*at), &reason])
            })
            .collect();
        let entries = if entries.is_empty() { vec![] } else { sequence(&[&entries]) };
        let extensions = if self.extensions.is_empty() { vec![] } else { tlv(0xa0, &[&sequence(&[&self.extensions])]) };
        let times = [time(self.this_update), time(self.next_update)].concat();
        key.sign(&sequence(&[&[2, 1, 1], &key.algorithm(), &name(self.issuer), &times, &entries, &extensions]), &[])
    }
}

/// An OCSP response about one certificate.
pub(crate) struct Answer<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) issuer_key: &'a Key,
    pub(crate) serial: u8,
    /// certStatus.
    pub(crate) status: Vec<u8>,
    pub(crate) this_update: i64,
    pub(crate) next_update: Option<i64>,
    /// responderID.
    pub(crate) responder: Vec<u8>,
    pub(crate) certificates: Vec<Certificate>,
}

pub(crate) fn good() -> Vec<u8> {
    vec![0x80, 0]
}

pub(crate) fn revoked(at: i64, reason: u8) -> Vec<u8> {
    tlv(0xa1, &[&time(at), &tlv(0xa0, &[&[10, 1, reason]])])
}

impl<'a> Answer<'a> {
    /// By the issuer, in force.
    pub(crate) fn new(issuer: &'a str, issuer_key: &'a Key, serial: u8, status: Vec<u8>) -> Self {
        Self {
            issuer,
            issuer_key,
            serial,
            status,
            this_update: NOW - DAY,
            next_update: Some(NOW + DAY),
            responder: tlv(0xa1, &[&name(issuer)]),
            certificates: Vec::new(),
        }
    }

    /// By another key, with the certificate for it.
    pub(crate) fn by(mut self, key: &Key, certificate: &Certificate) -> Self {
        self.responder = tlv(0xa2, &[&tlv(4, &[&key.hash()])]);
        self.certificates = vec![certificate.clone()];
        self
    }

    /// BasicOCSPResponse.
    pub(crate) fn basic(&self, key: &Key) -> Vec<u8> {
        let id = sequence(&[
            &sequence(&[&oid("1.3.14.3.2.26"), &[5, 0]]),
            &tlv(4, &[&Sha1::digest(name(self.issuer))]),
            &tlv(4, &[&self.issuer_key.hash()]),
            &[2, 1, self.serial],
        ]);
        let next = self.next_update.map(|next| tlv(0xa0, &[&time(next)])).unwrap_or_default();
        let single = sequence(&[&id, &self.status, &time(self.this_update), &next]);
        let tbs = sequence(&[&self.responder, &time(self.this_update), &sequence(&[&single])]);
        let certificates: Vec<u8> = self.certificates.iter().flat_map(|c| c.as_der().to_vec()).collect();
        let certificates = if certificates.is_empty() { vec![] } else { tlv(0xa0, &[&sequence(&[&certificates])]) };
        key.sign(&tbs, &certificates)
    }

    /// OCSPResponse.
    pub(crate) fn sign(&self, key: &Key) -> Vec<u8> {
        let bytes = sequence(&[&oid("1.3.6.1.5.5.7.48.1.1"), &tlv(4, &[&self.basic(key)])]);
        sequence(&[&[10, 1, 0], &tlv(0xa0, &[&bytes])])
    }
}
