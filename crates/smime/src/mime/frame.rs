//! How protected mails are framed (RFC 8551 §3.2 to §3.8, RFC 1847 §2.1).

use rand_core::CryptoRng;

use super::{claim::SmimeType, header::Header};
use crate::algorithm::Digest;

/// Random octets of a boundary: nobody guesses it, so it is not in what is signed.
const RANDOM: usize = 24;

/// The octets around the two parts of a signed multipart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedFrame {
    /// In front of the content: header fields, the empty line, what programs without MIME show, a delimiter.
    pub(crate) head: Vec<u8>,
    /// In front of the signature in base64, with the line end that belongs to the delimiter.
    pub(crate) between: Vec<u8>,
    /// Behind it.
    pub(crate) tail: Vec<u8>,
}

impl SignedFrame {
    /// A frame for signatures with this hash function.
    pub(crate) fn new(digest: Digest, rng: &mut dyn CryptoRng) -> Self {
        let (boundary, micalg) = (boundary(rng), digest.micalg());
        let head = format!(
            "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n micalg={micalg};\r\n \
             boundary=\"{boundary}\"\r\n\r\nThis is a signed message in S/MIME format.\r\n\r\n--{boundary}\r\n"
        );
        let between = format!(
            "\r\n--{boundary}\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n\
             Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7s\r\n\r\n"
        );
        let tail = format!("\r\n--{boundary}--\r\n");
        Self { head: head.into_bytes(), between: between.into_bytes(), tail: tail.into_bytes() }
    }
}

/// The header fields of a CMS message in base64, and the empty line.
pub(crate) fn pkcs7_header(smime_type: SmimeType) -> Vec<u8> {
    let name = match smime_type {
        SmimeType::CertsOnly => "smime.p7c",
        SmimeType::CompressedData => "smime.p7z",
        _ => "smime.p7m",
    };
    format!(
        "Content-Type: application/pkcs7-mime; smime-type={};\r\n name={name}\r\nContent-Transfer-Encoding: base64\r\n\
         Content-Disposition: attachment; filename={name}\r\n\r\n",
        smime_type.name()
    )
    .into_bytes()
}

/// `MIME-Version`, if a mail with this header needs it yet (RFC 2045 §4).
pub(crate) fn missing_version(header: &Header) -> &'static [u8] {
    if header.all("mime-version").next().is_none() { b"MIME-Version: 1.0\r\n" } else { b"" }
}

/// A boundary that no text has by chance: `=_` stands in no quoted-printable text (RFC 2045 §6.7), and nowhere in
/// base64.
fn boundary(rng: &mut dyn CryptoRng) -> String {
    let mut random = [0; RANDOM];
    rng.fill_bytes(&mut random);
    format!("=_{}", base64_simd::URL_SAFE_NO_PAD.encode_to_string(random))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{
        Limits,
        mime::{
            header::Transfer,
            locate::{Entity, Kind},
            testing::{Counting, slice},
        },
    };

    #[test]
    fn what_is_framed_is_found_again() {
        let content = "Content-Type: text/plain\r\n\r\nx\r\n";
        for (digest, micalg) in [(Digest::Sha256, "micalg=sha-256;"), (Digest::Sha384, "micalg=sha-384;")] {
            let frame = SignedFrame::new(digest, &mut Counting(7));
            let parts = [&frame.head, content.as_bytes(), &frame.between, b"MII=\r\n", &frame.tail];
            let mail = String::from_utf8(parts.concat()).unwrap();
            assert!(mail.lines().all(|line| line.len() <= 76), "{mail}");
            let entity = Entity::locate(&mut Cursor::new(&mail), &Limits::default()).unwrap();
            let Kind::Signed(signed) = entity.kind else { panic!("{mail}") };
            assert_eq!(slice(&mail, &signed.content), content);
            assert_eq!(slice(&mail, &signed.signature), "MII=\r\n");
            assert!(signed.encoding == Transfer::Base64 && mail.contains(micalg));
            assert_ne!(frame, SignedFrame::new(digest, &mut Counting(8)));
        }
    }

    #[test]
    fn messages_say_what_they_are() {
        for (smime_type, name) in [
            (SmimeType::EnvelopedData, "smime.p7m"),
            (SmimeType::AuthEnvelopedData, "smime.p7m"),
            (SmimeType::SignedData, "smime.p7m"),
            (SmimeType::CertsOnly, "smime.p7c"),
            (SmimeType::CompressedData, "smime.p7z"),
        ] {
            let mail = pkcs7_header(smime_type);
            let entity = Entity::locate(&mut Cursor::new(&mail), &Limits::default()).unwrap();
            let Kind::Pkcs7(pkcs7) = entity.kind else { panic!("{name}") };
            assert_eq!((pkcs7.smime_type, pkcs7.encoding), (smime_type, Transfer::Base64));
            assert_eq!(entity.header.file_name().as_deref(), Some(name));
            assert!(mail.split(|c| *c == b'\n').all(|line| line.len() <= 77));
        }
        assert!(pkcs7_header(SmimeType::AuthEnvelopedData).windows(18).any(|text| text == b"authEnveloped-data"));
    }

    #[test]
    fn the_version_of_mime_is_there_once() {
        for (mail, missing) in
            [("To: x\r\nContent-Type: a/b\r\n\r\n", "MIME-Version: 1.0\r\n"), ("mime-version: 1.0 (x)\nTo: x\n\n", "")]
        {
            let header = Header::read_from(mail.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(missing_version(&header), missing.as_bytes());
        }
    }
}
