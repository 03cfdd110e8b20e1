//! A factor in a PKCS#11 token: OASIS PKCS #11 Cryptographic Token Interface, Base Specification and Current Mechanisms
//! Specification, both version 3.0. "Mechanisms" below is the latter.

use alloc::{
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::fmt;
use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::{
        Mechanism,
        elliptic_curve::{EcKdf, Ecdh1DeriveParams},
    },
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::AuthPin,
};
use zeroize::{Zeroize, Zeroizing};

use crate::{Backend, BackendError, Point, PointPolicy, ProxyFactor};

type Result<T> = core::result::Result<T, BackendError>;

/// id-X25519 (RFC 8410 §3), and the name that the standard allows in its place (Mechanisms §2.3.8).
const X25519: &[u8] = &[0x06, 0x03, 0x2B, 0x65, 0x6E];
const CURVE25519: &[u8] = b"\x13\x0Acurve25519";

/// The standard's type of X25519 keys (Mechanisms §2.3.8), then that of SoftHSM2.
const KEY_TYPES: [KeyType; 2] = [KeyType::EC_MONTGOMERY, KeyType::EC_EDWARDS];

/// The generator of the prime-order group (RFC 7748 §4.1).
const GENERATOR: Point = {
    let mut u = [0; 32];
    let [low, ..] = &mut u;
    *low = 9;
    Point::from_bytes(u)
};

/// A PKCS#11 token in which proxy factors are kept, as ordinary X25519 keys. The feature `pkcs11` adds it.
///
/// Whoever sets up a forward puts its factor into the token, once, and forgets it. The server that forwards opens the
/// key by its label and never holds the factor:
///
/// ```no_run
/// use sealpost_pre::{BackendError, Pkcs11Token, ProxyFactor};
///
/// # fn provision(factor: ProxyFactor, pin: &str) -> Result<(), BackendError> {
/// let token = Pkcs11Token::open("/usr/lib/softhsm/libsofthsm2.so", "forwarding", pin)?;
/// // Where the forward is set up.
/// token.import("bob to charles", &factor)?;
/// // In the server: a `Backend`.
/// let key = token.key("bob to charles")?;
/// # Ok(())
/// # }
/// ```
///
/// The token has to import X25519 private keys and to derive with them: `CKM_ECDH1_DERIVE` without a key derivation
/// function, which gives what RFC 7748 §5 gives (Mechanisms §2.3). A point costs it one derivation. These are tested:
///
/// | token | its type for these keys |
/// |---|---|
/// | [Kryoptic](https://github.com/latchset/kryoptic) 1.5 | `CKK_EC_MONTGOMERY`, the standard's |
/// | [SoftHSM](https://github.com/softhsm/SoftHSMv2) 2.6 | `CKK_EC_EDWARDS` |
///
/// Both are libraries that keep keys in files, encrypted with the PIN, and compute in the process that loads them: good
/// to try things out. What protects a factor is a device of its own, or a module that speaks to another machine. No
/// hardware was tested; a token that takes the key and computes something else is found out by [`Self::import`].
///
/// Clones share the token. Each call takes a session, and opens one more if all are in use: there are never more
/// sessions than there were calls at the same time. All of them end when the last clone and the last key are dropped.
/// There is no second login: after the token was removed or restarted, open it and its keys again.
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
    /// [`BackendError`] if the module can't be loaded or initialized, if there is not exactly one token with this label,
    /// or if the PIN is refused.
    pub fn open(module: impl AsRef<Path>, label: &str, pin: &str) -> Result<Self> {
        let path = module.as_ref();
        let module = Pkcs11::new(path).map_err(|error| failed(path.display(), &error))?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed(path.display(), &error)),
        }
        let name = format!("token {label:?}");
        let slots = module.get_slots_with_initialized_token().map_err(|error| failed(path.display(), &error))?;
        // A slot may lose its token at any time.
        let labelled = |slot: &Slot| module.get_token_info(*slot).is_ok_and(|token| token.label() == label);
        let slot = only(slots.into_iter().filter(labelled), &name)?;
        let session = module.open_ro_session(slot).map_err(|error| failed(&name, &error))?;
        match session.login(UserType::User, Some(&AuthPin::new(pin.into()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(failed(&name, &error)),
        }
        let sessions = Mutex::new(Vec::from([session]));
        Ok(Self(Arc::new(Token { label: label.to_string(), sessions, slot, module })))
    }

    /// Puts a factor into the token: as a private, sensitive, non-extractable token object that can only derive and
    /// can't be changed or copied. The new key is used once, to see that the token computes what the factor does.
    ///
    /// [`ProxyFactor`] wipes itself when dropped; what it was read from is the caller's to destroy.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if there is a private key with this label, if the token takes no X25519 keys, and if what it
    /// then has is not such a key or computes something else; that key is destroyed.
    pub fn import(&self, label: &str, factor: &ProxyFactor) -> Result<Pkcs11Key> {
        let name = key_name(label);
        let session = self.0.module.open_rw_session(self.0.slot).map_err(|error| failed(&name, &error))?;
        if !find(&session, label)?.is_empty() {
            return Err(error(&name, "is there already"));
        }
        let mut refusals = Vec::new();
        for key_type in KEY_TYPES {
            match create(&session, label, key_type, factor) {
                Ok(handle) => return Ok(Pkcs11Key { token: self.clone(), label: label.to_string(), handle }),
                Err(error) => refusals.push(format!("as {key_type}, {error}")),
            }
        }
        Err(error(&name, refusals.join("; ")))
    }

    /// Opens the key with this label.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if there is not exactly one private key with this label, if it is no X25519 key that can derive,
    /// and if it could leave the token: it must be sensitive and not extractable.
    pub fn key(&self, label: &str) -> Result<Pkcs11Key> {
        let handle = self.0.with_session(|session| {
            let handle = only(find(session, label)?, &key_name(label))?;
            check(session, handle).map_err(|reason| error(key_name(label), reason)).map(|()| handle)
        })?;
        Ok(Pkcs11Key { token: self.clone(), label: label.to_string(), handle })
    }
}

