//! What becomes of each recipient.

use sealpost_smime::{
    Addressed, CertificateIdentifier, ComparedIdentifier, Fate, Originator, RecipientKind, Replacement,
};

use super::{Disposition, Transform};
use crate::{Instance, Outcome, RecipientReport, Refusal, instance::group, names, scheme};

/// What was decided about the recipients of a mail.
pub(super) struct Decisions<'a> {
    transform: &'a Transform<'a>,
    /// The names of each instance's forwarder. There may be many instances, and many recipients that are almost one of them.
    forwarders: Vec<Vec<ComparedIdentifier<'a>>>,
    /// Products that may yet be computed.
    left: usize,
    pub(super) recipients: Vec<RecipientReport>,
}

/// An instance and its place.
type Placed<'a> = (usize, &'a Instance);

/// Who stands in the place of a recipient, each by an instance at one of these places.
type Replaced = (Vec<usize>, Vec<Replacement>);

impl<'a> Decisions<'a> {
    pub(super) fn new(transform: &'a Transform<'a>) -> Self {
        let compared =
            |instance: &'a Instance| instance.forwarder().iter().map(CertificateIdentifier::compared).collect();
        let forwarders = transform.instances.iter().map(compared).collect();
        Self { transform, forwarders, left: transform.policy.products, recipients: Vec::new() }
    }

    /// Decides, and notes it down.
    pub(super) fn decide(&mut self, addressed: &Addressed<'_>) -> Fate {
        let (outcome, fate) = match self.replacements(addressed) {
            Some(Ok((places, replacements))) => (Outcome::Transformed(places), Fate::Replace(replacements)),
            Some(Err(refusal)) => (Outcome::Refused(refusal), Fate::Keep),
            None if self.transform.policy.others == Disposition::Drop => (Outcome::Dropped, Fate::Drop),
            None => (Outcome::Kept, Fate::Keep),
        };
        let (part, recipient) = (addressed.part.to_owned(), addressed.recipient.clone());
        self.recipients.push(RecipientReport { part, recipient, outcome });
        fate
    }

    /// Who stands in the place of a recipient; `None` if it is no forwarder's.
    fn replacements(&mut self, addressed: &Addressed<'_>) -> Option<Result<Replaced, Refusal>> {
        let id = addressed.recipient.id.as_ref()?;
        let compared = id.compared();
        let named = self.transform.instances.iter().enumerate().zip(&self.forwarders);
        let named = named.filter(|(_, names)| names.iter().any(|name| name.is_same(&compared)));
        let named: Vec<_> = named.map(|(placed, _)| placed).collect();
        (!named.is_empty()).then(|| self.replace(id, addressed, &named))
    }

    fn replace(
        &mut self,
        id: &CertificateIdentifier,
        addressed: &Addressed<'_>,
        named: &[Placed<'_>],
    ) -> Result<Replaced, Refusal> {
        let originator = originator(addressed)?;
        let usable = self.usable(originator, named)?;
        self.left = self.left.checked_sub(usable.len()).ok_or(Refusal::Limit(self.transform.policy.products))?;
        let replacement = |(place, instance): &Placed<'_>| {
            let point = instance.factor().transform(originator.point).map_err(Refusal::Point)?;
            let id = names::in_form_of(id, instance.forwardee()).unwrap_or(id).clone();
            Ok((*place, Replacement { id, point }))
        };
        Ok(usable.iter().map(replacement).collect::<Result<Vec<_>, _>>()?.into_iter().unzip())
    }

    /// Those of the instances that may be used now and are for keys on this curve; if there is none, why the last isn't.
    fn usable<'i>(&self, originator: Originator<'_>, named: &[Placed<'i>]) -> Result<Vec<Placed<'i>>, Refusal> {
        let judge = |instance: &Instance| {
            instance.validity().check(self.transform.now).map_err(Refusal::NotValid)?;
            let same = originator.curve.and_then(group) == Some(instance.factor().group());
            if same { Ok(()) } else { Err(Refusal::OtherCurve) }
        };
        let (mut usable, mut refusal) = (Vec::new(), None);
        for placed in named {
            match judge(placed.1) {
                Ok(()) => usable.push(*placed),
                Err(why) => refusal = Some(why),
            }
        }
        match refusal {
            Some(refusal) if usable.is_empty() => Err(refusal),
            _ => Ok(usable),
        }
    }
}

/// The originator's ephemeral key, if messages like this one can be forwarded at all.
fn originator<'a>(addressed: &Addressed<'a>) -> Result<Originator<'a>, Refusal> {
    if addressed.recipient.kind != RecipientKind::KeyAgreement {
        return Err(Refusal::NotAgreement);
    }
    let algorithm = addressed.recipient.algorithm.ok_or(Refusal::Malformed)?;
    if !scheme::can_be_forwarded(algorithm) {
        return Err(Refusal::Scheme(algorithm));
    }
    addressed.originator.ok_or(Refusal::NoOriginatorKey)
}
