//! What becomes of each recipient.

use super::{Addressed, Fate, Originator, agreement::Agreement};
use crate::{
    Error, Limits, ListedRecipient, RecipientKind, Result,
    enveloped::{RecipientInfo, too_many},
};

/// A RecipientInfo.
enum Info<'a> {
    Agreement(Agreement<'a>),
    /// Of another kind, or malformed: it can't be replaced.
    Other(ListedRecipient),
}

/// Asks about each recipient. The RecipientInfos that there are then, one behind the other; nothing if none is replaced.
///
/// Each new key of the originator takes a copy of what recipients share, so that [`Limits::structure`] is for all that is
/// made, too.
pub(super) fn readdressed(
    recipients: &[Vec<u8>],
    part: &str,
    limits: &Limits,
    decide: &mut dyn FnMut(&Addressed<'_>) -> Fate,
) -> Result<Option<Vec<u8>>> {
    // All are read before anyone is asked.
    let mut left = limits.recipients;
    let infos = recipients.iter().map(|raw| Info::read(raw, &mut left, limits)).collect::<Result<Vec<_>>>()?;
    let written = Vec::with_capacity(recipients.iter().map(Vec::len).sum());
    let mut decisions = Decisions { part, decide, most: limits.structure, written, replaced: false };
    for (raw, info) in recipients.iter().zip(&infos) {
        match info {
            Info::Agreement(agreement) => decisions.agreement(raw, agreement)?,
            Info::Other(recipient) => decisions.other(raw, recipient)?,
        }
    }
    Ok(decisions.replaced.then_some(decisions.written))
}

impl<'a> Info<'a> {
    /// Reads one of which there may be `left` recipients, which become less.
    fn read(raw: &'a [u8], left: &mut usize, limits: &Limits) -> Result<Self> {
        let info = match Agreement::read(raw, *left, limits) {
            Ok(agreement) => Self::Agreement(agreement),
            Err(limit @ Error::Limit { .. }) => return Err(limit),
            Err(_) => Self::other(raw, limits),
        };
        let count = if let Self::Agreement(agreement) = &info { agreement.keys.len() } else { 1 };
        *left = left.checked_sub(count).ok_or_else(|| too_many(limits))?;
        Ok(info)
    }

    fn other(raw: &[u8], limits: &Limits) -> Self {
        let listed = RecipientInfo::read(raw, limits).list().pop();
        let malformed = ListedRecipient { kind: RecipientKind::Other, id: None, algorithm: None };
        Self::Other(listed.filter(|listed| listed.kind != RecipientKind::KeyAgreement).unwrap_or(malformed))
    }
}

/// What was decided in one message.
struct Decisions<'a> {
    part: &'a str,
    decide: &'a mut dyn FnMut(&Addressed<'_>) -> Fate,
    /// Octets that they may have.
    most: usize,
    /// The RecipientInfos.
    written: Vec<u8>,
    replaced: bool,
}

/// Recipients with the same new key of the originator.
struct Group {
    point: Vec<u8>,
    keys: Vec<Vec<u8>>,
}

impl Decisions<'_> {
    fn ask(&mut self, recipient: &ListedRecipient, originator: Option<Originator<'_>>) -> Fate {
        (self.decide)(&Addressed { part: self.part, recipient, originator })
    }

    fn other(&mut self, raw: &[u8], recipient: &ListedRecipient) -> Result<()> {
        match self.ask(recipient, None) {
            Fate::Keep => self.written.extend_from_slice(raw),
            Fate::Drop => {}
            Fate::Replace(_) => return Err(Error::not("a recipient by key agreement", recipient)),
        }
        Ok(())
    }

    fn agreement(&mut self, raw: &[u8], agreement: &Agreement<'_>) -> Result<()> {
        let (mut kept, mut groups) = (Vec::new(), Vec::<Group>::new());
        for key in &agreement.keys {
            match self.ask(&key.recipient, agreement.originator()) {
                Fate::Keep => kept.push(key.raw),
                Fate::Drop => {}
                Fate::Replace(replacements) => {
                    for by in replacements {
                        let replaced = agreement.replaced(key, &by)?;
                        match groups.iter_mut().find(|group| group.point == by.point) {
                            Some(group) => group.keys.push(replaced),
                            None => groups.push(Group { point: by.point, keys: vec![replaced] }),
                        }
                    }
                }
            }
        }
        match kept.len() {
            0 => {}
            all if all == agreement.keys.len() => self.written.extend_from_slice(raw),
            _ => self.written.extend(agreement.with(&kept)),
        }
        self.replaced |= !groups.is_empty();
        for Group { point, keys } in &groups {
            let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
            self.written.extend(agreement.from(point, &keys));
            if self.written.len() > self.most {
                let limit = u64::try_from(self.most).unwrap_or(u64::MAX);
                return Err(Error::Limit { what: "octets of a structure", limit });
            }
        }
        Ok(())
    }
}
