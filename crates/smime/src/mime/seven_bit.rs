//! Entities made fit for signing (RFC 8551 §3.1): 7-bit, with lines that no relay changes. Parts that are not so are
//! encoded anew; all other octets stay.
//!
//! What is protected already is not touched: a signature in it would break.

use std::{
    io::{Read, Seek, Write},
    ops::Range,
};

use super::{
    base64,
    canonical::Canonical,
    claim::Claim,
    hazards::Hazards,
    header::{Header, Transfer},
    locate::Entity,
    quoted,
    survey::{self, Region, Role, survey},
    transfer::{self, Decoded},
    tree::{Part, Shape, Tree},
    unchanged::Unchanged,
    window::Window,
};
use crate::{Error, Limits, Result};

/// Characters of a line of base64 (RFC 2045 §6.8).
const BASE64_LINE: u64 = 76;
/// Longer text is written in base64, which is faster.
const MAX_QUOTED: u64 = 128 << 10;
/// Up to one octet of so many may be no ASCII, or else base64 is shorter.
const QUOTED_SHARE: u64 = 6;

/// What an entity is made fit for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be signed beside its signature (RFC 8551 §3.1.3): nothing may be left that some program changes.
    Detached,
    /// To be put into a CMS message (RFC 8551 §3.1.2).
    Enclosed,
}

impl Purpose {
    /// Whether a text may stay as it is.
    pub(super) fn accepts(self, hazards: &Hazards) -> bool {
        hazards.is_seven_bit() && (self == Self::Enclosed || !hazards.is_fragile())
    }
}

/// How an entity is to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// Its header fields (see [`Header::split`]).
    pub(crate) inner: &'a [u8],
    pub(crate) purpose: Purpose,
}

/// An entity that was made fit. Each writing of it gives the same octets.
#[derive(Debug)]
pub(crate) struct Rewrite {
    /// The entity's own header, with the empty line.
    head: Vec<u8>,
    body: Range<u64>,
    /// In the order of their places, which do not overlap.
    edits: Vec<Edit>,
    /// All lines end with CR LF.
    canonical: bool,
    remaining: Hazards,
}

/// What stands in the place of some octets.
#[derive(Debug)]
struct Edit {
    place: Range<u64>,
    with: Replacement,
}

#[derive(Debug)]
enum Replacement {
    /// Nothing.
    Cut,
    /// The header of this entity, with another encoding if it has one, and without carriage returns that end no line.
    Header(Range<u64>, Option<Transfer>),
    /// Base64 in lines of 76 characters, with nothing else in it.
    Rewrapped,
    /// The body in another encoding.
    Recoded { from: Transfer, to: Transfer },
}

impl Rewrite {
    /// Looks at a whole mail, and writes its entity once to what `sink` gives. Mostly nothing is to be changed: then the
    /// mail is read once for all of that.
    ///
    /// # Errors
    ///
    /// What [`Entity::locate`] returns; [`Error::Write`]; [`Error::Encoding`] if a part that must be encoded anew is
    /// damaged.
    pub(crate) fn plan<M: Read + Seek, W: Write>(
        mail: &mut M,
        wanted: &Wanted<'_>,
        limits: &Limits,
        sink: impl Fn() -> W,
    ) -> Result<(Entity, Self, W)> {
        let header = Header::read_from(wanted.inner, limits)?;
        let head = head(&header, None)?;
        let mut unchanged = Unchanged::new(&head, wanted.purpose, sink())?;
        let entity = Entity::locate_and_show(mail, limits, &mut |octets| unchanged.take(octets))?;
        if let Some(written) = unchanged.finish(&entity.tree, &entity.body) {
            let rewrite = Self::none(head, entity.body.clone())?;
            return Ok((entity, rewrite, written));
        }
        let rewrite = Self::some(mail, &entity, &header, wanted.purpose)?;
        let mut written = sink();
        rewrite.write(mail, &mut written, limits)?;
        Ok((entity, rewrite, written))
    }

    /// Nothing is to be changed.
    fn none(head: Vec<u8>, body: Range<u64>) -> Result<Self> {
        let remaining = Hazards::of(&head[..])?;
        Ok(Self { head, body, edits: Vec::new(), canonical: true, remaining })
    }

