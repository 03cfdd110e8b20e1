//! What a certificate's key may be used for (sections 7.1.2.3 and 7.1.6.1).

use der::oid::ObjectIdentifier;
use sealpost_rollover::Slot;

use super::{Findings, Rule, view::View};
use crate::{
    Profile, oid,
    profile::{encryption_usage, signing_usage, usage as bit},
};

/// How its subject was validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Mailbox,
    /// An organization, a sponsor, an individual.
    More,
}

/// What certificates of the time before 2025-07-15 are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    Legacy,
    Current(Profile),
}

/// What a reserved policy identifier stands for: 2.23.140.1.5.LEVEL.GENERATION.
pub(super) fn reserved(id: &ObjectIdentifier) -> Option<(Level, Generation)> {
    let arcs: Vec<u32> = id.arcs().collect();
    let [2, 23, 140, 1, 5, level, generation] = arcs.as_slice() else { return None };
    let level = match level {
        1 => Level::Mailbox,
        2..=4 => Level::More,
        _ => return None,
    };
    let generation = match generation {
        1 => Generation::Legacy,
        2 => Generation::Current(Profile::Multipurpose),
        3 => Generation::Current(Profile::Strict),
        _ => return None,
    };
    Some((level, generation))
}

pub(super) fn judge(view: &View<'_>, slot: Slot, wanted: Option<Profile>, findings: &mut Findings) {
    policy(view, wanted, findings);
    let named = view.policies.iter().flatten().find_map(reserved).and_then(|(_, generation)| match generation {
        Generation::Current(profile) => Some(profile),
        Generation::Legacy => None,
    });
    // If nothing says otherwise, it is judged as the strict one.
    let profile = wanted.or(named).unwrap_or_default();
    purposes(view, profile, findings);
    let Some(usage) = view.usage else {
        return findings.add(Rule::KeyUsage, "it has no key usage");
    };
    key_usage(view, (usage, profile), findings);
    let encryption = encryption_usage(view.certificate.public_key()).unwrap_or_default();
    let (signs, encrypts) = (usage & bit::DIGITAL_SIGNATURE != 0, usage & encryption != 0);
    if (signs, encrypts) != (slot.signs(), slot.decrypts()) {
        findings.add(Rule::AskedUse, format!("its key usage is not that of a key of the slot {}", slot.word()));
    }
}

/// A credential says by its extended key usage that it may log in.
pub(super) fn judge_credential(view: &View<'_>, findings: &mut Findings) {
    if !view.purposes.iter().flatten().any(|id| *id == oid::CLIENT_AUTH) {
        findings.add(Rule::Purpose, "its extended key usage does not allow to log in");
    }
    if view.usage.is_none_or(|usage| usage & bit::DIGITAL_SIGNATURE == 0) {
        findings.add(Rule::AskedUse, "its key usage does not allow to sign");
    }
    if view.constraints.as_ref().is_some_and(|constraints| constraints.ca) {
        findings.add(Rule::NoAuthority, "it is an authority's");
    }
}

fn policy(view: &View<'_>, wanted: Option<Profile>, findings: &mut Findings) {
    let policies = view.policies.as_deref().unwrap_or_default();
    if policies.contains(&oid::ANY_POLICY) {
        findings.add(Rule::Policy, "it names any policy");
    }
    let reserved: Vec<_> = policies.iter().filter_map(reserved).collect();
    let fits = |found: &(Level, Generation)| match wanted {
        Some(profile) => *found == (Level::Mailbox, Generation::Current(profile)),
        None => found.1 != Generation::Legacy,
    };
    match reserved.as_slice() {
        [] => findings.add(Rule::Policy, "it names none of the reserved policies"),
        [one] if fits(one) => {}
        [_] => findings.add(Rule::Policy, "it names another policy than was asked for, or one that has ended"),
        _ => findings.add(Rule::Policy, "it names several of the reserved policies"),
    }
}

fn purposes(view: &View<'_>, profile: Profile, findings: &mut Findings) {
    /// What a multipurpose certificate may not be for; all else is free.
    const NEVER: [ObjectIdentifier; 5] =
        [oid::ANY_EXTENDED_KEY_USAGE, oid::SERVER_AUTH, oid::CODE_SIGNING, oid::TIME_STAMPING, oid::OCSP_SIGNING];
    let Some(purposes) = &view.purposes else {
        return findings.add(Rule::Purpose, "it has no extended key usage");
    };
    if !purposes.contains(&oid::EMAIL_PROTECTION) {
        findings.add(Rule::Purpose, "its extended key usage does not allow mail");
    }
    let refused = |id: &&ObjectIdentifier| match profile {
        Profile::Strict => **id != oid::EMAIL_PROTECTION,
        Profile::Multipurpose => NEVER.contains(id),
    };
    for id in purposes.iter().filter(refused) {
        findings.add(Rule::Purpose, format!("its extended key usage has {id}"));
    }
}

/// Of each kind of key, one bit makes it sign and another one receive content keys; what may stand beside each is given
/// by the tables of section 7.1.2.3 e.
fn key_usage(view: &View<'_>, (usage, profile): (u16, Profile), findings: &mut Findings) {
    let encryption = encryption_usage(view.certificate.public_key());
    let beside = match (encryption, profile) {
        (Some(bit::KEY_AGREEMENT), _) => bit::ENCIPHER_ONLY | bit::DECIPHER_ONLY,
        (Some(_), Profile::Multipurpose) => bit::DATA_ENCIPHERMENT,
        _ => 0,
    };
    let mut allowed = 0;
    if usage & bit::DIGITAL_SIGNATURE != 0 {
        allowed |= signing_usage(view.certificate.public_key());
    }
    if let Some(encryption) = encryption.filter(|bit| usage & bit != 0) {
        allowed |= encryption | beside;
    }
    let contradiction = bit::ENCIPHER_ONLY | bit::DECIPHER_ONLY;
    if allowed == 0 || usage & !allowed != 0 || usage & contradiction == contradiction {
        findings.add(Rule::KeyUsage, format!("its key usage, the bits {usage:#b}, does not fit its key"));
    }
}
