//! A recipient to whom a mail was not sent.

use sealpost_mail::{Address, Domain};
use sealpost_time::Time;

use super::{Notify, OriginalRecipient, words::Words};
use crate::{
    facts::Channel,
    requirement::{Atom, Origin, Origins},
    verdict::{Finding, Reason, Status, Verdict},
};

/// A recipient to whom a mail was not sent.
#[derive(Clone, Debug)]
pub struct Failed<'a> {
    pub(super) recipient: &'a Address,
    pub(super) status: Status,
    pub(super) original: Option<&'a OriginalRecipient>,
    pub(super) once: Option<Once<'a>>,
    reasons: &'a [Reason],
    header_only: bool,
    notify: Notify,
}

/// How the sender may send the mail once without the guarantee.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the parts of one sentence")]
pub struct Once<'a> {
    /// The text of a token.
    pub token: &'a str,
    /// Where to go with it, with the token in it; or else the user is told the token itself.
    pub link: Option<&'a str>,
    /// The first time at which it is too late.
    pub until: Time,
}

impl<'a> Failed<'a> {
    /// A recipient who failed for reasons that only `status` tells.
    #[must_use]
    pub const fn new(recipient: &'a Address, status: Status) -> Self {
        Self {
            recipient,
            status,
            original: None,
            once: None,
            reasons: &[],
            header_only: false,
            notify: Notify::Default,
        }
    }

    /// By a verdict; `None` if it is no bounce.
    #[must_use]
    pub fn of(recipient: &'a Address, verdict: &'a Verdict) -> Option<Self> {
        let Verdict::Bounce { status, headers_only, reasons } = verdict else { return None };
        Some(Self { reasons, header_only: *headers_only, ..Self::new(recipient, status.clone()) })
    }

    /// With what ORCPT said.
    #[must_use]
    pub fn originally(self, original: &'a OriginalRecipient) -> Self {
        Self { original: Some(original), ..self }
    }

    /// With what NOTIFY said.
    #[must_use]
    pub fn notified(self, notify: Notify) -> Self {
        Self { notify, ..self }
    }

    /// With a way to send the mail once without the guarantee. It is offered only where it would help
    /// ([`Self::may_go_once`]).
    #[must_use]
    pub fn offering(self, once: Once<'a>) -> Self {
        Self { once: Some(once), ..self }
    }

    /// Whether nothing but the user's own guarantee stops the mail: it would go out without.
    #[must_use]
    pub fn may_go_once(&self) -> bool {
        !self.askers().is_empty() && self.askers().without(Origin::UserGuarantee).is_empty()
    }

    /// Whether the sender wants to hear of it.
    pub(super) const fn wants_to_know(&self) -> bool {
        self.notify.wants_failures()
    }

    /// Whether no more than the header may be given back.
    pub(super) const fn is_header_only(&self) -> bool {
        self.header_only
    }

    pub(super) fn is_ascii(&self) -> bool {
        self.recipient.is_ascii() && self.original.is_none_or(OriginalRecipient::is_ascii)
    }

    /// Who asks for what is missing.
    pub(super) fn askers(&self) -> Origins {
        self.missing().fold(Origins::NONE, |askers, reason| askers.union(reason.origins))
    }

    /// The host that stopped the mail, if it was connected to and answered.
    pub(super) fn remote(&self) -> Option<&Domain> {
        let spoke = self.missing().filter(|reason| match &reason.finding {
            Finding::Channel(channel) => !matches!(channel, Channel::Unreachable { .. }),
            Finding::Version(_) | Finding::Certificate(_) | Finding::NotAdvertised => true,
            _ => false,
        });
        spoke.filter_map(|reason| reason.host.as_ref()).find(|host| self.names(host))
    }

    /// What is wrong, as people are told.
    pub(super) fn cause(&self, words: &Words) -> &'static str {
        let causes = &words.causes;
        let Some(reason) = self.decisive() else { return self.cause_by_text(words) };
        match &reason.finding {
            Finding::Channel(Channel::NotOffered) => causes.not_offered,
            Finding::Channel(Channel::Refused { .. }) => causes.refused,
            Finding::Channel(Channel::TooOld) | Finding::Version(_) => causes.too_old,
            Finding::Channel(Channel::HandshakeFailed { .. }) => causes.handshake,
            Finding::Channel(Channel::Unreachable { .. }) | Finding::NoAddress | Finding::AddressesFailed => {
                causes.unreachable
            }
            Finding::MxFailed | Finding::NoHosts => causes.unreachable,
            Finding::Certificate(_) => causes.certificate,
            Finding::NoTlsa | Finding::TlsaFailed => causes.dns,
            Finding::NotListed | Finding::NotVouchedFor | Finding::PolicyUnknown | Finding::MxInsecure => causes.name,
            Finding::NotAdvertised => causes.requiretls,
            Finding::AddressLiteral => causes.address,
            Finding::NullMx => causes.null_mx,
            Finding::NoSuchDomain => causes.no_such_domain,
            _ => causes.other,
        }
    }

    /// For a status that came without reasons.
    fn cause_by_text(&self, words: &Words) -> &'static str {
        if self.status.text.starts_with("TLS is required, but was not offered by host") {
            words.causes.not_offered
        } else {
            words.causes.other
        }
    }

    /// The reason that the status tells: of the host that it names, or else the first.
    fn decisive(&self) -> Option<&Reason> {
        let mut wrong = self.reasons.iter().filter(|reason| is_wrong(&reason.finding));
        let named = wrong.clone().find(|reason| reason.host.as_ref().is_some_and(|host| self.names(host)));
        // Where TLS would be there, and only REQUIRETLS is missing, another host may lack more.
        let requiretls = self.status.code == [5, 7, 30];
        let lacks = |reason: &&Reason| requiretls && reason.atom == Some(Atom::RequireTls);
        wrong.clone().find(lacks).or(named).or_else(|| wrong.next())
    }

    fn names(&self, host: &Domain) -> bool {
        let is_end = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
        self.status.text.split(is_end).any(|word| word == host.as_str())
    }

    fn missing(&self) -> impl Iterator<Item = &'a Reason> + Clone {
        self.reasons.iter().filter(|reason| is_wrong(&reason.finding) && !reason.origins.is_empty())
    }
}

/// Whether it stops a mail, or only says more.
const fn is_wrong(finding: &Finding) -> bool {
    !matches!(
        finding,
        Finding::Held | Finding::Note(_) | Finding::NotRerouted(_) | Finding::Expired | Finding::PolicyToRecheck
    )
}
