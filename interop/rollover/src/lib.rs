//! What the node and the tests that kill it have in common: a site, which is a store with an authority beside it.

use std::{path::Path, sync::Arc};

use sealpost_ca::{
    Check, KeyKind, KeyPool, LocalAuthority, MailWorkshop,
    local::{Settings, system_clock},
};
use sealpost_rollover::{Layout, Policy, Span, Subject, SubjectKind, Time};
use sealpost_store::{
    AnyStore, open,
    seal::{self, Keyring},
};

/// The folder of the authority of a site.
pub const AUTHORITY: &str = "authority";

/// The file with the key-encryption keys of a site.
pub const KEYS: &str = "keys";

/// More an hour than any test makes.
const REQUESTS: u32 = 40_000_000;

/// How long a node claims a subject for.
pub const LEASE: Span = Span::seconds(2);

/// What goes wrong.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Where the key-encryption keys of the site in `folder` are.
#[must_use]
pub fn key_source(folder: &Path) -> String {
    format!("file:{}", folder.join(KEYS).display())
}

/// Opens the store called `store` of the site in `folder`.
///
/// # Errors
///
/// Those of the store, or of its key-encryption keys.
pub async fn store(store: &str, folder: &Path) -> Result<AnyStore, Error> {
    Ok(open(store, Arc::new(Keyring::open(&key_source(folder))?)).await?)
}

/// Opens the authority of the site in `folder`.
///
/// # Errors
///
/// Those of the authority.
pub fn authority(folder: &Path) -> Result<LocalAuthority, Error> {
    Ok(LocalAuthority::open(&folder.join(AUTHORITY), system_clock())?)
}

/// Makes the authority and the first key-encryption key of the site in `folder`.
///
/// # Errors
///
/// Those of the authority.
pub fn found(folder: &Path) -> Result<LocalAuthority, Error> {
    seal::create(&key_source(folder))?;
    Ok(LocalAuthority::create(&folder.join(AUTHORITY), settings(), system_clock())?)
}

/// How authorities are set up.
#[must_use]
pub fn settings() -> Settings {
    Settings::new("Rehearsal", "http://ca.example.com").requests_per_hour(REQUESTS)
}

/// Makes P-256 keys and trusts `authority`.
#[must_use]
pub fn workshop(authority: &LocalAuthority) -> MailWorkshop {
    let check = Check::new(std::slice::from_ref(authority.root()));
    MailWorkshop::new(KeyPool::new(KeyKind::P256, 0), check)
}

/// The policy of all nodes.
#[must_use]
pub fn policy() -> Policy {
    Policy::safe()
}

/// The `number`-th subject, enrolled at `at`.
///
/// # Errors
///
/// None: its address is one.
pub fn subject(number: u32, at: Time) -> Result<Subject, Error> {
    Ok(Subject::new(SubjectKind::Mailbox, &format!("user{number}@example.org"), Layout::Dual, at)?)
}
