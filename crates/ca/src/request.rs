//! Certification requests (PKCS#10, RFC 2986): written by who has the key, read by the local authority.

use der::{
    Decode, Encode, Sequence,
    asn1::{AnyRef, BitStringRef},
};
use p256::{ecdsa::signature::Verifier, pkcs8::DecodePublicKey};
use rsa::pkcs1v15;
use sha2::Sha256;
use x509_cert::{
    ext::{
        Extensions,
        pkix::{SubjectAltName, name::GeneralName},
    },
    request::CertReqInfo,
};

use crate::{
    Error, Result,
    address::{self, MailName},
    keys::{self, Key},
    oid,
    profile::{self, Extension},
    write,
};

/// Writes a request for the key: for whom, and what it is to be used for.
pub(crate) fn write(key: &Key, address: &str, names: &[MailName], usage: u16) -> Result<Vec<u8>> {
    let mut wanted = vec![Extension::critical(oid::KEY_USAGE, write::named_bits(usage))];
    if !names.is_empty() {
        wanted.push(Extension::plain(oid::SUBJECT_ALT_NAME, address::alternative_names(names)));
        let purposes = profile::extended_key_usage(&[oid::EMAIL_PROTECTION]);
        wanted.push(Extension::plain(oid::EXTENDED_KEY_USAGE, purposes));
    }
    let wanted = write::set(vec![profile::extensions(&wanted)]);
    let attributes = write::tagged(0, &[&write::sequence(&[&write::oid(oid::EXTENSION_REQUEST), &wanted])]);
    let subject = address::subject(names, address);
    key.signed(&write::sequence(&[&write::unsigned(&[0]), &subject, key.spki(), &attributes]))
}

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) spki: Vec<u8>,
    /// The addresses that it names.
    pub(crate) addresses: Vec<String>,
}

/// The frame of all that is signed here.
#[derive(Sequence)]
pub(crate) struct Frame<'a> {
    info: AnyRef<'a>,
    algorithm: AnyRef<'a>,
    pub(crate) signature: BitStringRef<'a>,
}

/// Reads a request that is signed with its own key.
pub(crate) fn read(der: &[u8]) -> Result<Request> {
    let unreadable = Error::unreadable("the certification request");
    let frame = Frame::from_der(der).map_err(|problem| unreadable(&problem))?;
    let message = frame.info.to_der().map_err(|problem| unreadable(&problem))?;
    let info = CertReqInfo::from_der(&message).map_err(|problem| unreadable(&problem))?;
    let spki = info.public_key.to_der().map_err(|problem| unreadable(&problem))?;
    let algorithm = frame.algorithm.to_der().map_err(|problem| unreadable(&problem))?;
    let signature = frame.signature.as_bytes().ok_or_else(|| unreadable(&"its signature is no octets"))?;
    if !verifies(&spki, &algorithm, &message, signature) {
        return Err(Error::Key("the request is not signed with the key that it asks for"));
    }
    let mut addresses = Vec::new();
    for attribute in info.attributes.iter().filter(|attribute| attribute.oid == oid::EXTENSION_REQUEST) {
        for value in attribute.values.iter() {
            let wanted: Extensions = value.decode_as().map_err(|problem| unreadable(&problem))?;
            for extension in wanted.iter().filter(|extension| extension.extn_id == oid::SUBJECT_ALT_NAME) {
                let names = SubjectAltName::from_der(extension.extn_value.as_bytes());
                addresses.extend(names.map_err(|problem| unreadable(&problem))?.0.iter().filter_map(mail));
            }
        }
    }
    Ok(Request { spki, addresses })
}

/// The address that a name is.
pub(crate) fn mail(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::Rfc822Name(name) => Some(name.as_str().to_owned()),
        GeneralName::OtherName(other) if other.type_id == oid::SMTP_UTF8_MAILBOX => {
            // The type already stripped the [0] around the value.
            let text: der::asn1::Utf8StringRef<'_> = other.value.decode_as().ok()?;
            Some(text.as_str().to_owned())
        }
        _ => None,
    }
}

/// Whether `signature` over `message` was made with the key: RSA or ECDSA with the hash that fits the curve.
fn verifies(spki: &[u8], algorithm: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let named = |id| algorithm.get(2..).is_some_and(|fields| fields.starts_with(&write::oid(id)));
    let of = |id| keys::is_of(spki, id);
    match () {
        () if named(oid::SHA256_WITH_RSA) && of(oid::RSA_ENCRYPTION) => {
            let key = rsa::RsaPublicKey::from_public_key_der(spki).map(pkcs1v15::VerifyingKey::<Sha256>::new);
            let signature = pkcs1v15::Signature::try_from(signature);
            matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
        }
        () if named(oid::ECDSA_WITH_SHA256) && of(oid::EC_PUBLIC_KEY) => {
            let key = p256::ecdsa::VerifyingKey::from_public_key_der(spki);
            let signature = p256::ecdsa::DerSignature::from_bytes(signature);
            matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
        }
        () if named(oid::ECDSA_WITH_SHA384) && of(oid::EC_PUBLIC_KEY) => {
            let key = p384::ecdsa::VerifyingKey::from_public_key_der(spki);
            let signature = p384::ecdsa::DerSignature::from_bytes(signature);
            matches!((key, signature), (Ok(key), Ok(signature)) if key.verify(message, &signature).is_ok())
        }
        () => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyKind, profile::usage};

    #[test]
    fn a_request_is_read_as_it_was_written_and_only_with_its_own_signature() {
        for kind in [KeyKind::P256, KeyKind::P384, KeyKind::Rsa2048] {
            let key = Key::generate(kind).unwrap();
            for address in ["anna@example.org", "änne@example.org"] {
                let names = [MailName::new(address).unwrap()];
                let der = write(&key, address, &names, usage::DIGITAL_SIGNATURE).unwrap();
                let asked = read(&der).unwrap();
                assert_eq!((asked.spki.as_slice(), asked.addresses), (key.spki(), vec![address.to_owned()]));
                // One bit of the address, one of the signature.
                for at in [der.len() / 3, der.len() - 1] {
                    let mut wrong = der.clone();
                    wrong[at] ^= 1;
                    assert!(read(&wrong).is_err(), "{kind:?} {at}");
                }
            }
        }
    }
}
