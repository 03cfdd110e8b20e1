//! The header of a mail or of a part (RFC 5322 §2.2, RFC 2045 §3), as it came.

use std::{
    io::{Read, Seek},
    ops::Range,
};

use mail_parser::{HeaderValue, parsers::MessageStream};
use sealpost_mail::{Parameterized, starts_mail};

use super::{scan::Scanner, window::Window};
use crate::{Error, Limits, Result, UnixTime};

/// In so many octets of a line a field's name must end (RFC 5322 §2.1.1 has no longer lines).
const MAX_NAME: usize = 998;

/// A header block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Header {
    /// All of it, with the empty line that ends it.
    raw: Vec<u8>,
    fields: Vec<Place>,
    /// Where the empty line starts; the end, if there is none.
    end: usize,
    /// It ends at a line that is no field.
    cut: bool,
}

#[derive(Clone, Debug)]
struct Place {
    whole: Range<usize>,
    /// Length of the name.
    name: usize,
}

/// A header field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field<'a> {
    /// All of it, with its folding and its line end.
    pub(crate) raw: &'a [u8],
    pub(crate) name: &'a [u8],
}

/// What a line of a header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It belongs to the header.
    Taken,
    /// It is the empty line that ends the header.
    Empty,
    /// It is no field: the body starts with it.
    Body,
}

/// How a body is encoded (RFC 2045 §6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Transfer {
    #[default]
    SevenBit,
    EightBit,
    Binary,
    Base64,
    QuotedPrintable,
    /// By a name that is not known here.
    Other,
}

impl Header {
    /// Reads the header that starts at this place of the mail.
    pub(crate) fn read<M: Read + Seek>(mail: M, range: Range<u64>, limits: &Limits) -> Result<Self> {
        let offset = range.start;
        Self::scan(&mut Scanner::new(Window::new(mail, range).map_err(Error::read)?, offset), limits)
    }

    /// Reads the header that a stream starts with.
    pub(crate) fn read_from(from: impl Read, limits: &Limits) -> Result<Self> {
        Self::scan(&mut Scanner::new(from, 0), limits)
    }

    fn scan<R: Read>(scanner: &mut Scanner<R>, limits: &Limits) -> Result<Self> {
        let mut header = Self::default();
        loop {
            let len = header.next_line(scanner, limits)?;
            match header.line(scanner.window().get(..len).unwrap_or_default()) {
                Line::Taken if len > 0 => scanner.pass(len),
                Line::Empty => {
                    scanner.pass(len);
                    return Ok(header);
                }
                _ => return Ok(header),
            }
        }
    }

    /// The length of the line that comes next; an error if the header gets too long with it.
    pub(crate) fn next_line<R: Read>(&self, scanner: &mut Scanner<R>, limits: &Limits) -> Result<usize> {
        if let Some(len) = scanner.line(limits.header.saturating_sub(self.raw.len()))? {
            return Ok(len);
        }
        let start = scanner.window();
        let start = start.get(..MAX_NAME).unwrap_or(start);
        if matches!(start, [b' ' | b'\t', ..]) || name(start).is_some() || starts_mail(start) {
            let limit = limits.header.try_into().unwrap_or(u64::MAX);
            return Err(Error::Limit { what: "octets of a header", limit });
        }
        // It is the empty line, or, however long it is, no field.
        Ok(if start.starts_with(b"\r\n") { 2 } else { start.len() })
    }

    /// Takes in a line, unless the body starts with it.
    pub(crate) fn line(&mut self, line: &[u8]) -> Line {
        let at = self.raw.len();
        let next = match line {
            b"\r\n" | b"\n" => Line::Empty,
            b"" => Line::Body,
            [b' ' | b'\t', ..] => match self.fields.last_mut() {
                Some(field) => {
                    field.whole.end += line.len();
                    Line::Taken
                }
                None => Line::Body,
            },
            _ => match name(line) {
                Some(name) => {
                    self.fields.push(Place { whole: at..at + line.len(), name });
                    Line::Taken
                }
                // The line that mailboxes put in front of a mail.
                None if at == 0 && starts_mail(line) => Line::Taken,
                None => Line::Body,
            },
        };
        if next == Line::Body {
            self.cut = !line.is_empty();
        } else {
            self.raw.extend_from_slice(line);
        }
        if next == Line::Taken {
            self.end = self.raw.len();
        }
        next
    }

