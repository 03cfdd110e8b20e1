//! A walk through the structure of a mail ([RFC 2046 §5](https://www.rfc-editor.org/rfc/rfc2046#section-5)), line by
//! line, in windows of any size.

use alloc::vec::Vec;

use crate::{Encoding, header::Header};

/// Deeper multiparts are taken for the text that they are.
const MAX_DEPTH: usize = 32;
/// Longer lines are no header fields and no boundaries.
const MAX_LINE: usize = 4096;
/// Longer unfolded fields are cut.
const MAX_FIELD: usize = 16 * 1024;

/// A walk through one mail.
#[derive(Debug)]
pub struct Walker {
    /// The boundaries of the multiparts that are open, the innermost last.
    boundaries: Vec<Vec<u8>>,
    state: State,
    line_start: bool,
    /// The only media type whose bodies are read, if there is one.
    only: Option<&'static str>,
}

#[derive(Debug)]
enum State {
    /// In a header, with the field that the next line may continue.
    Header(Header, Vec<u8>),
    /// In a body: of a part that is read, or else of one that isn't, or between parts.
    Body(Option<Encoding>),
}

/// What the window starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// Octets of the body of a text part, or of one whose type says nothing about its content.
    Body {
        /// How many.
        len: usize,
        /// How they are encoded.
        encoding: Encoding,
        /// Whether the part ends behind them.
        ends: bool,
    },
    /// So many octets that are none: headers, boundaries, what stands between parts, images and the like.
    Frame(usize),
    /// The window must grow, or the mail has ended.
    More,
}

impl Walker {
    /// A walk that starts with the header of a mail.
    #[must_use]
    pub fn new() -> Self {
        Self {
            boundaries: Vec::new(),
            state: State::Header(Header::default(), Vec::new()),
            line_start: true,
            only: None,
        }
    }

    /// The same, which reads the bodies of one media type, in lower case, instead of those of texts.
    #[must_use]
    pub fn to(media_type: &'static str) -> Self {
        Self { only: Some(media_type), ..Self::new() }
    }

    /// Says what the window starts with; `last` says that the mail ends with it.
    ///
    /// A [`Next::Frame`] is passed by this call: the next window starts behind it. Of a [`Next::Body`] the
    /// caller says what it consumed ([`Self::pass`]), and that it is done with a part that ends ([`Self::end_part`]).
    pub fn look(&mut self, window: &[u8], last: bool) -> Next {
        match &mut self.state {
            State::Header(..) => self.header(window, last),
            State::Body(encoding) => {
                let encoding = *encoding;
                let (len, ends) = self.extent(window, last);
                match encoding {
                    Some(encoding) if len > 0 || ends => Next::Body { len, encoding, ends },
                    None if len > 0 => {
                        self.pass(window.get(..len).unwrap_or_default());
                        Next::Frame(len)
                    }
                    None if ends => self.boundary(window),
                    _ => Next::More,
                }
            }
        }
    }

    /// These octets of a body have been consumed.
    pub fn pass(&mut self, octets: &[u8]) {
        if let Some(c) = octets.last() {
            self.line_start = *c == b'\n';
        }
    }

    /// The part whose end was announced is done.
    pub fn end_part(&mut self) {
        self.state = State::Body(None);
    }

    /// Reads lines of a header, up to its end if it is in the window.
    fn header(&mut self, window: &[u8], last: bool) -> Next {
        let mut at = 0;
        while let State::Header(header, field) = &mut self.state {
            let rest = window.get(at..).unwrap_or_default();
            let Some(len) = line(rest, last) else { break };
            let line = rest.get(..len).unwrap_or_default();
            let folded = matches!(line, [b' ' | b'\t', ..]) && !line.trim_ascii().is_empty();
            let continues = folded || !self.line_start;
            self.line_start = line.ends_with(b"\n");
            if continues {
                if field.len() + line.len() < MAX_FIELD {
                    field.extend_from_slice(line);
                }
                at += len;
                continue;
            }
            header.field(field);
            if is_field(line) || field.is_empty() && starts_mail(line) {
                *field = line.to_vec();
                at += len;
                continue;
            }
            // An empty line ends the header; another line that is no field is already the body.
            if line.trim_ascii().is_empty() {
                at += len;
            }
            let header = core::mem::take(header);
            self.body(header);
        }
        match (at, &self.state) {
            (0, State::Header(..)) => Next::More,
            (0, State::Body(_)) => self.look(window, last),
            _ => Next::Frame(at),
        }
    }

