//! Whether a certificate is what was asked for, by the S/MIME Baseline Requirements (version 1.0.11), before it signs
//! anything.
//!
//! A public authority lints what it issues, and yet both mass revocations of 2026 were for certificates that should
//! not have been issued. So each is looked at here once more, and for what only this side knows: whose key it is, and
//! what address was asked for.

mod keys;
mod names;
mod places;
mod rule;
mod usage;
mod view;

use std::{fmt, sync::Arc};

use der::oid::ObjectIdentifier;
use sealpost_rollover::{Slot, Span, SubjectKind, Time, port::CertificateRecord, workshop::Asked};
use sealpost_smime::{
    Certificate, UnixTime,
    path::{Purpose, RevocationPolicy, Validator},
};
use sha2::{Digest as _, Sha256};

use crate::{Profile, address};
use view::View;

pub use rule::{Finding, Rule};

/// What a certificate may say at most about how long it is valid (section 6.3.2), its last second included.
pub const LONGEST: Span = Span::days(825);

/// How far an authority's clock may be ahead of ours.
pub const SKEW: Span = Span::hours(1);

/// Looks at certificates. Cheap to clone.
#[derive(Clone)]
pub struct Check {
    anchors: Arc<[Certificate]>,
    profile: Option<Profile>,
}

/// What was asked for, as far as it stands in a certificate.
pub(crate) struct Wanted<'a> {
    pub(crate) kind: SubjectKind,
    pub(crate) slot: Slot,
    pub(crate) address: &'a str,
    /// Of the SubjectPublicKeyInfo.
    pub(crate) spki_sha256: &'a [u8],
}

/// What was found, in the order in which it was looked for.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, rule: Rule, detail: impl Into<String>) {
        self.0.push(Finding::new(rule, detail.into()));
    }
}

impl Check {
    /// Of certificates that lead to one of these roots. Without any, none is fit.
    #[must_use]
    pub fn new(anchors: &[Certificate]) -> Self {
        Self { anchors: anchors.into(), profile: None }
    }

    /// Only mailbox-validated ones of that profile are fit. Otherwise any of the Baseline Requirements' policies is
    /// that may still be issued.
    #[must_use]
    pub const fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// What is wrong with a certificate that was asked for so; nothing, if it is fit.
    #[must_use]
    pub fn inspect(&self, certificate: &CertificateRecord, asked: &Asked<'_>, now: Time) -> Vec<Finding> {
        let wanted = Wanted {
            kind: asked.subject.kind,
            slot: asked.generation.slot,
            address: &asked.subject.address,
            spki_sha256: &asked.public.spki_sha256,
        };
        self.look((&certificate.der, &certificate.chain), &wanted, now)
    }

    /// The same of a certificate in DER and those above it.
    pub(crate) fn look(&self, (der, chain): (&[u8], &[Vec<u8>]), wanted: &Wanted<'_>, now: Time) -> Vec<Finding> {
        let mut findings = Findings::default();
        match Certificate::from_der(der) {
            Err(problem) => findings.add(Rule::Readable, problem.to_string()),
            Ok(certificate) => {
                self.judge(&certificate, wanted, now, &mut findings);
                self.judge_chain((&certificate, chain), wanted, now, &mut findings);
            }
        }
        findings.0
    }

    fn judge(&self, certificate: &Certificate, wanted: &Wanted<'_>, now: Time, findings: &mut Findings) {
        if *Sha256::digest(certificate.public_key()) != *wanted.spki_sha256 {
            findings.add(Rule::AskedKey, "it is for another key");
        }
        validity(certificate, now, findings);
        let view = View::read(certificate, findings);
        keys::judge(&view, findings);
        if wanted.kind == SubjectKind::CaCredential {
            usage::judge_credential(&view, findings);
            return;
        }
        let names = address::names(wanted.kind, wanted.slot, wanted.address);
        names::judge(&view, &names.unwrap_or_default(), findings);
        usage::judge(&view, wanted.slot, self.profile, findings);
        places::judge(&view, findings);
    }

    fn judge_chain(
        &self,
        (certificate, chain): (&Certificate, &[Vec<u8>]),
        wanted: &Wanted<'_>,
        now: Time,
        findings: &mut Findings,
    ) {
        let others: Vec<_> = chain.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        let purpose = match wanted.slot {
            Slot::Encrypt => Purpose::EmailEncryption,
            _ => Purpose::EmailSigning,
        };
        // When it is valid itself is said elsewhere.
        let at = UnixTime(now.unix()).min(certificate.not_after()).max(certificate.not_before());
        let validator = Validator::new(&self.anchors, at, purpose).revocation(RevocationPolicy::UseWhatIsGiven);
        match validator.validate(certificate, &others) {
            Err(distrust) => findings.add(Rule::Chain, distrust.to_string()),
            // Names that are equal may still be written in two ways; here they may not (section 7.1.4.1).
            Ok(path) if path.certificates.get(1).is_some_and(|issuer| issuer.subject() != certificate.issuer()) => {
                findings.add(Rule::Chain, "its issuer writes its name in another way");
            }
            Ok(_) => {}
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check").field("anchors", &self.anchors.len()).field("profile", &self.profile).finish()
    }
}

/// Both ends of the validity are in it (RFC 5280, section 4.1.2.5): from the first second to the same one 825 days
/// later is a second too long (trap T10).
fn validity(certificate: &Certificate, now: Time, findings: &mut Findings) {
    let [first, last] = [certificate.not_before(), certificate.not_after()].map(|time| Time::from_unix(time.0));
    let lifetime = last - first + Span::seconds(1);
    if lifetime <= Span::ZERO {
        findings.add(Rule::Validity, format!("it ends at {last}, before it starts at {first}"));
    }
    if lifetime > LONGEST {
        let over = lifetime - LONGEST;
        findings.add(Rule::Lifetime, format!("from {first} to {last} is {over} more than {LONGEST}"));
    }
    if first > now + SKEW {
        findings.add(Rule::NotYetValid, format!("it starts at {first}, now is {now}"));
    }
    if last < now {
        findings.add(Rule::Expired, format!("it ended at {last}, now is {now}"));
    }
}

/// The Baseline Requirements' policy that a certificate names (section 7.1.6.1), or else its first one.
pub(crate) fn product(certificate: &Certificate) -> Option<ObjectIdentifier> {
    let view = View::read(certificate, &mut Findings::default());
    let policies = view.policies.unwrap_or_default();
    policies.iter().find(|id| usage::reserved(id).is_some()).or(policies.first()).copied()
}
