//! What a private key in a token is, and where its public half stands (Mechanisms §2.1, §2.3).

use std::sync::Arc;

use cryptoki::{
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use der::{Tag, oid::ObjectIdentifier};

use super::{
    Kind, Pkcs11Key, Pkcs11Token, Usage, failed,
    operate::{EcKey, Handle, RsaKey},
};
use crate::{
    Certificate, Error, Result,
    algorithm::Curve,
    asn1::{Element, write, write_oid, write_unsigned},
    oid,
    public_key::PublicKey,
};

const PLACE: &str = "a key in a token";

impl Pkcs11Key {
    pub(super) fn open(token: &Pkcs11Token, session: &Session, object: ObjectHandle, label: &str) -> Result<Self> {
        let name = format!("private key {label:?}");
        let wanted = [AttributeType::KeyType, AttributeType::Sign, AttributeType::Decrypt, AttributeType::Derive];
        let attributes = session.get_attributes(object, &wanted).map_err(|error| failed(&name, &error))?;
        let is = |wanted: Attribute| attributes.contains(&wanted);
        let usage = Usage {
            sign: is(Attribute::Sign(true)),
            decrypt: is(Attribute::Decrypt(true)),
            derive: is(Attribute::Derive(true)),
        };
        let rsa = is(Attribute::KeyType(KeyType::RSA));
        if !rsa && !is(Attribute::KeyType(KeyType::EC)) {
            return Err(Error::Keeper(format!("{name}: it is neither RSA nor on a curve")));
        }
        let public = public_half(session, object, rsa)
            .ok_or_else(|| Error::Keeper(format!("{name}: the token has no public key for it")))?;
        let handle = Handle { token: token.clone(), object, name };
        let spki = public.to_spki();
        let kind = match public {
            PublicKey::Rsa(public) if rsa => Kind::Rsa(Arc::new(RsaKey::new(handle, public, spki))),
            PublicKey::P256(_) if !rsa => Kind::Ec(Arc::new(EcKey::new(handle, Curve::P256, spki))),
            PublicKey::P384(_) if !rsa => Kind::Ec(Arc::new(EcKey::new(handle, Curve::P384, spki))),
            _ => return Err(Error::Key("its public half is of another kind")),
        };
        Ok(Self { kind, usage })
    }
}

/// From the private object itself, a public key, or a certificate.
fn public_half(session: &Session, private: ObjectHandle, rsa: bool) -> Option<PublicKey> {
    if rsa && let Some(key) = rsa_key(session, private) {
        return Some(key);
    }
    let named = session.get_attributes(private, &[AttributeType::Id, AttributeType::Label]).unwrap_or_default();
    let names = named.into_iter().filter(|name| match name {
        Attribute::Id(octets) | Attribute::Label(octets) => !octets.is_empty(),
        _ => false,
    });
    names.into_iter().find_map(|name| {
        let of = |class| session.find_objects(&[Attribute::Class(class), name.clone()]).unwrap_or_default();
        let public = of(ObjectClass::PUBLIC_KEY)
            .into_iter()
            .find_map(|object| if rsa { rsa_key(session, object) } else { ec_key(session, object) });
        public.or_else(|| of(ObjectClass::CERTIFICATE).into_iter().find_map(|object| certified(session, object)))
    })
}

fn rsa_key(session: &Session, object: ObjectHandle) -> Option<PublicKey> {
    let wanted = [AttributeType::Modulus, AttributeType::PublicExponent];
    let attributes = session.get_attributes(object, &wanted).ok()?;
    let [modulus, exponent] = wanted.map(|wanted| {
        attributes.iter().find_map(|attribute| match attribute {
            Attribute::Modulus(octets) | Attribute::PublicExponent(octets)
                if attribute.attribute_type() == wanted && !octets.is_empty() =>
            {
                Some(octets.as_slice())
            }
            _ => None,
        })
    });
    let key = write(0x30, &[&write_unsigned(modulus?), &write_unsigned(exponent?)]);
    spki(oid::RSA_ENCRYPTION, &[5, 0], &key)
}

/// Its point stands in a DER OCTET STRING; some tokens leave that out (Mechanisms §2.3.3).
fn ec_key(session: &Session, object: ObjectHandle) -> Option<PublicKey> {
    let attributes = session.get_attributes(object, &[AttributeType::EcParams, AttributeType::EcPoint]).ok()?;
    let parameters = attributes.iter().find_map(|attribute| match attribute {
        Attribute::EcParams(octets) => Some(octets.as_slice()),
        _ => None,
    })?;
    let point = attributes.iter().find_map(|attribute| match attribute {
        Attribute::EcPoint(octets) => Some(octets.as_slice()),
        _ => None,
    })?;
    let inner = Element::from_der(point, PLACE).and_then(|element| element.expect(Tag::OctetString, PLACE));
    let inner = inner.ok().and_then(|inner| spki(oid::EC_PUBLIC_KEY, parameters, inner.value));
    inner.or_else(|| spki(oid::EC_PUBLIC_KEY, parameters, point))
}

fn certified(session: &Session, object: ObjectHandle) -> Option<PublicKey> {
    match session.get_attributes(object, &[AttributeType::Value]).ok()?.as_slice() {
        [Attribute::Value(der), ..] => {
            let certificate = Certificate::from_der(der).ok()?;
            PublicKey::from_spki(certificate.public_key()).ok()
        }
        _ => None,
    }
}

fn spki(id: ObjectIdentifier, parameters: &[u8], key: &[u8]) -> Option<PublicKey> {
    let algorithm = write(0x30, &[&write_oid(id), parameters]);
    PublicKey::from_spki(&write(0x30, &[&algorithm, &write(0x03, &[&[0], key])])).ok()
}
