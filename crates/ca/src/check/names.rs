//! For whom a certificate is (section 7.1.4.2).

use std::collections::HashSet;

use der::{asn1::Utf8StringRef, oid::ObjectIdentifier};
use x509_cert::{
    attr::AttributeTypeAndValue,
    ext::pkix::name::GeneralName,
    name::{RdnSequence, RelativeDistinguishedName},
};

use super::{
    Findings, Rule,
    usage::{self, Level},
    view::View,
};
use crate::{address::MailName, oid, request};

/// What the subject of a mailbox-validated certificate may have (section 7.1.4.2.3).
const MAILBOX: [ObjectIdentifier; 3] = [oid::COMMON_NAME, oid::SERIAL_NUMBER, oid::EMAIL_ADDRESS];

pub(super) fn judge(view: &View<'_>, wanted: &[MailName], findings: &mut Findings) {
    let names = view.names.as_ref().map(|names| names.0.as_slice()).unwrap_or_default();
    let addresses: Vec<String> = names.iter().filter_map(request::mail).collect();
    if addresses.is_empty() {
        findings.add(Rule::Address, "it has no mail address");
    }
    asked(&addresses, wanted, findings);
    let level = view.policies.iter().flatten().find_map(usage::reserved).map(|(level, _)| level);
    // Without a policy, the least is taken: it says nothing about anybody but an address.
    let subject = Subject { mailbox: level.is_none_or(|level| level == Level::Mailbox), addresses: &addresses };
    subject.judge(&view.subject, findings);
    for name in names {
        kind(name, &subject, findings);
    }
    if view.subject.is_empty() && view.names.is_some() && !view.is_critical(oid::SUBJECT_ALT_NAME) {
        findings.add(Rule::EmptySubject, "its subject is empty, but its alternative names are not critical");
    }
}

/// All of them and no other: a certificate for somebody else's address too would let us sign as them.
fn asked(addresses: &[String], wanted: &[MailName], findings: &mut Findings) {
    let found: HashSet<String> = addresses.iter().map(|address| folded(address)).collect();
    let wanted: HashSet<String> = wanted.iter().map(|name| folded(name.as_str())).collect();
    if wanted.is_empty() {
        findings.add(Rule::AskedAddress, "no certificate can be for that address");
    }
    for address in wanted.difference(&found) {
        findings.add(Rule::AskedAddress, format!("it is not for {address:?}"));
    }
    for address in found.difference(&wanted) {
        findings.add(Rule::AskedAddress, format!("it is also for {address:?}, which was not asked for"));
    }
}

/// With the domain in small letters.
fn folded(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
        None => address.to_owned(),
    }
}

fn kind(name: &GeneralName, subject: &Subject<'_>, findings: &mut Findings) {
    match name {
        GeneralName::Rfc822Name(address) => {
            if MailName::new(address.as_str()).is_err() {
                findings.add(Rule::NameForm, format!("{:?} is no address", address.as_str()));
            }
        }
        GeneralName::OtherName(other) if other.type_id == oid::SMTP_UTF8_MAILBOX => {
            let text = other.value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
            let text = text.unwrap_or_default();
            // Only for what rfc822Name can't have, with the domain in small letters (RFC 9598, section 3).
            if text.is_ascii() || MailName::new(&text).ok().is_none_or(|name| name.as_str() != text) {
                findings.add(Rule::NameForm, format!("{text:?} is no SmtpUTF8Mailbox"));
            }
        }
        // One more name of the subject.
        GeneralName::DirectoryName(name) => subject.judge(&name.clone().into(), findings),
        _ => findings.add(Rule::NameKind, "it has alternative names that are no addresses"),
    }
}

/// What distinguished names of the subject are compared with.
struct Subject<'a> {
    /// Whether only its mailbox was validated.
    mailbox: bool,
    addresses: &'a [String],
}

impl Subject<'_> {
    fn judge(&self, name: &RdnSequence, findings: &mut Findings) {
        for attribute in name.iter().flat_map(RelativeDistinguishedName::iter) {
            if self.mailbox && !MAILBOX.contains(&attribute.oid) {
                findings.add(Rule::Subject, format!("its subject has the attribute {}", attribute.oid));
            }
            let said = (self.mailbox && attribute.oid == oid::COMMON_NAME) || attribute.oid == oid::EMAIL_ADDRESS;
            if said && !text(attribute).is_some_and(|text| self.addresses.contains(&text)) {
                findings.add(Rule::Subject, "its subject names an address that its alternative names do not");
            }
        }
    }
}

fn text(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    match der::Tagged::tag(value) {
        der::Tag::Utf8String | der::Tag::PrintableString | der::Tag::Ia5String => {
            str::from_utf8(value.value()).ok().map(str::to_owned)
        }
        _ => None,
    }
}
