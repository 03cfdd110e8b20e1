//! Key-encryption keys in a PKCS#11 token: OASIS PKCS #11 Cryptographic Token Interface, Base Specification and Current
//! Mechanisms Specification, both version 3.0.
//!
//! A data key is encrypted in the token by `CKM_AES_GCM` with a random nonce and what it is bound to as associated data
//! (Mechanisms §2.13). `CKM_AES_KEY_WRAP` would not do: it binds to nothing, and wraps objects, so that each data key
//! would have to become one.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error as Failure, RvError},
    mechanism::{Mechanism, aead::GcmParams},
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::{AuthPin, Ulong},
};
use zeroize::Zeroizing;

use super::{
    DataKey, KeyEncryptionKey,
    envelope::{KEY, NONCE, TAG, random},
    file::{self, Keeper},
};
use crate::{Error, Result};

/// What is wrapped when a key is opened, to be unwrapped when another data key can't be.
const PROBE: &[u8] = b"sealpost probe";

/// Where keys are in a token.
pub(super) struct Place {
    module: PathBuf,
    token: String,
    key: String,
    pin: Pin,
}

/// Where the PIN is. Never on a command line, where everybody on the machine reads it.
enum Pin {
    File(PathBuf),
    Credential(String),
    Variable(String),
}

impl Place {
    /// `MODULE?token=LABEL&key=LABEL&pin-…=…`.
    pub(super) fn parse(place: &str) -> Result<Self, String> {
        let (module, query) = place.split_once('?').ok_or("it must say `?token=LABEL&key=LABEL&pin-file=PATH`")?;
        let (mut token, mut key, mut pin) = (None, None, None);
        for field in query.split('&') {
            let (name, value) = field.split_once('=').ok_or("behind `?` there must be NAME=VALUE, with `&` between")?;
            let value = decoded(value)?;
            let twice = match name {
                "token" => token.replace(value).is_some(),
                "key" => key.replace(value).is_some(),
                "pin-file" => pin.replace(Pin::File(value.into())).is_some(),
                "pin-credential" => pin.replace(Pin::Credential(value)).is_some(),
                "pin-env" => pin.replace(Pin::Variable(value)).is_some(),
                _ => return Err(format!("{name:?} is none of token, key, pin-file, pin-credential and pin-env")),
            };
            if twice {
                return Err(format!("{name:?} is there twice, or another PIN"));
            }
        }
        let missing = |name| move || format!("{name:?} is missing");
        Ok(Self {
            module: decoded(module)?.into(),
            token: token.ok_or_else(missing("token"))?,
            key: key.ok_or_else(missing("key"))?,
            pin: pin.ok_or_else(missing("pin-file"))?,
        })
    }

    /// What errors call it.
    fn name(&self) -> String {
        format!("key {:?} of token {:?}", self.key, self.token)
    }
}

/// Without percent-encoding (RFC 3986 §2.1).
fn decoded(value: &str) -> Result<String, String> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(octet) = rest.next() {
        let digits = [octet].into_iter().chain(rest.clone().take(2)).collect::<Vec<_>>();
        octets.push(match digits.as_slice() {
            [b'%', digits @ ..] => {
                rest.nth(1);
                let mut decoded = [0];
                base16ct::mixed::decode(digits, &mut decoded).map_err(|_| "behind % there must be two digits")?;
                decoded.into_iter().next().unwrap_or_default()
            }
            _ => octet,
        });
    }
    String::from_utf8(octets).map_err(|_| "it must be UTF-8".to_owned())
}

impl Pin {
    fn read(&self) -> Result<AuthPin> {
        let octets = match self {
            Self::File(path) => file::read(path, Keeper::Own)?,
            Self::Credential(name) => file::read(&file::credential(name)?, Keeper::Manager)?,
            Self::Variable(name) => {
                let place = || format!("environment variable {name:?}");
                let pin = std::env::var(name).map_err(|_| Error::source(place(), "there is no PIN in it"))?;
                Zeroizing::new(pin.into_bytes())
            }
        };
        let pin = std::str::from_utf8(&octets).map_err(|_| Error::source("the PIN", "it is no text"))?;
        Ok(AuthPin::new(pin.trim_end_matches(['\r', '\n']).into()))
    }
}

