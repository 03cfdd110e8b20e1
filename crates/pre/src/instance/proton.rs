//! Proton's form of an instance.

use alloc::string::String;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::Instance;
use crate::{
    Error, ProxyFactor, Result,
    document::{Writer, hex},
};

/// The only version of keys that can be forwarded.
const KEY_VERSION: u8 = 4;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    pgp_version: u8,
    forwarder_key_fingerprint: &'a str,
    forwardee_key_fingerprint: &'a str,
    proxy_param: &'a str,
}

impl Instance {
    /// The four fields that Proton's clients send to their server, as a JSON object: `PgpVersion` 4,
    /// `ForwarderKeyFingerprint` and `ForwardeeKeyFingerprint` in hexadecimal digits, and `ProxyParam`,
    /// the secret factor in 64 hexadecimal digits, little-endian.
    ///
    /// The key derivation and the limits in time have no place there and are left out.
    ///
    /// # Errors
    ///
    /// [`Error::FactorElsewhere`].
    pub fn expose_proton(&self) -> Result<Zeroizing<String>> {
        let mut object = Writer::object();
        object.value("PgpVersion", KEY_VERSION);
        object.string("ForwarderKeyFingerprint", &hex(self.forwarder.as_bytes()));
        object.string("ForwardeeKeyFingerprint", &hex(self.forwardee.as_bytes()));
        object.string("ProxyParam", &Zeroizing::new(hex(self.held()?.expose_bytes().as_ref())));
        Ok(object.finish())
    }

    /// Reads Proton's four fields; others beside them are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Instance`] for anything else, [`Error::Unsupported`] for another key version than 4,
    /// [`Error::NotAKey`] for a bad fingerprint, [`Error::FactorOutOfRange`].
    pub fn from_proton(json: &[u8]) -> Result<Self> {
        let document: Document<'_> = serde_json::from_slice(json)
            .map_err(|_| Error::Instance("not a JSON object with the four fields of Proton's format"))?;
        if document.pgp_version != KEY_VERSION {
            return Err(Error::Unsupported { what: "key version", id: document.pgp_version });
        }
        Ok(Self::new(
            document.forwarder_key_fingerprint.parse()?,
            document.forwardee_key_fingerprint.parse()?,
            None,
            ProxyFactor::from_hex(document.proxy_param)?,
        ))
    }
}
