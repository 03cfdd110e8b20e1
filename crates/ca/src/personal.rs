//! What the holder of a key makes alone: a certificate signed by the key itself, and a request for one.
//!
//! Both are for encryption only (RFC 8550, section 4.4.2). Keys that can't sign, as those of X25519, get theirs from
//! [`LocalAuthority::certify_agreement`](crate::LocalAuthority::certify_agreement).

use std::str::FromStr;

use sealpost_rollover::Time;
use sealpost_smime::{Certificate, key::SoftwareKey};
use zeroize::Zeroizing;

use crate::{
    Error, Result,
    address::{self, MailName},
    certificate::{Template, random_serial},
    keys::Key,
    oid,
    profile::{self, Extension, usage},
    request, write,
};

/// How long a serial number may be: too long to be guessed or met twice, and RFC 5280, section 4.1.2.2, allows 20 octets.
const SERIAL: std::ops::RangeInclusive<usize> = 8..=20;

/// Whom a certificate is of: a name for people, and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    common_name: String,
    address: MailName,
}

impl Holder {
    /// Without a `name`, or with an empty one, the address stands for it.
    ///
    /// # Errors
    ///
    /// [`Error::Address`] if no certificate can carry the address, or if the name has controls or more than 64 characters
    /// (RFC 5280, appendix A.1).
    pub fn new(name: Option<&str>, address: &str) -> Result<Self> {
        let address = MailName::new(address)?;
        let name = name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(address.as_str());
        let wrong = |problem| Err(Error::Address { address: name.to_owned(), problem });
        match () {
            () if name.chars().count() > address::COMMON_NAME => {
                wrong("a name has at most 64 characters; give another")
            }
            () if name.chars().any(char::is_control) => wrong("a name has no control characters"),
            () => Ok(Self { common_name: name.to_owned(), address }),
        }
    }

    /// The address, its domain in small letters.
    #[must_use]
    pub fn address(&self) -> &str {
        self.address.as_str()
    }

    /// The name that certificates of this holder's making have, as their subject and as their issuer: DER of a Name.
    #[must_use]
    pub fn subject(&self) -> Vec<u8> {
        address::distinguished(&[(oid::COMMON_NAME, write::text(&self.common_name))])
    }

    /// The name for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.common_name
    }

    fn names(&self) -> [MailName; 1] {
        [self.address.clone()]
    }
}

/// Reads `charles@example.org`, `Charles <charles@example.org>` or `"Doe, Charles" <charles@example.org>`.
impl FromStr for Holder {
    type Err = Error;

    fn from_str(mailbox: &str) -> Result<Self> {
        let Some((name, address)) = mailbox.trim().strip_suffix('>').and_then(|text| text.rsplit_once('<')) else {
            return Self::new(None, mailbox.trim());
        };
        let name = name.trim();
        let quoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
        Self::new(Some(quoted.unwrap_or(name)), address)
    }
}

/// A certificate for encryption only, signed by its own key, which is one of P-256 or P-384.
///
/// Both ends of `validity` are in it. `serial_octets` is the length of the serial number, 8 to 20.
///
/// # Errors
///
/// [`Error::Key`] for a key of another kind, or if there is no randomness; [`Error::Refused`] for another length of the
/// serial number, or if the validity ends before it starts.
pub fn self_signed(
    key: &SoftwareKey,
    holder: &Holder,
    (not_before, not_after): (Time, Time),
    serial_octets: usize,
) -> Result<Certificate> {
    if !SERIAL.contains(&serial_octets) {
        return Err(Error::Refused(format!("a serial number of {serial_octets} octets: it has 8 to 20")));
    }
    if not_after < not_before {
        return Err(Error::Refused(format!("a validity that ends at {not_after}, before it starts at {not_before}")));
    }
    let key = agreeing(key)?;
    let template = Template {
        serial: write::unsigned(&random_serial(serial_octets)?),
        issuer: holder.subject(),
        not_before,
        not_after,
        subject: holder.subject(),
        spki: key.spki().to_vec(),
        extensions: vec![
            Extension::plain(oid::BASIC_CONSTRAINTS, write::sequence(&[])),
            Extension::critical(oid::KEY_USAGE, write::named_bits(usage::KEY_AGREEMENT)),
            Extension::plain(oid::EXTENDED_KEY_USAGE, profile::extended_key_usage(&[oid::EMAIL_PROTECTION])),
            Extension::plain(oid::SUBJECT_ALT_NAME, address::alternative_names(&holder.names())),
            profile::subject_key_id(key.spki()),
            profile::authority_key_id(key.spki()),
        ],
        version: Template::VERSION,
        algorithm: None,
    };
    let unreadable = Error::unreadable("the certificate");
    Certificate::from_der(&template.sign(&key)?).map_err(|problem| unreadable(&problem))
}

/// A request for a certificate for encryption only (PKCS#10, RFC 2986), of a key of P-256 or P-384: DER.
///
/// It names the address alone: what more a certificate says of its holder the authority finds out.
///
/// # Errors
///
/// [`Error::Key`] for a key of another kind.
pub fn certification_request(key: &SoftwareKey, holder: &Holder) -> Result<Vec<u8>> {
    request::write(&agreeing(key)?, holder.address(), &holder.names(), usage::KEY_AGREEMENT)
}

