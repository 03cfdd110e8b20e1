//! Instances of either kind: for OpenPGP and for S/MIME.

use std::path::Path;

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost::{
    pre::{self, document::Kind},
    smime_forwarding,
};
use zeroize::Zeroizing;

use crate::{
    failure::{At, Failure, Result},
    files::read_small,
};

/// An instance.
pub(super) enum Either {
    OpenPgp(pre::Instance),
    Smime(smime_forwarding::Instance),
}

impl Either {
    /// Reads one in any form.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let content = read_small(path)?;
        if content.starts_with(b"SPFI") {
            return pre::Instance::from_bytes(&content).map(Self::OpenPgp).at(path);
        }
        match Kind::of(&content).at(path)? {
            Kind::Smime => smime_forwarding::Instance::from_json(&content).map(Self::Smime).at(path),
            _ => pre::Instance::from_json(&content).map(Self::OpenPgp).at(path),
        }
    }

    /// What two shares do together, whichever comes first.
    pub(super) fn of_shares(one: &Path, other: &Path) -> Result<Self> {
        let place = || format!("{} and {}", one.display(), other.display());
        match (Self::read(one)?, Self::read(other)?) {
            (Self::OpenPgp(first), Self::OpenPgp(second)) => {
                first.compose(&second).or_else(|_| second.compose(&first)).map(Self::OpenPgp).at(place())
            }
            (Self::Smime(first), Self::Smime(second)) => {
                first.compose(&second).or_else(|_| second.compose(&first)).map(Self::Smime).at(place())
            }
            _ => Err(Failure::new(format!("{}: one is for OpenPGP, the other for S/MIME", place()))),
        }
    }

    /// What each of two proxies gets, as JSON: for when it comes first, and for when it comes second.
    pub(super) fn split(&self, place: &Path) -> Result<[[Zeroizing<String>; 2]; 2]> {
        let rng = &mut UnwrapErr(SysRng);
        match self {
            Self::OpenPgp(instance) => {
                let [one, other] = instance.split(rng).at(place)?;
                let json = |[first, second]: [pre::Instance; 2]| -> pre::Result<_> {
                    Ok([first.expose_json()?, second.expose_json()?])
                };
                Ok([json(one).at(place)?, json(other).at(place)?])
            }
            Self::Smime(instance) => Ok(instance.split(rng).map(|share| share.map(|instance| instance.expose_json()))),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::OpenPgp(_) => "openpgp",
            Self::Smime(_) => "smime",
        }
    }
}
