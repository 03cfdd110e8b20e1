//! Looks for a path: depth first from the certificate upwards. Every step and every signature counts, so that
//! certificates that certify one another in all ways take no longer than the limits allow.

use std::collections::{HashMap, HashSet};

use super::{
    Distrust, Path, Reason, Revocation, Validator, Warning, WeakSignatures,
    constraints::{self, COMPARISONS},
    issuer::{self, Target},
    policy,
    signature::{Signatures, StatementId, Verdict, is_weak},
    signed::Entry,
};
use crate::{
    Certificate, Limits,
    algorithm::SignatureScheme,
    certificate::{name, usage::KeyKind},
};

/// Certificates of a path.
const LONGEST: usize = 20;
/// Candidates that are looked at, for each signature that may be verified.
const STEPS_A_SIGNATURE: usize = 10;
/// RFC 8550 §4.3.
const GOOD_RSA: usize = 2048;

/// A certificate in a search.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    /// Its place in the pool.
    pub(super) at: usize,
    pub(super) certificate: &'a Certificate,
    pub(super) anchor: bool,
}

/// What is known in the search for one path.
pub(super) struct Search<'a> {
    pub(super) validator: &'a Validator,
    /// All certificates, each once.
    pub(super) pool: Vec<Node<'a>>,
    leaf: Node<'a>,
    pub(super) signatures: Signatures,
    budget: Budget,
    /// Lists whose signer is being judged: they can't say anything about it.
    pub(super) crls_in_progress: Vec<usize>,
    /// Lists that are known to be signed by somebody who may, with the anchor for which this is so.
    pub(super) crls_accepted: HashSet<(usize, usize)>,
    /// What lists say about certificates; `Err` if a list must not be used.
    pub(super) entries: HashMap<(usize, usize), Result<Option<Entry>, ()>>,
}

/// A path from the certificate that was asked for to the anchor, with what is known about revocation of all but that.
type Found<'a> = (Vec<Node<'a>>, Vec<Revocation>);

/// One search upwards.
struct Attempt<'a> {
    target: Target,
    /// From the certificate that is asked for.
    path: Vec<Node<'a>>,
    /// The failure that came furthest, and how far.
    failure: Option<((Stage, usize), Distrust)>,
}

/// How far an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    NoIssuer,
    UnsuitableIssuer,
    Anchored,
    /// No other path can change it.
    Final,
}

impl Attempt<'_> {
    /// What failed first counts among equals.
    fn note(&mut self, stage: Stage, certificate: &Certificate, reason: Reason) {
        let how_far = (stage, self.path.len());
        if self.failure.as_ref().is_none_or(|(known, _)| *known < how_far) {
            self.failure = Some((how_far, Distrust::new(certificate, reason)));
        }
    }

    fn ended(&self) -> bool {
        self.failure.as_ref().is_some_and(|((stage, _), _)| *stage == Stage::Final)
    }
}

/// How much the search for paths may take: all those for one mail together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    signatures: usize,
    steps: usize,
    comparisons: usize,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        let signatures = limits.path_signatures;
        Self { signatures, steps: signatures.saturating_mul(STEPS_A_SIGNATURE), comparisons: COMPARISONS }
    }

    /// Takes one signature; `false` if there is none left.
    pub(crate) fn take_signature(&mut self) -> bool {
        let left = self.signatures.checked_sub(1);
        self.signatures = left.unwrap_or_default();
        left.is_some()
    }
}

