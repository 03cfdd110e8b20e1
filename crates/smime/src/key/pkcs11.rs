//! Keys in PKCS#11 tokens: OASIS PKCS #11 Cryptographic Token Interface, Base Specification and Current Mechanisms
//! Specification, both version 3.0. "Mechanisms" below is the latter.

mod find;
mod operate;

use std::{
    fmt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error as Failure, RvError},
    object::{Attribute, AttributeType, ObjectClass},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};

use super::{AgreementKey, DecryptionKey, SigningKey};
use crate::{Certificate, Error, Result, key::same_key, public_key::PublicKey};

use operate::{EcKey, RsaKey};

/// A PKCS#11 token that keeps private keys. The feature `pkcs11` adds it.
///
/// Clones share the token. Each call takes a session, and opens one more if all are in use. All of them end when the
/// last clone and the last key are dropped. There is no second login: after the token was removed or restarted, open it
/// and its keys again.
///
/// Keys that ask for the PIN each time (`CKA_ALWAYS_AUTHENTICATE`) are not supported: a gateway works unattended.
#[derive(Clone)]
pub struct Pkcs11Token(Arc<Token>);

struct Token {
    label: String,
    // Those that are not in use. One at least is open as long as this lives: the login ends with the last (Base §5.6.2).
    sessions: Mutex<Vec<Session>>,
    slot: Slot,
    module: Pkcs11,
}

impl Pkcs11Token {
    /// Loads a PKCS#11 module and logs in as the user to the token with this label. It does no harm if another part of
    /// the program has initialized the module or logged in already.
    ///
    /// # Errors
    ///
    /// [`Error::Keeper`] if the module can't be loaded or initialized, if there is not exactly one token with this
    /// label, or if the PIN is refused.
    pub fn open(module: impl AsRef<Path>, label: &str, pin: &str) -> Result<Self> {
        let path = module.as_ref();
        let module = Pkcs11::new(path).map_err(|error| failed(path.display(), &error))?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Failure::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(path.display(), &error)),
        }
        let name = format!("token {label:?}");
        let slots = module.get_slots_with_initialized_token().map_err(|error| failed(path.display(), &error))?;
        // A slot may lose its token at any time.
        let labelled = |slot: &Slot| module.get_token_info(*slot).is_ok_and(|token| token.label() == label);
        let slot = only(slots.into_iter().filter(labelled), &name)?;
        let session = module.open_ro_session(slot).map_err(|error| failed(&name, &error))?;
        match session.login(UserType::User, Some(&AuthPin::new(pin.into()))) {
            Ok(()) | Err(Failure::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(failed(&name, &error)),
        }
        let sessions = Mutex::new(Vec::from([session]));
        Ok(Self(Arc::new(Token { label: label.to_owned(), sessions, slot, module })))
    }

    /// Opens the private key with this label. Its public half must be in the token too: by itself or in a certificate,
    /// with the same `CKA_ID` or the same label; of an RSA key the private object is enough.
    ///
    /// # Errors
    ///
    /// [`Error::Keeper`] if there is not exactly one private key with this label, or no public key for it;
    /// [`Error::Algorithm`] if it is not RSA, P-256 or P-384.
    pub fn key(&self, label: &str) -> Result<Pkcs11Key> {
        self.0.with_session(|session| {
            let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(label.into())];
            let found = session.find_objects(&template).map_err(|error| failed(&self.0.label, &error))?;
            let handle = only(found, &format!("private key {label:?}"))?;
            Pkcs11Key::open(self, session, handle, label)
        })
    }

    /// Opens the private key that `certificate` is of.
    ///
    /// # Errors
    ///
    /// [`Error::Keeper`] if the token has none.
    pub fn key_of(&self, certificate: &Certificate) -> Result<Pkcs11Key> {
        let public = PublicKey::from_spki(certificate.public_key())?;
        self.0.with_session(|session| {
            let template = [Attribute::Class(ObjectClass::PRIVATE_KEY)];
            let found = session.find_objects(&template).map_err(|error| failed(&self.0.label, &error))?;
            found
                .into_iter()
                .filter_map(|handle| Pkcs11Key::open(self, session, handle, "of the certificate").ok())
                .find(|key| PublicKey::from_spki(key.public_key()).is_ok_and(|own| own == public))
                .ok_or_else(|| Error::Keeper(format!("token {:?} has no key of the certificate", self.0.label)))
        })
    }

    /// The certificates in the token. What can't be read is left out.
    ///
    /// # Errors
    ///
    /// [`Error::Keeper`].
    pub fn certificates(&self) -> Result<Vec<Certificate>> {
        self.0.with_session(|session| {
            let found = session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)]);
            let mut certificates = Vec::new();
            for handle in found.map_err(|error| failed(&self.0.label, &error))? {
                let value = session.get_attributes(handle, &[AttributeType::Value]).unwrap_or_default();
                if let [Attribute::Value(der), ..] = value.as_slice() {
                    certificates.extend(Certificate::from_der(der));
                }
            }
            Ok(certificates)
        })
    }
}

