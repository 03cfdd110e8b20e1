//! Protected header fields (RFC 9788): copied into what is signed or encrypted, and read from there.

mod restore;

use std::collections::BTreeMap;

use sealpost_mail::Parameterized;

use crate::{
    Limits, Result,
    identity::same_address,
    mime::{
        address::Mailbox,
        claim::Claim,
        frame::missing_version,
        header::{Field, Header},
        transfer::Decoded,
    },
};

pub(crate) use restore::restored;

/// What is outside in the place of a hidden Subject (RFC 9788 §3.2.1).
const HIDDEN_SUBJECT: &[u8] = b"Subject: [...]\r\n";
/// The field that records inside what the sender put outside (RFC 9788 §2.2).
const OUTER: &str = "hp-outer";
/// Fields that are written on the way, or for it: they are neither protected nor believed inside.
const TRACE: [&str; 16] = [
    "received",
    "return-path",
    "delivered-to",
    "x-original-to",
    "x-envelope-to",
    "x-envelope-from",
    "envelope-to",
    "received-spf",
    "authentication-results",
    "dkim-signature",
    "domainkey-signature",
    "arc-seal",
    "arc-message-signature",
    "arc-authentication-results",
    "bcc",
    "mime-version",
];

/// How header fields are to be protected (RFC 9788).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderProtection {
    /// In a signed mail that is not encrypted: all stay outside, too.
    Clear,
    /// In an encrypted mail, or in a signed one that is encrypted next, with this policy.
    Cipher(HeaderConfidentiality),
}

/// Which header fields an encrypted mail hides (RFC 9788 §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderConfidentiality {
    /// `hcp_baseline`: Subject becomes `[...]`, Comments and Keywords are left out.
    #[default]
    Baseline,
    /// `hcp_no_confidentiality`: none. For gateways whose neighbours file mails by subject.
    Nothing,
}

/// A header in two: for outside, and for the root of what is protected. Without empty lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Composed {
    pub(crate) outer: Vec<u8>,
    pub(crate) inner: Vec<u8>,
}

impl Composed {
    /// Composes both: without protection as [`Header::split`] does, else as RFC 9788 §5.2 says. Outside there is
    /// MIME-Version in any case.
    pub(crate) fn for_body(header: &Header, protection: Option<HeaderProtection>) -> Self {
        let plain = || {
            let (outer, inner) = header.split();
            Self { outer, inner }
        };
        let mut composed = protection.map_or_else(plain, |protection| Self::new(header, protection));
        composed.outer.extend_from_slice(missing_version(header));
        composed
    }

    /// Composes both (RFC 9788 §5.2). What [`Header::split`] leaves outside stays outside, octet for octet, but for what
    /// the policy hides.
    fn new(header: &Header, protection: HeaderProtection) -> Self {
        let (mut outer, mut inner) = (header.mailbox_line().to_vec(), Vec::new());
        let (mut record, mut content) = (Vec::new(), Vec::new());
        for field in header.fields().filter(|field| !is(field, OUTER)) {
            if is_content(&field) {
                push(&mut content, field.raw);
                continue;
            }
            if !is_protectable(&field) {
                push(&mut outer, field.raw);
                continue;
            }
            push(&mut inner, field.raw);
            if let Some(shown) = protection.shown(&field) {
                push(&mut outer, shown);
                if protection != HeaderProtection::Clear {
                    push(&mut record, &[b"HP-Outer: ", shown].concat());
                }
            }
        }
        inner.extend(record);
        inner.extend(with_parameter(&content, protection));
        Self { outer, inner }
    }
}

impl HeaderProtection {
    fn name(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Cipher(_) => "cipher",
        }
    }

    /// What of a field is shown outside.
    fn shown<'a>(self, field: &Field<'a>) -> Option<&'a [u8]> {
        match self {
            Self::Cipher(HeaderConfidentiality::Baseline) if is(field, "subject") => Some(HIDDEN_SUBJECT),
            Self::Cipher(HeaderConfidentiality::Baseline) if is(field, "comments") || is(field, "keywords") => None,
            _ => Some(field.raw),
        }
    }
}

/// In which way header fields are protected in a mail that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProtectedForm {
    /// `hp="clear"` (RFC 9788 §2.1).
    Clear,
    /// `hp="cipher"`.
    Cipher,
    /// `protected-headers="v1"`, as programs wrote before RFC 9788.
    Old,
    /// A whole mail inside (RFC 8551 §3.1; RFC 9788 §4.10).
    Wrapped,
}