impl<'a> Search<'a> {
    pub(super) fn new(
        validator: &'a Validator,
        leaf: &'a Certificate,
        others: &'a [Certificate],
        budget: Budget,
    ) -> Self {
        let mut known: HashMap<&[u8], Node<'a>> = HashMap::new();
        let mut pool = Vec::new();
        let mut add = |certificate: &'a Certificate, anchor| {
            *known.entry(certificate.as_der()).or_insert_with(|| {
                let node = Node { at: pool.len(), certificate, anchor };
                pool.push(node);
                node
            })
        };
        for anchor in validator.anchors.iter() {
            add(anchor, true);
        }
        let leaf = add(leaf, false);
        let responders = validator.responses.iter().flat_map(|response| response.certificates.iter());
        for certificate in validator.intermediates.iter().chain(others).chain(responders) {
            add(certificate, false);
        }
        Self {
            validator,
            pool,
            leaf,
            signatures: Signatures::new(budget.signatures),
            budget,
            crls_in_progress: Vec::new(),
            crls_accepted: HashSet::new(),
            entries: HashMap::new(),
        }
    }

    /// What is left of what it may take.
    pub(super) fn left(&self) -> Budget {
        Budget { signatures: self.signatures.left(), ..self.budget }
    }

    pub(super) fn run(&mut self) -> Result<Path, Distrust> {
        let (path, revocation) = self.find(self.leaf, Target::Mail(self.validator.purpose))?;
        let certificates: Vec<Certificate> = path.iter().map(|node| node.certificate.clone()).collect();
        let warnings = warnings(&certificates);
        Ok(Path { certificates, revocation, warnings })
    }

    /// Looks for a path for a certificate.
    pub(super) fn find(&mut self, leaf: Node<'a>, target: Target) -> Result<Found<'a>, Distrust> {
        let wrong = |reason| Distrust::new(leaf.certificate, reason);
        if leaf.anchor {
            issuer::in_time(leaf.certificate, self.validator.at).map_err(wrong)?;
            issuer::suits(leaf.certificate, target).map_err(wrong)?;
            return Ok((vec![leaf], Vec::new()));
        }
        issuer::sound(leaf.certificate, self.validator.at).map_err(wrong)?;
        issuer::suits(leaf.certificate, target).map_err(wrong)?;
        let mut attempt = Attempt { target, path: vec![leaf], failure: None };
        let found = self.extend(leaf, &mut attempt);
        let failure = attempt.failure.map(|(_, distrust)| distrust);
        found.ok_or_else(|| failure.unwrap_or_else(|| wrong(unknown_issuer(leaf.certificate))))
    }

    /// Looks for the rest of a path, of which `below` is the last certificate.
    fn extend(&mut self, below: Node<'a>, attempt: &mut Attempt<'a>) -> Option<Found<'a>> {
        let mut signed_by_one = false;
        let mut not_signed = None;
        for candidate in self.candidates(below, &attempt.path) {
            if self.exhausted() {
                let leaf = attempt.path.first().map_or(below.certificate, |leaf| leaf.certificate);
                attempt.note(Stage::Final, leaf, self.limit());
                return None;
            }
            self.budget.steps -= 1;
            if let Err(reason) = self.signed(candidate, below) {
                let other_key = reason == Reason::BadSignature && has_hinted_key(candidate, below) == Some(false);
                not_signed = not_signed.or((!other_key).then_some(reason));
                continue;
            }
            signed_by_one = true;
            let found = self.step(candidate, attempt);
            if found.is_some() || attempt.ended() {
                return found;
            }
        }
        if !signed_by_one {
            let reason = not_signed.unwrap_or_else(|| unknown_issuer(below.certificate));
            attempt.note(Stage::NoIssuer, below.certificate, reason);
        }
        None
    }

    /// Takes an issuer into the path, if it may be one.
    fn step(&mut self, candidate: Node<'a>, attempt: &mut Attempt<'a>) -> Option<Found<'a>> {
        if let Err(reason) = self.may_issue(candidate, attempt) {
            attempt.note(Stage::UnsuitableIssuer, candidate.certificate, reason);
            return None;
        }
        attempt.path.push(candidate);
        let found = if candidate.anchor {
            self.judge(attempt)
        } else if attempt.path.len() < LONGEST {
            self.extend(candidate, attempt)
        } else {
            attempt.note(
                Stage::UnsuitableIssuer,
                candidate.certificate,
                Reason::Limit { what: "certificates", limit: LONGEST },
            );
            None
        };
        attempt.path.pop();
        found
    }

    /// Who may have issued a certificate by its name, the likeliest first.
    fn candidates(&self, below: Node<'a>, path: &[Node<'a>]) -> Vec<Node<'a>> {
        let issuer = below.certificate.canonical_issuer();
        if name::is_empty(below.certificate.issuer()) {
            return Vec::new();
        }
        let known = |node: &Node<'_>| {
            path.iter().any(|other| {
                other.certificate.canonical_subject() == node.certificate.canonical_subject()
                    && other.certificate.public_key() == node.certificate.public_key()
            })
        };
        let mut candidates: Vec<_> = self
            .pool
            .iter()
            .filter(|node| node.certificate.canonical_subject() == issuer && !known(node))
            .map(|node| {
                let hinted = match has_hinted_key(*node, below) {
                    Some(true) => 0,
                    None => 1,
                    Some(false) => 2,
                };
                ((hinted, !node.anchor, node.at), *node)
            })
            .collect();
        candidates.sort_by_key(|(order, _)| *order);
        candidates.into_iter().map(|(_, node)| node).collect()
    }

    /// Whether a certificate is signed by the key of another.
    pub(super) fn signed(&mut self, issuer: Node<'_>, node: Node<'_>) -> Result<(), Reason> {
        let key = (issuer.at, issuer.certificate.public_key());
        let verdict =
            self.signatures.verify(key, StatementId::Certificate(node.at), issuer::statement(node.certificate));
        match verdict {
            Verdict::Weak if self.validator.weak == WeakSignatures::Refuse => Err(Reason::WeakSignature),
            Verdict::Valid | Verdict::Weak => Ok(()),
            Verdict::Unsupported(id) => Err(Reason::Algorithm { id }),
            Verdict::Wrong => Err(Reason::BadSignature),
            Verdict::Exhausted => Err(self.limit()),
        }
    }

    /// Whether there is nothing left of something that is limited.
    pub(super) fn exhausted(&self) -> bool {
        self.budget.steps == 0 || self.budget.comparisons == 0 || self.signatures.left() == 0
    }

    pub(super) fn limit(&self) -> Reason {
        if self.budget.comparisons == 0 {
            return Reason::Limit { what: "comparisons of names", limit: COMPARISONS };
        }
        Reason::Limit { what: "signatures, or ten times as many steps", limit: self.validator.limits.path_signatures }
    }

    fn may_issue(&self, candidate: Node<'_>, attempt: &Attempt<'_>) -> Result<(), Reason> {
        let authorities = attempt.path.iter().skip(1).filter(|node| !node.certificate.is_self_issued());
        let below = u64::try_from(authorities.count()).unwrap_or(u64::MAX);
        if candidate.anchor {
            issuer::in_time(candidate.certificate, self.validator.at)?;
            return issuer::anchor_may_issue(candidate.certificate, below, attempt.target);
        }
        issuer::sound(candidate.certificate, self.validator.at)?;
        issuer::may_issue(candidate.certificate, below, attempt.target)
    }

    /// Judges a path that has reached an anchor by what must be judged from there on downwards.
    fn judge(&mut self, attempt: &mut Attempt<'a>) -> Option<Found<'a>> {
        let path = attempt.path.clone();
        let (leaf, anchor) = (path.first()?, path.last()?);
        if matches!(attempt.target, Target::CrlSigner { anchor: wanted } if wanted != anchor.at) {
            attempt.note(Stage::UnsuitableIssuer, leaf.certificate, unknown_issuer(leaf.certificate));
            return None;
        }
        let anchor_first: Vec<&Certificate> = path.iter().rev().map(|node| node.certificate).collect();
        let judged =
            constraints::check(&anchor_first, &mut self.budget.comparisons).and_then(|()| match attempt.target {
                Target::Mail(_) => policy::check(&anchor_first, &self.validator.policies),
                Target::CrlSigner { .. } => Ok(()),
            });
        if let Err((at, reason)) = judged {
            let concerned = anchor_first.get(at).unwrap_or(&leaf.certificate);
            let limit = matches!(reason, Reason::Limit { .. });
            attempt.note(if limit { Stage::Final } else { Stage::Anchored }, concerned, reason);
            return None;
        }
        match self.revocation_of(&path) {
            Ok(revocation) => Some((path, revocation)),
            Err((node, reason)) => {
                // What is revoked itself stays so on any other path.
                let revoked = node.at == leaf.at && matches!(reason, Reason::Revoked { .. });
                attempt.note(if revoked { Stage::Final } else { Stage::Anchored }, node.certificate, reason);
                None
            }
        }
    }
}

/// Whether a certificate's key is the one that the other says it is signed by, as far as they say it.
fn has_hinted_key(issuer: Node<'_>, below: Node<'_>) -> Option<bool> {
    Some(below.certificate.authority_key_id()? == issuer.certificate.subject_key_id()?)
}

fn unknown_issuer(certificate: &Certificate) -> Reason {
    if certificate.is_self_issued() {
        return Reason::SelfSigned;
    }
    Reason::UnknownIssuer { issuer: certificate.issuer_name() }
}

fn warnings(path: &[Certificate]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (at, certificate) in path.iter().enumerate() {
        let subject = || certificate.subject_name();
        let scheme = SignatureScheme::from_x509(certificate.signature_algorithm());
        // The anchor's own signature says nothing.
        if at + 1 < path.len() && scheme.is_ok_and(is_weak) {
            warnings.push(Warning::WeakSignature { subject: subject() });
        }
        if let Some(KeyKind::Rsa(bits) | KeyKind::RsaPss(bits)) = certificate.key_kind()
            && bits < GOOD_RSA
        {
            warnings.push(Warning::ShortKey { subject: subject(), bits });
        }
    }
    warnings
}
