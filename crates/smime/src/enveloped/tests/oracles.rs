//! What nobody may learn from how a message is opened.

use std::cell::Cell;

use subtle::Choice;

use super::{
    super::unlock::Unlocker,
    others::{CONTENT, CONTENT_KEY, message},
    support::*,
    *,
};
use crate::identifier::CertificateIdentifier;

/// The same octets for RSA in two ways, one of which can be right at most. If both are wrong, that must take as long:
/// each candidate is tried with all of the content.
#[test]
fn as_many_keys_are_tried_whether_a_padding_is_right_or_not() {
    let holder = Holder::new(Kind::Rsa);
    let certificate = &holder.credential.certificate;
    let public = crate::public_key::PublicKey::from_spki(certificate.public_key()).unwrap();
    let mut right = public.encrypt(&KeyTransport::Pkcs1, &[7; 32], &mut rng()).unwrap();
    let mut tried = Vec::new();
    for _ in 0..2 {
        let infos =
            [KeyTransport::Pkcs1, KeyTransport::oaep(Digest::Sha256)].map(|transport| RecipientInfo::Transport {
                id: CertificateIdentifier::issuer_and_serial(certificate),
                algorithm: transport.to_der(),
                encrypted: right.clone(),
            });
        let credentials = [holder.credential.clone()];
        tried.push(Unlocker::new(&credentials, 32, &mut rng()).run(&infos).unwrap().len());
        // Below the modulus still.
        right[0] = 0;
    }
    assert_eq!(tried[0], tried[1]);
}

/// Wants text.
struct Ascii(bool);

impl Judge for Ascii {
    fn see(&mut self, plaintext: &[u8]) {
        self.0 &= plaintext.is_ascii();
    }

    fn accepts(&mut self) -> Choice {
        Choice::from(u8::from(self.0))
    }
}

/// Counts what is read.
struct Counting<'a>(&'a [u8], &'a Cell<usize>);

impl Read for Counting<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.0.read(to)?;
        self.1.set(self.1.get() + len);
        Ok(len)
    }
}

/// What [`open`] gives, how often the message is opened, and how much of it is read.
fn opened(message: &[u8], holder: &Holder) -> (Result<Vec<u8>, Error>, usize, usize) {
    let judges = || -> Box<dyn Judge> { Box::new(Ascii(true)) };
    let opener = Opener { judges: Some(&judges), ..opener(from_ref(&holder.credential)) };
    let (count, passes, mut out) = (Cell::new(0), Cell::new(0), Vec::new());
    let mut reopen = || -> crate::Result<Box<dyn Read + '_>> {
        passes.set(passes.get() + 1);
        Ok(Box::new(Counting(message, &count)))
    };
    let result = opener.open(&mut reopen, &mut rng(), &mut out);
    assert!(result.is_ok() || out.is_empty());
    (result.map(|_| out), passes.get(), count.get())
}

/// Wrong paddings of RSA, wrong wrapped keys, wrong keys of any length, changed content of any kind: one error, all of the
/// message read once, and nothing written.
#[test]
fn whatever_depends_on_a_key_fails_in_one_way() {
    for kind in kinds() {
        let holder = Holder::new(kind);
        let recipient = Recipient::new(holder.credential.certificate.clone()).unwrap();
        for transport in [KeyTransport::Pkcs1, KeyTransport::oaep(Digest::Sha1)] {
            let recipient = recipient.clone().with_transport(transport);
            let info = |key: &[u8]| recipient.info(key, &mut rng()).unwrap().der;
            for cipher in [ContentCipher::Aes128Cbc, ContentCipher::Aes128Gcm] {
                let right = message(cipher, &info(&CONTENT_KEY));
                assert_eq!(opened(&right, &holder).0.unwrap(), CONTENT);
                let mut infos = vec![info(&[6; 16]), info(&[5; 24]), info(&[5; 32])];
                // The last octets of the encrypted key.
                let mut damaged = info(&CONTENT_KEY);
                damaged.last_mut().map(|octet| *octet ^= 1).unwrap();
                infos.push(damaged);
                let mut wrong: Vec<_> = infos.iter().map(|info| message(cipher, info)).collect();
                // In each of three blocks of CBC; in the tag of GCM, twice, and in its content.
                let len = right.len();
                for at in [len - 1, len - 16, len - 20, len - 40] {
                    let mut changed = right.clone();
                    changed[at] ^= 0x80;
                    wrong.push(changed);
                }
                for (number, wrong) in wrong.iter().enumerate() {
                    let (result, passes, count) = opened(wrong, &holder);
                    assert!(matches!(result, Err(Error::Decryption)), "{kind:?} {cipher} {number}: {result:?}");
                    assert_eq!((passes, count), (1, wrong.len()), "{kind:?} {cipher} {number}");
                }
            }
        }
    }
}