/// The header fields that were protected in a mail. What stands outside somebody on the way may have written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtectedHeader {
    /// In which way.
    pub form: ProtectedForm,
    /// Their names and values, without folding and encoded words.
    pub fields: Vec<(String, String)>,
    /// The names, in lower case, of those that are not outside as they are inside: what the sender hid, and what was
    /// changed.
    pub differ: Vec<String>,
}

/// The headers that a content starts with.
pub(crate) struct Heads {
    pub(crate) payload: Header,
    pub(crate) protected: Option<ProtectedFields>,
    /// Octets of the payload's header and, if its body is a mail, of that mail's.
    pub(crate) len: usize,
}

impl Heads {
    /// Reads the beginning of a content.
    pub(crate) fn read(head: &[u8], limits: &Limits) -> Result<Self> {
        let payload = Header::read_from(head, limits)?;
        let mut len = payload.raw().len();
        let content_type = payload.content_type();
        // Where there is another layer inside, the payload is in there.
        if Claim::of(&payload, &content_type) != Claim::None {
            return Ok(Self { payload, protected: None, len });
        }
        let mut wrapped = None;
        if content_type.value() == "message/rfc822" {
            let header = Header::read_from(head.get(len..).unwrap_or_default(), limits)?;
            len += header.raw().len();
            wrapped = Some(header);
        }
        let protected = ProtectedFields::read(&payload, wrapped.as_ref());
        Ok(Self { payload, protected, len })
    }

    /// The headers in a content that name an author, whichever of them a program shows: that of the content, and that
    /// of a mail which is all of it.
    pub(crate) fn with_author(head: &[u8], limits: &Limits) -> Result<Vec<Header>> {
        let payload = Header::read_from(head, limits)?;
        let is_mail = |field: Field<'_>| Parameterized::read(field.value()).value().starts_with("message/");
        let inner = payload.all("content-type").any(is_mail).then(|| {
            let body = head.get(payload.raw().len()..).unwrap_or_default();
            Header::read_from(Decoded::new(body, payload.encoding()), limits).ok()
        });
        let mut all: Vec<_> = std::iter::once(payload).chain(inner.flatten()).collect();
        all.retain(|header| header.all("from").next().is_some());
        Ok(all)
    }
}

/// Header fields that were protected.
#[derive(Clone, Debug)]
pub(crate) struct ProtectedFields {
    pub(crate) form: ProtectedForm,
    header: Header,
}

/// A field that is not outside as it is inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// In lower case.
    pub(crate) name: String,
    pub(crate) inner: Vec<Vec<u8>>,
    pub(crate) outer: Vec<Vec<u8>>,
}

impl ProtectedFields {
    /// Reads them from the header of what was protected: of the innermost signed or encrypted layer, and only of its
    /// root (RFC 9788 §4.1). `wrapped` is the header that its body starts with, if it is message/rfc822.
    pub(crate) fn read(payload: &Header, wrapped: Option<&Header>) -> Option<Self> {
        let content_type = payload.content_type();
        let here = |form| Some(Self { form, header: payload.clone() });
        match parameter(&content_type, "hp").as_deref() {
            Some("clear") => return here(ProtectedForm::Clear),
            Some("cipher") => return here(ProtectedForm::Cipher),
            Some(_) => return None,
            None => {}
        }
        if parameter(&content_type, "protected-headers").as_deref() == Some("v1") {
            return here(ProtectedForm::Old);
        }
        let wrapped = wrapped.filter(|_| content_type.value() == "message/rfc822")?;
        let inner = wrapped.content_type();
        let plain = Claim::of(wrapped, &inner) == Claim::None && inner.parameter("hp").is_none();
        plain.then(|| Self { form: ProtectedForm::Wrapped, header: wrapped.clone() })
    }