/// A token with keys of one label, logged in to as its user.
///
/// One session does all, one after the other. There is no second login: after the token was removed or restarted, open
/// it again.
pub(super) struct Token {
    name: String,
    label: String,
    session: Mutex<Session>,
}

impl Token {
    pub(super) fn open(place: &Place) -> Result<Arc<Self>> {
        let name = place.name();
        let failed = |error: &Failure| failed(&name, error);
        let module = Pkcs11::new(&place.module).map_err(|error| failed(&error))?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Failure::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(&error)),
        }
        let slots = module.get_slots_with_initialized_token().map_err(|error| failed(&error))?;
        // A slot may lose its token at any time.
        let labelled = |slot: &_| module.get_token_info(*slot).is_ok_and(|token| token.label() == place.token);
        let mut slots = slots.into_iter().filter(labelled);
        let slot = match (slots.next(), slots.next()) {
            (Some(slot), None) => slot,
            (None, _) => return Err(Error::source(&name, "there is no such token")),
            _ => return Err(Error::source(&name, "there are several such tokens")),
        };
        // Of a kind that can also make keys: some tokens have one kind of session only.
        let session = module.open_rw_session(slot).map_err(|error| failed(&error))?;
        match session.login(UserType::User, Some(&place.pin.read()?)) {
            Ok(()) | Err(Failure::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(failed(&error)),
        }
        Ok(Arc::new(Self { name: name.clone(), label: place.key.clone(), session: Mutex::new(session) }))
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused(&self, what: impl std::fmt::Display) -> Error {
        Error::source(&self.name, what)
    }

    /// The AES keys with the label, by their versions.
    fn find(&self) -> Result<Vec<(u32, ObjectHandle)>> {
        let session = self.session();
        let failed = |error| failed(&self.name, &error);
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(self.label.as_str().into()),
        ];
        let mut found = Vec::new();
        for handle in session.find_objects(&template).map_err(failed)? {
            let wanted = [AttributeType::Id, AttributeType::ValueLen, AttributeType::Extractable];
            let attributes = session.get_attributes(handle, &wanted).map_err(failed)?;
            let (mut version, mut length, mut extractable) = (None, None, true);
            for attribute in attributes {
                match attribute {
                    Attribute::Id(id) => version = number(&id),
                    Attribute::ValueLen(len) => length = usize::try_from(*len).ok(),
                    Attribute::Extractable(value) => extractable = value,
                    _ => {}
                }
            }
            let version = version.ok_or_else(|| self.refused("the CKA_ID of a key is no version from 1 on"))?;
            if length != Some(KEY) {
                return Err(self.refused(format_args!("version {version} does not have 256 bits")));
            }
            if extractable {
                return Err(self.refused(format_args!("version {version} may leave the token (CKA_EXTRACTABLE)")));
            }
            found.push((version, handle));
        }
        Ok(found)
    }

    /// The keys, each tried out.
    pub(super) fn keys(self: &Arc<Self>) -> Result<Vec<(u32, Box<dyn KeyEncryptionKey>)>> {
        let found = self.find()?;
        if found.is_empty() {
            return Err(self.refused("there is no such key"));
        }
        let open = |(version, handle)| -> Result<(_, Box<dyn KeyEncryptionKey>)> {
            let mut key = TokenKey { token: self.clone(), handle, probe: Vec::new() };
            let data_key = DataKey::random()?;
            key.probe = key.wrap_key(PROBE, &data_key)?;
            match key.decrypt(PROBE, &key.probe)? {
                Ok(octets) if *octets == data_key.expose() => Ok((version, Box::new(key))),
                _ => Err(self.refused("what it encrypts it does not decrypt")),
            }
        };
        found.into_iter().map(open).collect()
    }

    /// Makes a key of version 1.
    pub(super) fn create(&self) -> Result<u32> {
        if !self.find()?.is_empty() {
            return Err(self.refused("it is there already, and stays"));
        }
        self.generate(1)
    }

    /// Makes a key of the next version.
    pub(super) fn add_version(&self) -> Result<u32> {
        let last = self.find()?.into_iter().map(|(version, _)| version).max();
        let version = last.ok_or_else(|| self.refused("there is no such key yet"))?.checked_add(1);
        self.generate(version.ok_or_else(|| self.refused("there is no higher version"))?)
    }

    /// A key that can't leave the token and does nothing but this.
    fn generate(&self, version: u32) -> Result<u32> {
        let id = version.to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
        let len = Ulong::try_from(KEY).map_err(|error| failed(&self.name, &error))?;
        let template = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Label(self.label.as_str().into()),
            Attribute::Id(id),
            Attribute::ValueLen(len),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
        ];
        let made = self.session().generate_key(&Mechanism::AesKeyGen, &template);
        made.map(|_| version).map_err(|error| failed(&self.name, &error))
    }
}

