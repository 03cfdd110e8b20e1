//! Whether certificates of a path were revoked (RFC 5280 §6.3, RFC 6960 §3.2), from the anchor downwards.

use super::{
    Reason, Revocation, RevocationPolicy, RevocationReason, WeakSignatures,
    build::{Node, Search},
    crl::Crl,
    issuer::Target,
    point::{ALL_REASONS, Point},
    signature::{StatementId, Verdict},
    signed::Entry,
};
use crate::KeyUsage;

/// Signers of lists whose own revocation is looked up in lists by other signers, and so on.
const DEEPEST: usize = 3;

/// Whose revocation is looked at.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) node: Node<'a>,
    /// Its issuer in the path.
    pub(super) issuer: Node<'a>,
    pub(super) anchor: Node<'a>,
}

/// What lists or responses say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Nothing,
    Good,
    Revoked(Entry),
}

impl<'a> Search<'a> {
    /// What is known of a path's certificates, in the path's order, without the anchor; or which is revoked.
    pub(super) fn revocation_of(&mut self, path: &[Node<'a>]) -> Result<Vec<Revocation>, (Node<'a>, Reason)> {
        let Some(anchor) = path.last().copied() else { return Ok(Vec::new()) };
        let pairs = path.iter().copied().zip(path.iter().copied().skip(1));
        if self.validator.revocation == RevocationPolicy::Ignore {
            return Ok(pairs.map(|_| Revocation::Ignored).collect());
        }
        let mut found = Vec::new();
        for (node, issuer) in pairs.collect::<Vec<_>>().into_iter().rev() {
            let known = self.status(Subject { node, issuer, anchor });
            found.push(known.map_err(|reason| (node, reason))?);
        }
        found.reverse();
        Ok(found)
    }

    fn status(&mut self, subject: Subject<'a>) -> Result<Revocation, Reason> {
        if self.validator.crls.is_empty() && self.validator.responses.is_empty() {
            return match self.validator.revocation {
                RevocationPolicy::Require => Err(Reason::RevocationUnknown),
                _ => Ok(Revocation::NotKnown),
            };
        }
        let by_ocsp = self.by_ocsp(subject);
        let by_crl = self.by_crls(subject);
        match (by_ocsp, by_crl) {
            (Known::Revoked(entry), _) | (_, Known::Revoked(entry)) => {
                Err(Reason::Revoked { at: entry.at, reason: RevocationReason::from_code(entry.reason) })
            }
            // What was not looked at any more may say that it was revoked.
            _ if self.exhausted() => Err(self.limit()),
            (Known::Good, _) => Ok(Revocation::GoodByOcsp),
            (_, Known::Good) => Ok(Revocation::GoodByCrl),
            _ if self.validator.revocation == RevocationPolicy::Require => Err(Reason::RevocationUnknown),
            _ => Ok(Revocation::NotKnown),
        }
    }

    /// What the lists say (RFC 5280 §6.3.3).
    pub(super) fn by_crls(&mut self, subject: Subject<'a>) -> Known {
        let validator = self.validator;
        if validator.crls.is_empty() {
            return Known::Nothing;
        }
        let Ok(points) = Point::all(subject.node.certificate) else { return Known::Nothing };
        let mut covered = 0;
        for point in &points {
            for (at, crl) in validator.crls.iter().enumerate() {
                let reasons = crl.scope.reasons_for(&crl.issuer, subject.node.certificate, point);
                if reasons & !covered == 0 || crl.unusable || !self.may_speak(at, crl, subject) {
                    continue;
                }
                match self.by_crl(at, crl, subject) {
                    Known::Revoked(entry) => return Known::Revoked(entry),
                    Known::Good => covered |= reasons,
                    Known::Nothing => {}
                }
            }
        }
        if covered == ALL_REASONS { Known::Good } else { Known::Nothing }
    }

    /// What one list says, with the latest delta that continues it. A list that is not in force at the time, or a
    /// delta alone, can only show that something was revoked.
    fn by_crl(&mut self, list: usize, crl: &Crl, subject: Subject<'a>) -> Known {
        let at = self.validator.at;
        let Ok(mut entry) = self.entry(list, crl, subject) else { return Known::Nothing };
        let mut in_force = crl.base.is_none() && crl.period.contains(at);
        if let Some((list, delta)) = self.latest_delta(crl, subject) {
            let Ok(change) = self.entry(list, delta, subject) else { return Known::Nothing };
            entry = change.or(entry);
            in_force = true;
        }
        match entry {
            Some(entry) if entry.holds(in_force, at) => Known::Revoked(entry),
            _ if in_force => Known::Good,
            _ => Known::Nothing,
        }
    }

    /// What stands in a list; a long one is read once for each certificate.
    fn entry(&mut self, list: usize, crl: &Crl, subject: Subject<'a>) -> Result<Option<Entry>, ()> {
        let read = || crl.find(subject.node.certificate).map_err(drop);
        *self.entries.entry((list, subject.node.at)).or_insert_with(read)
    }

    fn latest_delta(&mut self, crl: &Crl, subject: Subject<'a>) -> Option<(usize, &'a Crl)> {
        let validator = self.validator;
        let mut latest: Option<(usize, &Crl)> = None;
        for (at, delta) in validator.crls.iter().enumerate() {
            let newer = latest.is_none_or(|(_, known)| known.number() < delta.number());
            let fits = newer && delta.continues(crl) && delta.period.contains(validator.at) && !delta.unusable;
            if fits && self.may_speak(at, delta, subject) {
                latest = Some((at, delta));
            }
        }
        latest
    }

    /// Whether a list is signed by whom it must be: with the key of the certificate's issuer, or of another
    /// certificate of the list's issuer that has a path to the same anchor (RFC 5280 §6.3.3 (f) and (g)).
    fn may_speak(&mut self, at: usize, crl: &Crl, subject: Subject<'a>) -> bool {
        let key = (at, subject.anchor.at);
        if self.crls_accepted.contains(&key) {
            return true;
        }
        if self.crls_in_progress.contains(&at) {
            // An authority may name a list's signer as who says whether the signer itself was revoked.
            let signer = subject.node;
            let its_own = signer.certificate.canonical_subject() == crl.issuer;
            return its_own && self.crls_in_progress.last() == Some(&at) && self.signed_list(signer, at, crl);
        }
        let by_issuer =
            subject.issuer.certificate.canonical_subject() == crl.issuer && self.signed_list(subject.issuer, at, crl);
        let accepted = by_issuer || self.signed_by_another(at, crl, subject);
        if accepted {
            self.crls_accepted.insert(key);
        }
        accepted
    }

    fn signed_by_another(&mut self, at: usize, crl: &Crl, subject: Subject<'a>) -> bool {
        if self.crls_in_progress.len() >= DEEPEST {
            return false;
        }
        let hint = crl.authority_key_id.as_deref();
        let mut signers: Vec<Node<'a>> = self
            .pool
            .iter()
            .copied()
            .filter(|node| node.at != subject.issuer.at && node.certificate.canonical_subject() == crl.issuer)
            .collect();
        signers.sort_by_key(|node| node.certificate.subject_key_id() != hint);
        self.crls_in_progress.push(at);
        let accepted = signers.into_iter().any(|signer| {
            self.signed_list(signer, at, crl)
                && if signer.anchor {
                    signer.at == subject.anchor.at
                } else {
                    self.find(signer, Target::CrlSigner { anchor: subject.anchor.at }).is_ok()
                }
        });
        self.crls_in_progress.pop();
        accepted
    }

    fn signed_list(&mut self, signer: Node<'a>, at: usize, crl: &Crl) -> bool {
        signer.certificate.allows(Some(KeyUsage::CRL_SIGN))
            && self.accepts(signer, StatementId::Crl(at), crl.signed.statement())
    }

    /// Whether a list or response is signed with that key.
    pub(super) fn accepts(
        &mut self,
        signer: Node<'a>,
        id: StatementId,
        statement: super::signature::Statement<'_>,
    ) -> bool {
        match self.signatures.verify((signer.at, signer.certificate.public_key()), id, statement) {
            Verdict::Valid => true,
            Verdict::Weak => self.validator.weak == WeakSignatures::Warn,
            _ => false,
        }
    }
}