    /// The protected fields, in their order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.header.fields().filter(|field| is_protectable(field) && !is(field, OUTER))
    }

    /// The protected fields as a header of their own.
    pub(crate) fn header(&self) -> Header {
        let mut header = Header::default();
        for field in self.fields() {
            for line in field.raw.split_inclusive(|c| *c == b'\n') {
                header.line(line);
            }
        }
        header
    }

    /// The same for callers, beside the header outside.
    pub(crate) fn report(&self, outer: &Header) -> ProtectedHeader {
        let text = |field: Field<'_>| (String::from_utf8_lossy(field.name).into_owned(), field.text());
        ProtectedHeader {
            form: self.form,
            fields: self.fields().map(text).collect(),
            differ: self.differences(outer).into_iter().map(|difference| difference.name).collect(),
        }
    }

    /// What the sender says to have put outside: the fields' names and values.
    pub(crate) fn recorded(&self) -> Vec<(String, Vec<u8>)> {
        let fields = self.header.all(OUTER).filter_map(|field| {
            let value = field.unfolded();
            let colon = memchr::memchr(b':', &value)?;
            let (name, value) = value.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii().to_vec();
            Some((lower(name.trim_ascii()), value))
        });
        fields.collect()
    }

    /// The fields that are not outside as they are inside: what the sender hid, and what was changed on the way.
    pub(crate) fn differences(&self, outer: &Header) -> Vec<Difference> {
        let mut outside = by_name(outer.fields());
        let inside = by_name(self.fields()).into_iter().map(|(name, inner)| {
            let outer = outside.remove(&name).unwrap_or_default();
            let values = |fields: Vec<Field<'_>>| fields.iter().map(Field::unfolded).collect();
            Difference { name, inner: values(inner), outer: values(outer) }
        });
        inside.filter(|field| field.inner != field.outer).collect()
    }

    /// Whether inside and outside another one is named as the author (RFC 9788 §4.4): `None` if there is no From inside.
    pub(crate) fn same_author(&self, outer: &Header) -> Option<bool> {
        let author = |header: &Header| {
            let mut fields = header.all("from");
            let only = fields.next().filter(|_| fields.next().is_none())?;
            let mut list = Mailbox::list(&only.unfolded()).ok()?;
            list.pop().filter(|_| list.is_empty())
        };
        let inside = self.header();
        inside.all("from").next()?;
        Some(author(&inside).zip(author(outer)).is_some_and(|(a, b)| same_address(&a.address(), &b.address())))
    }
}

fn by_name<'a>(fields: impl Iterator<Item = Field<'a>>) -> BTreeMap<String, Vec<Field<'a>>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    fields.for_each(|field| all.entry(lower(field.name)).or_default().push(field));
    all
}

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

fn is(field: &Field<'_>, name: &str) -> bool {
    field.name.eq_ignore_ascii_case(name.as_bytes())
}

/// Whether it describes the body.
fn is_content(field: &Field<'_>) -> bool {
    field.name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"))
}

fn is_protectable(field: &Field<'_>) -> bool {
    let resent = field.name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case(b"resent-"));
    !is_content(field) && !resent && !TRACE.iter().any(|name| is(field, name))
}

fn parameter(content_type: &Parameterized, name: &str) -> Option<String> {
    content_type.parameter(name).map(|value| String::from_utf8_lossy(value).to_ascii_lowercase())
}

/// Adds a field, with a line end even if it is the last of a mail that has no body.
fn push(to: &mut Vec<u8>, raw: &[u8]) {
    to.extend_from_slice(raw);
    if !raw.ends_with(b"\n") {
        to.extend_from_slice(b"\r\n");
    }
}

/// The fields that describe the body, with the parameter `hp`.
fn with_parameter(fields: &[u8], protection: HeaderProtection) -> Vec<u8> {
    let mut content = Header::default();
    for line in fields.split_inclusive(|c| *c == b'\n') {
        content.line(line);
    }
    let (mut to, mut done) = (Vec::new(), false);
    let name = protection.name();
    for field in content.fields() {
        if done || !is(&field, "content-type") {
            push(&mut to, field.raw);
            continue;
        }
        done = true;
        to.extend(without_parameter(field.raw, "hp"));
        to.extend_from_slice(format!(";\r\n hp=\"{name}\"\r\n").as_bytes());
    }
    if !done {
        // What it is without the field (RFC 2045 §5.2).
        to.extend_from_slice(format!("Content-Type: text/plain; charset=us-ascii; hp=\"{name}\"\r\n").as_bytes());
    }
    to
}

