//! What became of each recipient.

use std::{collections::HashSet, fmt};

use der::oid::ObjectIdentifier;
use sealpost_pre::{NotValid, PointRejection};
use sealpost_smime::ListedRecipient;

/// What a transform did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// All recipients of all encrypted messages in the mail, in their order.
    pub recipients: Vec<RecipientReport>,
    /// Whether a signature around an encrypted part is not valid any more. Signatures inside of what is encrypted stay
    /// valid.
    pub breaks_signature: bool,
}

/// A recipient and what became of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct RecipientReport {
    /// In which part of the mail, such as `1.2`; empty if it is encrypted as a whole.
    pub part: String,
    /// Who it was.
    pub recipient: ListedRecipient,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a recipient.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is now for the forwardees of these instances, given by their places in the list. Never none.
    Transformed(Vec<usize>),
    /// For somebody else: stays. So do all of a message of which nothing was transformed.
    Kept,
    /// For somebody else: taken out.
    Dropped,
    /// For the forwarder, and stays as it is.
    Refused(Refusal),
}

/// Why a recipient of the forwarder's can't be transformed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is encrypted for an RSA key, or in another way than by key agreement.
    #[error("cannot be forwarded: its content key is not got by key agreement")]
    NotAgreement,
    /// The scheme is not known to keep keys out of its derivation: MQV, for instance.
    #[error("cannot be forwarded: the key agreement scheme {0} is not known to bind no key")]
    Scheme(ObjectIdentifier),
    /// Its algorithm can't be read.
    #[error("cannot be forwarded: it is malformed")]
    Malformed,
    /// The originator's key is in a certificate.
    #[error("cannot be forwarded: the originator's key is not in the message")]
    NoOriginatorKey,
    /// The originator's key is on another curve than the instance's, or so long as no point is.
    #[error("the originator's key is not on the curve of the forwarder's")]
    OtherCurve,
    /// The originator's key is no point that an honest sender makes.
    #[error(transparent)]
    Point(PointRejection),
    /// No instance for it may be used now.
    #[error(transparent)]
    NotValid(NotValid),
    /// Too many products for one mail: [`Policy::products`](crate::Policy::products) is used up.
    #[error("over the limit of {0} products in a mail")]
    Limit(usize),
}

impl Report {
    /// A message of which nothing was transformed stays as it is, whatever was decided about it.
    pub(crate) fn new(mut recipients: Vec<RecipientReport>, breaks_signature: bool) -> Self {
        let changed = recipients.iter().filter(|recipient| recipient.is_transformed());
        let changed: HashSet<String> = changed.map(|recipient| recipient.part.clone()).collect();
        let dropped = recipients.iter_mut().filter(|recipient| recipient.outcome == Outcome::Dropped);
        dropped.filter(|recipient| !changed.contains(&recipient.part)).for_each(|kept| kept.outcome = Outcome::Kept);
        Self { recipients, breaks_signature }
    }

    /// How many recipients were transformed. If there is none, nothing was written: send nothing to the forwardee.
    #[must_use]
    pub fn transformed(&self) -> usize {
        self.recipients.iter().filter(|recipient| recipient.is_transformed()).count()
    }
}

impl RecipientReport {
    fn is_transformed(&self) -> bool {
        matches!(self.outcome, Outcome::Transformed(_))
    }
}

impl Outcome {
    /// A word for machines: `transformed`, `kept`, `dropped` or `refused`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Transformed(_) => "transformed",
            Self::Kept => "kept",
            Self::Dropped => "dropped",
            Self::Refused(_) => "refused",
        }
    }
}

impl Refusal {
    /// A word for machines.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAgreement => "not-agreement",
            Self::Scheme(_) => "scheme",
            Self::Malformed => "malformed",
            Self::NoOriginatorKey => "no-originator-key",
            Self::OtherCurve => "other-curve",
            Self::Point(_) => "point",
            Self::NotValid(_) => "not-valid",
            Self::Limit(_) => "limit",
        }
    }
}

/// For people, a line for each recipient.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recipients.iter().try_for_each(|recipient| writeln!(f, "{recipient}"))
    }
}

impl fmt::Display for RecipientReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.part.is_empty() {
            write!(f, "part {}: ", self.part)?;
        }
        write!(f, "{}: {}", self.recipient, self.outcome)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "refused, {refusal}"),
            outcome => f.write_str(outcome.code()),
        }
    }
}
