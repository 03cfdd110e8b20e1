//! For tests: asking the local authority without a store, and certificates that are wrong on purpose.

mod flaw;

use std::{collections::BTreeSet, sync::Arc};

use sealpost_rollover::{
    GenerationId, Layout, Slot, Subject, SubjectKind, Time,
    authority::{Reconciled, Submission},
    workshop::MadeKey,
};

use crate::{
    KeyKind, LocalAuthority, Profile, Result, address,
    check::Rule,
    keys::{self, Key},
    local::{Ask, Settings},
    profile, request,
};

pub use crate::wait::wait;
pub use flaw::Flaw;

fn tag(spki_sha256: &[u8]) -> String {
    format!("sealpost{}", base16ct::lower::encode_string(spki_sha256.get(..16).unwrap_or_default()))
}

fn ask<'a>(subject: &'a Subject, id: GenerationId, made: &'a MadeKey) -> Ask<'a> {
    let spki_sha256 = &made.public.spki_sha256;
    Ask { id, address: &subject.address, request: &made.request, spki_sha256, tag: tag(spki_sha256) }
}

/// Asks for a certificate, as if the key were durable.
#[must_use]
pub fn submit(authority: &LocalAuthority, subject: &Subject, id: GenerationId, made: &MadeKey) -> Submission {
    authority.take(&ask(subject, id, made))
}

/// The orders for the same key.
#[must_use]
pub fn find(authority: &LocalAuthority, subject: &Subject, id: GenerationId, made: &MadeKey) -> Reconciled {
    authority.found(&ask(subject, id, made))
}

/// Makes certificates that have flaws, each with the same few keys.
#[derive(Debug)]
pub struct Forge {
    authority: LocalAuthority,
    keys: Vec<(KeyKind, Key)>,
}

/// A certificate of the forge.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Forged {
    /// DER.
    pub certificate: Vec<u8>,
    /// The rules that it breaks, says our check.
    pub broken: BTreeSet<Rule>,
}

impl Forge {
    /// For certificates of that profile and keys of those kinds.
    ///
    /// # Errors
    ///
    /// If a key can't be made.
    pub fn new(profile: Profile, kinds: &[KeyKind], now: Time) -> Result<Self> {
        let settings = Settings::new("Forge", "http://ca.example.com").profile(profile);
        let authority = LocalAuthority::in_memory(settings, Arc::new(move || now))?;
        let keys = kinds.iter().map(|kind| Ok((*kind, Key::generate(*kind)?))).collect::<Result<_>>()?;
        Ok(Self { authority, keys })
    }

    /// A certificate for an address, with these flaws.
    ///
    /// # Errors
    ///
    /// If there is no key of that kind, or the authority does not issue for that address.
    pub fn make(&self, kind: KeyKind, slot: Slot, address: &str, flaws: &[Flaw]) -> Result<Forged> {
        let key = self.keys.iter().find(|(found, _)| *found == kind).map(|(_, key)| key);
        let key = key.ok_or(crate::Error::Key("there is none of that kind"))?;
        let subject_kind = if address.contains('@') { SubjectKind::Mailbox } else { SubjectKind::Domain };
        let refused = |problem: sealpost_rollover::Error| crate::Error::Refused(problem.to_string());
        let subject = Subject::new(subject_kind, address, Layout::Dual, Time::from_unix(0)).map_err(refused)?;
        let names = address::names(subject_kind, slot, address)?;
        let usage = profile::key_usage(key.spki(), subject_kind, slot);
        let request = request::write(key, address, &names, usage)?;
        let spki_sha256 = keys::names_of(key.spki()).spki_sha256;
        let ask = Ask {
            id: GenerationId::new(subject.id, slot, 1),
            address,
            request: &request,
            spki_sha256: &spki_sha256,
            tag: tag(&spki_sha256),
        };
        let change = |template: &mut _| flaws.iter().for_each(|flaw| flaw.apply(template));
        let (certificate, findings) = self.authority.flawed(&ask, change)?;
        Ok(Forged { certificate, broken: findings.into_iter().map(|finding| finding.rule).collect() })
    }
}
