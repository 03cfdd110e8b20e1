//! With SoftHSM, which is installed on Debian as `softhsm2`.

use std::{env, fs, path::Path, process::Command};

use cryptoki::object::ObjectClass;
use sealpost_rollover::port::PrivateKey;

use super::*;
use crate::seal::{self, Keyring, Sealer};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const AGAIN: &str = "SEALPOST_TEST_TOKEN";
const PIN: &str = "12345678";
const SOURCE: &str = "pkcs11:/usr/lib/softhsm/libsofthsm2.so?token=store%26keys&key=kek&pin-env=SEALPOST_TEST_PIN";

/// Runs `test` with a new token and a source that names keys in it, in a process of its own: the module finds its
/// settings in the environment. `name` is that of the test function that calls this.
fn with_token(name: &str, test: impl FnOnce(&Session)) {
    if env::var_os(AGAIN).is_some() {
        return test(&initialize());
    }
    if !Path::new(MODULE).is_file() {
        sealpost_testkit::missing("SoftHSM (softhsm2)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings");
    fs::write(&file, format!("directories.tokendir = {}\nlog.level = ERROR\n", folder.path().display())).unwrap();
    let name = format!("seal::token::tests::{name}");
    let mut again = Command::new(env::current_exe().unwrap());
    again.args([&name, "--exact", "--nocapture"]).env(AGAIN, "").env("SOFTHSM2_CONF", file);
    let output = again.env("SEALPOST_TEST_PIN", PIN).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let passed = output.status.success() && stdout.contains("1 passed");
    assert!(passed, "{name}: {}\n{stdout}\n{stderr}", output.status);
}

/// A token without a key.
fn initialize() -> Session {
    let module = Pkcs11::new(MODULE).unwrap();
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let pin = AuthPin::new(PIN.into());
    let [slot] = module.get_slots_with_token().unwrap()[..] else { panic!("another token is there") };
    module.init_token(slot, &pin, "store&keys").unwrap();
    let labelled = |slot: &_| module.get_token_info(*slot).unwrap().label() == "store&keys";
    let slot = module.get_slots_with_token().unwrap().into_iter().find(labelled).unwrap();
    let session = module.open_rw_session(slot).unwrap();
    session.login(UserType::So, Some(&pin)).unwrap();
    session.init_pin(&pin).unwrap();
    session.logout().unwrap();
    session.login(UserType::User, Some(&pin)).unwrap();
    session
}

fn key() -> PrivateKey {
    PrivateKey::from_pkcs8(Zeroizing::new(b"a private key".to_vec()))
}

#[test]
fn a_key_in_a_token_seals_and_rotates() {
    with_token("a_key_in_a_token_seals_and_rotates", |_| {
        assert!(Keyring::open(SOURCE).unwrap_err().to_string().contains("there is no such key"));
        assert!(seal::add_version(SOURCE).unwrap_err().to_string().contains("there is no such key yet"));
        assert_eq!(seal::create(SOURCE).unwrap(), 1);
        assert!(seal::create(SOURCE).unwrap_err().to_string().contains("it is there already"));
        let sealed = Keyring::open(SOURCE).unwrap().seal(b"row", &key()).unwrap();
        assert_eq!((sealed.version, sealed.wrapped.len()), (1, 60));
        assert_eq!(seal::add_version(SOURCE).unwrap(), 2);
        let ring = Keyring::open(SOURCE).unwrap();
        assert_eq!(ring.version(), 2);
        let moved = ring.rewrap(b"row", &sealed).unwrap();
        assert_eq!((moved.version, &moved.ciphertext), (2, &sealed.ciphertext));
        for sealed in [&sealed, &moved] {
            assert_eq!(ring.open(b"row", sealed).unwrap().expose_pkcs8(), key().expose_pkcs8());
        }
        assert_eq!(Keyring::open(&format!("{SOURCE}&current=1")).unwrap().version(), 1);
        // From a file to a token: both open, the token's is the current one.
        let folder = tempfile::tempdir().unwrap();
        let file = format!("file:{}/keys", folder.path().display());
        seal::create(&file).unwrap();
        let in_file = Keyring::open(&file).unwrap();
        let sealed = in_file.seal(b"row", &key()).unwrap();
        assert!(in_file.joined_with(Keyring::open(SOURCE).unwrap()).is_err(), "both have version 1");
        assert!(matches!(Keyring::open(SOURCE).unwrap().open(b"row", &sealed), Err(Error::NotOpened { .. })));
    });
}

#[test]
fn what_a_token_does_not_open_is_one_error() {
    with_token("what_a_token_does_not_open_is_one_error", |_| {
        seal::create(SOURCE).unwrap();
        seal::add_version(SOURCE).unwrap();
        let ring = Keyring::open(SOURCE).unwrap();
        let sealed = ring.seal(b"row", &key()).unwrap();
        let refused = |row: &[u8], sealed: &seal::Sealed| {
            let error = ring.open(row, sealed).unwrap_err();
            assert!(matches!(error, Error::NotOpened { .. }), "{error:?}");
        };
        for place in 0..sealed.wrapped.len() {
            let mut damaged = sealed.clone();
            damaged.wrapped[place] ^= 1 << (place % 8);
            refused(b"row", &damaged);
            damaged.wrapped.truncate(place);
            refused(b"row", &damaged);
        }
        let mut other = sealed.clone();
        other.version = 1;
        refused(b"row", &other);
        refused(b"another row", &sealed);
        // After all that the token still works.
        assert_eq!(ring.open(b"row", &sealed).unwrap().expose_pkcs8(), key().expose_pkcs8());
    });
}

#[test]
fn a_token_that_fails_is_not_taken_for_a_wrong_key() {
    with_token("a_token_that_fails_is_not_taken_for_a_wrong_key", |session| {
        seal::create(SOURCE).unwrap();
        let ring = Keyring::open(SOURCE).unwrap();
        let sealed = ring.seal(b"row", &key()).unwrap();
        for handle in session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY)]).unwrap() {
            session.destroy_object(handle).unwrap();
        }
        for failed in [ring.open(b"row", &sealed).map(|_| ()), ring.seal(b"row", &key()).map(|_| ())] {
            let error = failed.unwrap_err();
            assert!(matches!(error, Error::Keeper(_)), "{error:?}");
            assert!(error.to_string().contains("key \"kek\" of token \"store&keys\": C_"), "{error}");
        }
    });
}

