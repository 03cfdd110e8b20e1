//! Under which names of mail a certificate goes.

use sealpost_rollover::{Slot, SubjectKind};

use crate::{Error, Result, oid, write};

/// Who signs in a domain's name (RFC 3183, section 3.1.1).
const DOMAIN_SIGNS: &str = "domain-signing-authority";
/// To whom mail for a domain is encrypted (RFC 3183, section 4).
const DOMAIN_DECRYPTS: &str = "domain-confidentiality-authority";
/// RFC 5280, appendix A.1: ub-common-name.
pub(crate) const COMMON_NAME: usize = 64;

/// RFC 5321, section 4.5.3.1.1.
const LOCAL_PART: usize = 64;

/// An atom (RFC 5322, section 3.2.3), or one with characters beyond ASCII (RFC 6532, section 3.2).
fn is_atom(text: &str) -> bool {
    let visible = |c: char| !c.is_control() && !c.is_whitespace() && c != '\u{feff}';
    let may = |c: char| match c {
        '!' | '#'..='\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^'..='`' | '{'..='~' => true,
        _ => c.is_ascii_alphanumeric() || (!c.is_ascii() && visible(c)),
    };
    !text.is_empty() && text.chars().all(may)
}

/// A name of mail in a certificate: rfc822Name, or SmtpUTF8Mailbox where the local part is not ASCII (RFC 9598).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailName(String);

impl MailName {
    /// The domain in small letters, and as the DNS writes it: certificates compare it so (RFC 9598, section 3).
    pub(crate) fn new(address: &str) -> Result<Self> {
        let wrong = |problem| Error::Address { address: address.to_owned(), problem };
        let (local, domain) = address.rsplit_once('@').ok_or_else(|| wrong("an address has one @"))?;
        if local.len() > LOCAL_PART || !local.split('.').all(is_atom) {
            return Err(wrong("its local part is empty, too long, or must be quoted"));
        }
        let label = |label: &str| {
            let plain = label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
            (1..=63).contains(&label.len()) && plain && !label.starts_with('-') && !label.ends_with('-')
        };
        if !domain.split('.').all(label) || domain.len() > 253 {
            return Err(wrong("its domain must be written as the DNS does (xn--…)"));
        }
        Ok(Self(format!("{local}@{}", domain.to_ascii_lowercase())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// GeneralName in DER.
    pub(crate) fn to_der(&self) -> Vec<u8> {
        if self.0.is_ascii() {
            return write::implicit(1, self.0.as_bytes());
        }
        write::tagged(0, &[&write::oid(oid::SMTP_UTF8_MAILBOX), &write::tagged(0, &[&write::utf8(&self.0)])])
    }
}

/// The names for the key of a subject's slot; none for a credential.
///
/// A domain is named by the two roles that RFC 3183 gives it: who signs and who decrypts in its name. So a domain
/// certificate is one for mailboxes, whose form the Baseline Requirements rule, and no gateway takes it for a user's.
pub(crate) fn names(kind: SubjectKind, slot: Slot, address: &str) -> Result<Vec<MailName>> {
    match kind {
        SubjectKind::CaCredential => Ok(Vec::new()),
        SubjectKind::Domain => {
            let signs = slot.signs().then_some(DOMAIN_SIGNS);
            let decrypts = slot.decrypts().then_some(DOMAIN_DECRYPTS);
            signs.into_iter().chain(decrypts).map(|role| MailName::new(&format!("{role}@{address}"))).collect()
        }
        _ => Ok(vec![MailName::new(address)?]),
    }
}

/// The value of subjectAltName: GeneralNames in DER.
pub(crate) fn alternative_names(names: &[MailName]) -> Vec<u8> {
    let names: Vec<_> = names.iter().map(MailName::to_der).collect();
    write::sequence(&[&names.concat()])
}

/// The subject of a certificate: the first of its names, or none where that is too long. Mailbox-validated
/// certificates may say no more (S/MIME Baseline Requirements, section 7.1.4.2.3).
pub(crate) fn subject(names: &[MailName], address: &str) -> Vec<u8> {
    let name = names.first().map_or(address, MailName::as_str);
    if name.chars().count() > COMMON_NAME {
        return write::sequence(&[]);
    }
    distinguished(&[(oid::COMMON_NAME, write::text(name))])
}

/// A distinguished name with one attribute a part.
pub(crate) fn distinguished(attributes: &[(der::oid::ObjectIdentifier, Vec<u8>)]) -> Vec<u8> {
    let parts: Vec<_> =
        attributes.iter().map(|(id, value)| write::set(vec![write::sequence(&[&write::oid(*id), value])])).collect();
    write::sequence(&[&parts.concat()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_dns_and_certificates_write_is_a_name() {
        assert_eq!(MailName::new("A.b@Example.ORG").unwrap().as_str(), "A.b@example.org");
        for wrong in [
            "",
            "@x.org",
            "a@",
            "a",
            "a@müller.de",
            "a b@x.org",
            "a@-x.org",
            "a@x..org",
            "\u{feff}a@x.org",
            "a..b@x.org",
            "\"a\"@x.org",
            "a,b@x.org",
        ] {
            assert!(MailName::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_domain_is_named_by_its_roles() {
        let names = |slot| {
            let names = names(SubjectKind::Domain, slot, "example.org").unwrap();
            names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(Slot::Sign), ["domain-signing-authority@example.org"]);
        assert_eq!(names(Slot::Encrypt), ["domain-confidentiality-authority@example.org"]);
        assert_eq!(names(Slot::Dual).len(), 2);
    }
}
