//! A certificate before it is signed (RFC 5280, section 4.1).

use getrandom::{SysRng, rand_core::TryRng};
use sealpost_rollover::Time;

use crate::{
    Error, Result,
    keys::Key,
    profile::{Extension, extensions},
    write,
};

/// A random serial number, positive, as the INTEGER has it: so many octets, of which two bits are not random.
pub(crate) fn random_serial(octets: usize) -> Result<Vec<u8>> {
    let mut serial = vec![0; octets];
    SysRng.try_fill_bytes(&mut serial).map_err(|_| Error::Key("there is no randomness"))?;
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    Ok(serial)
}

/// All that an authority says.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// DER of an INTEGER.
    pub(crate) serial: Vec<u8>,
    /// DER of a Name.
    pub(crate) issuer: Vec<u8>,
    pub(crate) not_before: Time,
    /// The last second, itself included.
    pub(crate) not_after: Time,
    /// DER of a Name.
    pub(crate) subject: Vec<u8>,
    /// DER of a SubjectPublicKeyInfo.
    pub(crate) spki: Vec<u8>,
    pub(crate) extensions: Vec<Extension>,
    /// The version less 1; that of certificates with extensions is 2.
    pub(crate) version: u8,
    /// What it says inside about its signature, if not the truth.
    pub(crate) algorithm: Option<Vec<u8>>,
}

impl Template {
    /// The version of certificates with extensions (RFC 5280, section 4.1.2.1).
    pub(crate) const VERSION: u8 = 2;

    /// The certificate in DER.
    pub(crate) fn sign(&self, key: &Key) -> Result<Vec<u8>> {
        let version = write::tagged(0, &[&write::unsigned(&[self.version])]);
        let validity = write::sequence(&[&write::time(self.not_before), &write::time(self.not_after)]);
        let extensions = write::tagged(3, &[&extensions(&self.extensions)]);
        key.signed(&write::sequence(&[
            &version,
            &self.serial,
            self.algorithm.as_deref().unwrap_or(&key.algorithm()),
            &self.issuer,
            &validity,
            &self.subject,
            &self.spki,
            &extensions,
        ]))
    }
}