/// The key, if it agrees on secrets and signs.
fn agreeing(key: &SoftwareKey) -> Result<Key> {
    if profile::encryption_usage(key.public_key()) != Some(usage::KEY_AGREEMENT) || key.signing().is_none() {
        return Err(Error::Key("it is not one of P-256 or P-384"));
    }
    Key::from_pkcs8(Zeroizing::new(key.expose_pkcs8().to_vec()))
}

#[cfg(test)]
mod tests {
    use sealpost_rollover::Span;
    use sealpost_smime::{
        UnixTime,
        path::{Purpose, Validator},
    };

    use super::*;
    use crate::KeyKind;

    const START: Time = Time::from_unix(1_795_780_800);
    const ADDRESSES: [&str; 2] = ["Charles@Example.org", "çharles@example.org"];

    fn key(kind: KeyKind) -> SoftwareKey {
        SoftwareKey::from_pkcs8(Key::generate(kind).unwrap().expose_pkcs8()).unwrap()
    }

    #[test]
    fn a_certificate_of_its_own_making_is_for_encryption_only() {
        for (kind, name, address, octets) in [
            (KeyKind::P256, Some("Charles"), ADDRESSES[0], 8),
            (KeyKind::P384, Some("Çharles"), ADDRESSES[1], 20),
            (KeyKind::P256, None, ADDRESSES[0], 13),
        ] {
            let key = key(kind);
            let holder = Holder::new(name, address).unwrap();
            let end = START + Span::days(3650);
            let certificate = self_signed(&key, &holder, (START, end), octets).unwrap();
            assert!(key.matches(&certificate) && certificate.may_encrypt() && !certificate.may_sign());
            assert_eq!((certificate.subject(), certificate.issuer()), (&*holder.subject(), &*holder.subject()));
            assert!(certificate.subject_name().contains(name.unwrap_or(holder.address())));
            assert_eq!(certificate.addresses(), [holder.address()]);
            assert_eq!((certificate.not_before().0, certificate.not_after().0), (START.unix(), end.unix()));
            assert_eq!(certificate.serial().len(), octets);
            assert!((0x40..0x80).contains(&certificate.serial()[0]));
            let other = self_signed(&key, &holder, (START, end), octets).unwrap();
            assert_ne!(certificate.serial(), other.serial());
            // Who trusts it trusts it for that, for as long, and it is no authority for others.
            let validator =
                |at: Time, purpose| Validator::new(std::slice::from_ref(&certificate), UnixTime(at.unix()), purpose);
            assert!(validator(START, Purpose::EmailEncryption).validate(&certificate, &[]).is_ok());
            assert!(validator(end + Span::seconds(1), Purpose::EmailEncryption).validate(&certificate, &[]).is_err());
            assert!(validator(START, Purpose::EmailSigning).validate(&certificate, &[]).is_err());
            assert!(validator(START, Purpose::EmailEncryption).validate(&other, &[]).is_err());
        }
    }

    #[test]
    fn a_request_asks_for_the_same() {
        for kind in [KeyKind::P256, KeyKind::P384] {
            for address in ADDRESSES {
                let key = key(kind);
                let holder = Holder::new(Some("Charles"), address).unwrap();
                let request = request::read(&certification_request(&key, &holder).unwrap()).unwrap();
                assert_eq!(request.spki, key.public_key());
                assert_eq!(request.addresses, [holder.address()]);
            }
        }
    }

    #[test]
    fn a_holder_is_read_as_people_write_one() {
        for (mailbox, name) in [
            ("Charles <charles@example.org>", "Charles"),
            ("\"Doe, Charles\" <charles@example.org>", "Doe, Charles"),
            ("<charles@example.org>", "charles@example.org"),
            (" charles@EXAMPLE.org ", "charles@example.org"),
        ] {
            let holder: Holder = mailbox.parse().unwrap();
            assert_eq!((holder.name(), holder.address()), (name, "charles@example.org"), "{mailbox}");
        }
        for wrong in
            ["", "Charles", "Charles charles@example.org", "Charles <charles>", "C <a@b> <c@d", "<a@b>, <c@d>x"]
        {
            assert!(wrong.parse::<Holder>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_that_no_certificate_can_carry_are_refused() {
        let long = "x".repeat(65);
        for (name, address) in [
            (Some("Charles"), "charles"),
            (Some(&*long), "charles@example.org"),
            (Some("Cha\u{1b}rles"), "charles@example.org"),
            // It would have to stand for the name.
            (None, &*format!("{}@example.org", "a".repeat(60))),
        ] {
            assert!(matches!(Holder::new(name, address), Err(Error::Address { .. })), "{name:?} {address}");
        }
        assert!(Holder::new(Some(&"ç".repeat(64)), "charles@example.org").is_ok());
    }

    #[test]
    fn keys_of_other_kinds_and_wrong_lengths_are_refused() {
        let holder = Holder::new(None, ADDRESSES[0]).unwrap();
        let rsa = key(KeyKind::Rsa2048);
        assert!(matches!(self_signed(&rsa, &holder, (START, START), 8), Err(Error::Key(_))));
        assert!(matches!(certification_request(&rsa, &holder), Err(Error::Key(_))));
        let key = key(KeyKind::P256);
        for octets in [0, 7, 21] {
            assert!(matches!(self_signed(&key, &holder, (START, START), octets), Err(Error::Refused(_))), "{octets}");
        }
        assert!(self_signed(&key, &holder, (START, START - Span::seconds(1)), 8).is_err());
    }
}
