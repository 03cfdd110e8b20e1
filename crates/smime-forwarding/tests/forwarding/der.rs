//! Encrypted messages taken apart and put together again, for what our own encrypter does not write.

use der::oid::ObjectIdentifier;
pub(crate) use sealpost_testkit::der::element;
use sealpost_testkit::messages::{Transfer, transfer, untransfer};

pub(crate) fn oid(id: &str) -> Vec<u8> {
    element(6, &[ObjectIdentifier::new(id).unwrap().as_bytes()])
}

/// An element: its tag, all of it, and its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tlv<'a> {
    pub(crate) tag: u8,
    pub(crate) raw: &'a [u8],
    pub(crate) value: &'a [u8],
}

/// The elements that stand in `der`, which has definite lengths.
pub(crate) fn elements(mut der: &[u8]) -> Vec<Tlv<'_>> {
    let mut found = Vec::new();
    while let [tag, first, ..] = *der {
        let more = if first < 0x80 { 0 } else { usize::from(first & 0x7F) };
        let long = der[2..2 + more].iter().fold(0, |len, octet| len << 8 | usize::from(*octet));
        let (start, len) = (2 + more, if more == 0 { usize::from(first) } else { long });
        let (raw, rest) = der.split_at(start + len);
        found.push(Tlv { tag, raw, value: &raw[start..] });
        der = rest;
    }
    found
}

/// A message in DER: what stands in front of its recipients, they themselves, and what stands behind.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    kind: Vec<u8>,
    version: Vec<u8>,
    pub(crate) infos: Vec<Vec<u8>>,
    rest: Vec<u8>,
}

impl Message {
    pub(crate) fn read(der: &[u8]) -> Self {
        let outer = elements(elements(der)[0].value);
        let fields = elements(elements(outer[1].value)[0].value);
        Self {
            kind: outer[0].raw.to_vec(),
            version: fields[0].raw.to_vec(),
            infos: elements(fields[1].value).iter().map(|info| info.raw.to_vec()).collect(),
            rest: fields[2..].iter().flat_map(|field| field.raw.to_vec()).collect(),
        }
    }

    pub(crate) fn of_mail(mail: &[u8]) -> Self {
        Self::read(&cms(mail))
    }

    pub(crate) fn with(&self, infos: Vec<Vec<u8>>) -> Self {
        Self { infos, ..self.clone() }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let data = element(0x30, &[&self.version, &element(0x31, &[&self.infos.concat()]), &self.rest]);
        element(0x30, &[&self.kind, &element(0xA0, &[&data])])
    }

    pub(crate) fn mail(&self) -> Vec<u8> {
        mail(&self.der())
    }
}

/// A KeyAgreeRecipientInfo.
#[derive(Clone, Debug)]
pub(crate) struct Kari {
    /// DER of the AlgorithmIdentifier.
    pub(crate) originator: Vec<u8>,
    pub(crate) point: Vec<u8>,
    pub(crate) ukm: Option<Vec<u8>>,
    /// DER of its object identifier.
    pub(crate) scheme: Vec<u8>,
    /// DER of the AlgorithmIdentifier.
    pub(crate) wrap: Vec<u8>,
    /// DER of who it is, and the wrapped key.
    pub(crate) keys: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Kari {
    pub(crate) fn read(der: &[u8]) -> Self {
        let fields = elements(elements(der)[0].value);
        let key = elements(elements(fields[1].value)[0].value);
        let ukm = (fields[2].tag == 0xA1).then(|| elements(fields[2].value)[0].value.to_vec());
        let rest = &fields[2 + usize::from(ukm.is_some())..];
        let algorithm = elements(rest[0].value);
        let keys = elements(rest[1].value).into_iter().map(|key| {
            let fields = elements(key.value);
            (fields[0].raw.to_vec(), fields[1].value.to_vec())
        });
        Self {
            originator: key[0].raw.to_vec(),
            point: key[1].value[1..].to_vec(),
            ukm,
            scheme: algorithm[0].raw.to_vec(),
            wrap: algorithm[1].raw.to_vec(),
            keys: keys.collect(),
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let key = element(0xA1, &[&self.originator, &element(3, &[&[0], &self.point])]);
        self.der_from(&key)
    }

    /// With this OriginatorIdentifierOrKey.
    pub(crate) fn der_from(&self, originator: &[u8]) -> Vec<u8> {
        let ukm = self.ukm.as_ref().map(|ukm| element(0xA1, &[&element(4, &[ukm])])).unwrap_or_default();
        let keys = self.keys.iter().flat_map(|(id, key)| element(0x30, &[id, &element(4, &[key])]));
        let algorithm = element(0x30, &[&self.scheme, &self.wrap]);
        let keys = element(0x30, &[&keys.collect::<Vec<u8>>()]);
        element(0xA1, &[&[2, 1, 3], &element(0xA0, &[originator]), &ukm, &algorithm, &keys])
    }
}

const HEADER: &str = "From: alice@example.org\r\nTo: bob@example.org\r\nSubject: The vault\r\nMIME-Version: 1.0\r\n\
    Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n\
    Content-Transfer-Encoding: base64\r\n\r\n";

/// A mail with this message.
pub(crate) fn mail(message: &[u8]) -> Vec<u8> {
    [HEADER.as_bytes(), &transfer(message, Transfer::Base64(64))].concat()
}

/// The message in a mail that is encrypted as a whole.
pub(crate) fn cms(mail: &[u8]) -> Vec<u8> {
    let body = mail.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap() + 4;
    untransfer(&mail[body..], Transfer::Base64(64))
}