#[test]
fn keys_that_are_not_as_they_must_be_are_refused() {
    with_token("keys_that_are_not_as_they_must_be_are_refused", |session| {
        let make = |id: &[u8], len: usize, extractable| {
            let template = [
                Attribute::Token(true),
                Attribute::Private(true),
                Attribute::Sensitive(true),
                Attribute::Extractable(extractable),
                Attribute::Label("kek".into()),
                Attribute::Id(id.to_vec()),
                Attribute::ValueLen(len.try_into().unwrap()),
                Attribute::Encrypt(true),
                Attribute::Decrypt(true),
            ];
            session.generate_key(&Mechanism::AesKeyGen, &template).unwrap()
        };
        for (id, len, extractable, why) in [
            (&[1][..], 32, true, "version 1 may leave the token"),
            (&[1, 0], 16, false, "version 256 does not have 256 bits"),
            (&[], 32, false, "is no version"),
            (&[0], 32, false, "is no version"),
            (&[1, 0, 0, 0, 0], 32, false, "is no version"),
        ] {
            let handle = make(id, len, extractable);
            let error = Keyring::open(SOURCE).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
            session.destroy_object(handle).unwrap();
        }
        // As other programs make them.
        make(&[7], 32, false);
        assert_eq!(Keyring::open(SOURCE).unwrap().version(), 7);
        make(&[0, 7], 32, false);
        assert!(Keyring::open(SOURCE).unwrap_err().to_string().contains("version 7 is there twice"));
        let other = SOURCE.replace("store%26keys", "other");
        assert!(Keyring::open(&other).unwrap_err().to_string().contains("there is no such token"));
        let other = SOURCE.replace(MODULE, "/nowhere.so");
        assert!(matches!(Keyring::open(&other), Err(Error::Keeper(_))));
        let other = SOURCE.replace("SEALPOST_TEST_PIN", "SEALPOST_NO_PIN");
        let error = Keyring::open(&other).unwrap_err().to_string();
        assert!(error.contains("there is no PIN in it"), "{error}");
    });
}

#[test]
fn the_key_of_a_token_can_not_be_read() {
    with_token("the_key_of_a_token_can_not_be_read", |session| {
        seal::create(SOURCE).unwrap();
        let [handle] = session.find_objects(&[Attribute::Class(ObjectClass::SECRET_KEY)]).unwrap()[..] else {
            panic!("one key")
        };
        let values = session.get_attributes(handle, &[AttributeType::Value]);
        assert!(values.is_err() || values.unwrap().is_empty());
    });
}

#[test]
fn a_place_in_a_token_is_named_by_its_labels() {
    let place = Place::parse("/lib/a%25b.so?key=k&token=t%26=%3f&pin-file=/run/pin").ok().unwrap();
    assert_eq!((place.token.as_str(), place.key.as_str()), ("t&=?", "k"));
    assert_eq!(place.module, Path::new("/lib/a%b.so"));
    assert!(matches!(place.pin, Pin::File(path) if path == Path::new("/run/pin")));
    for (bad, why) in [
        ("/lib/x.so", "it must say"),
        ("m?token=t&key=k", "\"pin-file\" is missing"),
        ("m?token=t&pin-env=P", "\"key\" is missing"),
        ("m?token=t&key=k&pin=1234", "\"pin\" is none of"),
        ("m?token=t&token=u", "\"token\" is there twice"),
        ("m?token=t&key=k&pin-env=A&pin-file=B", "twice, or another PIN"),
        ("m?token", "NAME=VALUE"),
        ("m?token=%g0", "two digits"),
        ("m?token=%f", "two digits"),
        ("m?token=%ff", "UTF-8"),
    ] {
        let found = Place::parse(bad).err().unwrap();
        assert!(found.contains(why), "{bad}: {found}");
    }
}
