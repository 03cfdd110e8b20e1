//! What a mail program can read, as it says in what it signs (SMIMECapabilities, RFC 8551 §2.5.2).

use der::{Tag, oid::ObjectIdentifier};

use crate::{
    ContentCipher, Error, Result,
    algorithm::{Curve, Digest, KeyTransport},
    asn1::{Element, write, write_oid},
    oid,
    public_key::PublicKey,
};

const PLACE: &str = "SMIMECapabilities";
/// More than any program writes.
const MOST: usize = 200;

/// A list of capabilities, the preferred ones first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<Capability>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Capability {
    id: ObjectIdentifier,
    /// DER; empty without parameters.
    parameters: Vec<u8>,
}

impl Capabilities {
    /// Reads DER of SMIMECapabilities.
    ///
    /// # Errors
    ///
    /// [`Error::Encoding`] and [`Error::Structure`].
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let list = Element::from_der(der, PLACE)?.expect(Tag::Sequence, PLACE)?.inner(PLACE)?;
        if list.len() > MOST {
            return Err(Error::structure(PLACE, "there are too many"));
        }
        list.into_iter().map(capability).collect::<Result<_>>().map(Self)
    }

    /// DER of SMIMECapabilities.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let each = |capability: &Capability| write(0x30, &[&write_oid(capability.id), &capability.parameters]);
        write(0x30, &[&self.0.iter().flat_map(each).collect::<Vec<u8>>()])
    }

    /// What this crate can decrypt, for a recipient with this public key (DER of a SubjectPublicKeyInfo).
    ///
    /// # Errors
    ///
    /// [`Error::Encoding`], [`Error::Structure`] and [`Error::Algorithm`] if the key can't be read.
    pub fn for_recipient(public_key: &[u8]) -> Result<Self> {
        let plain = |id| Capability { id, parameters: Vec::new() };
        let mut list: Vec<Capability> = WRITTEN.map(|cipher| plain(cipher.oid())).into();
        list.push(plain(oid::CEK_HKDF_SHA256));
        let key = PublicKey::from_spki(public_key)?;
        match key.curve() {
            Some(curve) => {
                let (scheme, wrap) = match curve {
                    Curve::X25519 => (oid::STD_DH_HKDF_SHA256, oid::AES256_WRAP),
                    Curve::P384 => (oid::STD_DH_SHA384_KDF, oid::AES256_WRAP),
                    Curve::P256 => (oid::STD_DH_SHA256_KDF, oid::AES256_WRAP),
                };
                // The parameters say how the content key is wrapped (RFC 5753 §7.2, RFC 8418 §2.1).
                list.push(Capability { id: scheme, parameters: write(0x30, &[&write_oid(wrap)]) });
            }
            None if matches!(key, PublicKey::Rsa(_)) => {
                let oaep = KeyTransport::oaep(Digest::Sha256).to_der();
                list.push(capability(Element::from_der(&oaep, PLACE)?)?);
            }
            None => {}
        }
        Ok(Self(list))
    }

    /// The ciphers, the preferred ones first.
    pub fn ciphers(&self) -> impl Iterator<Item = ContentCipher> {
        self.0.iter().filter_map(Capability::cipher)
    }

    /// The first cipher that is not broken or too weak.
    #[must_use]
    pub fn preferred_cipher(&self) -> Option<ContentCipher> {
        self.ciphers().find(|cipher| !cipher.is_legacy())
    }

    /// How RSA may carry the content key, as far as it is said; the preferred ways first.
    pub fn key_transports(&self) -> impl Iterator<Item = KeyTransport> {
        // A capability looks as an algorithm does.
        let read = |capability: &Capability| {
            KeyTransport::from_der(&write(0x30, &[&write_oid(capability.id), &capability.parameters])).ok()
        };
        self.0.iter().filter_map(read)
    }

    /// Whether this one is on the list, whatever its parameters.
    #[must_use]
    pub fn contains(&self, id: ObjectIdentifier) -> bool {
        self.0.iter().any(|capability| capability.id == id)
    }

    /// The object identifiers on the list.
    pub fn ids(&self) -> impl Iterator<Item = ObjectIdentifier> {
        self.0.iter().map(|capability| capability.id)
    }
}

/// What this crate has partners write: authenticated ciphers first.
const WRITTEN: [ContentCipher; 4] =
    [ContentCipher::Aes256Gcm, ContentCipher::Aes128Gcm, ContentCipher::Aes256Cbc, ContentCipher::Aes128Cbc];

