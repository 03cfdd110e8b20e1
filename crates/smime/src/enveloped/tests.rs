mod oracles;
mod others;
pub(crate) mod support;
mod vectors;

use std::{
    io::{self, Read, Write},
    slice::from_ref,
};

use proptest::{collection::vec, prelude::*, sample::select};
use sealpost_testkit::forms::Pieces;
use subtle::Choice;

use super::*;
use crate::IdentifyBy;
use crate::{
    Error,
    algorithm::{Digest, KeyTransport},
    oid,
};
use support::*;

const CIPHERS: [ContentCipher; 6] = [
    ContentCipher::Aes128Cbc,
    ContentCipher::Aes192Cbc,
    ContentCipher::Aes256Cbc,
    ContentCipher::Aes128Gcm,
    ContentCipher::Aes192Gcm,
    ContentCipher::Aes256Gcm,
];

/// What of an RSA key of 1024 bits has room for all content keys.
fn transports() -> impl Strategy<Value = KeyTransport> {
    select(vec![
        KeyTransport::Pkcs1,
        KeyTransport::oaep(Digest::Sha1),
        KeyTransport::oaep(Digest::Sha256),
        KeyTransport::Oaep { digest: Digest::Sha256, mask: Digest::Sha1, label: vec![] },
        KeyTransport::Oaep { digest: Digest::Sha1, mask: Digest::Sha512, label: b"label".to_vec() },
    ])
}

fn kinds() -> Vec<Kind> {
    vec![
        Kind::Rsa,
        Kind::P256,
        Kind::P384,
        Kind::X25519,
        #[cfg(feature = "pqc")]
        Kind::MlKem512,
        #[cfg(feature = "pqc")]
        Kind::MlKem768,
        #[cfg(feature = "pqc")]
        Kind::MlKem1024,
    ]
}

fn recipient(holder: &Holder, transport: &KeyTransport, by: IdentifyBy) -> Recipient {
    let recipient = Recipient::new(holder.credential.certificate.clone()).unwrap();
    recipient.with_transport(transport.clone()).identified_by(by).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_recipient_reads_what_was_sent_and_no_other_does(
        chosen in vec((select(kinds()), transports(), select(vec![IdentifyBy::IssuerAndSerial, IdentifyBy::SubjectKeyIdentifier])), 1..5),
        cipher in select(CIPHERS.to_vec()),
        len in prop_oneof![0..40usize, 65_000..66_000usize, 0..300_000usize],
        sizes in vec(1..70_000usize, 1..4),
    ) {
        let holders: Vec<_> = chosen.iter().map(|(kind, ..)| Holder::new(*kind)).collect();
        let recipients: Vec<_> =
            holders.iter().zip(&chosen).map(|(holder, (_, transport, by))| recipient(holder, transport, *by)).collect();
        let content: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let message = seal(cipher, &recipients, &content);
        for holder in &holders {
            let keys = [holder.credential.clone()];
            let (opened, plaintext) = open_in_pieces(&message, &keys, &sizes).unwrap();
            prop_assert!(plaintext == content);
            prop_assert_eq!(&opened.certificate, &holder.credential.certificate);
            prop_assert_eq!(opened.message.cipher, Some(cipher));
            prop_assert_eq!(opened.message.authenticated, cipher.is_authenticated());
            prop_assert_eq!(opened.message.recipients.len(), holders.len());
        }
        // Someone with the names of a recipient, and a key of the same kind.
        let other = holders[0].with_another_key();
        // A random key finds padding in one of 256 messages that have no tag.
        let wrong = open(&message, &[other.credential]);
        if cipher.is_authenticated() || wrong.is_err() {
            prop_assert!(matches!(wrong, Err(Error::Decryption)));
        }
        let stranger = Holder::new(chosen[0].0);
        prop_assert!(matches!(open(&message, &[stranger.credential]), Err(Error::Decryption)));
        prop_assert!(matches!(open(&message, &[]), Err(Error::Decryption)));
    }

    #[test]
    fn a_message_in_any_ber_is_read(
        kind in select(kinds()), cipher in select(CIPHERS.to_vec()), len in 0..3000usize, piece in 1..500usize,
    ) {
        let holder = Holder::new(kind);
        let content = vec![7; len];
        let message = seal(cipher, &[Recipient::new(holder.credential.certificate.clone()).unwrap()], &content);
        let ber = to_ber(&message, piece);
        prop_assert!(ber != message);
        prop_assert!(open(&ber, &[holder.credential]).unwrap().1 == content);
    }
}

