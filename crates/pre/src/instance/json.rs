//! The JSON form of an instance.

use alloc::string::String;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::Instance;
use crate::{
    Error, Kdf, ProxyFactor, Result, UnixTime, Validity,
    document::{Kind, Writer, hex, read},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    /// This and the version are judged by [`Kind::of`]; here they are no unknown fields.
    #[serde(rename = "format")]
    _format: &'a str,
    #[serde(rename = "version")]
    _version: u64,
    forwarder: &'a str,
    forwardee: &'a str,
    #[serde(default)]
    kdf: Option<KdfIds>,
    #[serde(default)]
    not_before: Option<u64>,
    #[serde(default)]
    not_after: Option<u64>,
    factor: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KdfIds {
    hash: u8,
    symmetric: u8,
}

impl Instance {
    /// The instance as a JSON object, the secret factor among its fields:
    ///
    /// ```json
    /// {
    ///   "format": "sealpost-forwarding-instance",
    ///   "version": 1,
    ///   "forwarder": "40 hexadecimal digits",
    ///   "forwardee": "40 hexadecimal digits",
    ///   "kdf": { "hash": 10, "symmetric": 9 },
    ///   "not_before": 1700000000,
    ///   "not_after": 1800000000,
    ///   "factor": "64 hexadecimal digits, little-endian"
    /// }
    /// ```
    ///
    /// `kdf` (numbers of OpenPGP's registries), `not_before` and `not_after` (seconds since 1970) are optional.
    ///
    /// # Errors
    ///
    /// [`Error::FactorElsewhere`].
    pub fn expose_json(&self) -> Result<Zeroizing<String>> {
        let mut object = Writer::new(Kind::OpenPgp);
        object.string("forwarder", &hex(self.forwarder.as_bytes()));
        object.string("forwardee", &hex(self.forwardee.as_bytes()));
        if let Some((hash, symmetric)) = self.kdf.map(Kdf::ids) {
            object.value("kdf", format_args!("{{ \"hash\": {hash}, \"symmetric\": {symmetric} }}"));
        }
        let Validity { not_before, not_after } = self.validity;
        for (name, time) in [("not_before", not_before), ("not_after", not_after)] {
            if let Some(UnixTime(seconds)) = time {
                object.value(name, seconds);
            }
        }
        object.string("factor", &Zeroizing::new(hex(self.held()?.expose_bytes().as_ref())));
        Ok(object.finish())
    }

    /// Reads what [`Self::expose_json`] gives.
    ///
    /// # Errors
    ///
    /// [`Error::Instance`] for anything else, [`Error::NotAKey`] for a bad fingerprint,
    /// [`Error::Unsupported`] for an unknown key derivation, [`Error::FactorOutOfRange`].
    pub fn from_json(json: &[u8]) -> Result<Self> {
        if Kind::of(json)? != Kind::OpenPgp {
            return Err(Error::Instance("it is for S/MIME"));
        }
        let document: Document<'_> = read(json)?;
        let kdf = document.kdf.map(|ids| Kdf::from_ids(ids.hash, ids.symmetric)).transpose()?;
        let factor = ProxyFactor::from_hex(document.factor)?;
        Ok(Self::new(document.forwarder.parse()?, document.forwardee.parse()?, kdf, factor)
            .valid(document.not_before.map(UnixTime), document.not_after.map(UnixTime)))
    }
}