/// A field without this parameter, and without its line end.
fn without_parameter(raw: &[u8], name: &str) -> Vec<u8> {
    let (mut quoted, mut depth, mut escaped) = (false, 0_usize, false);
    let separates = |c: &u8| {
        let this = !quoted && depth == 0 && *c == b';';
        match *c {
            _ if escaped => escaped = false,
            b'\\' if quoted || depth > 0 => escaped = true,
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        this
    };
    let keeps = |section: &&[u8]| {
        let read = Parameterized::read(&[b"x;", *section].concat());
        !section.trim_ascii().is_empty() && read.parameter(name).is_none()
    };
    let kept: Vec<_> = raw.split(separates).filter(keeps).map(<[u8]>::trim_ascii_end).collect();
    kept.join(&b";"[..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, mime::testing::mails};

    fn header(text: &str) -> Header {
        Header::read_from(text.as_bytes(), &Limits::default()).unwrap()
    }

    fn text(octets: &[u8]) -> String {
        String::from_utf8(octets.to_vec()).unwrap()
    }

    const MAIL: &str = "Received: x\r\nFrom: A <a@b>\r\nTo: c@d,\r\n e@f\r\nSubject: secret\r\nKeywords: k\r\nMIME-Version: 1.0\r\n\
                        Content-Type: text/plain;\r\n\tcharset=\"x;y\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n";

    #[test]
    fn a_signed_mail_has_its_fields_inside_too() {
        let composed = Composed::new(&header(MAIL), HeaderProtection::Clear);
        assert_eq!(
            text(&composed.outer),
            "Received: x\r\nFrom: A <a@b>\r\nTo: c@d,\r\n e@f\r\nSubject: secret\r\nKeywords: k\r\nMIME-Version: 1.0\r\n"
        );
        assert_eq!(
            text(&composed.inner),
            "From: A <a@b>\r\nTo: c@d,\r\n e@f\r\nSubject: secret\r\nKeywords: k\r\nContent-Type: text/plain;\r\n\t\
             charset=\"x;y\";\r\n hp=\"clear\"\r\nContent-Transfer-Encoding: 7bit\r\n"
        );
    }

    #[test]
    fn an_encrypted_mail_hides_what_the_policy_hides() {
        let composed = Composed::new(&header(MAIL), HeaderProtection::Cipher(HeaderConfidentiality::Baseline));
        assert_eq!(
            text(&composed.outer),
            "Received: x\r\nFrom: A <a@b>\r\nTo: c@d,\r\n e@f\r\nSubject: [...]\r\nMIME-Version: 1.0\r\n"
        );
        assert_eq!(
            text(&composed.inner),
            "From: A <a@b>\r\nTo: c@d,\r\n e@f\r\nSubject: secret\r\nKeywords: k\r\nHP-Outer: From: A <a@b>\r\n\
             HP-Outer: To: c@d,\r\n e@f\r\nHP-Outer: Subject: [...]\r\nContent-Type: text/plain;\r\n\tcharset=\"x;y\";\r\n \
             hp=\"cipher\"\r\nContent-Transfer-Encoding: 7bit\r\n"
        );
        let open = Composed::new(&header(MAIL), HeaderProtection::Cipher(HeaderConfidentiality::Nothing));
        assert!(text(&open.outer).contains("Subject: secret") && text(&open.inner).contains("HP-Outer: Keywords: k"));
    }

    #[test]
    fn what_was_composed_is_read_and_restored() {
        let mail = header(MAIL);
        for protection in [HeaderProtection::Clear, HeaderProtection::Cipher(HeaderConfidentiality::Baseline)] {
            let composed = Composed::new(&mail, protection);
            let outer = header(&format!("{}Content-Type: application/pkcs7-mime\r\n\r\n", text(&composed.outer)));
            let payload = header(&text(&composed.inner));
            let read = ProtectedFields::read(&payload, None).unwrap();
            assert_eq!(read.same_author(&outer), Some(true));
            let differences: Vec<_> = read.differences(&outer).into_iter().map(|found| found.name).collect();
            if protection == HeaderProtection::Clear {
                assert_eq!((read.form, differences.as_slice()), (ProtectedForm::Clear, &[][..]));
            } else {
                assert_eq!(
                    (read.form, differences),
                    (ProtectedForm::Cipher, vec!["keywords".into(), "subject".into()])
                );
                assert_eq!(read.recorded().last(), Some(&("subject".into(), b"[...]".to_vec())));
            }
            let restored = header(&text(&restored(&outer, &payload, Some(&read))));
            for field in mail.fields().filter(|field| !is(field, "content-type")) {
                let name = text(field.name);
                assert!(restored.all(&name).map(|field| field.unfolded()).eq([field.unfolded()]), "{name}");
            }
            assert!(restored.all("hp-outer").next().is_none());
        }
    }

    #[test]
    fn only_the_parameter_protects() {
        let outer = header("From: a@b\r\nSubject: outside\r\n\r\n");
        for (payload, subject) in [
            ("Subject: inside\r\nContent-Type: text/plain\r\n", "outside"),
            ("Subject: inside\r\nContent-Type: text/plain; hp=\"Clear\"\r\n", "inside"),
            ("Subject: inside\r\nContent-Type: text/plain; hp=other\r\n", "outside"),
            ("Subject: inside\r\nContent-Type: text/plain; protected-headers=v1\r\n", "inside"),
            ("Content-Type: message/rfc822\r\n", "wrapped"),
            ("Content-Type: message/rfc822; hp=x\r\n", "outside"),
        ] {
            let payload = header(payload);
            let wrapped = header("Subject: wrapped\r\nContent-Type: text/x\r\n\r\n");
            let read = ProtectedFields::read(&payload, Some(&wrapped));
            let restored = header(&text(&restored(&outer, &payload, read.as_ref())));
            assert_eq!(restored.all("subject").next().unwrap().unfolded(), subject.as_bytes());
            assert_eq!(restored.all("content-type").count(), 1);
            assert_eq!(restored.content_type().value() == "text/x", subject == "wrapped");
        }
        for wrapped in
            ["Content-Type: text/x; hp=clear", "Content-Type: application/pkcs7-mime", "Content-Type: multipart/signed"]
        {
            assert!(
                ProtectedFields::read(&header("Content-Type: message/rfc822\r\n"), Some(&header(wrapped))).is_none()
            );
        }
    }

    #[test]
    fn another_author_inside_is_seen_and_not_put_outside() {
        let payload =
            header("From: A <x@y>\r\nSubject: s\r\nReceived: forged\r\nContent-Type: text/plain; hp=clear\r\n");
        let read = ProtectedFields::read(&payload, None).unwrap();
        for (outer, same) in [("From: X@Y", true), ("From: a@b", false), ("From: x@y, a@b", false), ("To: x@y", false)]
        {
            let outer = header(&format!("{outer}\r\n\r\n"));
            assert_eq!(read.same_author(&outer), Some(same));
            let restored = text(&restored(&outer, &payload, Some(&read)));
            assert_eq!(restored.contains("A <x@y>"), same, "{restored}");
            assert!(!restored.contains("forged"));
        }
    }

    #[test]
    fn only_what_is_for_readers_comes_outside() {
        let outer = header("From: a@b\r\nX-Spam: yes\r\nX-Other: outside\r\n\r\n");
        let payload = header(
            "From: A <a@b>\r\nSubject: s\rFrom: x@y\0z\r\nX-Spam: no\r\nX-New: yes\r\n\
             Content-Type: text/plain;\r hp=clear\r\n\r\n",
        );
        let read = ProtectedFields::read(&payload, None).unwrap();
        assert_eq!(
            text(&restored(&outer, &payload, Some(&read))),
            "From: A <a@b>\r\nX-Spam: yes\r\nX-Other: outside\r\nSubject: s From: x@y z\r\n\
             Content-Type: text/plain;  hp=clear\r\n"
        );
    }

    #[test]
    fn a_parameter_is_replaced() {
        for (content_type, expected) in [
            ("text/plain", "text/plain;\r\n hp=\"clear\""),
            ("text/plain;", "text/plain;\r\n hp=\"clear\""),
            ("text/plain; hp=\"cipher\"; a=b", "text/plain; a=b;\r\n hp=\"clear\""),
            ("text/plain; a=\"; hp=x\" (;\\) \")", "text/plain; a=\"; hp=x\" (;\\) \");\r\n hp=\"clear\""),
        ] {
            let composed =
                Composed::new(&header(&format!("Content-Type: {content_type}\r\n\r\n")), HeaderProtection::Clear);
            assert_eq!(text(&composed.inner), format!("Content-Type: {expected}\r\n"));
        }
        let composed = Composed::new(&header("To: x"), HeaderProtection::Clear);
        assert_eq!(text(&composed.inner), "To: x\r\nContent-Type: text/plain; charset=us-ascii; hp=\"clear\"\r\n");
    }

    #[test]
    fn the_old_form_is_read() {
        let Some(vectors) = sealpost_testkit::vectors() else { return };
        let folder = vectors.join("smime/autocrypt-protected-headers");
        for (outer, _) in mails("autocrypt-protected-headers") {
            let name = outer.strip_suffix("eml").unwrap();
            let inner = [format!("{name}inner.inner"), format!("{name}inner")];
            let Some(payload) = inner.iter().find_map(|name| std::fs::read(folder.join(name)).ok()) else { continue };
            let outer = header(&String::from_utf8(std::fs::read(folder.join(&outer)).unwrap()).unwrap());
            // One is signed once more, in another format.
            let Some(read) = ProtectedFields::read(&header(&text(&payload)), None) else {
                assert_eq!(name, "unfortunately-complex.");
                continue;
            };
            assert_eq!((read.form, read.same_author(&outer)), (ProtectedForm::Old, Some(true)), "{name}");
            let hidden = outer.all("subject").next().unwrap().unfolded() == b"...";
            let differences: Vec<_> = read.differences(&outer).into_iter().map(|found| found.name).collect();
            assert_eq!(differences.contains(&"subject".to_owned()), hidden, "{name}: {differences:?}");
        }
    }
}