#[test]
fn every_bit_of_an_authenticated_message_counts() {
    // One of each way; the others differ in lengths.
    for kind in kinds().into_iter().filter(|kind| !matches!(kind, Kind::P384 | Kind::MlKem768 | Kind::MlKem1024)) {
        let holder = Holder::new(kind);
        let content = b"Content-Type: text/plain\r\n\r\nhello".to_vec();
        let message =
            seal(ContentCipher::Aes128Gcm, &[Recipient::new(holder.credential.certificate.clone()).unwrap()], &content);
        let keys = [holder.credential.clone()];
        // Behind them nothing is but the ciphertext, and the tag with its header.
        let start = message.len() - content.len() - 18;
        let header = message.len() - 18..message.len() - 16;
        for bit in 0..message.len() * 8 {
            let at = bit / 8;
            // Private operations are slow: before the content, of each octet one bit; of the long ciphertext of
            // a KEM not even that.
            if at < start && (bit % 8 != at % 8 || (start > 500 && at % 16 != 0)) {
                continue;
            }
            let mut changed = message.clone();
            changed[at] ^= 1 << (bit % 8);
            match open(&changed, &keys) {
                // A version, which says nothing.
                Ok((_, plaintext)) => assert!(at < start && plaintext == content, "octet {at} of {kind:?}"),
                Err(Error::Decryption) => {}
                Err(error) => assert!(at < start || header.contains(&at), "{error} at {at} of {kind:?}"),
            }
        }
    }
}

#[test]
fn a_truncated_message_gives_nothing() {
    let holder = Holder::new(Kind::P256);
    let recipients = [Recipient::new(holder.credential.certificate.clone()).unwrap()];
    for cipher in [ContentCipher::Aes128Cbc, ContentCipher::Aes256Gcm] {
        let message = seal(cipher, &recipients, &[7; 100]);
        for len in 0..message.len() {
            assert!(open(&message[..len], from_ref(&holder.credential)).is_err());
        }
        // The same with the lengths that belong to it.
        let ber = to_ber(&message, 16);
        for len in 0..ber.len() {
            assert!(open(&ber[..len], from_ref(&holder.credential)).is_err());
        }
    }
}

#[test]
fn a_message_is_as_long_as_announced() {
    let holder = Holder::new(Kind::P256);
    let recipients = [Recipient::new(holder.credential.certificate.clone()).unwrap()];
    for cipher in CIPHERS {
        for len in [0, 15, 16, 100, 127, 128, 255, 256, 65_535, 65_536, 70_000] {
            let envelope = Envelope::new(cipher, &recipients, &mut rng()).unwrap();
            let mut out = Vec::new();
            envelope
                .write(
                    &mut |to| io::copy(&mut Read::take(io::repeat(7), len), to).map(drop).map_err(Error::Write),
                    len,
                    &mut out,
                )
                .unwrap();
            // All lengths in it are right.
            assert!(crate::asn1::Element::from_der(&out, "").is_ok() && Enveloped::read(&out[..], &limits()).is_ok());
        }
        let envelope = Envelope::new(cipher, &recipients, &mut rng()).unwrap();
        let too_long = envelope.write(&mut |_| Ok(()), u64::MAX, &mut Vec::new());
        assert!(matches!(too_long, Err(Error::Limit { .. })));
    }
}

#[test]
fn without_a_recipient_there_is_no_message() {
    assert!(matches!(Envelope::new(ContentCipher::Aes256Gcm, &[], &mut rng()), Err(Error::NoRecipient)));
}

#[test]
fn legacy_ciphers_are_never_written() {
    let holder = Holder::new(Kind::P256);
    let recipients = [Recipient::new(holder.credential.certificate.clone()).unwrap()];
    for cipher in [ContentCipher::TripleDesCbc, ContentCipher::Rc2Cbc128] {
        assert!(matches!(Envelope::new(cipher, &recipients, &mut rng()), Err(Error::Algorithm { .. })));
    }
}