    /// All of it, with the empty line.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The line `From …` of a mailbox, or nothing.
    pub(crate) fn mailbox_line(&self) -> &[u8] {
        let end = self.fields.first().map_or(self.end, |field| field.whole.start);
        self.raw.get(..end).unwrap_or_default()
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().filter_map(|place| {
            let raw = self.raw.get(place.whole.clone())?;
            Some(Field { raw, name: raw.get(..place.name)? })
        })
    }

    /// The fields of this name, in any case.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = Field<'_>> {
        self.fields().filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// What the first Content-Type says; `text/plain` if there is none (RFC 2045 §5.2).
    pub(crate) fn content_type(&self) -> Parameterized {
        let first = self.all("content-type").next();
        Parameterized::read(first.map_or(b"text/plain", |field| field.value()))
    }

    /// Whether programs may see other fields here: it ends at a line that is no field, which some pass over, or there
    /// are carriage returns alone in it, which end a line for some, or null octets.
    pub(crate) fn is_broken(&self) -> bool {
        let alone = |at: usize| self.raw.get(at + 1) != Some(&b'\n');
        self.cut || memchr::memchr_iter(b'\r', &self.raw).any(alone) || memchr::memchr(0, &self.raw).is_some()
    }

    /// Whether programs may read the content type differently: several fields, or several boundaries, or what only some
    /// of them understand.
    pub(crate) fn is_ambiguous(&self) -> bool {
        let read = self.content_type();
        let twice = ["content-type", "content-transfer-encoding"].iter().any(|name| self.all(name).nth(1).is_some());
        let several = ["boundary", "protocol"].iter().any(|name| read.is_ambiguous(name));
        twice || several || self.all("content-type").any(|field| !field.is_simple(&read))
    }

    /// What the first Content-Transfer-Encoding says.
    pub(crate) fn encoding(&self) -> Transfer {
        let first = self.all("content-transfer-encoding").next();
        first.map_or(Transfer::SevenBit, |field| Transfer::named(Parameterized::read(field.value()).value()))
    }

    /// The file name, from Content-Disposition or else from Content-Type.
    pub(crate) fn file_name(&self) -> Option<String> {
        self.file_names().next()
    }

    /// Both of them.
    pub(crate) fn file_names(&self) -> impl Iterator<Item = String> {
        [("content-disposition", "filename"), ("content-type", "name")].into_iter().filter_map(|(field, name)| {
            let read = Parameterized::read(self.all(field).next()?.value());
            read.parameter(name).map(|name| String::from_utf8_lossy(name).into_owned())
        })
    }

    /// Whether its lines end with a line feed alone, as in files: so should those that are written to it.
    pub(crate) fn has_bare_line_feeds(&self) -> bool {
        memchr::memchr(b'\n', &self.raw)
            .is_some_and(|end| end.checked_sub(1).and_then(|before| self.raw.get(before)) != Some(&b'\r'))
    }

    /// The header in two: what stays outside of a protected part, octet for octet, and the fields `Content-…` that
    /// describe the body and go inside (RFC 8551 §3.1). The empty line is in neither.
    pub(crate) fn split(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut outer, mut inner) = (self.mailbox_line().to_vec(), Vec::new());
        for field in self.fields() {
            let describes = field.name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case(b"content-"));
            let to = if describes { &mut inner } else { &mut outer };
            to.extend_from_slice(field.raw);
            // At the end of a mail that has no body the line end may be missing.
            if !field.raw.ends_with(b"\n") {
                to.extend_from_slice(b"\r\n");
            }
        }
        (outer, inner)
    }
}

