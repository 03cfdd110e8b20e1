//! No key stays behind on the heap: what is freed is searched for private keys, data keys and key-encryption keys.

#![cfg(test)]

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use base64ct::{Base64, Encoding};
use sealpost_rollover::port::PrivateKey;
use sealpost_store::{
    Result,
    seal::{self, DataKey, KeyEncryptionKey, Keyring, MemoryKey, Sealer},
};
use sealpost_testkit::leaks::{Leaks, NEEDLE, search};
use zeroize::Zeroizing;

#[global_allocator]
static ALLOCATOR: Leaks = Leaks;

type Needles = Vec<(&'static str, [u8; NEEDLE])>;

/// Makes needles on another thread: what is left of them on the stack would come to the heap with what is moved there.
fn apart<T: Send>(make: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(make).join().unwrap())
}

/// What other tests free would be found too.
fn alone() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Both ends.
fn needles(name: &'static str, secret: &[u8]) -> Needles {
    [&secret[..NEEDLE], &secret[secret.len() - NEEDLE..]].map(|end| (name, end.try_into().unwrap())).to_vec()
}

fn found(needles: &Needles, run: impl FnOnce()) -> Vec<&'static str> {
    let ((), mut found) = search(needles, run);
    found.dedup();
    found
}

/// A key-encryption key that tells which data keys it wrapped.
struct Watched(MemoryKey, Arc<Mutex<Vec<Vec<u8>>>>);

impl KeyEncryptionKey for Watched {
    fn wrap_key(&self, bound: &[u8], key: &DataKey) -> Result<Vec<u8>> {
        self.1.lock().unwrap().push(key.expose().to_vec());
        self.0.wrap_key(bound, key)
    }

    fn unwrap_key(&self, bound: &[u8], wrapped: &[u8]) -> Result<Option<DataKey>> {
        self.0.unwrap_key(bound, wrapped)
    }
}

#[test]
fn sealing_opening_and_rewrapping_leave_nothing_behind() {
    let _alone = alone();
    let secret = apart(|| (0..=255).map(|octet: u8| octet.wrapping_mul(91)).collect::<Vec<u8>>());
    let watched = Arc::new(Mutex::new(Vec::new()));
    let ring = |versions: u32| {
        let key = |version: u32| -> (u32, Box<dyn KeyEncryptionKey>) {
            let octets = Zeroizing::new(vec![u8::try_from(version).unwrap(); 32]);
            (version, Box::new(Watched(MemoryKey::from_octets(octets).unwrap(), watched.clone())))
        };
        Keyring::new((1..=versions).map(key)).unwrap()
    };
    // First to know the data key, then to look for it.
    let sealed = {
        let key = PrivateKey::from_pkcs8(Zeroizing::new(secret.clone()));
        ring(1).seal(b"row", &key).unwrap()
    };
    let data_key = watched.lock().unwrap()[0].clone();
    let mut all = [needles("the private key", &secret), needles("the data key", &data_key)].concat();
    all.push(("a key-encryption key", [1; NEEDLE]));
    let found_in = found(&all, || {
        let key = PrivateKey::from_pkcs8(Zeroizing::new(secret.clone()));
        drop(ring(1).seal(b"row", &key).unwrap());
        drop(ring(1).open(b"row", &sealed).unwrap());
        drop(ring(1).open(b"another row", &sealed).unwrap_err());
        let mut damaged = sealed.clone();
        damaged.ciphertext[3] ^= 1;
        drop(ring(1).open(b"row", &damaged).unwrap_err());
        drop(format!("{key:?} {:?}", ring(1)));
    });
    assert_eq!(found_in, [""; 0]);
    // What is watched keeps the data key; so a rotation is looked at without.
    let plain = |version: u32| -> (u32, Box<dyn KeyEncryptionKey>) {
        let octets = Zeroizing::new(vec![u8::try_from(version).unwrap(); 32]);
        (version, Box::new(MemoryKey::from_octets(octets).unwrap()))
    };
    let found_in = found(&all, || drop(Keyring::new([plain(1), plain(2)]).unwrap().rewrap(b"row", &sealed).unwrap()));
    assert_eq!(found_in, [""; 0]);
    // The needles are the right ones.
    let copies = || drop((secret.clone(), data_key.clone(), vec![1_u8; 32]));
    assert_eq!(found(&all, copies), ["the private key", "the data key", "a key-encryption key"]);
}

#[test]
fn a_file_of_keys_leaves_nothing_behind() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (path, source) = (folder.path().join("keys"), format!("file:{}/keys", folder.path().display()));
    seal::create(&source).unwrap();
    let all = apart(|| {
        let text = std::fs::read_to_string(&path).unwrap();
        let digits = text.lines().find_map(|line| line.strip_prefix("1:")).unwrap();
        let mut all = needles("the key", &Base64::decode_vec(digits).unwrap());
        all.extend(needles("the key in base64", digits.as_bytes()));
        all
    });
    let found_in = found(&all, || {
        drop(Keyring::open(&source).unwrap());
        seal::add_version(&source).unwrap();
    });
    assert_eq!(found_in, [""; 0]);
    assert_eq!(found(&all, || drop(std::fs::read(&path).unwrap())), ["the key in base64"]);
}