impl fmt::Debug for Pkcs11Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pkcs11Token").field(&self.0.label).finish()
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

/// A proxy factor in a [`Pkcs11Token`], as an X25519 key that can't leave it. The feature `pkcs11` adds it.
///
/// Threads may share it.
#[derive(Clone, Debug)]
pub struct Pkcs11Key {
    token: Pkcs11Token,
    label: String,
    handle: ObjectHandle,
}

impl Backend for Pkcs11Key {
    fn x25519(&self, point: Point) -> Result<Point> {
        self.token.0.with_session(|session| {
            derive(session, self.handle, &point).map_err(|reason| error(key_name(&self.label), reason))
        })
    }
}

/// The private keys with this label.
fn find(session: &Session, label: &str) -> Result<Vec<ObjectHandle>> {
    let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(label.into())];
    session.find_objects(&template).map_err(|error| failed(key_name(label), &error))
}

/// Makes a key of this type and sees that it is what it should be.
fn create(
    session: &Session,
    label: &str,
    key_type: KeyType,
    factor: &ProxyFactor,
) -> core::result::Result<ObjectHandle, String> {
    let key = factor.to_x25519_key().ok_or("the factor has no X25519 key")?;
    let mut template = [
        Attribute::Value(key.to_vec()),
        Attribute::EcParams(X25519.into()),
        Attribute::Class(ObjectClass::PRIVATE_KEY),
        Attribute::KeyType(key_type),
        Attribute::Label(label.into()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Modifiable(false),
        Attribute::Copyable(false),
        Attribute::Derive(true),
        Attribute::Decrypt(false),
        Attribute::Sign(false),
        Attribute::SignRecover(false),
        Attribute::Unwrap(false),
    ];
    let created = session.create_object(&template);
    if let [Attribute::Value(value), ..] = &mut template {
        value.zeroize();
    }
    let handle = created.map_err(|error| reason(&error))?;
    let checked = check(session, handle).and_then(|()| {
        let expected = factor.transform(&[GENERATOR], PointPolicy::Strict);
        match (derive(session, handle, &GENERATOR)?, expected.first()) {
            (derived, Some(Ok(expected))) if derived == *expected => Ok(handle),
            _ => Err("it computes something else than X25519".to_string()),
        }
    });
    if checked.is_err() {
        session.destroy_object(handle).map_err(|error| reason(&error))?;
    }
    checked
}

/// Whether this is an X25519 key that can derive and can't leave the token. Other keys are never used: a token may be
/// unwell if it is asked to derive with a key that it should not have taken.
fn check(session: &Session, key: ObjectHandle) -> core::result::Result<(), String> {
    let wanted = [
        AttributeType::KeyType,
        AttributeType::EcParams,
        AttributeType::Derive,
        AttributeType::Sensitive,
        AttributeType::Extractable,
    ];
    let attributes = session.get_attributes(key, &wanted).map_err(|error| reason(&error))?;
    let is = |wanted: Attribute| attributes.contains(&wanted);
    let curve = is(Attribute::EcParams(X25519.into())) || is(Attribute::EcParams(CURVE25519.into()));
    if !curve || !KEY_TYPES.into_iter().any(|key_type| is(Attribute::KeyType(key_type))) {
        return Err("it is no X25519 key".to_string());
    }
    if !is(Attribute::Derive(true)) {
        return Err("it can't derive: CKA_DERIVE is not set".to_string());
    }
    if !is(Attribute::Sensitive(true)) || !is(Attribute::Extractable(false)) {
        return Err("it could leave the token: it must be sensitive and not extractable".to_string());
    }
    Ok(())
}

/// `X25519(key, point)` (Mechanisms §2.3, `CKM_ECDH1_DERIVE`). The derived object is gone afterwards.
fn derive(session: &Session, key: ObjectHandle, point: &Point) -> core::result::Result<Point, String> {
    // Every token must take the octets as they are; some take them in a DER OCTET STRING too.
    let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), point.as_bytes()));
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::ValueLen(32.into()),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ];
    let derived = session.derive_key(&mechanism, key, &template).map_err(|error| reason(&error))?;
    let value = session.get_attributes(derived, &[AttributeType::Value]);
    session.destroy_object(derived).map_err(|error| reason(&error))?;
    match value.map_err(|error| reason(&error))?.pop() {
        Some(Attribute::Value(value)) => {
            let value = Zeroizing::new(value);
            let octets = value.as_slice().try_into().map_err(|_| format!("it gave {} octets, not 32", value.len()))?;
            Ok(Point::from_bytes(octets))
        }
        _ => Err("the token does not give out the result".to_string()),
    }
}

/// The one that there is.
fn only<T>(found: impl IntoIterator<Item = T>, name: &str) -> Result<T> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(error(name, "is not there")),
        _ => Err(error(name, "is there more than once")),
    }
}

fn key_name(label: &str) -> String {
    format!("private key {label:?}")
}

fn error(what: impl fmt::Display, reason: impl fmt::Display) -> BackendError {
    BackendError::new("PKCS#11", format_args!("{what}: {reason}"))
}

fn failed(what: impl fmt::Display, error: &Error) -> BackendError {
    self::error(what, reason(error))
}

/// The function and its return value, in the words of the standard without their prefixes.
fn reason(error: &Error) -> String {
    match error {
        Error::Pkcs11(value, function) => format!("C_{function:?} gives {value:?}"),
        other => other.to_string(),
    }
}
