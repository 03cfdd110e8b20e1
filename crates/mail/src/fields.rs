//! The fields of a header, as they came ([RFC 5322 §2.2](https://www.rfc-editor.org/rfc/rfc5322#section-2.2)).

use alloc::vec::Vec;

/// A field of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field<'a> {
    /// Its name, in the case in which it came.
    pub name: &'a [u8],
    /// What stands behind the colon, folded as it came, without the line end behind it.
    pub value: &'a [u8],
}

impl Field<'_> {
    /// Whether that is its name, in upper or lower case.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Its value in one line: without comments (RFC 5322 §3.2.2), and with one blank where there are some. Quoted
    /// strings stay as they are.
    #[must_use]
    pub fn uncommented(&self) -> Vec<u8> {
        let (mut text, mut depth, mut quoted) = (Vec::new(), 0_usize, false);
        let mut rest = self.value.iter().copied();
        while let Some(c) = rest.next() {
            match c {
                b'\\' if quoted => text.extend([c].into_iter().chain(rest.next())),
                b'\\' if depth > 0 => drop(rest.next()),
                b'"' if depth == 0 => {
                    quoted = !quoted;
                    text.push(c);
                }
                b'\r' | b'\n' if quoted => {}
                _ if quoted => text.push(c),
                b'(' => depth += 1,
                b')' if depth > 0 => {
                    depth -= 1;
                    blank(&mut text);
                }
                _ if depth > 0 => {}
                _ if c.is_ascii_whitespace() => blank(&mut text),
                _ => text.push(c),
            }
        }
        if text.last() == Some(&b' ') {
            text.pop();
        }
        text
    }
}

fn blank(text: &mut Vec<u8>) {
    if !matches!(text.last(), None | Some(b' ')) {
        text.push(b' ');
    }
}

/// The fields of a header: of a whole mail, or of its header alone. They end at the empty line, or in front of a line
/// that is no field.
#[derive(Clone, Debug)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Those that `octets` begins with.
    #[must_use]
    pub const fn of(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// What is behind those that were read: the empty line and the body, or the line that is no field.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let (mut len, text) = (0, self.0);
        loop {
            let rest = text.get(len..).unwrap_or_default();
            // Lines that begin with a blank continue the one before.
            if len > 0 && !matches!(rest.first(), Some(b' ' | b'\t')) {
                break;
            }
            len += memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            if len == text.len() {
                break;
            }
        }
        let (field, behind) = text.split_at_checked(len)?;
        let (name, value) = field.split_at_checked(memchr::memchr(b':', field)?)?;
        // Blanks between name and colon are an old form (RFC 5322 §4.5).
        let name = name.trim_ascii_end();
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        self.0 = behind;
        let value = value.get(1..).unwrap_or_default();
        let value = value.strip_suffix(b"\n").unwrap_or(value);
        Some(Field { name, value: value.strip_suffix(b"\r").unwrap_or(value) })
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_end_with_the_header() {
        let text = b"A: b\r\nC-D :\r\n\te\n f\r\n\r\nG: h\r\n";
        let mut fields = Fields::of(text);
        let read: Vec<_> = fields.by_ref().map(|field| (field.name, field.value)).collect();
        assert_eq!(read, vec![(&b"A"[..], &b" b"[..]), (b"C-D", b"\r\n\te\n f")]);
        assert_eq!(fields.rest(), b"\r\nG: h\r\n");
        for text in ["", "\r\n", "no field\r\nA: b", " : x", ": x", "a b: c", "\u{e4}: c"] {
            assert_eq!(Fields::of(text.as_bytes()).count(), 0, "{text}");
        }
        assert_eq!(Fields::of(b"A: b").map(|field| field.value).next(), Some(&b" b"[..]));
    }

    #[test]
    fn comments_are_left_out() {
        for (value, text) in [
            (" No", "No"),
            ("\r\n\tNo (a (nested) \\) one)\r\n ", "No"),
            ("(a)b(c)d", "b d"),
            ("a \t b", "a b"),
            (" \"(a  b\\\"\" c", "\"(a  b\\\"\" c"),
            ("a)b", "a)b"),
            ("(open", ""),
        ] {
            let field = Field { name: b"X", value: value.as_bytes() };
            assert_eq!(String::from_utf8(field.uncommented()).unwrap(), text);
        }
    }

    proptest! {
        /// Each octet belongs to one field or to the rest, and the end is reached.
        #[test]
        fn any_header_is_read_to_its_end(text in "(A|:|b| |\t|\r\n|\n|\r|\\(|\"|\\\\|ä){0,40}") {
            let mut fields = Fields::of(text.as_bytes());
            let mut len = 0;
            for field in fields.by_ref() {
                len += field.name.len() + 1 + field.value.len();
                prop_assert!(field.uncommented().len() <= field.value.len());
            }
            prop_assert!(len + fields.rest().len() <= text.len());
        }
    }
}
