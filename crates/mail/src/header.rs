//! The header fields that say what a part is: Content-Type and Content-Transfer-Encoding
//! ([RFC 2045 §5 and §6](https://www.rfc-editor.org/rfc/rfc2045#section-5)).

use alloc::{string::String, vec::Vec};

use crate::Encoding;

/// What the header of a mail or part says about its body.
#[derive(Debug, Default)]
pub(crate) struct Header {
    /// The media type in lower case; empty where there is none.
    pub(crate) media_type: String,
    /// The parameter `boundary`.
    pub(crate) boundary: Option<Vec<u8>>,
    pub(crate) encoding: Encoding,
}

impl Header {
    /// Takes in an unfolded field.
    pub(crate) fn field(&mut self, field: &[u8]) {
        let Some(colon) = field.iter().position(|&c| c == b':') else { return };
        let (name, value) = field.split_at(colon);
        let value = value.get(1..).unwrap_or_default();
        match name.trim_ascii().to_ascii_lowercase().as_slice() {
            b"content-type" => self.content_type(value),
            b"content-transfer-encoding" => self.encoding = Encoding::named(&tokens(value).concat()),
            _ => {}
        }
    }

    fn content_type(&mut self, value: &[u8]) {
        let tokens = tokens(value);
        let mut sections = tokens.split(|token| token == b";");
        let media_type = sections.next().unwrap_or_default().concat().to_ascii_lowercase();
        self.media_type = String::from_utf8_lossy(&media_type).into_owned();
        self.boundary = sections.find_map(|section| match section {
            // Unquoted, against the standard, it may have more of these in it.
            [name, equals, value @ ..] if equals == b"=" && name.eq_ignore_ascii_case(b"boundary") => {
                Some(value.concat())
            }
            _ => None,
        });
    }
}

/// A structured field's tokens, quoted strings (without their quotes) and separators; comments are left out.
fn tokens(value: &[u8]) -> Vec<Vec<u8>> {
    let mut tokens = Vec::new();
    let mut rest = value.iter().copied().peekable();
    let mut token = Vec::new();
    let mut depth = 0_usize;
    while let Some(c) = rest.next() {
        match c {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'\\' if depth > 0 => drop(rest.next()),
            _ if depth > 0 => {}
            b'"' => {
                while let Some(c) = rest.next().filter(|c| *c != b'"') {
                    token.push(if c == b'\\' { rest.next().unwrap_or(c) } else { c });
                }
            }
            b';' | b'=' => {
                tokens.push(core::mem::take(&mut token));
                tokens.push(alloc::vec![c]);
            }
            _ if c.is_ascii_whitespace() => {}
            _ => token.push(c),
        }
    }
    tokens.push(token);
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> Header {
        let mut header = Header::default();
        header.field(field.as_bytes());
        header
    }

    #[test]
    fn content_types_are_read() {
        let cases = [
            ("Content-Type: text/plain", "text/plain", None),
            ("content-TYPE:Multipart/Mixed ; charset=x;\tBoundary = \"a;b\\\"c\"", "multipart/mixed", Some("a;b\"c")),
            ("Content-Type: multipart/mixed (a comment; boundary=x); boundary=y", "multipart/mixed", Some("y")),
            ("Content-Type: multipart/mixed; boundary=----=_Part_1", "multipart/mixed", Some("----=_Part_1")),
            ("Content-Type: ;;=;boundary", "", None),
            ("Content-Type: multipart/mixed; boundary=\"unterminated", "multipart/mixed", Some("unterminated")),
        ];
        for (field, media_type, boundary) in cases {
            let header = read(field);
            assert_eq!(header.media_type, media_type, "{field}");
            assert_eq!(header.boundary.as_deref(), boundary.map(str::as_bytes), "{field}");
        }
    }

    #[test]
    fn encodings_are_read() {
        assert_eq!(read("Content-Transfer-Encoding: BASE64 (x)").encoding, Encoding::Base64);
        assert_eq!(read("Content-Transfer-Encoding: quoted-Printable").encoding, Encoding::QuotedPrintable);
        assert_eq!(read("Content-Transfer-Encoding: 8bit").encoding, Encoding::Identity);
        assert_eq!(read("X-Content-Transfer-Encoding: base64").encoding, Encoding::Identity);
    }
}