impl fmt::Debug for Pkcs11Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pkcs11Token").field(&self.0.label).finish()
    }
}

/// A private key in a [`Pkcs11Token`]. The feature `pkcs11` adds it. It is cheap to clone, and threads may share it.
///
/// What it can do is behind doors, as with [`SoftwareKey`](super::SoftwareKey), where the token lets it: `CKA_SIGN`,
/// `CKA_DECRYPT`, `CKA_DERIVE`.
///
/// Content keys are decrypted by `CKM_RSA_X_509` if the token has it: then the padding is looked at here, in constant
/// time. Otherwise `CKM_RSA_PKCS` and `CKM_RSA_PKCS_OAEP` say openly whether it was right. A substitute takes the place
/// of a wrong content key in each case; but with such a token the time may tell.
#[derive(Clone)]
pub struct Pkcs11Key {
    kind: Kind,
    usage: Usage,
}

#[derive(Clone)]
enum Kind {
    Rsa(Arc<RsaKey>),
    Ec(Arc<EcKey>),
}

/// What the token lets the key do.
#[derive(Clone, Copy, Default)]
struct Usage {
    sign: bool,
    decrypt: bool,
    derive: bool,
}

impl Pkcs11Key {
    /// The public key: DER of a SubjectPublicKeyInfo.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        match &self.kind {
            Kind::Rsa(key) => SigningKey::public_key(&**key),
            Kind::Ec(key) => SigningKey::public_key(&**key),
        }
    }

    /// Whether `certificate` is of this key.
    #[must_use]
    pub fn matches(&self, certificate: &Certificate) -> bool {
        same_key(self.public_key(), certificate.public_key())
    }

    /// The key as one that signs, if it is.
    #[must_use]
    pub fn signing(&self) -> Option<Arc<dyn SigningKey>> {
        match &self.kind {
            _ if !self.usage.sign => None,
            Kind::Rsa(key) => Some(key.clone()),
            Kind::Ec(key) => Some(key.clone()),
        }
    }

    /// The key as one that decrypts content keys, if it is.
    #[must_use]
    pub fn decryption(&self) -> Option<Arc<dyn DecryptionKey>> {
        match &self.kind {
            Kind::Rsa(key) if self.usage.decrypt => Some(key.clone()),
            _ => None,
        }
    }

    /// The key as one that agrees on secrets, if it is.
    #[must_use]
    pub fn agreement(&self) -> Option<Arc<dyn AgreementKey>> {
        match &self.kind {
            Kind::Ec(key) if self.usage.derive => Some(key.clone()),
            _ => None,
        }
    }
}

impl fmt::Debug for Pkcs11Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PublicKey::from_spki(self.public_key()) {
            Ok(public) => write!(f, "Pkcs11Key({public})"),
            Err(_) => f.write_str("Pkcs11Key"),
        }
    }
}

impl Token {
    /// Lends a session that no other thread uses.
    fn with_session<T>(&self, work: impl FnOnce(&Session) -> Result<T>) -> Result<T> {
        let idle = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let session = match idle {
            Some(session) => session,
            None => self.module.open_ro_session(self.slot).map_err(|error| failed(&self.label, &error))?,
        };
        let result = work(&session);
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        result
    }
}

/// The one that there is.
fn only<T>(found: impl IntoIterator<Item = T>, name: &str) -> Result<T> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Error::Keeper(format!("{name} is not there"))),
        _ => Err(Error::Keeper(format!("{name} is there more than once"))),
    }
}

/// The function and its return value, in the words of the standard without their prefixes.
fn failed(what: impl fmt::Display, error: &Failure) -> Error {
    match error {
        Failure::Pkcs11(value, function) => Error::Keeper(format!("{what}: C_{function:?} gives {value:?}")),
        other => Error::Keeper(format!("{what}: {other}")),
    }
}

#[cfg(test)]
mod tests;
