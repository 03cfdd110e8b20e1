//! The header fields that say what a part is: Content-Type and Content-Transfer-Encoding
//! ([RFC 2045 §5 and §6](https://www.rfc-editor.org/rfc/rfc2045#section-5)).

use alloc::{string::String, vec::Vec};

use crate::{Encoding, Parameterized};

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
            b"content-transfer-encoding" => {
                self.encoding = Encoding::named(Parameterized::read(value).value().as_bytes());
            }
            _ => {}
        }
    }

    fn content_type(&mut self, value: &[u8]) {
        let read = Parameterized::read(value);
        self.boundary = read.parameter("boundary").map(<[u8]>::to_vec);
        self.media_type = String::from(read.value());
    }
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
