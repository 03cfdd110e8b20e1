//! What a mail is for S/MIME, and where in it the protected octets are (RFC 8551 §3, RFC 1847 §2.1).

use std::{
    io::{self, Read, Seek, SeekFrom},
    ops::Range,
};

use super::{
    claim::{Claim, SmimeType},
    header::{Header, Transfer},
    scan::Scanner,
    transfer,
    tree::{Part, Shape, Tree},
    window::Window,
};
use crate::{Error, Limits, Result};

/// A mail, or what was protected in one.
#[derive(Debug)]
pub(crate) struct Entity {
    pub(crate) header: Header,
    pub(crate) body: Range<u64>,
    pub(crate) kind: Kind,
    pub(crate) tree: Tree,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// multipart/signed.
    Signed(Signed),
    /// application/pkcs7-mime.
    Pkcs7(Pkcs7),
    /// No S/MIME; parts of it may be.
    Other,
}

/// Where a detached signature and what it signs are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    /// The signed octets, from the end of the first delimiter's line to the line end in front of the second.
    pub(crate) content: Range<u64>,
    /// The body that has the signature.
    pub(crate) signature: Range<u64>,
    /// How that is encoded.
    pub(crate) encoding: Transfer,
    /// What else is in the multipart, which nobody signed: in front of its parts, the part with the signature, and behind.
    beside: [Range<u64>; 3],
    boundary: Box<[u8]>,
}

/// Where a CMS message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pkcs7 {
    pub(crate) body: Range<u64>,
    pub(crate) encoding: Transfer,
    pub(crate) smime_type: SmimeType,
}

/// A part that is protected, in a mail that is something else or has it inside.
#[derive(Debug)]
pub(crate) struct Protected {
    /// Such as `1.2`.
    pub(crate) path: String,
    /// Header and body.
    pub(crate) entity: Range<u64>,
    /// What it is, or why it is not what it claims to be.
    pub(crate) kind: Result<Kind>,
}

impl Entity {
    /// Looks at a whole mail.
    ///
    /// # Errors
    ///
    /// [`Error::Mime`] if it claims to be S/MIME and is not made like that, [`Error::Limit`], [`Error::Read`].
    pub(crate) fn locate<M: Read + Seek>(mail: &mut M, limits: &Limits) -> Result<Self> {
        let range = whole(mail, limits)?;
        Self::locate_in(mail, range, limits)
    }

    /// Only its header.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`], [`Error::Read`].
    pub(crate) fn header<M: Read + Seek>(mail: &mut M, limits: &Limits) -> Result<Header> {
        let range = whole(mail, limits)?;
        Header::read(mail, range, limits)
    }

    /// The same as [`Self::locate`], and shows all of the body to `seen` on the way.
    ///
    /// # Errors
    ///
    /// The same, and what `seen` returns.
    pub(crate) fn locate_and_show<M: Read + Seek>(
        mail: &mut M,
        limits: &Limits,
        seen: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Self> {
        let range = whole(mail, limits)?;
        let header = Header::read(&mut *mail, range.clone(), limits)?;
        let window = Window::new(mail, range.clone()).map_err(Error::read)?;
        let mut shown = Shown { from: window, hidden: header.raw().len(), seen };
        let tree = Tree::read_from(&mut shown, range, limits)?;
        // The tree is known before all was read, if nothing can follow.
        transfer::each(&mut shown, &mut |_| Ok(()))?;
        Self::of(header, tree)
    }

    /// Looks at the entity in this range.
    pub(crate) fn locate_in<M: Read + Seek>(mail: &mut M, range: Range<u64>, limits: &Limits) -> Result<Self> {
        let header = Header::read(&mut *mail, range.clone(), limits)?;
        Self::of(header, Tree::read(mail, range, limits)?)
    }

    fn of(header: Header, tree: Tree) -> Result<Self> {
        let body = tree.root().map_or(0..0, |root| root.body.clone());
        let kind = Kind::of(&tree, 0)?;
        Ok(Self { header, body, kind, tree })
    }

    /// The parts that are protected on their own: of a signed mail also those in what is signed.
    pub(crate) fn protected(&self) -> impl Iterator<Item = Protected> {
        self.tree.parts.iter().enumerate().skip(1).filter_map(|(index, part)| {
            let kind = Kind::of(&self.tree, index);
            let path = || self.tree.path(index);
            (!matches!(kind, Ok(Kind::Other))).then(|| Protected { path: path(), entity: part.entity.clone(), kind })
        })
    }
}

/// The range of a whole mail.
fn whole<M: Seek>(mail: &mut M, limits: &Limits) -> Result<Range<u64>> {
    let end = mail.seek(SeekFrom::End(0)).map_err(Error::Read)?;
    if end > limits.mail {
        return Err(Error::Limit { what: "octets of a mail", limit: limits.mail });
    }
    Ok(0..end)
}

/// A stream that is also shown to somebody.
struct Shown<'a, R> {
    from: R,
    /// So many octets at the start are not.
    hidden: usize,
    seen: &'a mut dyn FnMut(&[u8]) -> Result<()>,
}

