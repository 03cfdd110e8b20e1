//! Whether a content that is not authenticated is what somebody encrypted: a MIME entity of text.
//!
//! Whoever makes a message out of pieces of another one in CBC mode can't help blocks of random octets between them
//! (Efail, USENIX Security 2018). RFC 8551 §3.1.2 wants what is encrypted to be 7-bit; UTF-8 is let pass too, since
//! programs send it and a random block is hardly ever UTF-8 without a control character.

use crate::{Limits, enveloped::Judge};

/// A judge that sees a content piece by piece.
pub(super) struct MailJudge {
    sound: bool,
    header: Option<HeaderCheck>,
    /// The beginning of a character that the next piece continues.
    partial: Vec<u8>,
}

/// The header, as far as it has come.
struct HeaderCheck {
    /// The line that is not complete yet. (Each octet is looked at once, however small the pieces are.)
    line: Vec<u8>,
    /// How many octets the header may yet have.
    left: usize,
    /// Fields so far, and those of them that say what the entity is.
    fields: usize,
    types: usize,
}

impl MailJudge {
    pub(super) fn new(limits: &Limits) -> Self {
        let header = HeaderCheck { line: Vec::new(), left: limits.header, fields: 0, types: 0 };
        Self { sound: true, header: Some(header), partial: Vec::new() }
    }

    /// Text: UTF-8 without control characters.
    fn text(&mut self, piece: &[u8]) {
        if has_controls(piece) {
            self.sound = false;
        }
        if self.partial.is_empty() && piece.is_ascii() {
            return;
        }
        // The character that was cut, with enough behind it to complete it.
        let (mut piece, cut) = (piece, std::mem::take(&mut self.partial));
        if !cut.is_empty() {
            let needed = piece.len().min(4 - cut.len().min(4));
            let (start, rest) = piece.split_at(continuation(piece).min(needed));
            piece = rest;
            self.utf8(&[&cut, start].concat(), rest.is_empty());
        }
        self.utf8(piece, true);
    }

    fn utf8(&mut self, piece: &[u8], may_be_cut: bool) {
        match std::str::from_utf8(piece) {
            Ok(_) => {}
            Err(error) if error.error_len().is_none() && may_be_cut => {
                self.partial = piece.get(error.valid_up_to()..).unwrap_or_default().to_vec();
            }
            Err(_) => self.sound = false,
        }
    }
}

impl Judge for MailJudge {
    fn see(&mut self, plaintext: &[u8]) {
        // All of it, also when the verdict is clear: the time must not tell where.
        if let Some(sound) = self.header.as_mut().and_then(|header| header.see(plaintext)) {
            self.sound &= sound;
            self.header = None;
        }
        self.text(plaintext);
    }

    fn accepts(&mut self) -> bool {
        self.sound && self.header.is_none() && self.partial.is_empty()
    }
}

impl HeaderCheck {
    /// Whether it is the header of an entity, once that can be said: fields, one of them Content-Type, and an empty
    /// line. What passes here, [`Header`](crate::mime::header::Header) reads in the same way.
    fn see(&mut self, piece: &[u8]) -> Option<bool> {
        let room = piece.get(..self.left);
        self.left = self.left.saturating_sub(piece.len());
        let mut rest = room.unwrap_or(piece);
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end + 1);
            rest = behind;
            self.line.extend_from_slice(line);
            let line = std::mem::take(&mut self.line);
            match line.as_slice() {
                b"\r\n" | b"\n" => return Some(self.types == 1),
                [b' ' | b'\t', ..] if self.fields > 0 => {}
                line if !starts_field(line) => return Some(false),
                line => {
                    self.fields += 1;
                    let is_type = line.get(..13).is_some_and(|name| name.eq_ignore_ascii_case(b"content-type:"));
                    self.types += usize::from(is_type);
                }
            }
        }
        self.line.extend_from_slice(rest);
        (self.left == 0).then_some(false)
    }
}

fn starts_field(line: &[u8]) -> bool {
    let name = line.iter().take_while(|c| c.is_ascii_graphic() && **c != b':').count();
    name > 0 && line.get(name) == Some(&b':')
}

/// Controls that no text has: all but tabulator, line ends, form feed, and the escape of ISO-2022-JP.
fn has_controls(piece: &[u8]) -> bool {
    // Without an early end, so that it is done many octets at a time.
    let suspect = |c: &u8| *c < b' ' || *c == 0x7f;
    piece.chunks(1024).any(|chunk| chunk.iter().fold(false, |any, c| any | (suspect(c) & !is_allowed(*c))))
}

fn is_allowed(c: u8) -> bool {
    matches!(c, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)
}

/// How many octets at the beginning continue a character.
fn continuation(piece: &[u8]) -> usize {
    piece.iter().take_while(|c| **c & 0xc0 == 0x80).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mime::header::Header;

    fn judged(content: &[u8], size: usize) -> bool {
        let mut judge = MailJudge::new(&Limits::default());
        content.chunks(size.max(1)).for_each(|piece| judge.see(piece));
        judge.accepts()
    }

    #[test]
    fn an_entity_of_text_passes_and_nothing_else_does() {
        let head = "Content-Type: text/plain\r\n\r\n";
        let cases: [(&[u8], bool); 9] = [
            (b"hello\r\n", true),
            ("gr\u{fc}\u{df}e \u{1f980}\r\n".as_bytes(), true),
            (b"gr\xfc\xdfe\r\n", false),
            (b"nul\0\r\n", false),
            (b"bell\x07\r\n", false),
            (b"\x1b$B", true),
            (b"cut \xf0\x9f", false),
            (b"\x80", false),
            (b"", true),
        ];
        for (body, expected) in cases {
            let content = [head.as_bytes(), body].concat();
            for size in 1..12 {
                assert_eq!(judged(&content, size), expected, "{body:?} {size}");
            }
        }
        for content in [
            "",
            "hello",
            "\r\nhello\r\n",
            "Subject: x\r\n\r\nx",
            "Content-Type: text/plain\r\n",
            "Content-Type: a\r\nx\r\n\r\n",
            "Content-Type: a\r\ncontent-type: b\r\n\r\n",
            " Content-Type: a\r\nContent-Type: a\r\n\r\n",
        ] {
            assert!(!judged(content.as_bytes(), 7), "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_read_in_the_same_way(
            content in "(Content-Type: ?|a ?:|b|:| |\t|From |\r?\n){0,12}(\r?\nContent-Type:x)?(\r?\n){0,2}b?",
            size in 1_usize..20,
        ) {
            if judged(content.as_bytes(), size) {
                let header = Header::read_from(content.as_bytes(), &Limits::default()).unwrap();
                prop_assert!(header.raw().ends_with(b"\n\n") || header.raw().ends_with(b"\n\r\n"));
                prop_assert_eq!(header.all("content-type").count(), 1);
                prop_assert!(header.mailbox_line().is_empty());
            }
        }

        #[test]
        fn a_random_block_is_noticed(block in any::<[u8; 16]>(), at in 0_usize..100) {
            let mut content = b"Content-Type: text/plain\r\n\r\n".to_vec();
            content.resize(200, b'a');
            content.splice(30 + at..30 + at, block);
            let text = std::str::from_utf8(&block).is_ok() && !has_controls(&block);
            prop_assert_eq!(judged(&content, 64), text);
        }
    }
}
