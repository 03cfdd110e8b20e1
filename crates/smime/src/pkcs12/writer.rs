//! Writes PKCS#12 files (RFC 7292): one key with its certificate and those above it, as every program of today reads it.

use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::mac;
use crate::{
    Certificate, Error, Result,
    algorithm::Digest,
    asn1::{write, write_oid, write_unsigned},
    key::{
        SoftwareKey,
        pbe::{self, NULL, Password, Purpose, SALT},
    },
    oid,
};

/// Rounds of key derivation, for each of the three: what OWASP's password storage cheat sheet asks of PBKDF2 with
/// HMAC-SHA-256. Who has the file can try passwords at the cheapest of the three, so none may be cheaper.
const ROUNDS: u32 = 600_000;

/// The fewest rounds that can be chosen.
const FEWEST: u32 = 10_000;

/// Makes a PKCS#12 file of a key, its certificate and those above it.
///
/// Key and certificates are encrypted by PBES2: PBKDF2 with HMAC-SHA-256, 600,000 rounds, and AES-256 in CBC mode. Whoever
/// knows the password made the file, says a code by HMAC-SHA-256 with a key as PKCS#12 derives it (RFC 7292 §B.2), of
/// as many rounds: it is what all programs read; PBMAC1 (RFC 9579) is not. RC2 and 3DES can't be written.
///
/// ```
/// # use sealpost_smime::{Certificate, Pkcs12Writer, Result, key::SoftwareKey};
/// # use zeroize::Zeroizing;
/// # fn export(key: &SoftwareKey, certificate: &Certificate, issuer: Certificate) -> Result<Zeroizing<Vec<u8>>> {
/// let rng = &mut getrandom::rand_core::UnwrapErr(getrandom::SysRng);
/// Pkcs12Writer::new(key, certificate).chain([issuer]).name("alice@example.com").write("correct horse", rng)
/// # }
/// ```
#[derive(Debug)]
pub struct Pkcs12Writer<'a> {
    key: &'a SoftwareKey,
    certificate: &'a Certificate,
    chain: Vec<Certificate>,
    name: Option<String>,
    rounds: u32,
}

impl<'a> Pkcs12Writer<'a> {
    /// Of `key`, which `certificate` is of.
    #[must_use]
    pub const fn new(key: &'a SoftwareKey, certificate: &'a Certificate) -> Self {
        Self { key, certificate, chain: Vec::new(), name: None, rounds: ROUNDS }
    }

    /// With the certificates above it, the issuer's first.
    #[must_use]
    pub fn chain(mut self, chain: impl IntoIterator<Item = Certificate>) -> Self {
        self.chain.extend(chain);
        self
    }

    /// With a name for people (`friendlyName`, RFC 2985 §5.5.1).
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// With another number of rounds for readers that refuse so many: .NET does from 300,001 on. Fewer than 10,000 are
    /// 10,000.
    #[must_use]
    pub fn rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds.max(FEWEST);
        self
    }

    /// The file, in DER.
    ///
    /// # Errors
    ///
    /// [`Error::Pkcs12`] if the certificate is of another key or the password is empty.
    pub fn write(&self, password: &str, rng: &mut dyn CryptoRng) -> Result<Zeroizing<Vec<u8>>> {
        if !self.key.matches(self.certificate) {
            return Err(Error::Pkcs12("the certificate is of another key"));
        }
        if password.is_empty() {
            return Err(Error::Pkcs12("it would be without a password"));
        }
        let password = Password::new(password);
        let safes = write(0x30, &[&self.certificates(&password, rng)?, &self.shrouded(&password, rng)?]);
        let code = self.code(&safes, &password, rng)?;
        Ok(Zeroizing::new(write(0x30, &[&write_unsigned(&[3]), &data(&safes), &code])))
    }

    /// The certificates, encrypted together: EncryptedData (RFC 5652 §8), not to be confused with one of keys.
    fn certificates(&self, password: &Password, rng: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        let own = certificate_bag(self.certificate, &self.label());
        let above: Vec<u8> = self.chain.iter().flat_map(|certificate| certificate_bag(certificate, &[])).collect();
        let (algorithm, encrypted) = pbe::encrypt(&write(0x30, &[&own, &above]), password, self.rounds, rng)?;
        // [0] IMPLICIT OCTET STRING.
        let info = write(0x30, &[&write_oid(oid::DATA), &algorithm, &write(0x80, &[&encrypted])]);
        let encrypted = write(0x30, &[&write_unsigned(&[0]), &info]);
        Ok(write(0x30, &[&write_oid(oid::ENCRYPTED_DATA), &write(0xa0, &[&encrypted])]))
    }

    /// The key, encrypted by itself.
    fn shrouded(&self, password: &Password, rng: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        let value = self.key.shroud(password, self.rounds, rng)?;
        Ok(data(&write(0x30, &[&bag(oid::SHROUDED_KEY_BAG, &value, &self.label())])))
    }

    /// MacData (RFC 7292 §4).
    fn code(&self, safes: &[u8], password: &Password, rng: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let digest = Digest::Sha256;
        let key = pbe::derive_pkcs12(digest, Purpose::Mac, &password.utf16, (&salt, self.rounds), digest.len());
        let code = mac::hmac(digest, &key, safes).ok_or(Error::Pkcs12("there is no code for it"))?;
        let algorithm = write(0x30, &[&write_oid(oid::SHA256), &NULL]);
        let info = write(0x30, &[&algorithm, &write(0x04, &[&code])]);
        Ok(write(0x30, &[&info, &write(0x04, &[&salt]), &write_unsigned(&self.rounds.to_be_bytes())]))
    }

    /// PKCS12Attributes of the key and its certificate (RFC 7292 §4.2): a name of the key, by which programs find the
    /// certificate, and the one for people. A SET OF in DER is in the order of its elements' octets.
    fn label(&self) -> Vec<u8> {
        let id = Sha256::digest(self.key.public_key());
        let id = attribute(oid::LOCAL_KEY_ID, &write(0x04, &[id.get(..20).unwrap_or_default()]));
        let name = self.name.as_ref().map(|name| {
            let units: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
            attribute(oid::FRIENDLY_NAME, &write(0x1e, &[&units]))
        });
        let mut attributes: Vec<_> = name.into_iter().chain([id]).collect();
        attributes.sort_unstable();
        write(0x31, &[&attributes.concat()])
    }
}

/// ContentInfo of the type `data`, with an OCTET STRING.
fn data(content: &[u8]) -> Vec<u8> {
    write(0x30, &[&write_oid(oid::DATA), &write(0xa0, &[&write(0x04, &[content])])])
}

/// SafeBag. Attributes are a SET in DER, or nothing.
fn bag(id: der::oid::ObjectIdentifier, value: &[u8], attributes: &[u8]) -> Vec<u8> {
    write(0x30, &[&write_oid(id), &write(0xa0, &[value]), attributes])
}

fn certificate_bag(certificate: &Certificate, attributes: &[u8]) -> Vec<u8> {
    let der = write(0xa0, &[&write(0x04, &[certificate.as_der()])]);
    bag(oid::CERTIFICATE_BAG, &write(0x30, &[&write_oid(oid::X509_CERTIFICATE), &der]), attributes)
}

fn attribute(id: der::oid::ObjectIdentifier, value: &[u8]) -> Vec<u8> {
    write(0x30, &[&write_oid(id), &write(0x31, &[value])])
}