impl<R: Read> Read for Shown<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(to)?;
        let hidden = self.hidden.min(read);
        self.hidden -= hidden;
        (self.seen)(to.get(hidden..read).unwrap_or_default()).map_err(io::Error::other)?;
        Ok(read)
    }
}

impl Kind {
    /// What a part is.
    pub(crate) fn of(tree: &Tree, index: usize) -> Result<Self> {
        let Some(part) = tree.parts.get(index) else { return Ok(Self::Other) };
        let kind = match &part.claim {
            Claim::None | Claim::Foreign => return Ok(Self::Other),
            // Next to what it signs it is no message of its own.
            Claim::Signature if part.parent.is_some_and(|parent| is_signed(tree, parent)) => return Ok(Self::Other),
            Claim::Signature if &*part.media_type != "application/octet-stream" => return Ok(Self::Other),
            Claim::Signature => Self::Pkcs7(Pkcs7::at(part, SmimeType::Other)),
            Claim::Pkcs7(smime_type) => Self::Pkcs7(Pkcs7::at(part, *smime_type)),
            Claim::Signed(claim) => {
                let ([preamble, epilogue], [content, signature]) = two_parts(tree, index, part)?;
                if signature.claim != Claim::Signature {
                    let what = "the second part of the signed multipart is no S/MIME signature";
                    return if claim.named { Err(wrong(signature, what)) } else { Ok(Self::Other) };
                }
                unambiguous(signature)?;
                if signature.broken {
                    return Err(wrong(signature, "the header of the signature can be read in several ways"));
                }
                Self::Signed(Signed {
                    content: content.entity.clone(),
                    signature: signature.body.clone(),
                    encoding: signature.encoding,
                    beside: [part.body.start..preamble, signature.entity.clone(), epilogue..part.body.end],
                    boundary: claim.boundary.clone(),
                })
            }
        };
        unambiguous(part)?;
        Ok(kind)
    }
}

impl Signed {
    /// Sees that what nobody signed has nothing in it that other programs take for a delimiter: with more behind the
    /// boundary, or where for them a line starts. They would show other parts than those that are verified.
    pub(crate) fn has_clear_parts<M: Read + Seek>(&self, mail: &mut M) -> Result<()> {
        let delimiter = [b"--", &*self.boundary].concat();
        for range in &self.beside {
            let text = Window::new(&mut *mail, range.clone()).map_err(Error::read)?;
            if Scanner::new(text, range.start).contains(&delimiter)? {
                let what = "something like a delimiter stands outside of what is signed";
                return Err(Error::Mime { offset: range.start, what });
            }
        }
        Ok(())
    }
}

impl Pkcs7 {
    fn at(part: &Part, smime_type: SmimeType) -> Self {
        Self { body: part.body.clone(), encoding: part.encoding, smime_type }
    }
}

fn is_signed(tree: &Tree, part: usize) -> bool {
    tree.parts.get(part).is_some_and(|part| matches!(part.claim, Claim::Signed(_)))
}