impl<'a> Field<'a> {
    /// What stands behind the colon, with its folding and its line end.
    pub(crate) fn value(&self) -> &'a [u8] {
        let behind = self.raw.get(self.name.len()..).unwrap_or_default();
        memchr::memchr(b':', behind).and_then(|colon| behind.get(colon + 1..)).unwrap_or_default()
    }

    /// Whether a program that knows nothing of comments, escapes and pieces (RFC 2231) finds the same media type and
    /// the same boundary in it.
    fn is_simple(&self, read: &Parameterized) -> bool {
        let value = self.value().to_ascii_lowercase();
        let media_type = value.split(|c| *c == b';').next().unwrap_or_default().trim_ascii();
        let whole = self.raw.get(self.name.len()) == Some(&b':') && media_type == read.value().as_bytes();
        whole && (!media_type.starts_with(b"multipart/") || simple_boundary(self.value()) == read.parameter("boundary"))
    }

    /// The same without line ends (RFC 5322 §2.2.3), and without blanks around it.
    pub(crate) fn unfolded(&self) -> Vec<u8> {
        let value: Vec<u8> = self.value().iter().copied().filter(|c| !matches!(c, b'\r' | b'\n')).collect();
        value.trim_ascii().to_vec()
    }

    /// Its text for people, with encoded words (RFC 2047) decoded.
    pub(crate) fn text(&self) -> String {
        let line = [&self.unfolded()[..], b"\r\n"].concat();
        match MessageStream::new(&line).parse_unstructured() {
            HeaderValue::Text(text) => text.into_owned(),
            _ => String::new(),
        }
    }

    /// The time that it names (RFC 5322 §3.3).
    pub(crate) fn date(&self) -> Option<UnixTime> {
        let line = [&self.unfolded()[..], b"\r\n"].concat();
        match MessageStream::new(&line).parse_date() {
            HeaderValue::DateTime(date) if date.is_valid() => Some(UnixTime(date.to_timestamp())),
            _ => None,
        }
    }
}

/// The length of the name, if the line starts a field. Blanks in front of the colon are old (RFC 5322 §4.5).
fn name(line: &[u8]) -> Option<usize> {
    let len = line.iter().take_while(|c| c.is_ascii_graphic() && **c != b':').count();
    let behind = line.get(len..)?.iter().find(|c| !matches!(c, b' ' | b'\t'));
    (len > 0 && behind == Some(&b':')).then_some(len)
}

