//! The parts of a mail (RFC 2046 §5), found in one pass over it.
//!
//! A delimiter counts for the outermost multipart whose boundary it has: where a part ends does not depend on what is
//! inside of it.

use std::{
    io::{Read, Seek},
    iter,
    ops::Range,
};

use memchr::memmem;

use super::{
    claim::{self, Claim},
    header::{Header, Line, Transfer},
    scan::Scanner,
    window::Window,
};
use crate::{Error, Limits, Result, certificate::name::printable};

/// Longer lines are no delimiters (RFC 5322 §2.1.1 allows 998 octets).
const MAX_DELIMITER: usize = 4096;
/// Of a media type so many octets are kept (RFC 6838 §4.2 allows 127 on each side).
const MAX_TYPE: usize = 255;

/// The parts of a mail in their order; the first is the mail itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) parts: Vec<Part>,
}

/// A part, or a mail.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// In which part it stands.
    pub(crate) parent: Option<usize>,
    /// The how-manieth part there, from 1.
    pub(crate) number: usize,
    pub(crate) depth: usize,
    /// Header and body: the octets between the delimiters' line ends.
    pub(crate) entity: Range<u64>,
    pub(crate) body: Range<u64>,
    /// In lower case, printable.
    pub(crate) media_type: Box<str>,
    pub(crate) encoding: Transfer,
    pub(crate) shape: Shape,
    /// See [`Header::is_ambiguous`].
    pub(crate) ambiguous: bool,
    /// See [`Header::is_broken`].
    pub(crate) broken: bool,
    pub(crate) claim: Claim,
}

/// What is inside of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No parts.
    Leaf,
    /// Parts between delimiters.
    Multipart {
        /// Where what stands in front of the first delimiter ends, if there is one.
        preamble: Option<u64>,
        /// Where what stands behind the last delimiter starts, if there is one.
        epilogue: Option<u64>,
    },
    /// A mail.
    Message,
    /// There may be parts, but this deep nobody looks.
    TooDeep,
    /// A multipart without a usable boundary, or with an encoding that multiparts can't have (RFC 2045 §6.4).
    Broken,
}

impl Tree {
    /// The parts of the mail, or of one of its parts, that stands in this range.
    pub(crate) fn read<M: Read + Seek>(mail: M, range: Range<u64>, limits: &Limits) -> Result<Self> {
        Self::read_from(Window::new(mail, range.clone()).map_err(Error::read)?, range, limits)
    }

    /// The same, of what `from` gives.
    pub(crate) fn read_from(from: impl Read, range: Range<u64>, limits: &Limits) -> Result<Self> {
        let scanner = Scanner::new(from, range.start);
        let mut walk = Walk { scanner, limits, tree: Self::default(), current: 0, open: Vec::new(), line_end: 0 };
        walk.enter(None, None)?;
        while !walk.open.is_empty() {
            match walk.delimiter()? {
                Some(delimiter) => walk.cross(&delimiter)?,
                None => break,
            }
        }
        walk.end(range.end, None);
        Ok(walk.tree)
    }

    pub(crate) fn root(&self) -> Option<&Part> {
        self.parts.first()
    }

    /// The parts right inside of this one.
    pub(crate) fn children(&self, part: usize) -> impl Iterator<Item = (usize, &Part)> {
        // They stand right behind it, each with what is in it.
        let depth = self.parts.get(part).map_or(usize::MAX, |part| part.depth);
        let inner = self.parts.iter().enumerate().skip(part + 1).take_while(move |(_, inner)| inner.depth > depth);
        inner.filter(move |(_, child)| child.parent == Some(part))
    }

    /// Whether a part is in one that is signed.
    pub(crate) fn is_within_signed(&self, part: usize) -> bool {
        let parent = |part: &Part| part.parent.and_then(|parent| self.parts.get(parent));
        let mut around = iter::successors(self.parts.get(part).and_then(parent), |part| parent(part));
        around.any(|part| matches!(part.claim, Claim::Signed(_)))
    }

    /// Where a part stands: the numbers of the parts that it is in and its own, such as `1.2`. The mail itself has
    /// an empty path.
    pub(crate) fn path(&self, part: usize) -> String {
        let mut numbers = Vec::new();
        let mut next = self.parts.get(part);
        while let Some((part, parent)) = next.and_then(|part| Some((part, part.parent?))) {
            numbers.push(part.number.to_string());
            next = self.parts.get(parent);
        }
        numbers.reverse();
        numbers.join(".")
    }
}

struct Walk<'a, R> {
    scanner: Scanner<R>,
    limits: &'a Limits,
    tree: Tree,
    /// The part that the scanner stands in: a leaf, or a multipart in front of its first or behind its last part.
    current: usize,
    /// The multiparts that are open, the innermost last.
    open: Vec<Open>,
    /// How many octets end the line that was passed last, as long as it was one of a header or a delimiter.
    line_end: u64,
}

