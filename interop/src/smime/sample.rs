//! The mail that all write to each other.

use super::mail::find;

/// Text with blanks at the ends of lines, lines of dots and dashes, HTML and an attachment.
pub const CONTENT: &str = "\
Content-Type: multipart/mixed; boundary=\"=_mixed\"\r
\r
--=_mixed\r
Content-Type: multipart/alternative; boundary=\"=_alternative\"\r
\r
--=_alternative\r
Content-Type: text/plain; charset=us-ascii\r
Content-Transfer-Encoding: 7bit\r
\r
Dear Bob,   \r
\r
.\r
..\r
\tplease find the contract attached.  \r
\r
-- \r
Alice\r
\r
\r
--=_alternative\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
<p>Dear Bob,=20=20\r
<p style=3D\"color: #333\">please find the contract attached. Gr=C3=BC=C3=9Fe\r
\r
--=_alternative--\r
\r
--=_mixed\r
Content-Type: application/pdf; name=\"contract.pdf\"\r
Content-Disposition: attachment; filename=\"contract.pdf\"\r
Content-Transfer-Encoding: base64\r
\r
JVBERi0xLjcKJeLjz9MKMSAwIG9iago8PC9UeXBlL0NhdGFsb2cvUGFnZXMgMiAwIFI+PgplbmRv\r
YmoKMiAwIG9iago8PC9UeXBlL1BhZ2VzL0NvdW50IDAvS2lkc1tdPj4KZW5kb2JqCg==\r
\r
--=_mixed--\r
\r
";

/// A mail with that content, from this address.
#[must_use]
pub fn mail(address: &str) -> Vec<u8> {
    let header = format!(
        "Date: Fri, 27 Nov 2026 09:00:00 +0100\r\nFrom: Alice <{address}>\r\nTo: Bob <bob@example.org>\r\n\
         Subject: The contract\r\nMessage-ID: <contract@example.org>\r\nMIME-Version: 1.0\r\n"
    );
    [header.as_bytes(), CONTENT.as_bytes()].concat()
}

/// What a signed entity says, in which blanks at the ends of lines may be written as quoted-printable: relays remove
/// them, so who signs them plainly loses the signature.
#[must_use]
pub fn said(entity: &[u8]) -> Vec<u8> {
    let replace = |text: Vec<u8>, from: &[u8], to: &[u8]| {
        let mut replaced = Vec::new();
        let mut rest = &text[..];
        while let Some(start) = find(rest, from) {
            replaced.extend_from_slice(&[&rest[..start], to].concat());
            rest = &rest[start + from.len()..];
        }
        replaced.extend_from_slice(rest);
        replaced
    };
    let text =
        replace(entity.to_vec(), b"Content-Transfer-Encoding: quoted-printable", b"Content-Transfer-Encoding: 7bit");
    replace(text, b"=20", b" ")
}

/// Whether it is the sample that is signed in this, from its first field to its last letter: JavaMail drops the empty
/// line behind a multipart before it signs.
#[must_use]
pub fn is_in(signed: &[u8]) -> bool {
    find(&said(signed), &said(CONTENT.trim_end().as_bytes())).is_some()
}
