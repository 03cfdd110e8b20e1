//! What was chosen for a store: kept in it as settings, so that every node does the same.

use std::path::{Path, PathBuf};

use sealpost::{
    ca::{KeyKind, Profile},
    rollover::{FirstKey, Policy, SecondPlace, port::KeyStore},
};

use super::{args, site::Name};
use crate::failure::{At, Failure, Result};

/// Names of settings.
const POLICY: &str = "policy";
const CA: &str = "ca";
const KEY_TYPE: &str = "key-type";
const PROFILE: &str = "profile";
const SECOND_PLACE: &str = "second-place";

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Choices {
    pub(super) policy: Policy,
    pub(super) ca: PathBuf,
    pub(super) key_type: KeyKind,
    pub(super) profile: Profile,
    pub(super) second_place: Option<PathBuf>,
}

impl Choices {
    /// Those of a store; where nothing was chosen, the defaults.
    pub(super) async fn of(store: &impl KeyStore, name: &Name) -> Result<Self> {
        let damaged = |setting, found: &str| Failure::new(format!("{name}: setting {setting}: unusable: {found:?}"));
        let get = async |setting| store.setting(setting).await.at(name.text());
        let policy = match get(POLICY).await? {
            Some(json) => serde_json::from_str(&json).map_err(|_| damaged(POLICY, &json))?,
            None => Policy::safe(),
        };
        let key_type = match get(KEY_TYPE).await? {
            Some(word) => KeyKind::from_word(&word).ok_or_else(|| damaged(KEY_TYPE, &word))?,
            None => KeyKind::P256,
        };
        let profile = match get(PROFILE).await? {
            Some(word) => Profile::from_word(&word).ok_or_else(|| damaged(PROFILE, &word))?,
            None => Profile::Strict,
        };
        let ca = get(CA).await?.map_or_else(|| name.beside("ca"), PathBuf::from);
        let second_place = get(SECOND_PLACE).await?.map(PathBuf::from);
        Ok(Self { policy, ca, key_type, profile, second_place })
    }

    /// The same with what the command line chooses anew.
    pub(super) fn with(mut self, args: &args::Init) -> Result<Self> {
        if let Some(preset) = args.policy {
            self.policy = policy(preset);
        }
        match args.first_key {
            Some(args::FirstKey::OnDemand) => self.policy.first_key = FirstKey::OnDemand,
            Some(args::FirstKey::AtEnrolment) => self.policy.first_key = FirstKey::AtEnrolment,
            None => {}
        }
        match args.key_type {
            Some(args::KeyType::P256) => self.key_type = KeyKind::P256,
            Some(args::KeyType::Rsa3072) => self.key_type = KeyKind::Rsa3072,
            None => {}
        }
        match args.profile {
            Some(args::Profile::Strict) => self.profile = Profile::Strict,
            Some(args::Profile::Multipurpose) => self.profile = Profile::Multipurpose,
            None => {}
        }
        if let Some(folder) = &args.ca {
            self.ca = absolute(folder)?;
        }
        if let Some(folder) = &args.second_place {
            self.second_place = Some(absolute(folder)?);
        }
        self.policy.second_place = if self.second_place.is_some() { SecondPlace::Required } else { SecondPlace::None };
        Ok(self)
    }

    /// Keeps what differs from what the store holds; says what that was.
    pub(super) async fn keep(&self, store: &impl KeyStore, name: &Name, actor: &str) -> Result<Vec<&'static str>> {
        let policy = serde_json::to_string(&self.policy).at(name.text())?;
        let mut wanted = vec![
            (POLICY, policy),
            (CA, text(&self.ca)?),
            (KEY_TYPE, self.key_type.word().to_owned()),
            (PROFILE, self.profile.word().to_owned()),
        ];
        if let Some(folder) = &self.second_place {
            wanted.push((SECOND_PLACE, text(folder)?));
        }
        let mut changed = Vec::new();
        for (setting, value) in wanted {
            if store.setting(setting).await.at(name.text())?.as_deref() != Some(&value) {
                store.set(setting, &value, actor).await.at(name.text())?;
                changed.push(setting);
            }
        }
        Ok(changed)
    }
}

/// The policy of that name.
pub(super) fn policy(preset: args::Preset) -> Policy {
    match preset {
        args::Preset::Default => Policy::safe(),
        args::Preset::Secumail7d => Policy::secumail_7d(),
        args::Preset::Yearly => Policy::yearly(),
    }
}

/// Nodes start in different folders.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).at(path)
}

fn text(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or_else(|| Failure::new(format!("{}: its name is no UTF-8", path.display())))?;
    Ok(text.to_owned())
}
