//! Content keys from RecipientInfos and private keys. Every key that is meant is tried, and nothing tells which of them
//! was right: what fails gives a random content key, with which the content is then tried as with any other
//! (RFC 3218 §2.3, RFC 5652 §14).

use der::Tag;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{
    credential::{Credential, PrivateKey},
    derive,
    recipients::{Originator, RecipientInfo},
    wrap::{self, Wrap},
};
use crate::{
    Error, Result,
    algorithm::{Algorithm, Curve, KeyTransport},
    key::{AgreementKey, DecryptionKey},
    oid,
};

const PLACE: &str = "the key encryption algorithm of a recipient";

/// How many private operations one message may cause. A message names each of its recipients once.
const ATTEMPTS: usize = 32;

type Key = Zeroizing<Vec<u8>>;

/// What one private operation gave, if it could be made.
type Attempt = Result<Option<(Key, Trust)>>;

/// A content key that may be the right one.
pub(super) struct Candidate<'a> {
    pub(super) key: Key,
    pub(super) credential: &'a Credential,
    trust: Trust,
}

/// How much speaks for a content key. The content decides; but one random key of 256 finds padding at the end of CBC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trust {
    /// Unwrapped, with its integrity.
    Unwrapped,
    /// Decrypted by RSA, or random.
    Decrypted,
    /// Random.
    Random,
}

/// Tries all that is meant for one of the keys.
pub(super) struct Unlocker<'a, 'r> {
    credentials: &'a [Credential],
    /// Octets of a content key.
    len: usize,
    rng: &'r mut dyn CryptoRng,
    attempts: usize,
    found: Vec<Candidate<'a>>,
    /// What a keeper of keys said.
    failure: Option<Error>,
}

impl<'a, 'r> Unlocker<'a, 'r> {
    pub(super) fn new(credentials: &'a [Credential], len: usize, rng: &'r mut dyn CryptoRng) -> Self {
        Self { credentials, len, rng, attempts: 0, found: Vec::new(), failure: None }
    }

    /// All candidates: as many as there are recipients that are meant and can be tried.
    ///
    /// # Errors
    ///
    /// [`Error::Decryption`] if no key is meant; [`Error::Keeper`] if none could be used.
    pub(super) fn run(mut self, infos: &[RecipientInfo]) -> Result<Vec<Candidate<'a>>> {
        for info in infos {
            match info {
                RecipientInfo::Transport { id, algorithm, encrypted } => {
                    // What is not supported is as if it were not there.
                    let Ok(transport) = KeyTransport::from_der(algorithm) else { continue };
                    self.each(|credential| id.matches(&credential.certificate), &mut |this, credential| {
                        let PrivateKey::Transport(key) = &credential.key else { return Ok(None) };
                        this.transported(&**key, &transport, encrypted)
                    });
                }
                RecipientInfo::Agreement { originator, ukm, algorithm, keys } => {
                    let Ok(agreement) = Agreement::read(originator, ukm.as_deref(), algorithm) else { continue };
                    for (id, wrapped) in keys {
                        self.each(|credential| id.matches(&credential.certificate), &mut |this, credential| {
                            let PrivateKey::Agreement(key) = &credential.key else { return Ok(None) };
                            this.agreed(&**key, &agreement, wrapped)
                        });
                    }
                }
                #[cfg(feature = "pqc")]
                RecipientInfo::Kem(info) => {
                    self.each(|credential| info.id.matches(&credential.certificate), &mut |this, credential| {
                        let PrivateKey::Kem(key) = &credential.key else { return Ok(None) };
                        this.decapsulated(&**key, info)
                    });
                }
                #[cfg(not(feature = "pqc"))]
                RecipientInfo::Kem(_) => {}
                RecipientInfo::Other(_) => {}
            }
        }
        match (self.found.is_empty(), self.failure) {
            (true, Some(failure)) => Err(failure),
            (true, None) => Err(Error::Decryption),
            (false, _) => {
                self.found.sort_by_key(|candidate| candidate.trust);
                Ok(self.found)
            }
        }
    }

    /// Tries one recipient with all credentials that it is for.
    fn each(
        &mut self,
        is_meant: impl Fn(&Credential) -> bool,
        attempt: &mut dyn FnMut(&mut Self, &Credential) -> Attempt,
    ) {
        for credential in self.credentials.iter().filter(|credential| is_meant(credential)) {
            if self.attempts >= ATTEMPTS {
                return;
            }
            match attempt(self, credential) {
                Ok(None) => {}
                // Even if the same key came before: how many are tried, each with all of the content, must not depend
                // on them. Of RSA, wrong paddings of one ciphertext give one substitute, and a right one another key.
                Ok(Some((key, trust))) => {
                    self.attempts += 1;
                    self.found.push(Candidate { key, credential, trust });
                }
                Err(error) => {
                    self.attempts += 1;
                    // Whatever else a key says is about its input, and as if it were not meant.
                    if matches!(error, Error::Keeper(_)) {
                        self.failure.get_or_insert(error);
                    }
                }
            }
        }
    }

    fn transported(&mut self, key: &dyn DecryptionKey, transport: &KeyTransport, encrypted: &[u8]) -> Attempt {
        let key = key.decrypt(transport, encrypted, self.len, self.rng)?;
        Ok(Some((self.or_random(Some(key)).0, Trust::Decrypted)))
    }

    fn agreed(&mut self, key: &dyn AgreementKey, agreement: &Agreement<'_>, wrapped: &[u8]) -> Attempt {
        if !agreement.is_on(key.curve()) {
            return Ok(None);
        }
        let secret = key.agree(agreement.peer)?;
        // All of them always, so that the time is the same.
        let keys = agreement.key_infos().map(|info| {
            let info = derive::shared_info(&info, agreement.ukm, agreement.wrap.key_len());
            wrap::unwrap(&agreement.kdf.key(agreement.wrap, &secret, &info, agreement.ukm), wrapped)
        });
        let key = keys.into_iter().flatten().next();
        Ok(Some(self.or_random(key)))
    }

    #[cfg(feature = "pqc")]
    fn decapsulated(&mut self, key: &dyn crate::key::KemKey, info: &super::recipients::KemInfo) -> Attempt {
        let (Some(kdf), Ok(with)) = (derive::kem_kdf(info.kdf), Wrap::from_der(&info.wrap, PLACE)) else {
            return Ok(None);
        };
        if info.key_len != with.key_len() || !super::kem::is_for(info.kem, key.public_key()) {
            return Ok(None);
        }
        let secret = key.decapsulate(&info.ciphertext)?;
        let shared = derive::kem_info(&info.wrap, info.ukm.as_deref(), info.key_len);
        let key = wrap::unwrap(&kdf.key(with, &secret, &shared, None), &info.encrypted);
        Ok(Some(self.or_random(key)))
    }

    /// The key if it has the right length, or a random one.
    fn or_random(&mut self, key: Option<Key>) -> (Key, Trust) {
        let mut random = Zeroizing::new(vec![0; self.len]);
        self.rng.fill_bytes(&mut random);
        let key = key.filter(|key| key.len() == self.len);
        key.map_or((random, Trust::Random), |key| (key, Trust::Unwrapped))
    }
}

