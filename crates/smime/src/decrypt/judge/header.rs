//! Whether a content starts with the header of an entity (RFC 2045 §3), said in time that depends on lengths only.
//! What passes here, [`Header`](crate::mime::header::Header) reads in the same way.

#![expect(clippy::needless_bitwise_bool, reason = "no branch may depend on what is decrypted")]

use subtle::{Choice, ConstantTimeEq};

/// Looks for fields, just one of them Content-Type, and an empty line. Each octet makes one step, whatever it is.
pub(super) struct HeaderCheck {
    state: State,
    /// So many octets are yet to be looked at.
    left: usize,
    hurries: bool,
}

/// Where a header is, as masks of 0 or 255. None of the first five is set once there was something that is no field.
#[derive(Clone, Copy, Default)]
struct State {
    /// A line starts here.
    start: u8,
    /// A line started with a carriage return.
    after_cr: u8,
    /// In a field's name.
    name: u8,
    /// In a field's value.
    value: u8,
    /// The empty line was passed.
    done: u8,
    /// There was a field.
    field: u8,
    /// One of them was Content-Type, and another one.
    has_type: u8,
    has_two: u8,
    /// The last octets of the line so far, in lower case.
    line: u128,
}

const CONTENT_TYPE: u128 = u128::from_be_bytes(*b"\0\0\0\0content-type");

impl HeaderCheck {
    /// Up to so many octets.
    pub(super) fn new(most: usize) -> Self {
        let state = State { start: 255, ..State::default() };
        Self { state, left: most, hurries: false }
    }

    /// From here on the time may tell where the header ends.
    pub(super) fn hurry(&mut self) {
        self.hurries = true;
    }

    pub(super) fn see(&mut self, piece: &[u8]) {
        if self.hurries && self.state.done != 0 {
            return;
        }
        let piece = piece.get(..self.left).unwrap_or(piece);
        self.left -= piece.len();
        let mut octets = piece.iter();
        if self.hurries {
            let done = octets.by_ref().find(|c| {
                self.state = self.state.step(**c);
                self.state.done != 0
            });
            if done.is_some() {
                return;
            }
        }
        self.state = octets.fold(self.state, |state, c| state.step(*c));
    }

    pub(super) fn is_sound(&self) -> Choice {
        (self.state.done & self.state.has_type & !self.state.has_two).ct_eq(&255)
    }
}

impl State {
    #[inline]
    fn step(self, c: u8) -> Self {
        let Self { start, after_cr, name, value, done, field, has_type, has_two, line } = self;
        let (end, cr, colon) = (mask(c == b'\n'), mask(c == b'\r'), mask(c == b':'));
        let blank = mask((c == b' ') | (c == b'\t'));
        let of_name = mask((c > b' ') & (c < 0x7f)) & !colon;
        let lower = c | (mask(c.wrapping_sub(b'A') < 26) & 0x20);
        let named = name & colon;
        let is_type = named & mask(line == CONTENT_TYPE);
        Self {
            start: value & end,
            after_cr: start & cr,
            name: (start | name) & of_name,
            value: (start & blank & field) | named | (value & !end),
            done: done | ((start | after_cr) & end),
            field: field | named,
            has_type: has_type | is_type,
            has_two: has_two | (has_type & is_type),
            line: ((line << 8) | u128::from(lower)) & !wide(end),
        }
    }
}

#[inline]
fn mask(is: bool) -> u8 {
    u8::from(is).wrapping_neg()
}

#[inline]
fn wide(mask: u8) -> u128 {
    u128::from(mask & 1).wrapping_neg()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Line by line, as one reads it.
    fn reference(content: &str, most: usize) -> bool {
        let content = &content.as_bytes()[..content.len().min(most)];
        let (mut fields, mut types) = (0, 0);
        for line in content.split_inclusive(|c| *c == b'\n').filter(|line| line.ends_with(b"\n")) {
            let name = line.iter().take_while(|c| c.is_ascii_graphic() && **c != b':').count();
            match line {
                b"\r\n" | b"\n" => return types == 1,
                [b' ' | b'\t', ..] if fields > 0 => {}
                _ if name == 0 || line[name] != b':' => return false,
                _ => {
                    fields += 1;
                    types += usize::from(line[..name].eq_ignore_ascii_case(b"content-type"));
                }
            }
        }
        false
    }

    proptest! {
        #[test]
        fn it_says_what_reading_line_by_line_says(
            content in "((Content-Type|content-tYPE|XContent-Type|Content-Typ|content-type-content-type|A|a-b!|:|\u{7f}|é|) ?:?( |\tx:|x| Content-Type:|\r|)(\r\n|\n)){0,5}(\r\n|\n|\rx|\r|x|)(\r\n|A: b\r\n\r\n|)",
            sizes in proptest::collection::vec(1_usize..9, 1..4), most in 0_usize..200,
        ) {
            let mut check = HeaderCheck::new(most);
            let mut rest = content.as_bytes();
            for size in sizes.iter().cycle() {
                let (piece, behind) = rest.split_at((*size).min(rest.len()));
                check.see(piece);
                rest = behind;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(bool::from(check.is_sound()), reference(&content, most));
        }
    }
}