    /// What follows a header.
    fn body(&mut self, header: Header) {
        let read = ["application/octet-stream", "application/pgp-encrypted", "application/pgp", ""];
        let multipart = header.media_type.starts_with("multipart/") && self.boundaries.len() < MAX_DEPTH;
        let message = matches!(header.media_type.as_str(), "message/rfc822" | "message/global");
        let is_read =
            |of: &str| self.only.map_or_else(|| of.starts_with("text/") || read.contains(&of), |only| of == only);
        self.line_start = true;
        self.state = match header.boundary {
            Some(boundary) if multipart && !boundary.is_empty() => {
                self.boundaries.push(boundary);
                State::Body(None)
            }
            _ if message && header.encoding == Encoding::Identity => State::Header(Header::default(), Vec::new()),
            _ if is_read(&header.media_type) => State::Body(Some(header.encoding)),
            _ => State::Body(None),
        };
    }

    /// How much of the window belongs to the body, and whether it ends there.
    fn extent(&self, window: &[u8], last: bool) -> (usize, bool) {
        if self.boundaries.is_empty() {
            return (window.len(), last);
        }
        for at in memchr::memmem::find_iter(window, b"--").filter(|at| self.starts_line(window, *at)) {
            match line(window.get(at..).unwrap_or_default(), last) {
                Some(len) => {
                    let line = window.get(at..at + len).unwrap_or_default();
                    let whole = line.ends_with(b"\n") || last && at + len == window.len();
                    if whole && self.matching(line).is_some() {
                        return (at, true);
                    }
                }
                None => return (at, false),
            }
        }
        // A hyphen at the end may be the beginning of a boundary.
        let hyphen = window.len().saturating_sub(1);
        let held = !last && window.last() == Some(&b'-') && self.starts_line(window, hyphen);
        (if held { hyphen } else { window.len() }, last)
    }

    fn starts_line(&self, window: &[u8], at: usize) -> bool {
        at.checked_sub(1).map_or(self.line_start, |before| window.get(before) == Some(&b'\n'))
    }

    /// Which boundary a line is, and whether it closes its multipart.
    fn matching(&self, line: &[u8]) -> Option<(usize, bool)> {
        let rest = line.trim_ascii_end().strip_prefix(b"--")?;
        self.boundaries.iter().enumerate().rev().find_map(|(place, boundary)| {
            let rest = rest.strip_prefix(boundary.as_slice())?;
            (rest.is_empty() || rest == b"--").then_some((place, !rest.is_empty()))
        })
    }

    /// Passes the boundary that the window starts with.
    fn boundary(&mut self, window: &[u8]) -> Next {
        let len = line(window, true).unwrap_or_default();
        let Some((place, closes)) = self.matching(window.get(..len).unwrap_or_default()) else { return Next::More };
        self.boundaries.truncate(if closes { place } else { place + 1 });
        self.line_start = true;
        self.state = if closes { State::Body(None) } else { State::Header(Header::default(), Vec::new()) };
        Next::Frame(len)
    }
}

impl Default for Walker {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a text starts as a mail does: with a header field, or with the line `From …` that mailboxes put in front of
/// it ([RFC 4155](https://www.rfc-editor.org/rfc/rfc4155)).
#[must_use]
pub fn starts_mail(text: &[u8]) -> bool {
    is_field(text) || text.starts_with(b"From ")
}

/// Whether a line starts a header field: a name without blanks, then a colon
/// ([RFC 5322 §2.2](https://www.rfc-editor.org/rfc/rfc5322#section-2.2)).
fn is_field(line: &[u8]) -> bool {
    let name = line.iter().take_while(|c| c.is_ascii_graphic() && **c != b':').count();
    name > 0 && line.get(name) == Some(&b':')
}

/// The length of the line that `text` starts with, its end included; `None` where more of it is needed. What is too
/// long for a line that matters is taken in pieces.
fn line(text: &[u8], last: bool) -> Option<usize> {
    let near = text.get(..MAX_LINE).unwrap_or(text);
    match memchr::memchr(b'\n', near) {
        Some(end) => Some(end + 1),
        None if near.len() == MAX_LINE || last && !text.is_empty() => Some(near.len()),
        None => None,
    }
}
