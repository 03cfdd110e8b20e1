//! The signatures of certificates, lists and responses: each is verified once, and not more than the limit allows.

use std::collections::HashMap;

use der::oid::ObjectIdentifier;

use crate::{Error, algorithm::SignatureScheme, public_key::PublicKey};

/// What is signed and by what signature.
#[derive(Clone, Copy)]
pub(super) struct Statement<'a> {
    pub(super) message: &'a [u8],
    /// DER of the AlgorithmIdentifier.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
}

/// Which statement: its place among those of one search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum StatementId {
    Certificate(usize),
    Crl(usize),
    Ocsp(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Valid,
    /// Valid, but made over SHA-1.
    Weak,
    Wrong,
    Unsupported(ObjectIdentifier),
    /// There were too many signatures.
    Exhausted,
}

/// What has been verified in one search.
pub(super) struct Signatures {
    left: usize,
    keys: HashMap<usize, Option<PublicKey>>,
    known: HashMap<(usize, StatementId), Verdict>,
}

impl Signatures {
    pub(super) fn new(limit: usize) -> Self {
        Self { left: limit, keys: HashMap::new(), known: HashMap::new() }
    }

    /// How many may yet be verified.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Whether the key (its number and SubjectPublicKeyInfo) made the signature.
    pub(super) fn verify(&mut self, key: (usize, &[u8]), id: StatementId, statement: Statement<'_>) -> Verdict {
        if let Some(known) = self.known.get(&(key.0, id)) {
            return *known;
        }
        let scheme = match SignatureScheme::from_x509(statement.algorithm) {
            Ok(scheme) => scheme,
            Err(Error::Algorithm { oid, .. }) => return Verdict::Unsupported(oid),
            Err(_) => return Verdict::Wrong,
        };
        let Some(left) = self.left.checked_sub(1) else { return Verdict::Exhausted };
        self.left = left;
        let public = self.keys.entry(key.0).or_insert_with(|| PublicKey::from_spki(key.1).ok());
        let valid =
            public.as_ref().is_some_and(|public| public.verify(scheme, statement.message, statement.signature).is_ok());
        let verdict = match (valid, is_weak(scheme)) {
            (true, false) => Verdict::Valid,
            (true, true) => Verdict::Weak,
            (false, _) => Verdict::Wrong,
        };
        self.known.insert((key.0, id), verdict);
        verdict
    }
}

/// Whether its hash function has known collisions.
pub(super) fn is_weak(scheme: SignatureScheme) -> bool {
    scheme.digest().is_some_and(crate::algorithm::Digest::is_weak)
}