#[test]
fn certificates_that_are_not_for_encryption_are_refused() {
    for kind in kinds() {
        for usage in [0x80, 0x40, 0x06] {
            let certificate = Holder::new(kind).with_usage(usage);
            assert!(matches!(Recipient::new(certificate), Err(Error::Certificate { .. })), "{kind:?} {usage:x}");
        }
        let right = if matches!(kind, Kind::P256 | Kind::P384 | Kind::X25519) { 0x08 } else { 0x20 };
        assert!(Recipient::new(Holder::new(kind).with_usage(right)).is_ok(), "{kind:?}");
        assert!(Recipient::new(Holder::new(kind).with_usage(0x28 & !right)).is_err(), "{kind:?}");
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    for kind in kinds() {
        let (one, other) = (Holder::new(kind), Holder::new(kind));
        assert!(matches!(Credential::new(one.credential.certificate, other.credential.key), Err(Error::Key(_))));
    }
}

/// A message that says that its content is what it is not (RFC 9709 §1).
#[test]
fn a_cipher_in_the_wrong_structure_is_refused() {
    let holder = Holder::new(Kind::P256);
    let recipients = [Recipient::new(holder.credential.certificate.clone()).unwrap()];
    let message = seal(ContentCipher::Aes128Cbc, &recipients, b"hello");
    // The OIDs of AES-128 in CBC and in GCM differ in the last octet.
    let at = message.windows(9).position(|window| window == [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2]).unwrap();
    let mut changed = message.clone();
    changed[at + 8] = 6;
    assert!(open(&changed, from_ref(&holder.credential)).is_err());
    let changed = with_type(&message, oid::AUTH_ENVELOPED_DATA);
    assert!(matches!(open(&changed, from_ref(&holder.credential)), Err(Error::Structure { .. })));
    let message = seal(ContentCipher::Aes128Gcm, &recipients, b"hello");
    let changed = with_type(&message, oid::ENVELOPED_DATA);
    assert!(matches!(open(&changed, &[holder.credential]), Err(Error::Structure { .. })));
}

/// Sees all that CBC decrypts.
struct Seen<'a>(&'a std::cell::RefCell<Vec<u8>>, bool);

impl Judge for Seen<'_> {
    fn see(&mut self, plaintext: &[u8]) {
        self.0.borrow_mut().extend_from_slice(plaintext);
    }

    fn accepts(&mut self) -> Choice {
        Choice::from(u8::from(self.1))
    }
}

#[test]
fn what_a_judge_refuses_is_not_given_out() {
    let holder = Holder::new(Kind::X25519);
    let recipients = [Recipient::new(holder.credential.certificate.clone()).unwrap()];
    let content: Vec<u8> = (0..200_000u32).map(|at| u8::try_from(at % 253).unwrap()).collect();
    for (cipher, verdict) in
        [(ContentCipher::Aes256Cbc, true), (ContentCipher::Aes256Cbc, false), (ContentCipher::Aes256Gcm, false)]
    {
        let message = seal(cipher, &recipients, &content);
        let seen = std::cell::RefCell::new(Vec::new());
        let judges = || -> Box<dyn Judge> { Box::new(Seen(&seen, verdict)) };
        let opener = Opener { judges: Some(&judges), ..opener(from_ref(&holder.credential)) };
        let mut out = Vec::new();
        let result = opener.open(&mut || Ok(Box::new(&message[..])), &mut rng(), &mut out);
        if cipher.is_authenticated() {
            // Nobody could change it.
            assert!(result.is_ok() && out == content && seen.borrow().is_empty());
        } else if verdict {
            // Both readings are judged, the first with blanks for the padding.
            assert!(
                result.is_ok() && out == content && *seen.borrow() == [&content[..], &[b' '; 16], &content].concat()
            );
        } else {
            assert!(matches!(result, Err(Error::Decryption)) && out.is_empty());
            assert!(*seen.borrow() == [&content[..], &[b' '; 16]].concat());
        }
    }
}

/// Counts how often it is asked to see.
struct Often<'a>(&'a std::cell::Cell<usize>);

impl Judge for Often<'_> {
    fn see(&mut self, _: &[u8]) {
        self.0.set(self.0.get() + 1);
    }

    fn accepts(&mut self) -> Choice {
        Choice::from(1)
    }
}

#[test]
fn a_content_in_single_octets_is_put_together() {
    let holder = Holder::new(Kind::P256);
    let recipients = [Recipient::new(holder.credential.certificate.clone()).unwrap()];
    let content: Vec<u8> = (0..100_000u32).map(|at| u8::try_from(at % 253).unwrap()).collect();
    let message = to_ber(&seal(ContentCipher::Aes128Cbc, &recipients, &content), 1);
    let seen = std::cell::Cell::new(0);
    let judges = || -> Box<dyn Judge> { Box::new(Often(&seen)) };
    let opener = Opener { judges: Some(&judges), ..opener(from_ref(&holder.credential)) };
    let mut out = Vec::new();
    opener.open(&mut || Ok(Box::new(&message[..])), &mut rng(), &mut out).unwrap();
    assert!(out == content && seen.get() < 50, "{}", seen.get());
}

/// Wants sevens.
struct Sevens(bool);

impl Judge for Sevens {
    fn see(&mut self, plaintext: &[u8]) {
        self.0 &= plaintext.iter().all(|octet| matches!(octet, 7 | b' '));
    }

    fn accepts(&mut self) -> Choice {
        Choice::from(u8::from(self.0))
    }
}

