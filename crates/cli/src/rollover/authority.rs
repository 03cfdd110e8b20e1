//! The local authority of a site, and what makes keys for it.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use sealpost::{
    ca::{
        Check, KeyKind, KeyPool, MailWorkshop, Profile,
        local::{Clock, LocalAuthority, Settings, system_clock},
    },
    rollover::{GenerationId, Layout, Slot, Subject, SubjectKind, Time, workshop::Workshop},
};

use super::choices::Choices;
use crate::failure::{At, Failure, Result};

/// What its certificates call it.
const NAME: &str = "Sealpost Local";
/// Where its lists and answers are to be put; whoever runs it for others serves them there.
const URL: &str = "http://ca.localhost";
/// RSA keys that are made ahead: one takes about a second.
const AHEAD: usize = 4;

/// How many keys are made to see how long one takes, and for how long.
const MOST_TRIED: u32 = 50;
const LONGEST_TRY: Duration = Duration::from_secs(3);

/// The file that an authority's folder has once it is complete.
const COMPLETE: &str = "authority.json";

/// How many requests it takes an hour, unless somebody chooses.
const RATE: u32 = 12_000;

/// The authority that was chosen; a folder without one gets a new one.
pub(super) fn open(choices: &Choices, now: Option<Time>) -> Result<LocalAuthority> {
    open_or_make(choices, now, RATE)
}

/// The same, where a new one takes so many requests an hour.
pub(super) fn open_or_make(choices: &Choices, now: Option<Time>, rate: u32) -> Result<LocalAuthority> {
    let folder = &choices.ca;
    let authority = if exists(folder) {
        LocalAuthority::open(folder, clock(now)).at(folder)?
    } else {
        let settings = Settings::new(NAME, URL).profile(choices.profile).requests_per_hour(rate);
        LocalAuthority::create(folder, settings, clock(now)).at(folder)?
    };
    let profile = authority.settings().profile;
    if profile != choices.profile {
        let (has, wanted) = (profile.word(), choices.profile.word());
        let what = format!(
            "{}: its certificates are {has}, not {wanted}: an authority stays as it was set up",
            folder.display()
        );
        return Err(Failure::new(what));
    }
    Ok(authority)
}

/// Whether a folder has an authority.
pub(super) fn exists(folder: &Path) -> bool {
    folder.join(COMPLETE).exists()
}

/// What certificates of the authority in a folder are for.
pub(super) fn profile(folder: &Path) -> Result<Option<Profile>> {
    if !exists(folder) {
        return Ok(None);
    }
    let authority = LocalAuthority::open(folder, system_clock()).at(folder)?;
    Ok(Some(authority.settings().profile))
}

/// What makes keys, and looks at the authority's certificates.
pub(super) fn workshop(authority: &LocalAuthority, choices: &Choices) -> MailWorkshop {
    let ahead = if choices.key_type == KeyKind::P256 { 0 } else { AHEAD };
    let check = Check::new(std::slice::from_ref(authority.root())).profile(choices.profile);
    MailWorkshop::new(KeyPool::new(choices.key_type, ahead), check)
}

/// How many keys this machine makes an hour, measured: one tick makes one after the other.
pub(super) async fn keys_per_hour(workshop: &MailWorkshop) -> Result<u32> {
    let subject = Subject::new(SubjectKind::Mailbox, "a@example.org", Layout::Dual, Time::from_unix(0)).at("a key")?;
    let id = GenerationId::new(subject.id, Slot::Dual, 1);
    let start = Instant::now();
    let mut made = 0_u32;
    while made < MOST_TRIED && start.elapsed() < LONGEST_TRY {
        workshop.make_key(&subject, id).await.at("a key")?;
        made += 1;
    }
    let micros = start.elapsed().as_micros().max(1);
    Ok(u32::try_from(u128::from(made) * 3_600_000_000 / micros).unwrap_or(u32::MAX))
}

fn clock(now: Option<Time>) -> Clock {
    match now {
        Some(now) => Arc::new(move || now),
        None => system_clock(),
    }
}