impl Capability {
    fn cipher(&self) -> Option<ContentCipher> {
        Some(match self.id {
            oid::AES128_CBC => ContentCipher::Aes128Cbc,
            oid::AES192_CBC => ContentCipher::Aes192Cbc,
            oid::AES256_CBC => ContentCipher::Aes256Cbc,
            oid::AES128_GCM => ContentCipher::Aes128Gcm,
            oid::AES192_GCM => ContentCipher::Aes192Gcm,
            oid::AES256_GCM => ContentCipher::Aes256Gcm,
            oid::DES_EDE3_CBC => ContentCipher::TripleDesCbc,
            // The number of bits (RFC 8551 §2.7).
            oid::RC2_CBC => match self.parameters.as_slice() {
                [2, 1, 40] => ContentCipher::Rc2Cbc40,
                [2, 1, 64] => ContentCipher::Rc2Cbc64,
                [2, 2, 0, 128] => ContentCipher::Rc2Cbc128,
                _ => return None,
            },
            _ => return None,
        })
    }
}

fn capability(element: Element<'_>) -> Result<Capability> {
    match element.expect(Tag::Sequence, PLACE)?.inner(PLACE)?.as_slice() {
        [id] => Ok(Capability { id: id.oid(PLACE)?, parameters: Vec::new() }),
        [id, parameters] => Ok(Capability { id: id.oid(PLACE)?, parameters: parameters.raw.to_vec() }),
        _ => Err(Error::structure(PLACE, "a capability must have one or two elements")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealpost_testkit::unhex;

    #[test]
    fn what_older_programs_say_is_read_in_its_order() {
        // AES-256, AES-128, 3DES, RC2 with 128 and 64 bits, DES, RC2 with 40 bits: as OpenSSL writes it, and OAEP.
        let list = "306c300b060960864801650304012a300b0609608648016503040102300a06082a864886f70d0307\
                    300e06082a864886f70d030202020080300d06082a864886f70d0302020140300706052b0e030207\
                    300d06082a864886f70d0302020128300d06092a864886f70d0101073000";
        let der = unhex(&list.replace(' ', ""));
        let read = Capabilities::from_der(&der).unwrap();
        assert_eq!(read.to_der(), der);
        let ciphers: Vec<String> = read.ciphers().map(|cipher| cipher.to_string()).collect();
        assert_eq!(ciphers, ["aes-256-cbc", "aes-128-cbc", "des-ede3-cbc", "rc2-128-cbc", "rc2-64-cbc", "rc2-40-cbc"]);
        assert_eq!(read.preferred_cipher(), Some(ContentCipher::Aes256Cbc));
        assert_eq!(read.key_transports().collect::<Vec<_>>(), [KeyTransport::oaep(Digest::Sha1)]);
        assert_eq!(read.ids().count(), 8);
        assert!(!read.contains(oid::AES256_GCM));
        for cut in 0..der.len() {
            assert!(Capabilities::from_der(&der[..cut]).is_err());
        }
    }

    #[test]
    fn what_this_crate_reads_depends_on_the_key() {
        let spki = |algorithm: &str, key: &str| {
            let bits = write(0x03, &[&[0], &unhex(key)]);
            write(0x30, &[&unhex(algorithm), &bits])
        };
        let x25519 = spki("300506032b656e", &"09".repeat(32));
        let written = Capabilities::for_recipient(&x25519).unwrap();
        assert_eq!(Capabilities::from_der(&written.to_der()).unwrap(), written);
        assert_eq!(written.ciphers().collect::<Vec<_>>(), WRITTEN);
        assert!(written.contains(oid::STD_DH_HKDF_SHA256) && written.contains(oid::CEK_HKDF_SHA256));
        assert_eq!(written.key_transports().count(), 0);
        let ed25519 = spki("300506032b6570", "5866666666666666666666666666666666666666666666666666666666666666");
        assert_eq!(Capabilities::for_recipient(&ed25519).unwrap().ids().count(), 5);
        assert!(Capabilities::for_recipient(&[0x30, 0]).is_err());
    }

    #[test]
    fn broken_ciphers_are_never_preferred() {
        let only_weak = Capabilities::from_der(&unhex("300c300a06082a864886f70d0307")).unwrap();
        assert_eq!(only_weak.preferred_cipher(), None);
        assert_eq!(Capabilities::from_der(&[0x30, 0]).unwrap(), Capabilities::default());
        let many = write(0x30, &[&unhex("300906072a8648ce3d0201").repeat(201)]);
        assert!(Capabilities::from_der(&many).is_err());
    }
}