/// The boundary as a simple program finds it: the only one that is named there, as a word or between quotes, all of it
/// visible.
fn simple_boundary(value: &[u8]) -> Option<&[u8]> {
    let finder = memchr::memmem::Finder::new(b"boundary");
    let lower = value.to_ascii_lowercase();
    let named = |at: &usize| {
        let behind = lower.get(at + finder.needle().len()..).unwrap_or_default();
        behind.trim_ascii_start().starts_with(b"=") || behind.starts_with(b"*")
    };
    let mut places = finder.find_iter(&lower).filter(named);
    let (Some(at), None) = (places.next(), places.next()) else { return None };
    let behind = value.get(at + finder.needle().len()..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (boundary, rest) = match behind.strip_prefix(b"\"") {
        Some(quoted) => {
            let end = memchr::memchr(b'"', quoted)?;
            (quoted.get(..end)?, quoted.get(end + 1..)?)
        }
        None => behind.split_at(behind.iter().position(|c| *c == b';' || c.is_ascii_whitespace()).unwrap_or(behind.len())),
    };
    let ended = matches!(rest.trim_ascii_start(), [] | [b';', ..]);
    let visible = boundary.iter().all(|c| *c == b' ' || c.is_ascii_graphic()) && !boundary.ends_with(b" ");
    (ended && visible).then_some(boundary)
}

impl Transfer {
    fn named(name: &str) -> Self {
        match name {
            "" | "7bit" => Self::SevenBit,
            "8bit" => Self::EightBit,
            "binary" => Self::Binary,
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Other,
        }
    }

    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
            Self::Binary => "binary",
            Self::Base64 => "base64",
            Self::QuotedPrintable => "quoted-printable",
            Self::Other => "",
        }
    }

    /// Whether octets stand for themselves.
    pub(crate) fn is_identity(self) -> bool {
        matches!(self, Self::SevenBit | Self::EightBit | Self::Binary)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::mime::testing::len;

    fn read(text: &str) -> Header {
        let header = Header::read(Cursor::new(text), 0..len(text.as_bytes()), &Limits::default()).unwrap();
        let streamed = Header::read_from(text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!((header.raw(), header.end), (streamed.raw(), streamed.end));
        header
    }

    fn names(header: &Header) -> Vec<&str> {
        header.fields().map(|field| std::str::from_utf8(field.name).unwrap()).collect()
    }

    #[test]
    fn a_header_ends_at_an_empty_line_or_at_what_is_no_field() {
        let cases = [
            ("A: b\r\nC: d\r\n\r\nE: f", 14, "A C"),
            ("A: b\nC: d\n\nE: f", 11, "A C"),
            ("A: b\r\n c\r\n \r\n\td\r\nB:\r\n\r\n", 23, "A B"),
            ("A: b\r\nno field\r\nC: d\r\n\r\n", 6, "A"),
            ("A : b\r\n\r\n", 9, "A"),
            ("\r\nA: b", 2, ""),
            ("", 0, ""),
            ("A: b", 4, "A"),
            (" A: b\r\n\r\n", 0, ""),
            ("From a@b Thu Jan 1\r\nA: b\r\n\r\n", 28, "A"),
            ("A: b\r\nFrom a@b Thu Jan 1\r\n\r\n", 6, "A"),
        ];
        for (text, len, fields) in cases {
            let header = read(text);
            assert_eq!(header.raw().len(), len, "{text:?}");
            assert_eq!(names(&header).join(" "), fields, "{text:?}");
        }
    }

    #[test]
    fn a_header_has_a_limit() {
        let limits = Limits { header: 20, ..Limits::default() };
        assert!(Header::read_from(&b"A: b\r\nC: defghij\r\n\r\n"[..], &limits).is_ok());
        assert!(
            Header::read_from(&b"A: b\r\nC: defghijk\r\n\r\nx"[..], &limits)
                .is_ok_and(|header| header.raw().len() == 21)
        );
        assert!(Header::read_from(&b"A: b\r\nC: defghijklm\r\n\r\n"[..], &limits).is_err());
        assert!(Header::read_from(&b"a".repeat(200_000)[..], &limits).is_ok_and(|header| header.raw().is_empty()));
        let long = [b"A: b\r\nC: ", &b"a".repeat(300_000)[..]].concat();
        assert!(Header::read_from(&long[..], &Limits::default()).is_err());
    }

    #[test]
    fn values_are_read() {
        let header = read(
            "Content-Type: Application/PKCS7-mime;\r\n smime-type=signed-data; name*=''x.p7m\r\n\
             CONTENT-TRANSFER-ENCODING: BASE64\r\nSubject:  a\r\n b \r\n\r\n",
        );
        assert_eq!(header.content_type().value(), "application/pkcs7-mime");
        assert_eq!(header.content_type().parameter("smime-type"), Some(&b"signed-data"[..]));
        assert_eq!(header.encoding(), Transfer::Base64);
        assert_eq!(header.file_name().as_deref(), Some("x.p7m"));
        assert_eq!(header.all("subject").next().unwrap().unfolded(), b"a b");
        assert_eq!(read("").content_type().value(), "text/plain");
        assert!(!header.is_ambiguous());
        assert!(read("Content-Type: a/b\r\nContent-type: c/d\r\n").is_ambiguous());
        assert!(read("Content-Type: a/b; boundary=x; boundary=y\r\n").is_ambiguous());
    }

    #[test]
    fn a_content_type_is_clear_only_if_simple_programs_read_it_alike() {
        for clear in [
            "multipart/signed; boundary=b",
            "Multipart/Signed ;\r\n\tx=y;\r\n boundary = \"=_b c\" ; z=\"(\"",
            "multipart/signed; boundary=\"----=_boundary.1\"; x=y",
            "multipart/signed; boundary=----=_b; x=y",
            "application/pkcs7-mime; name*0=a; name*1=\"\\\"\" (c)",
            "multipart/mixed",
        ] {
            assert!(!read(&format!("Content-Type: {clear}\r\n")).is_ambiguous(), "{clear}");
        }
        for unclear in [
            "multipart/signed (c); boundary=b",
            "multi part/signed; boundary=b",
            "\"multipart/signed\"; boundary=b",
            "multipart/signed; boundary=b(c)d",
            "multipart/signed; boundary=b c",
            "multipart/signed; boundary=\"b\\c\"",
            "multipart/signed; boundary=\"b\"c",
            "multipart/signed; boundary=\"b",
            "multipart/signed; boundary=\"b\r\n c\"",
            "multipart/signed; boundary=\"b \"",
            "multipart/signed; boundary=\"b\tc\"",
            "multipart/signed; boundary=ä",
            "multipart/signed; (boundary=b) boundary=c",
            "multipart/signed; x=\"; boundary=b\"; boundary=c",
            "multipart/signed; boundary=c; x=\"\\\"; boundary=b",
            "multipart/signed; boundary*=us-ascii''b",
            "multipart/signed; boundary*0=b; boundary*1=c",
            "multipart/signed; x-boundary=b; boundary=c",
        ] {
            assert!(read(&format!("Content-Type: {unclear}\r\n")).is_ambiguous(), "{unclear}");
        }
        assert!(read("Content-Type : text/plain\r\n").is_ambiguous());
    }

    #[test]
    fn a_header_is_broken_if_programs_may_see_other_fields_in_it() {
        for whole in ["A: b\r\n\r\nx", "A: b\n c\n\nx\ry", "A: b", "", "From a\r\nA: b\r\n"] {
            assert!(!read(whole).is_broken(), "{whole:?}");
        }
        for broken in ["A: b\r\nx\r\nB: c\r\n\r\n", "A: b\rB: c\r\n\r\n", "A: b\r\r\n\r\n", "A: \0\r\n\r\n", "A: b\r"] {
            assert!(read(broken).is_broken(), "{broken:?}");
        }
    }

    #[test]
    fn texts_and_dates_are_read() {
        let header = read(
            "Subject: =?utf-8?q?=C3=A4?=\r\n =?utf-8?b?w7Y=?= x\r\nDate: Fri, 27 Nov 2026 09:00:00 +0100\r\n\
             Date: 32 Nov 2026\r\n\r\n",
        );
        assert_eq!(header.all("subject").next().unwrap().text(), "äö x");
        let dates: Vec<_> = header.all("date").map(|date| date.date()).collect();
        assert_eq!(dates, [Some(UnixTime(1_795_766_400)), None]);
        assert!(!header.has_bare_line_feeds() && read("A: b\nC: d\r\n").has_bare_line_feeds());
    }

    #[test]
    fn what_describes_the_body_goes_inside_and_all_else_stays() {
        let text =
            "From x\nReceived: a\n b\nContent-Type: text/plain;\n\tcharset=x\nMIME-Version: 1.0\ncontent-x: y\nTo: z";
        let (outer, inner) = read(text).split();
        assert_eq!(outer, b"From x\nReceived: a\n b\nMIME-Version: 1.0\nTo: z\r\n");
        assert_eq!(inner, b"Content-Type: text/plain;\n\tcharset=x\ncontent-x: y\n");
    }
}