/// Another one each time it is read.
#[test]
fn a_message_that_changes_while_it_is_read_is_an_error() {
    let holder = Holder::new(Kind::P256);
    let recipients = [Recipient::new(holder.credential.certificate.clone()).unwrap()];
    for cipher in CIPHERS {
        let message = seal(cipher, &recipients, &[7; 1000]);
        let mut changed = message.clone();
        let len = changed.len();
        changed[len - 100] ^= 1;
        for (second, right) in [(&message, true), (&changed, false)] {
            let mut given = [&message, second].into_iter();
            let judges = || -> Box<dyn Judge> { Box::new(Sevens(true)) };
            let opener = Opener { judges: Some(&judges), ..opener(from_ref(&holder.credential)) };
            let result = opener.open(&mut || Ok(Box::new(&given.next().unwrap()[..])), &mut rng(), &mut io::sink());
            assert!(if right { result.is_ok() } else { matches!(result, Err(Error::Decryption)) }, "{cipher}");
        }
    }
}

#[test]
fn errors_of_the_output_are_errors() {
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let holder = Holder::new(Kind::P256);
    let recipients = [Recipient::new(holder.credential.certificate.clone()).unwrap()];
    let message = seal(ContentCipher::Aes256Gcm, &recipients, &[7; 1000]);
    let keys = [holder.credential];
    let result = opener(&keys).open(&mut || Ok(Box::new(&message[..])), &mut rng(), &mut Full);
    assert!(matches!(result, Err(Error::Write(_))));
    let envelope = Envelope::new(ContentCipher::Aes256Gcm, &recipients, &mut rng()).unwrap();
    assert!(matches!(
        envelope.write(&mut |to| to.write_all(&[1]).map_err(Error::Write), 1, &mut Full),
        Err(Error::Write(_))
    ));
}

#[test]
fn more_recipients_than_the_limit_are_an_error() {
    let holder = Holder::new(Kind::P256);
    let recipient = Recipient::new(holder.credential.certificate.clone()).unwrap();
    let message = seal(ContentCipher::Aes256Gcm, &vec![recipient; 4], &[7; 10]);
    let keys = [holder.credential];
    let mut limits = limits();
    for (recipients, read) in [(4, true), (3, false)] {
        limits.recipients = recipients;
        let opener = Opener { limits: &limits, ..opener(&keys) };
        let result = opener.open(&mut || Ok(Box::new(&message[..])), &mut rng(), &mut io::sink());
        assert_eq!(result.is_ok(), read);
        assert_eq!(Enveloped::read(&message[..], &limits).is_ok(), read);
    }
}

#[test]
fn one_odd_recipient_harms_none() {
    let holder = Holder::new(Kind::P256);
    let recipients = [Recipient::new(holder.credential.certificate.clone()).unwrap()];
    let message = seal(ContentCipher::Aes256Gcm, &recipients, b"hello");
    for odd in
        [&[0x05, 0][..], &[0x30, 0], &[0xA1, 0], &[0xA4, 2, 5, 0], &[0xA2, 0], &[0xBF, 0x50, 0], &[0x30, 3, 2, 1, 0]]
    {
        let changed = with_recipient(&message, odd);
        let (opened, plaintext) = open(&changed, from_ref(&holder.credential)).unwrap();
        assert_eq!(plaintext, b"hello");
        assert_eq!(opened.message.recipients.len(), 2);
    }
}

#[test]
fn the_structure_is_read_without_keys() {
    let holders = kinds().into_iter().map(Holder::new).collect::<Vec<_>>();
    let recipients: Vec<_> =
        holders.iter().map(|holder| Recipient::new(holder.credential.certificate.clone()).unwrap()).collect();
    let message = seal(ContentCipher::Aes192Gcm, &recipients, &vec![7; 100_000]);
    let shown = Enveloped::read(Pieces::new(&message, &[1, 1000]), &limits()).unwrap();
    assert!(shown.authenticated);
    assert_eq!(shown.cipher, Some(ContentCipher::Aes192Gcm));
    assert_eq!(shown.recipients.len(), holders.len());
    for holder in &holders {
        let matching = shown
            .recipients
            .iter()
            .filter(|recipient| recipient.id.as_ref().is_some_and(|id| id.matches(&holder.credential.certificate)));
        let kinds: Vec<_> = matching.map(|recipient| recipient.kind).collect();
        let expected = match holder.kind {
            Kind::Rsa => RecipientKind::KeyTransport,
            Kind::P256 | Kind::P384 | Kind::X25519 => RecipientKind::KeyAgreement,
            _ => RecipientKind::Kem,
        };
        assert_eq!(kinds, [expected]);
    }
    assert!(matches!(
        Enveloped::read(&[0x30, 0x0b, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1][..], &limits()),
        Err(Error::NotThis { .. })
    ));
}
