//! Reports of mail systems, composed ([RFC 6522](https://www.rfc-editor.org/rfc/rfc6522)): a part for people, one for
//! programs, and what the report is about.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use memchr::memmem;

use crate::{
    FieldWriter, Fields, Unwritable,
    encode::{base64, quoted_printable},
};

/// Octets that a line must have at most (RFC 5322 §2.1.1).
const MAX_LINE: usize = 998;
/// Characters of a seed that go into the boundary, which may have 70 (RFC 2046 §5.1.1).
const MAX_SEED: usize = 40;
/// Octets of the name of a file: two domains' names fit (RFC 8460 §5.1), and a line.
const MAX_FILE_NAME: usize = 900;
/// Hexadecimal digits that tell boundaries of one seed apart.
const DIGITS: usize = 8;

/// A report, to be composed.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    kind: &'a str,
    header: FieldWriter,
    text: &'a str,
    language: Option<&'a str>,
    machine: Machine<'a>,
    returned: Option<Returned<'a>>,
}

/// The part of a report that programs read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Machine<'a> {
    media_type: &'a str,
    file_name: Option<&'a str>,
    octets: &'a [u8],
}

/// What a report is about, given back.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "RFC 6522 §3 has these two")]
pub enum Returned<'a> {
    /// The whole mail.
    Mail(&'a [u8]),
    /// Its header alone. Of a whole mail only that is taken.
    Header(&'a [u8]),
}

/// A report that was composed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Composed {
    /// The mail: header, empty line and body, with lines that end with CRLF.
    pub octets: Vec<u8>,
    /// Whether it must travel with BODY=8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// Whether it must travel with SMTPUTF8 (RFC 6531).
    pub utf8: bool,
}

impl<'a> Machine<'a> {
    /// Of a type such as `message/delivery-status`.
    #[must_use]
    pub const fn new(media_type: &'a str, octets: &'a [u8]) -> Self {
        Self { media_type, file_name: None, octets }
    }

    /// As an attached file of that name.
    #[must_use]
    pub const fn named(self, file_name: &'a str) -> Self {
        Self { file_name: Some(file_name), ..self }
    }
}

impl<'a> Report<'a> {
    /// A report of a kind such as `delivery-status` or `tlsrpt`, with the mail's `header` but for the fields that MIME
    /// needs, and with the `text` for people.
    #[must_use]
    pub const fn new(kind: &'a str, header: FieldWriter, text: &'a str, machine: Machine<'a>) -> Self {
        Self { kind, header, text, language: None, machine, returned: None }
    }

    /// Says in which language the text is (RFC 3282): `de`.
    #[must_use]
    pub fn in_language(self, tag: &'a str) -> Self {
        Self { language: Some(tag), ..self }
    }

    /// Gives back what the report is about.
    #[must_use]
    pub fn returning(self, returned: Returned<'a>) -> Self {
        Self { returned: Some(returned), ..self }
    }

    /// Composes it. The same report with the same `seed` is the same octets; letters and digits of the seed are part of
    /// the boundary, which occurs in no part, whatever is in there.
    ///
    /// # Errors
    ///
    /// [`Unwritable`] if a type or a name has characters that it must not have, if the header has fields of MIME, or if
    /// a part can't be carried in its type: a mail that is given back must have no NUL, no carriage return within a
    /// line, and no line of more than 998 octets (give back its header then, which may have all of them).
    pub fn compose(&self, seed: &str) -> Result<Composed, Unwritable> {
        for field in Fields::of(self.header.octets()) {
            let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
            if name == "mime-version" || name.starts_with("content-") {
                return Err(Unwritable::new(&name, "the report has one of its own"));
            }
        }
        // Where that is so already, the header that is given back may be so too.
        let utf8 = !self.header.is_ascii() || (is_message(self.machine.media_type) && !self.machine.octets.is_ascii());
        let mut parts = alloc::vec![self.human()?, self.machine()?];
        parts.extend(self.returned.map(|returned| Part::returned(returned, utf8)).transpose()?);
        let boundary = boundary(seed, &parts)?;
        let eight_bit = utf8 || parts.iter().any(|part| part.is_eight_bit);

        let mut header = self.header.clone();
        header.structured("MIME-Version", "1.0")?;
        token("report-type", self.kind)?;
        let kind = self.kind;
        header.structured("Content-Type", &format!("multipart/report; report-type={kind}; boundary=\"{boundary}\""))?;
        header.structured("Content-Transfer-Encoding", if eight_bit { "8bit" } else { "7bit" })?;
        header.end_group();
        let size: usize = parts.iter().map(|part| part.body.len() + 400).sum();
        let mut octets = Vec::with_capacity(header.octets().len() + size);
        octets.extend_from_slice(header.octets());
        for part in &parts {
            octets.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            octets.extend_from_slice(part.header.octets());
            octets.extend_from_slice(b"\r\n");
            octets.extend_from_slice(&part.body);
            octets.extend_from_slice(b"\r\n");
        }
        octets.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Ok(Composed { octets, eight_bit, utf8 })
    }