/// What a KeyAgreeRecipientInfo says for all its recipients.
struct Agreement<'a> {
    /// The curve, if it is said.
    curve: Option<Curve>,
    montgomery: bool,
    peer: &'a [u8],
    ukm: Option<&'a [u8]>,
    kdf: derive::Kdf,
    wrap: Wrap,
    /// The AlgorithmIdentifier of the key wrap as it came.
    key_info: Vec<u8>,
}

impl<'a> Agreement<'a> {
    fn read(originator: &'a Originator, ukm: Option<&'a [u8]>, algorithm: &[u8]) -> Result<Self> {
        let scheme = Algorithm::read(algorithm, PLACE)?;
        let kdf = derive::scheme(scheme.id).ok_or_else(|| scheme.unknown())?;
        let wrap = scheme.parameters.ok_or(Error::structure(PLACE, "it must name a key wrap"))?;
        let wrap = wrap.expect(Tag::Sequence, PLACE)?;
        let unknown = |oid| Err(Error::Algorithm { place: PLACE, oid });
        let (curve, montgomery) = match (originator.algorithm, originator.curve) {
            (Some(oid::X25519), _) => (None, true),
            (Some(oid::EC_PUBLIC_KEY), None) => (None, false),
            (Some(oid::EC_PUBLIC_KEY), Some(oid::SECP256R1)) => (Some(Curve::P256), false),
            (Some(oid::EC_PUBLIC_KEY), Some(oid::SECP384R1)) => (Some(Curve::P384), false),
            (Some(oid::EC_PUBLIC_KEY), Some(other)) | (Some(other), _) => return unknown(other),
            (None, _) => return Err(Error::structure(PLACE, "the originator's key is elsewhere")),
        };
        Ok(Self {
            curve,
            montgomery,
            peer: &originator.key,
            ukm,
            kdf,
            wrap: Wrap::from_der(wrap.raw, PLACE)?,
            key_info: wrap.raw.to_vec(),
        })
    }

    fn is_on(&self, curve: Curve) -> bool {
        (curve == Curve::X25519) == self.montgomery && self.curve.is_none_or(|named| named == curve)
    }

    /// What the originator may have derived the key with: first what the message says. BouncyCastle wrote NULL as
    /// parameters, and others derive without them whatever they write.
    fn key_infos(&self) -> [Vec<u8>; 3] {
        [self.key_info.clone(), self.wrap.to_der(), self.wrap.to_der_with_null()]
    }
}