    /// Something may be to be changed.
    fn some<M: Read + Seek>(mail: &mut M, entity: &Entity, header: &Header, purpose: Purpose) -> Result<Self> {
        let (tree, body) = (&entity.tree, entity.body.clone());
        let found = survey(mail, body.clone(), survey::regions(tree))?;
        let states = vec![State::default(); tree.parts.len()];
        let mut plan = Plan { tree, purpose, states, edits: Vec::new(), remaining: Hazards::default() };
        plan.look(&found);
        let head = head(header, plan.states.first().and_then(|state| state.label))?;
        plan.remaining.add(&Hazards::of(&head[..])?);
        let mut edits = plan.edits;
        edits.sort_by_key(|edit| (edit.place.start, edit.place.end));
        Ok(Self { head, body, edits, canonical: false, remaining: plan.remaining })
    }

    /// Whether anything is encoded anew.
    pub(crate) fn changes(&self) -> bool {
        !self.edits.is_empty()
    }

    /// What could not be made fit: header fields, and what is protected already.
    pub(crate) fn remaining(&self) -> &Hazards {
        &self.remaining
    }

    /// Writes the entity, all line ends as CRLF.
    ///
    /// # Errors
    ///
    /// [`Error::Read`], [`Error::Write`]; [`Error::Encoding`] if a part that must be encoded anew is damaged.
    pub(crate) fn write<M: Read + Seek>(&self, mail: &mut M, out: &mut dyn Write, limits: &Limits) -> Result<()> {
        out.write_all(&self.head).map_err(Error::Write)?;
        let mut at = self.body.start;
        for edit in &self.edits {
            self.copy(mail, at..edit.place.start, out)?;
            edit.write(mail, out, limits)?;
            at = edit.place.end.max(at);
        }
        self.copy(mail, at..self.body.end, out)
    }

    fn copy<M: Read + Seek>(&self, mail: &mut M, range: Range<u64>, out: &mut dyn Write) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let mut from = window(mail, range)?;
        let copied = if self.canonical {
            transfer::copy(&mut from, out)
        } else {
            transfer::copy(&mut Canonical::new(from), out)
        };
        copied.map(drop)
    }
}

impl Edit {
    fn write<M: Read + Seek>(&self, mail: &mut M, out: &mut dyn Write, limits: &Limits) -> Result<()> {
        match &self.with {
            Replacement::Cut => Ok(()),
            Replacement::Header(entity, label) => {
                let header = Header::read(mail, entity.clone(), limits)?;
                out.write_all(&head(&header, *label)?).map_err(Error::Write)
            }
            Replacement::Rewrapped => rewrap(&mut window(mail, self.place.clone())?, out),
            // Line ends are part of binary data.
            Replacement::Recoded { from: Transfer::Binary, to } => {
                encode(&mut window(mail, self.place.clone())?, *to, out)
            }
            Replacement::Recoded { from, to } => {
                let text = Canonical::new(window(mail, self.place.clone())?);
                encode(&mut Decoded::new(text, *from), *to, out)
            }
        }
    }
}

/// A look at all parts of an entity.
struct Plan<'a> {
    tree: &'a Tree,
    purpose: Purpose,
    states: Vec<State>,
    edits: Vec<Edit>,
    remaining: Hazards,
}

/// What becomes of a part.
#[derive(Clone, Copy, Default)]
struct State {
    /// There is something in it that can't be made 7-bit.
    dirty: bool,
    /// It may get another encoding: it is not protected, nor in a part that is.
    open: bool,
    /// Its header is written anew.
    header: bool,
    /// Its new encoding.
    label: Option<Transfer>,
}

