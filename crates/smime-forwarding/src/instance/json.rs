//! The JSON form of an instance.

use std::fmt;

use der::{Decode, Tag, Tagged, asn1::AnyRef};
use sealpost_pre::{
    AnyFactor, UnixTime, Validity,
    document::{self, Kind, Writer},
};
use sealpost_smime::CertificateIdentifier;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Instance;
use crate::{Result, names};

/// Octets of a document that is read.
const DOCUMENT: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    /// This, the version and the kind are checked by [`Kind::of`]; here they are no unknown fields.
    #[serde(rename = "format")]
    _format: &'a str,
    #[serde(rename = "version")]
    _version: u64,
    #[serde(rename = "kind")]
    _kind: &'a str,
    group: &'a str,
    #[serde(borrow)]
    forwarder: Vec<Name<'a>>,
    #[serde(borrow)]
    forwardee: Vec<Name<'a>>,
    #[serde(default)]
    not_before: Option<u64>,
    #[serde(default)]
    not_after: Option<u64>,
    factor: &'a str,
}

/// Of a certificate: its issuer and serial number, or a key identifier.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name<'a> {
    #[serde(default)]
    issuer: Option<&'a str>,
    #[serde(default)]
    serial: Option<&'a str>,
    #[serde(default)]
    key_id: Option<&'a str>,
}

impl Instance {
    /// Reads what [`Self::expose_json`] gives.
    ///
    /// # Errors
    ///
    /// [`sealpost_pre::Error::Instance`] for anything else, also for one of OpenPGP;
    /// [`sealpost_pre::Error::FactorOutOfRange`].
    pub fn from_json(json: &[u8]) -> Result<Self> {
        if json.len() > DOCUMENT {
            return Err(wrong("it is longer than 1 MiB"));
        }
        if Kind::of(json)? != Kind::Smime {
            return Err(wrong("it is for OpenPGP, not for S/MIME"));
        }
        let document: Document<'_> = document::read(json)?;
        let factor = AnyFactor::from_hex(document.group.parse()?, document.factor)?;
        let validity =
            Validity { not_before: document.not_before.map(UnixTime), not_after: document.not_after.map(UnixTime) };
        Ok(Self::new(read(&document.forwarder)?, read(&document.forwardee)?, factor).valid(validity))
    }

    /// The instance as a JSON object, the secret factor among its fields:
    ///
    /// ```json
    /// {
    ///   "format": "sealpost-forwarding-instance",
    ///   "version": 1,
    ///   "kind": "smime",
    ///   "group": "P-256",
    ///   "forwarder": [
    ///     { "issuer": "hexadecimal digits", "serial": "hexadecimal digits" },
    ///     { "key_id": "hexadecimal digits" }
    ///   ],
    ///   "forwardee": [
    ///     { "issuer": "hexadecimal digits", "serial": "hexadecimal digits" },
    ///     { "key_id": "hexadecimal digits" }
    ///   ],
    ///   "not_before": 1700000000,
    ///   "not_after": 1800000000,
    ///   "factor": "hexadecimal digits"
    /// }
    /// ```
    ///
    /// `group` is `P-256`, `P-384` or `Curve25519`. Names are those by which messages can name a certificate: `issuer` (DER
    /// of the Name) with `serial` (the content octets of the INTEGER), or `key_id`; one at least and no more than 64, of no more than 128 KiB.
    /// `not_before` and `not_after` (seconds since 1970) are optional. `factor` has 64 digits, big-endian, of P-384 96; of
    /// Curve25519 64, little-endian.
    #[must_use]
    pub fn expose_json(&self) -> Zeroizing<String> {
        let mut writer = Writer::new(Kind::Smime);
        writer.string("group", &self.factor.group().to_string());
        writer.value("forwarder", List(&self.forwarder));
        writer.value("forwardee", List(&self.forwardee));
        for (name, time) in [("not_before", self.validity.not_before), ("not_after", self.validity.not_after)] {
            if let Some(UnixTime(seconds)) = time {
                writer.value(name, seconds);
            }
        }
        writer.string("factor", &self.factor.expose_hex());
        writer.finish()
    }
}

/// Names as they are written.
struct List<'a>(&'a [CertificateIdentifier]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = base16ct::lower::encode_string;
        let mut comma = "";
        f.write_str("[")?;
        for name in self.0 {
            write!(f, "{comma}\n    ")?;
            match name {
                CertificateIdentifier::IssuerAndSerial { issuer, serial } => {
                    write!(f, "{{ \"issuer\": \"{}\", \"serial\": \"{}\" }}", hex(issuer), hex(serial))?;
                }
                CertificateIdentifier::SubjectKeyIdentifier(id) => write!(f, "{{ \"key_id\": \"{}\" }}", hex(id))?,
                _ => return Err(fmt::Error),
            }
            comma = ",";
        }
        f.write_str("\n  ]")
    }
}

fn read(list: &[Name<'_>]) -> Result<Vec<CertificateIdentifier>> {
    names::checked(list.iter().map(Name::read).collect::<Result<_>>()?).map_err(wrong)
}

impl Name<'_> {
    fn read(&self) -> Result<CertificateIdentifier> {
        match (self.issuer, self.serial, self.key_id) {
            (Some(issuer), Some(serial), None) => {
                let issuer = octets(issuer)?;
                if !AnyRef::from_der(&issuer).is_ok_and(|name| name.tag() == Tag::Sequence) {
                    return Err(wrong("an issuer is no DER of a Name"));
                }
                Ok(CertificateIdentifier::IssuerAndSerial { issuer, serial: octets(serial)? })
            }
            (None, None, Some(id)) => Ok(CertificateIdentifier::SubjectKeyIdentifier(octets(id)?)),
            _ => Err(wrong("a name must be an issuer with a serial number, or a key identifier")),
        }
    }
}

fn octets(hex: &str) -> Result<Vec<u8>> {
    base16ct::mixed::decode_vec(hex).map_err(|_| wrong("a name is not in hexadecimal digits"))
}

fn wrong(what: &'static str) -> crate::Error {
    crate::Error::Pre(sealpost_pre::Error::Instance(what))
}