/// A big-endian number from 1 on.
fn number(octets: &[u8]) -> Option<u32> {
    let number = octets.iter().try_fold(0_u32, |number, octet| number.checked_mul(256)?.checked_add((*octet).into()));
    number.filter(|number| *number > 0)
}

/// A key in a token. What it wraps is a nonce of 12 octets, the encrypted data key and a tag of 16. Nonces are random:
/// one key wraps 2³² data keys at most (NIST SP 800-38D §8.3).
struct TokenKey {
    token: Arc<Token>,
    handle: ObjectHandle,
    probe: Vec<u8>,
}

impl TokenKey {
    /// What the token decrypts, or what it says; an error if the parameters could not be made.
    fn decrypt(&self, bound: &[u8], wrapped: &[u8]) -> Result<Result<Zeroizing<Vec<u8>>, Failure>> {
        let (nonce, sealed) = wrapped.split_at_checked(NONCE).unwrap_or_default();
        let mut nonce = nonce.to_vec();
        let mechanism = gcm(&mut nonce, bound).map_err(|error| failed(&self.token.name, &error))?;
        Ok(self.token.session().decrypt(&mechanism, self.handle, sealed).map(Zeroizing::new))
    }
}

fn gcm<'a>(nonce: &'a mut [u8], bound: &'a [u8]) -> Result<Mechanism<'a>, Failure> {
    Ok(Mechanism::AesGcm(GcmParams::new(nonce, bound, (8 * TAG).try_into()?)?))
}

impl KeyEncryptionKey for TokenKey {
    fn wrap_key(&self, bound: &[u8], key: &DataKey) -> Result<Vec<u8>> {
        let failed = |error| failed(&self.token.name, &error);
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let mechanism = gcm(&mut nonce, bound).map_err(failed)?;
        let sealed = self.token.session().encrypt(&mechanism, self.handle, key.expose()).map_err(failed)?;
        // Some tokens draw the nonce themselves, and have put it here.
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Tokens differ in what they say of a wrong tag, and may fail for other reasons in the same words. So what is known
    /// to be right is tried then: if that opens, the token is well, and it was the wrapped key.
    fn unwrap_key(&self, bound: &[u8], wrapped: &[u8]) -> Result<Option<DataKey>> {
        if wrapped.len() != NONCE + KEY + TAG {
            return Ok(None);
        }
        match self.decrypt(bound, wrapped)? {
            Ok(octets) => Ok(DataKey::from_octets(octets)),
            Err(_) if self.decrypt(PROBE, &self.probe)?.is_ok() => Ok(None),
            Err(error) => Err(failed(&self.token.name, &error)),
        }
    }
}

/// The function and its return value, in the words of the standard without their prefixes.
fn failed(name: &str, error: &Failure) -> Error {
    match error {
        Failure::Pkcs11(value, function) => Error::Keeper(format!("{name}: C_{function:?} gives {value:?}")),
        other => Error::Keeper(format!("{name}: {other}")),
    }
}

#[cfg(test)]
mod tests;