impl Plan<'_> {
    fn look(&mut self, found: &[(Region, Hazards)]) {
        for (Region { part: index, role, place }, hazards) in found {
            let Some(part) = self.tree.parts.get(*index) else { continue };
            let mut state = self.states.get(*index).copied().unwrap_or_default();
            state.open = matches!(part.claim, Claim::None);
            match role {
                Role::Header => {
                    state.header = hazards.bare_cr;
                    self.remains(&Hazards { bare_cr: false, ..*hazards }, &mut state);
                }
                Role::Fixed => self.remains(hazards, &mut state),
                // It means nothing: where it is not fit, it goes.
                Role::Around if self.purpose.accepts(hazards) => {}
                Role::Around => self.edits.push(Edit { place: place.clone(), with: Replacement::Cut }),
                Role::Leaf => self.leaf(part, hazards, &mut state),
            }
            if let Some(place) = self.states.get_mut(*index) {
                *place = state;
            }
        }
        self.labels();
    }

    /// Takes note of what can't be changed.
    fn remains(&mut self, hazards: &Hazards, state: &mut State) {
        self.remaining.add(hazards);
        state.dirty |= !hazards.is_seven_bit();
    }

    fn leaf(&mut self, part: &Part, hazards: &Hazards, state: &mut State) {
        let fit = self.purpose.accepts(hazards);
        let with = match part.encoding {
            Transfer::Base64 if fit && hazards.longest <= BASE64_LINE => None,
            Transfer::Base64 => Some(Replacement::Rewrapped),
            Transfer::Other => {
                self.remains(hazards, state);
                None
            }
            Transfer::Binary if !fit || hazards.bare_lf => Some(recoded(part, Transfer::Base64)),
            _ if fit => None,
            _ => {
                let short = hazards.octets <= MAX_QUOTED && hazards.eight_bit * QUOTED_SHARE <= hazards.octets;
                let text = part.media_type.starts_with("text/") && short && !hazards.control;
                Some(recoded(part, if text { Transfer::QuotedPrintable } else { Transfer::Base64 }))
            }
        };
        if let Some(Replacement::Recoded { to, .. }) = &with {
            state.label = Some(*to);
        } else if matches!(part.encoding, Transfer::EightBit | Transfer::Binary) {
            state.label = Some(Transfer::SevenBit);
        }
        self.edits.extend(with.map(|with| Edit { place: part.body.clone(), with }));
    }

    /// Multiparts and mails in which all is 7-bit now say so (RFC 2045 §6.4).
    fn labels(&mut self) {
        for (index, part) in self.tree.parts.iter().enumerate().rev() {
            let Some(state) = self.states.get_mut(index) else { continue };
            let (dirty, open) = (state.dirty, state.open);
            let container = matches!(part.shape, Shape::Multipart { .. } | Shape::Message);
            if container && open && !dirty && matches!(part.encoding, Transfer::EightBit | Transfer::Binary) {
                state.label = Some(Transfer::SevenBit);
            }
            let (label, header) = (state.label, state.header);
            if let Some(parent) = part.parent.and_then(|parent| self.states.get_mut(parent)) {
                parent.dirty |= dirty;
                if header || label.is_some() {
                    let place = part.entity.start..part.body.start;
                    self.edits.push(Edit { place, with: Replacement::Header(part.entity.clone(), label) });
                }
            }
        }
    }
}

fn recoded(part: &Part, to: Transfer) -> Replacement {
    Replacement::Recoded { from: part.encoding, to }
}

fn window<M: Read + Seek>(mail: M, range: Range<u64>) -> Result<Window<M>> {
    Window::new(mail, range).map_err(Error::Read)
}

/// The same with CR LF at the ends of its lines.
fn head(header: &Header, label: Option<Transfer>) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    transfer::copy(&mut Canonical::new(&labelled(header, label)[..]), &mut head)?;
    Ok(head)
}

/// A header with another encoding, and with its empty line. Carriage returns that end no line go: they stand for
/// nothing in a field, and where lines end with a line feed alone they would be lost in front of one.
fn labelled(header: &Header, label: Option<Transfer>) -> Vec<u8> {
    let line = label.map(|label| [b"Content-Transfer-Encoding: ", label.name().as_bytes(), b"\r\n"].concat());
    let mut all = header.mailbox_line().to_vec();
    let mut missing = line.as_deref();
    for field in header.fields() {
        match line {
            Some(_) if field.name.eq_ignore_ascii_case(b"content-transfer-encoding") => {
                all.extend_from_slice(missing.take().unwrap_or_default());
            }
            _ => all.extend_from_slice(field.raw),
        }
        if !all.ends_with(b"\n") {
            all.extend_from_slice(b"\r\n");
        }
    }
    all.extend_from_slice(missing.unwrap_or_default());
    all.extend_from_slice(b"\r\n");
    let next: Vec<_> = all.iter().copied().skip(1).chain([0]).collect();
    all.iter().zip(next).filter(|(c, next)| **c != b'\r' || *next == b'\n').map(|(c, _)| *c).collect()
}

fn encode(from: &mut dyn Read, to: Transfer, out: &mut dyn Write) -> Result<()> {
    if to == Transfer::QuotedPrintable {
        let mut encoder = quoted::Encoder::new(out);
        transfer::copy(from, &mut encoder)?;
        return encoder.finish().map(drop).map_err(Error::Write);
    }
    let mut encoder = base64::Encoder::new(out);
    transfer::copy(from, &mut encoder)?;
    encoder.finish().map(drop).map_err(Error::Write)
}