    fn human(&self) -> Result<Part<'a>, Unwritable> {
        let text = canonical(self.text.as_bytes());
        let mut header = FieldWriter::new();
        header.structured("Content-Type", "text/plain; charset=utf-8")?;
        if let Some(language) = self.language {
            token("Content-Language", language)?;
            header.structured("Content-Language", language)?;
        }
        let lines = Lines::of(&text);
        if lines.is_seven_bit() && lines.longest <= 78 {
            Part::plain(header, text)
        } else {
            Part::quoted(header, &text)
        }
    }

    fn machine(&self) -> Result<Part<'a>, Unwritable> {
        let Machine { media_type, file_name, octets } = self.machine;
        let (kind, subtype) = media_type.split_once('/').unwrap_or_default();
        token("Content-Type", kind)?;
        token("Content-Type", subtype)?;
        let mut header = FieldWriter::new();
        let name = |parameter| file_name.map(|name| format!("; {parameter}=\"{name}\"")).unwrap_or_default();
        if let Some(name) = file_name.filter(|name| !is_file_name(name)) {
            return Err(Unwritable::new(name, "it is no name of a file"));
        }
        header.structured("Content-Type", &format!("{media_type}{}", name("name")))?;
        if file_name.is_some() {
            header.structured("Content-Disposition", &format!("attachment{}", name("filename")))?;
        }
        // What is under message/ carries no encoding (RFC 2046 §5.2); its lines end as lines of mails do.
        if is_message(media_type) {
            return Part::message(header, canonical(octets));
        }
        let lines = Lines::of(octets);
        // Bare line feeds would be changed on the way.
        let kept = lines.is_seven_bit() && !lines.bare && matches!(canonical(octets), Cow::Borrowed(_));
        if kept { Part::plain(header, Cow::Borrowed(octets)) } else { Part::base64(header, octets) }
    }
}

/// A part of the report, with its encoding.
struct Part<'a> {
    header: FieldWriter,
    body: Cow<'a, [u8]>,
    is_eight_bit: bool,
}

impl<'a> Part<'a> {
    fn returned(returned: Returned<'a>, utf8: bool) -> Result<Self, Unwritable> {
        let (Returned::Mail(mail) | Returned::Header(mail)) = returned;
        let mut fields = Fields::of(mail);
        fields.by_ref().for_each(drop);
        let (head, _) = mail.split_at(mail.len() - fields.rest().len());
        let global = utf8 && !head.is_ascii() && core::str::from_utf8(head).is_ok();
        let mut header = FieldWriter::new();
        let is_whole = matches!(returned, Returned::Mail(_));
        let media_type = match (is_whole, global) {
            (true, true) => "message/global",
            (true, false) => "message/rfc822",
            (false, true) => "message/global-headers",
            (false, false) => "text/rfc822-headers",
        };
        header.structured("Content-Type", media_type)?;
        if is_whole {
            return Self::message(header, canonical(mail));
        }
        let head = canonical(head);
        let lines = Lines::of(&head);
        match (lines.is_seven_bit(), lines.is_eight_bit()) {
            (true, _) => Self::plain(header, head),
            (false, true) if global => Self::message(header, head),
            _ => Self::quoted(header, &head),
        }
    }

    /// Of a type under message/.
    fn message(mut header: FieldWriter, body: Cow<'a, [u8]>) -> Result<Self, Unwritable> {
        let lines = Lines::of(&body);
        if lines.is_seven_bit() {
            return Self::plain(header, body);
        }
        if !lines.is_eight_bit() {
            return Err(Unwritable::new("a part", "it has lines that no mail may have"));
        }
        header.structured("Content-Transfer-Encoding", "8bit")?;
        Ok(Self { header, body, is_eight_bit: true })
    }

