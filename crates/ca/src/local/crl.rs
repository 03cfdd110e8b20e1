//! Revocation lists (RFC 5280, section 5).

use sealpost_rollover::{RevocationReason, Span, Time};
use sealpost_smime::Certificate;

use super::{LocalAuthority, REVOKED, Revoked, hierarchy::Authority, issue::from_hex};
use crate::{
    Result, oid,
    profile::{self, Extension},
    write,
};

/// A new list is made at least so often, and the old one is in force a little longer (S/MIME Baseline Requirements,
/// section 4.9.7: 7 days and 10).
const IN_FORCE: Span = Span::days(7);

/// How many lists were made.
const NUMBER: &str = "crl-number.json";

impl LocalAuthority {
    /// The list of the certificates that were revoked, as of now, in force for 7 days: DER.
    ///
    /// # Errors
    ///
    /// [`Error::File`](crate::Error::File).
    pub fn crl(&self) -> Result<Vec<u8>> {
        let _lock = self.ledger.lock()?;
        let mut entries = Vec::new();
        for name in self.ledger.list(REVOKED)? {
            let digits = name.rsplit('/').next().and_then(|file| file.strip_suffix(".json")).unwrap_or_default();
            if let Some(revoked) = self.ledger.read::<Revoked>(&name)? {
                entries.push(entry(&from_hex(digits)?, &revoked));
            }
        }
        self.list(&self.hierarchy.issuing, &entries)
    }

    /// The root's list, which is empty: the issuing authority is never revoked.
    ///
    /// # Errors
    ///
    /// [`Error::File`](crate::Error::File).
    pub fn root_crl(&self) -> Result<Vec<u8>> {
        let _lock = self.ledger.lock()?;
        self.list(&self.hierarchy.root, &[])
    }

    /// The lock must be held.
    fn list(&self, by: &Authority, entries: &[Vec<u8>]) -> Result<Vec<u8>> {
        let number = self.ledger.read::<u64>(NUMBER)?.unwrap_or_default() + 1;
        self.ledger.write(NUMBER, &number)?;
        let list = tbs(&by.certificate, &by.key.algorithm(), (self.clock)(), (number, entries));
        by.key.signed(&list)
    }
}

fn tbs(by: &Certificate, algorithm: &[u8], now: Time, (number, entries): (u64, &[Vec<u8>])) -> Vec<u8> {
    let extensions = profile::extensions(&[
        profile::authority_key_id(by.public_key()),
        Extension::plain(oid::CRL_NUMBER, write::unsigned(&number.to_be_bytes())),
    ]);
    // An empty list must be left out.
    let entries = if entries.is_empty() { Vec::new() } else { write::sequence(&[&entries.concat()]) };
    write::sequence(&[
        &write::unsigned(&[1]),
        algorithm,
        by.subject(),
        &write::time(now),
        &write::time(now + IN_FORCE),
        &entries,
        &write::tagged(0, &[&extensions]),
    ])
}

fn entry(serial: &[u8], revoked: &Revoked) -> Vec<u8> {
    let reason = match code(revoked.reason) {
        // Should be left out (RFC 5280, section 5.3.1).
        0 => Vec::new(),
        code => profile::extensions(&[Extension::plain(oid::REASON_CODE, write::enumerated(code))]),
    };
    write::sequence(&[&write::element(0x02, &[serial]), &write::time(revoked.at), &reason])
}

/// CRLReason (RFC 5280, section 5.3.1).
pub(super) const fn code(reason: RevocationReason) -> u8 {
    match reason {
        RevocationReason::KeyCompromise => 1,
        RevocationReason::AffiliationChanged => 3,
        RevocationReason::Superseded => 4,
        RevocationReason::PrivilegeWithdrawn => 9,
        _ => 0,
    }
}
