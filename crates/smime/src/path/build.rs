//! Looks for a path: depth first from the certificate upwards. Every step and every signature counts, so that
//! certificates that certify one another in all ways take no longer than the limits allow.

use std::collections::{HashMap, HashSet};

use super::{
    Distrust, Path, Purpose, Reason, Revocation, RevocationPolicy, Validator, Warning, WeakSignatures,
    constraints::{self, COMPARISONS},
    issuer::{self, Target},
    policy, signature,
    signature::{Signatures, StatementId, Verdict},
};
use crate::{Certificate, algorithm::SignatureScheme, certificate::usage::KeyKind};

/// Certificates of a path.
const LONGEST: usize = 20;
/// Candidates that are looked at, for each signature that may be verified.
const STEPS_A_SIGNATURE: usize = 10;
/// RFC 8550 §4.3.
const GOOD_RSA: usize = 2048;

/// What is known in the search for one path.
pub(super) struct Search<'a> {
    pub(super) validator: &'a Validator,
    /// All certificates, each once: the anchors first, and the one that is asked for.
    pub(super) pool: Vec<&'a Certificate>,
    leaf: usize,
    anchors: HashSet<usize>,
    pub(super) signatures: Signatures,
    steps: usize,
    comparisons: usize,
    /// Lists whose signer is being judged: they can't say anything about it.
    pub(super) crls_in_progress: Vec<usize>,
    /// Lists that are known to be signed by somebody who may, with that anchor.
    pub(super) crls_accepted: HashSet<(usize, usize)>,
}

/// One search upwards.
struct Attempt {
    target: Target,
    /// From the certificate that is asked for.
    path: Vec<usize>,
    /// The failure that came furthest, and how far.
    worst: Option<((Stage, usize), Distrust)>,
    /// Whether to look no further.
    ended: bool,
}

/// How far an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    NoIssuer,
    UnsuitableIssuer,
    Anchored,
    Final,
}

impl Attempt {
    /// What failed first counts among equals.
    fn note(&mut self, stage: Stage, certificate: &Certificate, reason: Reason) {
        let how_far = (stage, self.path.len());
        if self.worst.as_ref().is_none_or(|(known, _)| *known < how_far) {
            self.worst = Some((how_far, Distrust::new(certificate, reason)));
        }
        self.ended |= stage == Stage::Final;
    }
}

impl<'a> Search<'a> {
    pub(super) fn new(validator: &'a Validator, leaf: &'a Certificate, others: &'a [Certificate]) -> Self {
        let mut places = HashMap::new();
        let mut pool = Vec::new();
        let mut add = |certificate: &'a Certificate| {
            *places.entry(certificate.as_der()).or_insert_with(|| {
                pool.push(certificate);
                pool.len() - 1
            })
        };
        let anchors = validator.anchors.iter().map(&mut add).collect();
        let leaf = add(leaf);
        let responders = validator.responses.iter().flat_map(|response| response.certificates.iter());
        for certificate in validator.intermediates.iter().chain(others).chain(responders) {
            add(certificate);
        }
        let limit = validator.limits.path_signatures;
        Self {
            validator,
            pool,
            leaf,
            anchors,
            signatures: Signatures::new(limit),
            steps: limit.saturating_mul(STEPS_A_SIGNATURE),
            comparisons: COMPARISONS,
            crls_in_progress: Vec::new(),
            crls_accepted: HashSet::new(),
        }
    }

    pub(super) fn run(&mut self) -> Result<Path, Distrust> {
        let (path, revocation) = self.find(self.leaf, Target::Mail(self.validator.purpose))?;
        let certificates: Vec<Certificate> = path.iter().map(|at| self.certificate(*at).clone()).collect();
        let warnings = warnings(&certificates);
        Ok(Path { certificates, revocation, warnings })
    }

    pub(super) fn certificate(&self, at: usize) -> &'a Certificate {
        // Every number is that of a certificate in the pool.
        self.pool.get(at).copied().unwrap_or_else(|| self.pool.first().copied().unwrap_or(&self.validator.anchors[0]))
    }
}

fn warnings(_: &[Certificate]) -> Vec<Warning> { Vec::new() }