    #[expect(clippy::unnecessary_wraps, reason = "one of several ways, and the others may fail")]
    fn plain(header: FieldWriter, body: Cow<'a, [u8]>) -> Result<Self, Unwritable> {
        Ok(Self { header, body, is_eight_bit: false })
    }

    fn quoted(mut header: FieldWriter, body: &[u8]) -> Result<Self, Unwritable> {
        header.structured("Content-Transfer-Encoding", "quoted-printable")?;
        Ok(Self { header, body: quoted_printable(body).into(), is_eight_bit: false })
    }

    fn base64(mut header: FieldWriter, body: &[u8]) -> Result<Self, Unwritable> {
        header.structured("Content-Transfer-Encoding", "base64")?;
        Ok(Self { header, body: base64(body).into(), is_eight_bit: false })
    }
}

/// What lines look like.
struct Lines {
    ascii: bool,
    /// A NUL, a carriage return or a line feed stands alone.
    bare: bool,
    longest: usize,
}

impl Lines {
    fn of(text: &[u8]) -> Self {
        let mut lines = Self { ascii: text.is_ascii(), bare: memchr::memchr(0, text).is_some(), longest: 0 };
        let mut rest = text;
        while !rest.is_empty() {
            let (line, behind) = match memchr::memchr2(b'\r', b'\n', rest) {
                Some(end) if rest.get(end..).is_some_and(|end| end.starts_with(b"\r\n")) => (end, end + 2),
                Some(end) => {
                    lines.bare = true;
                    (end, end + 1)
                }
                None => (rest.len(), rest.len()),
            };
            lines.longest = lines.longest.max(line);
            rest = rest.get(behind..).unwrap_or_default();
        }
        lines
    }

    fn is_eight_bit(&self) -> bool {
        !self.bare && self.longest <= MAX_LINE
    }

    fn is_seven_bit(&self) -> bool {
        self.ascii && self.is_eight_bit()
    }
}

/// With CRLF where there were line feeds alone.
fn canonical(text: &[u8]) -> Cow<'_, [u8]> {
    let bare = |at: &usize| at.checked_sub(1).is_none_or(|before| text.get(before) != Some(&b'\r'));
    let mut places = memchr::memchr_iter(b'\n', text).filter(bare).peekable();
    if places.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let (mut out, mut from) = (Vec::with_capacity(text.len() + text.len() / 32), 0);
    for place in places {
        out.extend_from_slice(text.get(from..place).unwrap_or_default());
        out.extend_from_slice(b"\r\n");
        from = place + 1;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
    out.into()
}

/// A boundary that no part holds, found in one look at them: they may be full of boundaries of this form.
fn boundary(seed: &str, parts: &[Part<'_>]) -> Result<String, Unwritable> {
    let seed: String = seed.chars().filter(char::is_ascii_alphanumeric).take(MAX_SEED).collect();
    // Quoted-printable and base64 have no such beginning (RFC 2045 §6.7).
    let start = format!("=_{seed}_");
    let finder = memmem::Finder::new(start.as_bytes());
    let mut taken = Vec::new();
    for part in parts {
        for place in finder.find_iter(&part.body) {
            let digits = part.body.get(place + start.len()..place + start.len() + DIGITS);
            let digits = digits.and_then(|digits| core::str::from_utf8(digits).ok());
            taken.extend(digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()));
        }
    }
    taken.sort_unstable();
    taken.dedup();
    // The first number that is not taken.
    let free = (0_u32..).zip(&taken).take_while(|(number, taken)| number == *taken).count();
    let free = u32::try_from(free).map_err(|_| Unwritable::new("boundary", "all are taken"))?;
    Ok(format!("{start}{free:08x}"))
}

fn is_message(media_type: &str) -> bool {
    media_type.starts_with("message/")
}

/// RFC 2045 §5.1.
fn token(field: &str, text: &str) -> Result<(), Unwritable> {
    let good = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&c);
    if text.is_empty() || text.len() > 100 || !text.bytes().all(good) {
        return Err(Unwritable::new(field, "it has characters that it must not have"));
    }
    Ok(())
}

fn is_file_name(name: &str) -> bool {
    let good = |c: u8| c.is_ascii_graphic() && !b"\"\\/:".contains(&c);
    !name.is_empty() && name.len() <= MAX_FILE_NAME && name.bytes().all(good)
}

#[cfg(test)]
mod tests;
