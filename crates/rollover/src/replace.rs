//! Replacing a set of certificates before a deadline: which ones, and whether it can be done.

mod feasibility;
mod rehearsal;

pub use feasibility::{Bottleneck, Feasibility, Verdict};
pub use rehearsal::Rehearsal;

use serde::{Deserialize, Serialize};

use crate::{Time, port::CertificateRecord};

/// Which certificates: those that meet all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Selection {
    /// From this issuer: its name in DER.
    pub issuer: Option<Vec<u8>>,
    /// Of this product: the policy identifier, dotted.
    pub product: Option<String>,
    /// Valid from then on or later.
    pub not_before_from: Option<Time>,
    /// Valid from then on or earlier.
    pub not_before_to: Option<Time>,
    /// With one of these serial numbers (content octets, big-endian); empty: any.
    pub serials: Vec<Vec<u8>>,
}

impl Selection {
    /// Whether `certificate` is one of them.
    #[must_use]
    pub fn selects(&self, certificate: &CertificateRecord) -> bool {
        self.issuer.as_ref().is_none_or(|issuer| *issuer == certificate.issuer)
            && self.product.as_ref().is_none_or(|product| *product == certificate.product)
            && self.not_before_from.is_none_or(|from| from <= certificate.not_before)
            && self.not_before_to.is_none_or(|to| certificate.not_before <= to)
            && (self.serials.is_empty() || self.serials.contains(&certificate.serial))
    }
}