/// Where the first delimiter of a signed multipart starts and the last ends, and its parts: there must be two (RFC 1847
/// §2.1).
fn two_parts<'a>(tree: &'a Tree, index: usize, part: &Part) -> Result<([u64; 2], [&'a Part; 2])> {
    let around = match part.shape {
        Shape::Multipart { preamble: Some(preamble), epilogue: Some(epilogue) } => [preamble, epilogue],
        Shape::Multipart { .. } => return Err(wrong(part, "the last delimiter of the signed multipart is missing")),
        Shape::TooDeep => return Err(wrong(part, "the signed multipart is nested too deep")),
        _ => return Err(wrong(part, "the signed multipart has no usable boundary, or is encoded")),
    };
    let mut children = tree.children(index).map(|(_, child)| child);
    match (children.next(), children.next(), children.next()) {
        (Some(content), Some(signature), None) => Ok((around, [content, signature])),
        _ => Err(wrong(part, "the signed multipart does not have two parts")),
    }
}

fn unambiguous(part: &Part) -> Result<()> {
    if part.ambiguous { Err(wrong(part, "the content type can be read in several ways")) } else { Ok(()) }
}

fn wrong(part: &Part, what: &'static str) -> Error {
    Error::Mime { offset: part.entity.start, what }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::mime::testing::{mails, slice};

    const SIGNED: &str = "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n micalg=sha-256; \
                          boundary=b\r\n\r\n";
    const SIGNATURE: &str =
        "Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\nMII=";

    fn locate(text: &str) -> Result<Entity> {
        Entity::locate(&mut Cursor::new(text), &Limits::default())
    }

    #[test]
    fn a_signed_mail_has_its_content_octet_for_octet() {
        for content in ["\r\nx", "A: b\r\n\r\nx\r\n\r\n", "A: b\n\n\n--bx", "", "A: b"] {
            let text = format!("{SIGNED}hidden\r\n--b \r\n{content}\r\n--b\r\n{SIGNATURE}\r\n--b--\r\n");
            let Kind::Signed(signed) = locate(&text).unwrap().kind else { panic!("{text}") };
            assert_eq!(slice(&text, &signed.content), content);
            assert_eq!(slice(&text, &signed.signature), "MII=");
            assert_eq!(signed.encoding, Transfer::Base64);
            signed.has_clear_parts(&mut Cursor::new(&text)).unwrap();
        }
    }

    #[test]
    fn what_others_take_for_a_delimiter_is_not_unsigned() {
        let made = |preamble: &str, field: &str, epilogue: &str| {
            format!(
                "{}{preamble}\r\n--b\r\n\r\n--bx\r\n--b\r\n{field}{SIGNATURE}\r\n--b--{epilogue}",
                SIGNED.replace("=b\r", "=\"b\"\r")
            )
        };
        for (text, clear) in [
            (made("This is a mail.", "", "\r\nfooter --\r\n"), true),
            (made("--bx", "", ""), false),
            (made(&format!("{}--b", "x".repeat((64 << 10) - 1)), "", ""), false),
            (made("x\r--b\r\rx", "", ""), false),
            (made("", "X: --bx\r\n", ""), false),
            (made("", "", "\r\n--b\r\n\r\nx\r\n--b--"), false),
        ] {
            let Kind::Signed(signed) = locate(&text).unwrap().kind else { panic!("{text}") };
            assert_eq!(signed.has_clear_parts(&mut Cursor::new(&text)).is_ok(), clear, "{text}");
        }
        assert!(locate(&made("", "X: y\rContent-Type: text/html\r\n", "")).is_err());
    }

    #[test]
    fn what_is_not_made_like_a_signed_mail_is_none() {
        let part = "\r\nx\r\n";
        let cases = [
            (format!("{SIGNED}--b\r\n{part}--b\r\n{SIGNATURE}\r\n"), "last delimiter"),
            (format!("{SIGNED}--b\r\n{SIGNATURE}\r\n--b--"), "two parts"),
            (format!("{SIGNED}--b\r\n{part}--b\r\n{SIGNATURE}\r\n--b\r\n{part}--b--"), "two parts"),
            (format!("{SIGNED}--b\r\n{part}--b\r\n{part}--b--"), "no S/MIME signature"),
            (SIGNED.replace("=b\r", "=\"\"\r"), "boundary"),
            (SIGNED.replace("boundary=b", "x=y"), "boundary"),
            (format!("Content-Transfer-Encoding: base64\r\n{SIGNED}--b\r\n--b\r\n--b--"), "encoded"),
            (format!("Content-Type: text/x\r\n{SIGNED}"), ""),
            (
                format!(
                    "{}Content-Type: text/x\r\n\r\n--b\r\n--b\r\n{SIGNATURE}\r\n--b--",
                    SIGNED.strip_suffix("\r\n").unwrap()
                ),
                "several",
            ),
        ];
        for (text, what) in cases {
            match locate(&text) {
                Err(error) => assert!(!what.is_empty() && error.to_string().contains(what), "{text}: {error}"),
                Ok(entity) => assert!(what.is_empty() && entity.kind == Kind::Other, "{text}"),
            }
        }
    }

    #[test]
    fn messages_are_known_by_type_or_by_name() {
        let cases = [
            ("application/pkcs7-mime; smime-type=Enveloped-Data", Some(SmimeType::EnvelopedData)),
            ("Application/X-PKCS7-MIME; smime-type=authenveloped-data", Some(SmimeType::AuthEnvelopedData)),
            ("application/pkcs7-mime", Some(SmimeType::Other)),
            ("application/octet-stream; name=SMIME.P7M", Some(SmimeType::Other)),
            ("application/octet-stream\r\nContent-Disposition: attachment; filename=\"x.p7z\"", Some(SmimeType::Other)),
            ("application/octet-stream; name=smime.p7s", Some(SmimeType::Other)),
            ("application/octet-stream; name=smime.p7x", None),
            ("application/octet-stream", None),
            ("application/pkcs7-signature; name=smime.p7s", None),
            ("text/plain; name=smime.p7m", None),
            ("multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b", None),
            ("multipart/signed; protocol=\"application/pgp-signature\"; boundary=b", None),
        ];
        for (content_type, expected) in cases {
            let text = format!("Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n\r\nMII=\r\n");
            let found = match locate(&text).unwrap().kind {
                Kind::Pkcs7(pkcs7) => {
                    assert_eq!((slice(&text, &pkcs7.body), pkcs7.encoding), ("MII=\r\n", Transfer::Base64));
                    Some(pkcs7.smime_type)
                }
                _ => None,
            };
            assert_eq!(found, expected, "{content_type}");
        }
    }

    #[test]
    fn a_mail_has_a_limit() {
        let limits = Limits { mail: 5, ..Limits::default() };
        assert!(Entity::locate(&mut Cursor::new("A: b\n"), &limits).is_ok());
        assert!(matches!(Entity::locate(&mut Cursor::new("A: b\n\n"), &limits), Err(Error::Limit { limit: 5, .. })));
    }

    #[test]
    fn signed_parts_of_a_mail_that_is_not_signed_are_found() {
        for (name, mail) in mails("johnny/03-mime") {
            let entity = Entity::locate(&mut Cursor::new(&mail), &Limits::default()).unwrap();
            assert_eq!(entity.kind, Kind::Other, "{name}");
            let protected: Vec<_> = entity.protected().collect();
            assert!(
                matches!(&protected[..], [Protected { path, kind: Ok(Kind::Signed(_)), .. }] if path == "2"),
                "{name}"
            );
        }
    }

    #[test]
    fn the_mails_of_others_are_what_they_claim_to_be() {
        for (name, mail) in mails("thunderbird/mailnews").into_iter().chain(mails("johnny/04-id")) {
            let entity = Entity::locate(&mut Cursor::new(&mail), &Limits::default()).unwrap();
            let outermost = name.split('.').rev().find(|word| ["multipart", "dsig", "opaque", "env"].contains(word));
            match (&entity.kind, outermost) {
                (Kind::Signed(_), Some("multipart" | "dsig") | None) | (Kind::Pkcs7(_), Some("opaque" | "env")) => {}
                (Kind::Other, None) if name.starts_with("outer-pgp") => {}
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