struct Open {
    part: usize,
    /// With the two hyphens in front of it.
    delimiter: Vec<u8>,
    /// How many parts it has.
    parts: usize,
}

/// A line that ends a part.
struct Delimiter {
    /// Where what is in front of it ends: without the line end that belongs to it.
    end: u64,
    len: usize,
    /// Of which of the open multiparts.
    level: usize,
    closes: bool,
}

impl<R: Read> Walk<'_, R> {
    /// Reads the header of a part that starts here, and of the mails that it starts with.
    fn enter(&mut self, parent: Option<usize>, number: Option<usize>) -> Result<()> {
        let (mut parent, mut number) = (parent, number.unwrap_or(1));
        loop {
            self.add(parent, number)?;
            let header = self.header()?;
            let digest = parent.is_some_and(|parent| self.is_digest(parent));
            let message = self.shape(&header, digest);
            if !message {
                return Ok(());
            }
            (parent, number) = (Some(self.current), 1);
        }
    }

    fn is_digest(&self, parent: usize) -> bool {
        self.tree.parts.get(parent).is_some_and(|parent| &*parent.media_type == "multipart/digest")
    }

    fn add(&mut self, parent: Option<usize>, number: usize) -> Result<()> {
        if self.tree.parts.len() >= self.limits.parts {
            let limit = self.limits.parts.try_into().unwrap_or(u64::MAX);
            return Err(Error::Limit { what: "parts of a mail", limit });
        }
        let depth = parent.and_then(|parent| self.tree.parts.get(parent)).map_or(0, |parent| parent.depth + 1);
        let start = self.scanner.offset();
        self.current = self.tree.parts.len();
        self.tree.parts.push(Part {
            parent,
            number,
            depth,
            entity: start..start,
            body: start..start,
            media_type: "".into(),
            encoding: Transfer::SevenBit,
            shape: Shape::Leaf,
            ambiguous: false,
            broken: false,
            claim: Claim::None,
        });
        Ok(())
    }

    /// Reads a header up to its end, or up to a delimiter.
    fn header(&mut self) -> Result<Header> {
        let mut header = Header::default();
        loop {
            let len = header.next_line(&mut self.scanner, self.limits)?;
            let line = self.scanner.window().get(..len).unwrap_or_default();
            if self.matching(line).is_some() {
                return Ok(header);
            }
            let next = header.line(line);
            if next != Line::Body {
                self.line_end = line_end(line);
                self.scanner.pass(len);
            }
            if next != Line::Taken {
                return Ok(header);
            }
        }
    }

    /// Sees from its header what the current part is. Whether another header follows: that of a mail in it.
    fn shape(&mut self, header: &Header, digest: bool) -> bool {
        let at = self.scanner.offset();
        let content_type = header.content_type();
        let implied = digest && header.all("content-type").next().is_none();
        let media_type = if implied { "message/rfc822" } else { content_type.value() };
        let Some(part) = self.tree.parts.get_mut(self.current) else { return false };
        part.body.start = at;
        part.media_type = printable(media_type).chars().take(MAX_TYPE).collect();
        part.encoding = header.encoding();
        part.ambiguous = header.is_ambiguous();
        part.claim = Claim::of(header, &content_type);
        let message = matches!(media_type, "message/rfc822" | "message/global") && part.encoding.is_identity();
        let multipart = media_type.starts_with("multipart/");
        part.broken = header.is_broken();
        part.shape = match claim::boundary(&content_type) {
            _ if (multipart || message) && part.depth >= self.limits.nesting => Shape::TooDeep,
            _ if message => Shape::Message,
            Some(boundary) if multipart && part.encoding.is_identity() => {
                let delimiter = [b"--", boundary].concat();
                self.open.push(Open { part: self.current, delimiter, parts: 0 });
                Shape::Multipart { preamble: None, epilogue: None }
            }
            _ if multipart => Shape::Broken,
            _ => Shape::Leaf,
        };
        part.shape == Shape::Message
    }

    /// Passes what is in front of the next delimiter; `None` at the end of the mail.
    fn delimiter(&mut self) -> Result<Option<Delimiter>> {
        // What was passed last is a line.
        let len = self.scanner.line(MAX_DELIMITER)?.unwrap_or_default();
        if let Some((level, closes)) = self.matching(self.scanner.window().get(..len).unwrap_or_default()) {
            return Ok(Some(Delimiter { end: self.scanner.offset() - self.line_end, len, level, closes }));
        }
        let finder = memmem::Finder::new(b"\n--");
        loop {
            let window = self.scanner.window();
            let Some(at) = finder.find(window) else {
                if self.scanner.ended() {
                    self.scanner.pass(usize::MAX);
                    return Ok(None);
                }
                // The last octets may be the beginning of a delimiter with its line end.
                let len = window.len().saturating_sub(3);
                self.scanner.pass(len);
                self.scanner.more()?;
                continue;
            };
            let carriage = at.checked_sub(1).filter(|before| window.get(*before) == Some(&b'\r'));
            self.scanner.pass(carriage.unwrap_or(at));
            let end = self.scanner.offset();
            let line_end = if carriage.is_some() { 2 } else { 1 };
            let limit = line_end + MAX_DELIMITER;
            if let Some((level, closes, len)) = self.line_behind(line_end, limit)? {
                self.scanner.pass(line_end);
                return Ok(Some(Delimiter { end, len, level, closes }));
            }
            self.scanner.pass(line_end);
        }
    }

    /// Looks whether a delimiter stands behind the line end that the window starts with.
    fn line_behind(&mut self, line_end: usize, limit: usize) -> Result<Option<(usize, bool, usize)>> {
        loop {
            let ended = self.scanner.ended();
            let window = self.scanner.window();
            let near = window.get(line_end..limit.min(window.len())).unwrap_or_default();
            let line = match memchr::memchr(b'\n', near) {
                Some(end) => near.get(..=end).unwrap_or_default(),
                None if ended && window.len() <= limit => near,
                None if window.len() >= limit => return Ok(None),
                None => {
                    self.scanner.more()?;
                    continue;
                }
            };
            return Ok(self.matching(line).map(|(level, closes)| (level, closes, line.len())));
        }
    }

    /// Which of the open multiparts' delimiters a line is, and whether it is the last.
    fn matching(&self, line: &[u8]) -> Option<(usize, bool)> {
        if !line.starts_with(b"--") {
            return None;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        self.open.iter().enumerate().find_map(|(level, open)| {
            let rest = line.strip_prefix(open.delimiter.as_slice())?;
            let (rest, closes) = rest.strip_prefix(b"--").map_or((rest, false), |rest| (rest, true));
            rest.iter().all(|c| matches!(c, b' ' | b'\t')).then_some((level, closes))
        })
    }

    /// Passes a delimiter.
    fn cross(&mut self, delimiter: &Delimiter) -> Result<()> {
        let Some(open) = self.open.get_mut(delimiter.level) else { return Ok(()) };
        let multipart = open.part;
        open.parts += 1;
        let number = open.parts;
        self.end(delimiter.end, Some(multipart));
        self.line_end = line_end(self.scanner.window().get(..delimiter.len).unwrap_or_default());
        self.scanner.pass(delimiter.len);
        if let Some(Part { body, shape: Shape::Multipart { preamble, epilogue }, .. }) =
            self.tree.parts.get_mut(multipart)
        {
            preamble.get_or_insert(delimiter.end.max(body.start));
            *epilogue = delimiter.closes.then_some(self.scanner.offset());
        }
        self.current = multipart;
        self.open.truncate(delimiter.level + usize::from(!delimiter.closes));
        if delimiter.closes { Ok(()) } else { self.enter(Some(multipart), Some(number)) }
    }

    /// Ends the current part and those that it is in, up to this one.
    fn end(&mut self, at: u64, up_to: Option<usize>) {
        let parent = |part: &usize| self.tree.parts.get(*part).and_then(|part| part.parent);
        let around = iter::successors(Some(self.current), parent).take_while(|part| Some(*part) != up_to);
        let ended: Vec<_> = around.collect();
        let outermost = ended.last().and_then(|part| self.tree.parts.get(*part));
        // What is right in front of the end may belong to the delimiter in front of the outermost part.
        let at = at.max(outermost.map_or(at, |part| part.entity.start));
        for part in ended {
            let Some(part) = self.tree.parts.get_mut(part) else { continue };
            part.entity = part.entity.start.min(at)..at;
            part.body = part.body.start.min(at)..at;
        }
    }
}

