//! A sealer that hides nothing but binds all that a real one binds.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use sealpost_rollover::port::PrivateKey;
use sealpost_store::{
    Error, Result,
    seal::{Sealed, Sealer},
    second_place::SecondPlace,
};
use zeroize::Zeroizing;

/// Key-encryption keys are numbers; version by version. The last one seals.
#[derive(Clone, Debug)]
pub(crate) struct TestSealer(Vec<u8>);

impl TestSealer {
    pub(crate) fn new(keys: &[u8]) -> Arc<Self> {
        Arc::new(Self(keys.to_vec()))
    }

    fn wrapped(&self, version: u32) -> Result<Vec<u8>> {
        let key = self.0.get(usize::try_from(version).unwrap()).filter(|&&key| key != 0);
        key.map(|&key| vec![key]).ok_or(Error::NoKeyEncryptionKey { version })
    }
}

impl Sealer for TestSealer {
    fn version(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap() - 1
    }

    fn seal(&self, row: &[u8], key: &PrivateKey) -> Result<Sealed> {
        let mut ciphertext = vec![u8::try_from(row.len()).unwrap()];
        ciphertext.extend(row);
        ciphertext.extend(key.expose_pkcs8());
        Ok(Sealed::new(self.version(), self.wrapped(self.version())?, ciphertext))
    }

    fn open(&self, row: &[u8], sealed: &Sealed) -> Result<PrivateKey> {
        let not_opened = || Error::NotOpened { row: "?".to_owned() };
        if self.wrapped(sealed.version)? != sealed.wrapped {
            return Err(not_opened());
        }
        let (&length, rest) = sealed.ciphertext.split_first().ok_or_else(not_opened)?;
        let (bound, key) = rest.split_at_checked(length.into()).ok_or_else(not_opened)?;
        if bound != row {
            return Err(not_opened());
        }
        Ok(PrivateKey::from_pkcs8(Zeroizing::new(key.to_vec())))
    }

    fn rewrap(&self, row: &[u8], sealed: &Sealed) -> Result<Sealed> {
        self.open(row, sealed)?;
        Ok(Sealed::new(self.version(), self.wrapped(self.version())?, sealed.ciphertext.clone()))
    }
}

/// A second place that forgets all when the test ends, and that can fail.
#[derive(Debug, Default)]
pub(crate) struct TestPlace(pub(crate) Mutex<BTreeMap<Vec<u8>, Sealed>>, pub(crate) bool);

impl SecondPlace for TestPlace {
    fn acknowledge(&self, row: &[u8], sealed: &Sealed) -> Result<()> {
        if self.1 {
            return Err(Error::NoKeyEncryptionKey { version: 0 });
        }
        self.0.lock().unwrap().insert(row.to_vec(), sealed.clone());
        Ok(())
    }

    fn fetch(&self, row: &[u8]) -> Result<Option<Sealed>> {
        Ok(self.0.lock().unwrap().get(row).cloned())
    }

    fn rows(&self) -> Result<Vec<Vec<u8>>> {
        Ok(self.0.lock().unwrap().keys().cloned().collect())
    }
}
