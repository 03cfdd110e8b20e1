//! Whether a content that is not authenticated is what somebody encrypted: a MIME entity of text.
//!
//! Whoever makes a message out of pieces of another one in CBC mode can't help blocks of random octets between them
//! (Efail, USENIX Security 2018). RFC 8551 §3.1.2 wants what is encrypted to be 7-bit; UTF-8 is let pass too, since
//! programs send it and a random block is hardly ever UTF-8 without a control character.
//!
//! How long it takes depends on the content's length only. Else whoever has a message decrypted that is changed a little
//! could learn from the time where it fails, and from that what is in it (Vaudenay, EUROCRYPT 2002).

#![expect(clippy::needless_bitwise_bool, reason = "no branch may depend on what is decrypted")]

use subtle::{Choice, ConstantTimeEq};

use crate::{Limits, enveloped::Judge, mime::hazards::is_control};

mod header;

use header::HeaderCheck;

/// A judge that sees a content piece by piece.
pub(super) struct MailJudge {
    header: HeaderCheck,
    /// Not zero once there was something that no text has.
    wrong: u8,
    /// The last octets, which decide what may follow.
    last: [u8; 3],
    hurries: bool,
}

impl MailJudge {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { header: HeaderCheck::new(limits.header), wrong: 0, last: [0; 3], hurries: false }
    }
}

impl Judge for MailJudge {
    fn see(&mut self, plaintext: &[u8]) {
        self.header.see(plaintext);
        // The first ones with those before them, then each with those before it in the piece.
        let (start, _) = plaintext.split_at(plaintext.len().min(3));
        let [mut a, mut b, mut c] = self.last;
        for d in start {
            self.wrong |= wrong(a, b, c, *d);
            (a, b, c) = (b, c, *d);
        }
        if !self.hurries || !is_plain(plaintext) {
            self.wrong |= all_wrong(plaintext);
        }
        self.last = plaintext.last_chunk().copied().unwrap_or([a, b, c]);
    }

    fn hurry(&mut self) {
        self.hurries = true;
        self.header.hurry();
    }

    fn accepts(&mut self) -> Choice {
        let [a, b, c] = self.last;
        // With an octet behind the end that is right only where a character ends.
        let text = (self.wrong | wrong(a, b, c, b' ')).ct_eq(&0);
        text & self.header.is_sound()
    }
}

/// What is wrong in a piece from its fourth octet on, all of them one after the other: many are looked at together.
fn all_wrong(piece: &[u8]) -> u8 {
    let from = |at: usize| piece.get(at..).unwrap_or_default();
    let before = from(0).iter().zip(from(1)).zip(from(2));
    before.zip(from(3)).fold(0, |all, (((a, b), c), d)| all | wrong(*a, *b, *c, *d))
}

/// Whether nothing is wrong in a piece, which is seen sooner in ASCII.
fn is_plain(piece: &[u8]) -> bool {
    piece.is_ascii() && !piece.chunks(1024).any(|chunk| chunk.iter().fold(false, |any, c| any | is_control(*c)))
}

/// Not zero if `d` is a control character, or can't stand in UTF-8 behind `a`, `b` and `c` (RFC 3629 §4).
#[inline]
fn wrong(a: u8, b: u8, c: u8, d: u8) -> u8 {
    let continues = (d & 0xc0) == 0x80;
    let must_continue = (c >= 0xc0) | (b >= 0xe0) | (a >= 0xf0);
    // Characters that are written longer than need be, surrogates, and what is beyond U+10FFFF.
    let never = (d == 0xc0) | (d == 0xc1) | (d > 0xf4);
    let second = ((c == 0xe0) & (d < 0xa0))
        | ((c == 0xed) & (d > 0x9f))
        | ((c == 0xf0) & (d < 0x90))
        | ((c == 0xf4) & (d > 0x8f));
    u8::from((continues ^ must_continue) | never | second | is_control(d))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mime::header::Header;

    fn judged(content: &[u8], size: usize) -> bool {
        let [mut judge, mut hurried] = [(); 2].map(|()| MailJudge::new(&Limits::default()));
        hurried.hurry();
        for piece in content.chunks(size.max(1)) {
            judge.see(piece);
            hurried.see(piece);
        }
        let accepted = judge.accepts().into();
        assert_eq!(accepted, bool::from(hurried.accepts()));
        accepted
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
        fn utf_8_is_what_it_is_to_others(octets in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..6),
            proptest::collection::vec(proptest::sample::select(&[
                0x40, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
                0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
            ]), 0..9),
        ], size in 1_usize..9) {
            let content = [b"Content-Type: a/b\r\n\r\n", &octets[..]].concat();
            let text = std::str::from_utf8(&octets).is_ok() && !octets.iter().any(|c| is_control(*c));
            prop_assert_eq!(judged(&content, size), text);
        }

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
            let text = std::str::from_utf8(&block).is_ok() && !block.iter().any(|c| is_control(*c));
            prop_assert_eq!(judged(&content, 64), text);
        }
    }
}