/// Writes the characters of a base64 text in new lines. What else is in it means nothing (RFC 2045 §6.8).
fn rewrap(from: &mut dyn Read, out: &mut dyn Write) -> Result<()> {
    let mut characters = Vec::new();
    let mut lines = |characters: &[u8]| {
        let lines: Vec<_> = characters.chunks(base64::LINE).flat_map(|line| [line, b"\r\n"]).collect();
        out.write_all(&lines.concat()).map_err(Error::Write)
    };
    transfer::each(from, &mut |text| {
        characters.extend(text.iter().copied().filter(|c| base64::is_character(*c)));
        let whole = characters.len() / base64::LINE * base64::LINE;
        lines(characters.get(..whole).unwrap_or_default())?;
        characters.drain(..whole);
        Ok(())
    })?;
    lines(&characters)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::mime::testing::{Made, made_of};

    fn locate(mail: &[u8]) -> Entity {
        Entity::locate(&mut Cursor::new(mail), &Limits::default()).unwrap()
    }

    /// The mail with what belongs inside, made fit.
    fn rewritten(mail: &[u8], purpose: Purpose) -> (Vec<u8>, Rewrite) {
        let (_, inner) = locate(mail).header.split();
        let mut mail = Cursor::new(mail);
        let wanted = Wanted { inner: &inner, purpose };
        let (_, rewrite, written) = Rewrite::plan(&mut mail, &wanted, &Limits::default(), Vec::new).unwrap();
        let mut again = Vec::new();
        rewrite.write(&mut mail, &mut again, &Limits::default()).unwrap();
        assert!(written == again, "each writing gives the same");
        (written, rewrite)
    }

    fn detached(mail: &str) -> String {
        String::from_utf8(rewritten(mail.as_bytes(), Purpose::Detached).0).unwrap()
    }

    /// What the leaves have in them.
    fn contents(mail: &[u8]) -> Vec<Vec<u8>> {
        let tree = locate(mail).tree;
        let leaves = tree.parts.iter().filter(|part| part.shape == Shape::Leaf);
        let content = |part: &Part| {
            let body = window(Cursor::new(mail), part.body.clone()).unwrap();
            let mut content = Vec::new();
            let read = match part.encoding {
                Transfer::Binary => transfer::copy(&mut { body }, &mut content),
                encoding => transfer::copy(&mut Decoded::new(Canonical::new(body), encoding), &mut content),
            };
            read.map(|_| content).unwrap()
        };
        leaves.map(content).collect()
    }

    fn leaf() -> impl Strategy<Value = Made> {
        let media_type = proptest::sample::select(&["Content-Type: text/plain", "Content-Type: a/b", "X: y"]);
        let text = "(From |F|\r\n| |\t|a{1,30}|\r|=|\0|ä|x{500,600}){0,9}";
        let coded =
            (proptest::sample::select(&["base64", "quoted-printable"]), vec(any::<u8>(), 0..150), 20_usize..100)
                .prop_map(|(name, octets, width)| {
                    if name == "base64" {
                        let text = base64_simd::STANDARD.encode_to_string(octets);
                        let lines: Vec<_> = text.as_bytes().chunks(width).collect();
                        ("Content-Transfer-Encoding: base64", lines.join(&b"\r\n"[..]))
                    } else {
                        let text = octets.iter().fold(String::new(), |text, octet| format!("{text}={octet:02x}"));
                        ("Content-Transfer-Encoding: Quoted-Printable", text.into_bytes())
                    }
                });
        let identity = proptest::sample::select(&[
            "Content-Transfer-Encoding: 7bit",
            "content-transfer-encoding: 8bit",
            "Content-Transfer-Encoding: binary",
            "X-y: z",
        ]);
        let plain = (identity, text).prop_map(|(name, text)| (name, text.into_bytes()));
        (media_type, prop_oneof![coded, plain])
            .prop_map(|(media_type, (encoding, body))| Made::Leaf { header: vec![encoding, media_type], body })
    }

    proptest! {
        #[test]
        fn what_is_rewritten_is_fit_and_has_the_same_contents(made in made_of(leaf()), crlf: bool) {
            let mail = made.compose(if crlf { "\r\n" } else { "\n" }).text;
            for purpose in [Purpose::Detached, Purpose::Enclosed] {
                let (written, rewrite) = rewritten(&mail, purpose);
                let hazards = Hazards::of(&written[..]).unwrap();
                prop_assert!(hazards.is_seven_bit() && !hazards.bare_lf, "{hazards:?}");
                // Delimiters stay as they came, blanks behind them too.
                let lines: Vec<_> = written.split_inclusive(|c| *c == b'\n').filter(|line| !line.starts_with(b"--b")).collect();
                let hazards = Hazards::of(&lines.concat()[..]).unwrap();
                prop_assert!(purpose == Purpose::Enclosed || !hazards.is_fragile());
                prop_assert!(rewrite.remaining().is_seven_bit());
                let (before, after) = (contents(&mail), contents(&written));
                prop_assert_eq!(&after, &before, "{}", String::from_utf8_lossy(&written));
                let tree = locate(&written).tree;
                prop_assert!(tree.parts.iter().all(|part| !matches!(part.encoding, Transfer::EightBit | Transfer::Binary)));
                let (again, rewrite) = rewritten(&written, purpose);
                prop_assert!(!rewrite.changes() && again == written);
            }
        }
    }

    #[test]
    fn only_what_must_change_changes() {
        let mail = "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8BIT\r\n\r\n\
                    preamble\r\n--b\r\nX-a:  \"b\"\r\n\r\n-- \r\nx\r\n--b \r\nContent-transfer-encoding: 8bit\r\n\
                    content-TYPE: text/plain;\r\n\tcharset=utf-8\r\n\r\nmit Umlaut: ä\r\n--b\r\nContent-Type: image/x\r\n\
                    Content-Transfer-Encoding: binary\r\n\r\n\0\n\r\n--b\r\n\r\nuntouched\r\n--b--\r\nepilogue ä\r\n";
        let expected = "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\n\r\n\
                        preamble\r\n--b\r\nX-a:  \"b\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n--=20\r\nx\
                        \r\n--b \r\nContent-Transfer-Encoding: quoted-printable\r\ncontent-TYPE: text/plain;\r\n\t\
                        charset=utf-8\r\n\r\nmit Umlaut: =C3=A4\r\n--b\r\nContent-Type: image/x\r\n\
                        Content-Transfer-Encoding: base64\r\n\r\nAAo=\r\n\r\n--b\r\n\r\nuntouched\r\n--b--\r\n";
        assert_eq!(detached(mail), expected);
    }

    #[test]
    fn what_is_fit_stays_octet_for_octet() {
        let mail = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n\r\n--b\r\nContent-Transfer-Encoding: \
                    base64\r\n\r\nQUI=\r\n--b--\r\n";
        assert_eq!(detached(mail), mail);
        assert_eq!(detached(&mail.replace("\r\n", "\n")), mail);
        assert_eq!(detached("Subject: x\r\n\r\nx\r\n"), "\r\nx\r\n");
        assert_eq!(detached(""), "\r\n");
    }

    #[test]
    fn carriage_returns_alone_leave_headers() {
        assert_eq!(detached("Content-Type: a/b;\r x=y\r\r\n\r\nx"), "Content-Type: a/b; x=y\r\n\r\nx");
        let part = "Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\nX: \ry\r\r\n\r\nx\r\n--b--\r\n";
        assert_eq!(detached(part), part.replace("\ry\r", "y"));
    }

    #[test]
    fn a_leaf_alone_is_encoded_with_its_header() {
        assert_eq!(
            detached("Subject: x\n\nmit Umlaut: ä\n"),
            "Content-Transfer-Encoding: quoted-printable\r\n\r\nmit Umlaut: =C3=A4\r\n"
        );
        let long = "ä".repeat(400);
        let written = detached(&format!("Content-Type: text/plain\r\n\r\n{long}"));
        assert!(written.starts_with("Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nw6TD"));
        let wide = format!("Content-Transfer-Encoding: base64\r\n\r\n{}", "AAAA".repeat(40));
        let lines = ["AAAA".repeat(19), "AAAA".repeat(19), "AAAA".repeat(2)].join("\r\n");
        assert_eq!(detached(&wide), format!("Content-Transfer-Encoding: base64\r\n\r\n{lines}\r\n"));
    }

    #[test]
    fn what_is_protected_is_not_touched_but_reported() {
        for inner in [
            "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; boundary=c\r\n\r\n--c\r\n\r\nä \r\n--c\
             \r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--c--\r\n",
            "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\nä",
        ] {
            let mail = format!(
                "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\n{inner}\r\n--b\
                 \r\n\r\nx\r\n--b--\r\n"
            );
            let (written, rewrite) = rewritten(mail.as_bytes(), Purpose::Detached);
            assert_eq!(String::from_utf8_lossy(&written), mail);
            assert!(!rewrite.changes() && !rewrite.remaining().is_seven_bit());
        }
    }
}
