//! Whole mails.

use std::io::Cursor;

use super::*;
use crate::{
    ContentCipher, Encrypter, Recipient,
    asn1::{Element, write},
    enveloped::{
        Envelope,
        tests::support::{Holder, Kind, rng},
    },
};

const HEAD: &str = "From: a@b\r\nSubject: s\r\n";
const CIPHERS: [ContentCipher; 2] = [ContentCipher::Aes256Cbc, ContentCipher::Aes256Gcm];

fn recipient(holder: &Holder) -> Recipient {
    Recipient::new(holder.credential.certificate().clone()).unwrap()
}

fn seal(cipher: ContentCipher, holder: &Holder, content: &[u8]) -> Vec<u8> {
    let (mut message, len) = (Vec::new(), content.len().try_into().unwrap());
    let envelope = Envelope::new(cipher, &[recipient(holder)], &mut rng()).unwrap();
    envelope.write(&mut |to| to.write_all(content).map_err(Error::Write), len, &mut message).unwrap();
    message
}

/// A mail with this message, as it is.
fn mail(message: &[u8]) -> Vec<u8> {
    let content = "Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    [HEAD.as_bytes(), content.as_bytes(), message].concat()
}

/// The same message, its content in pieces of one octet.
fn in_octets(message: &[u8]) -> Vec<u8> {
    fn read<'a>(element: &Element<'a>) -> Vec<Element<'a>> {
        element.inner("a test").unwrap()
    }
    let outer = read(&Element::from_der(message, "a test").unwrap());
    let data = read(&read(&outer[1])[0]);
    let info = read(&data[2]);
    let pieces: Vec<_> = info[2].value.iter().flat_map(|octet| [4, 1, *octet]).collect();
    let info = write(0x30, &[info[0].raw, info[1].raw, &write(0xA0, &[&pieces])]);
    let tag = data.get(3).map_or(&[][..], |tag| tag.raw);
    let data = write(0x30, &[data[0].raw, data[1].raw, &info, tag]);
    write(0x30, &[outer[0].raw, &write(0xA0, &[&data])])
}

fn decrypt(holder: &Holder, mail: &[u8]) -> (Result<Decrypted>, Vec<u8>) {
    let decrypter = Decrypter::new("").with_assigned([holder.credential.clone()]);
    let mut out = Vec::new();
    let result = decrypter.decrypt(&mut Cursor::new(mail), &mut rng(), &mut out);
    (result, out)
}

/// What is inside may be anything. It took minutes once to look through a long header each time an octet came.
#[test]
fn a_long_header_in_pieces_of_one_octet_is_read() {
    let holder = Holder::new(Kind::X25519);
    let fields = "X: y\r\n".repeat(40_000);
    for cipher in CIPHERS {
        let content = format!("{fields}Content-Type: text/plain\r\n\r\ntext\r\n");
        let (result, out) = decrypt(&holder, &mail(&in_octets(&seal(cipher, &holder, content.as_bytes()))));
        result.unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{HEAD}Content-Type: text/plain\r\n\r\ntext\r\n"));
    }
}

#[test]
fn a_mail_inside_is_read_whatever_its_length_and_its_pieces_are() {
    let holder = Holder::new(Kind::X25519);
    let fields = "X-Long: y\r\n".repeat(20_000);
    for cipher in CIPHERS {
        for kind in ["message/rfc822", "message/(a mail)rfc822", "MESSAGE/rfc822;\r\n x=y"] {
            let content = format!(
                "Content-Type: {kind}\r\n\r\nFrom: a@b\r\nSubject: inside\r\n{fields}Content-Type: text/html\r\n\r\ntext\r\n"
            );
            let message = seal(cipher, &holder, content.as_bytes());
            let outs = [message.clone(), in_octets(&message)].map(|message| {
                let (result, out) = decrypt(&holder, &mail(&message));
                result.unwrap();
                String::from_utf8(out).unwrap()
            });
            assert_eq!(outs[0], outs[1]);
            assert!(
                outs[0].contains("Subject: inside\r\n") && outs[0].ends_with("text/html\r\n\r\ntext\r\n"),
                "{kind}"
            );
        }
    }
}

#[test]
fn a_forwarded_mail_stays_a_mail() {
    let holder = Holder::new(Kind::X25519);
    let content = "Content-Type: message/rfc822\r\n\r\nFrom: c@d\r\nSubject: inside\r\n\r\ntext\r\n";
    for cipher in CIPHERS {
        let (result, out) = decrypt(&holder, &mail(&seal(cipher, &holder, content.as_bytes())));
        result.unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{HEAD}{content}"));
    }
}

#[test]
fn what_is_wrong_inside_is_told_apart_from_nothing_else() {
    let holder = Holder::new(Kind::X25519);
    let long = format!("X: {}\r\n", "y".repeat(300 << 10));
    let whole = "Content-Type: text/plain\r\n\r\n";
    for cipher in CIPHERS {
        for content in [format!("{long}{whole}"), format!("Content-Type: message/rfc822\r\n\r\n{long}{whole}")] {
            let (result, out) = decrypt(&holder, &mail(&seal(cipher, &holder, content.as_bytes())));
            assert!(matches!(result, Err(Error::Decryption)) && out.is_empty(), "{result:?}");
        }
    }
}

/// Whatever the mail is: what is encrypted in CBC mode must look like what somebody encrypted.
#[test]
fn what_is_encrypted_is_decrypted() {
    let holder = Holder::new(Kind::X25519);
    for cipher in CIPHERS.into_iter().rev() {
        for (mail, content) in [
            ("\r\nplain\r\n", "Content-Type: text/plain\r\n\r\nplain\r\n"),
            ("\r\n", "Content-Type: text/plain\r\n\r\n"),
            ("", "Content-Type: text/plain\r\n\r\n"),
            ("Content-Type: a/b\r\ncontent-type: c/d\r\n\r\nx\r\n", "Content-Type: a/b\r\n\r\nx\r\n"),
            (
                "Content-Type: text/plain\r\n\r\na\x08b\x1a\x7f\r\n",
                "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nYQhiGn8NCg==\r\n",
            ),
            ("Content-Type: text/plain\r\n\r\na\x0c\x1b$B\r\n", "Content-Type: text/plain\r\n\r\na\x0c\x1b$B\r\n"),
        ] {
            let mail = format!("{HEAD}MIME-Version: 1.0\r\n{mail}");
            let (mut encrypted, encrypter) = (Vec::new(), Encrypter::new().to(recipient(&holder)).cipher(cipher));
            encrypter.encrypt(&mut Cursor::new(&mail), &mut rng(), &mut encrypted).unwrap();
            let (result, out) = decrypt(&holder, &encrypted);
            assert!(result.is_ok(), "{cipher}: {mail:?}");
            assert_eq!(String::from_utf8(out).unwrap(), format!("{HEAD}MIME-Version: 1.0\r\n{content}"));
        }
    }
}