/// How many octets end a line.
fn line_end(line: &[u8]) -> u64 {
    if line.ends_with(b"\r\n") { 2 } else { u64::from(line.ends_with(b"\n")) }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::mime::testing::{Pieces, len, made, slice};

    fn read(text: &str) -> Tree {
        Tree::read_from(text.as_bytes(), 0..len(text.as_bytes()), &Limits::default()).unwrap()
    }

    fn bodies<'a>(tree: &Tree, text: &'a str) -> Vec<&'a str> {
        tree.parts.iter().map(|part| slice(text, &part.body)).collect()
    }

    proptest! {
        #[test]
        fn parts_are_where_they_were_put(made in made(), crlf: bool, sizes in vec(1_usize..70_000, 1..4)) {
            let composed = made.compose(if crlf { "\r\n" } else { "\n" });
            let end = len(&composed.text);
            let sizes: Vec<_> = sizes.iter().map(|size| if composed.text.len() > 10_000 { size | 1024 } else { *size }).collect();
            let tree = Tree::read_from(Pieces::new(&composed.text, &sizes), 0..end, &Limits::default()).unwrap();
            let found: Vec<_> = tree.parts.iter().enumerate()
                .map(|(index, part)| (tree.path(index), part.entity.clone(), part.body.clone())).collect();
            prop_assert_eq!(found, composed.parts, "{}", String::from_utf8_lossy(&composed.text));
        }
    }

    #[test]
    fn odd_structures_have_a_reading() {
        let head = "Content-Type: multipart/mixed; boundary=b\n\n";
        let cases: [(&str, &[&str]); 10] = [
            ("--b\nx\n--b--", &["--b\nx\n--b--", "x"]),
            ("--b\n--b\n--b--", &["--b\n--b\n--b--", "", ""]),
            ("--b\n\n--b--", &["--b\n\n--b--", ""]),
            ("--b\nA: b\n--b--", &["--b\nA: b\n--b--", ""]),
            ("--b--", &["--b--"]),
            ("", &[""]),
            ("--b", &["--b", ""]),
            ("--b-- \n--b\n\nx", &["--b-- \n--b\n\nx"]),
            (
                "\n--b\n\nx\n--bx\n--b--x\n --b\n--b\t\n",
                &["\n--b\n\nx\n--bx\n--b--x\n --b\n--b\t\n", "x\n--bx\n--b--x\n --b", ""],
            ),
            (
                "--b\nContent-Type: multipart/x; boundary=b\n\n--b\n\nx\n--b--\n",
                &["--b\nContent-Type: multipart/x; boundary=b\n\n--b\n\nx\n--b--\n", "", "x"],
            ),
        ];
        for (body, expected) in cases {
            let text = [head, body].concat();
            assert_eq!(bodies(&read(&text), &text), expected, "{body:?}");
        }
    }

    #[test]
    fn an_outer_delimiter_ends_all_that_is_inside() {
        let text = "Content-Type: multipart/a; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/b; boundary=b\r\n\r\n\
                    --b\r\nContent-Type: message/rfc822\r\n\r\nX: y\r\n--a\r\n\r\nz\r\n--b\r\n--a--\r\n";
        let tree = read(text);
        let paths: Vec<_> = (0..tree.parts.len()).map(|part| tree.path(part)).collect();
        assert_eq!(paths, ["", "1", "1.1", "1.1.1", "2"]);
        assert_eq!(bodies(&tree, text)[4], "z\r\n--b");
        assert_eq!(tree.parts[0].shape, Shape::Multipart { preamble: Some(41), epilogue: Some(len(text.as_bytes())) });
        assert!(matches!(tree.parts[1].shape, Shape::Multipart { epilogue: None, .. }));
    }

    #[test]
    fn a_media_type_can_be_printed() {
        let tree = read("Content-Type: A/\x1b[31m\u{202e}b\n\n");
        assert_eq!(&*tree.root().unwrap().media_type, "a/\u{fffd}[31m\u{fffd}b");
    }

    #[test]
    fn an_empty_mail_is_inside_of_its_part() {
        let tree = read("Content-Type: multipart/x; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n--b--");
        let [_, part, mail] = &tree.parts[..] else { panic!("{tree:?}") };
        assert_eq!((&mail.entity, &mail.body), (&part.body, &part.body));
    }

    #[test]
    fn digests_have_mails_in_them() {
        let text = "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\ny\n--b--\n";
        let tree = read(text);
        assert_eq!(bodies(&tree, text)[1..], ["Subject: x\n\ny", "y"]);
    }

    #[test]
    fn nesting_and_parts_have_limits() {
        let limits = Limits { nesting: 2, parts: 3, ..Limits::default() };
        let message = "Content-Type: message/rfc822\n\n";
        let read = |text: &str| Tree::read_from(text.as_bytes(), 0..len(text.as_bytes()), &limits);
        let tree = read(&message.repeat(5)).unwrap();
        assert_eq!(tree.parts.len(), 3);
        assert_eq!(tree.parts[2].shape, Shape::TooDeep);
        let multipart = |parts| format!("Content-Type: multipart/a; boundary=a\n\n{}", "--a\n".repeat(parts));
        assert!(read(&multipart(2)).is_ok());
        assert!(matches!(read(&multipart(3)), Err(Error::Limit { what: "parts of a mail", limit: 3 })));
    }
}
