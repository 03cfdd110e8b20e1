//! Messages as others may write them, and ours does not.

use der::oid::ObjectIdentifier;
use subtle::Choice;
use zeroize::Zeroizing;

use super::{
    super::{cipher::ContentAlgorithm, derive, recipient::integer, *},
    support::*,
};
use crate::{
    Error,
    asn1::{write, write_oid},
    oid,
    public_key::PublicKey,
};

pub(super) const CONTENT: &[u8] = b"Content-Type: text/plain\r\n\r\nhello";
pub(super) const CONTENT_KEY: [u8; 16] = [5; 16];

/// A message with this RecipientInfo, and its content under [`CONTENT_KEY`].
pub(super) fn message(cipher: ContentCipher, info: &[u8]) -> Vec<u8> {
    let algorithm = ContentAlgorithm::new(cipher, vec![3; if cipher.is_authenticated() { 12 } else { 16 }]);
    let key = Zeroizing::new(CONTENT_KEY.to_vec());
    let envelope = Envelope { algorithm, key, recipients: write(0x31, &[info]), version: 2 };
    let mut message = Vec::new();
    envelope
        .write(&mut |to| to.write_all(CONTENT).map_err(Error::Write), CONTENT.len().try_into().unwrap(), &mut message)
        .unwrap();
    message
}

/// How someone writes a KeyAgreeRecipientInfo.
#[derive(Clone, Copy, Debug)]
struct Style<'a> {
    scheme: ObjectIdentifier,
    ukm: Option<&'a [u8]>,
    wrap: wrap::Wrap,
    /// The parameters of the key wrap, in the message and in what the key is derived from.
    written: &'a [u8],
    derived: &'a [u8],
    /// The parameters of the originator's key.
    originator: &'a [u8],
    /// Where key and message differ.
    derived_ukm: Option<&'a [u8]>,
}

fn agreement(holder: &Holder, style: Style<'_>) -> Vec<u8> {
    let key = PublicKey::from_spki(holder.credential.certificate.public_key()).unwrap();
    let (ephemeral, secret) = key.agree_ephemeral(&mut rng()).unwrap();
    let plain = style.wrap.to_der();
    let id = &plain[2..];
    let with = |parameters: &[u8]| write(0x30, &[id, parameters]);
    let info = derive::shared_info(&with(style.derived), style.derived_ukm, style.wrap.key_len());
    let kek = derive::scheme(style.scheme).unwrap().key(style.wrap, &secret, &info, style.derived_ukm);
    let wrapped = wrap::wrap(&kek, &CONTENT_KEY).unwrap();
    let kind = if holder.kind == Kind::X25519 { oid::X25519 } else { oid::EC_PUBLIC_KEY };
    let originator =
        write(0xA1, &[&write(0x30, &[&write_oid(kind), style.originator]), &write(0x03, &[&[0], &ephemeral])]);
    let ukm = style.ukm.map(|ukm| write(0xA1, &[&write(0x04, &[ukm])])).unwrap_or_default();
    let certificate = &holder.credential.certificate;
    let id = crate::CertificateIdentifier::SubjectKeyIdentifier(certificate.subject_key_id().unwrap().to_vec())
        .to_der_agreement();
    let key = write(0x30, &[&id, &write(0x04, &[&wrapped])]);
    let scheme = write(0x30, &[&write_oid(style.scheme), &with(style.written)]);
    write(0xA1, &[&integer(3), &write(0xA0, &[&originator]), &ukm, &scheme, &write(0x30, &[&key])])
}

const SCHEMES: [ObjectIdentifier; 11] = [
    oid::STD_DH_SHA1_KDF,
    oid::STD_DH_SHA256_KDF,
    oid::STD_DH_SHA384_KDF,
    oid::STD_DH_SHA512_KDF,
    oid::COFACTOR_DH_SHA1_KDF,
    oid::COFACTOR_DH_SHA256_KDF,
    oid::COFACTOR_DH_SHA384_KDF,
    oid::COFACTOR_DH_SHA512_KDF,
    oid::STD_DH_HKDF_SHA256,
    oid::STD_DH_HKDF_SHA384,
    oid::STD_DH_HKDF_SHA512,
];

const ABSENT: &[u8] = &[];
const NULL: &[u8] = &[5, 0];

fn usual() -> Style<'static> {
    Style {
        scheme: oid::STD_DH_SHA256_KDF,
        ukm: None,
        derived_ukm: None,
        wrap: wrap::Wrap::Aes128,
        written: ABSENT,
        derived: ABSENT,
        originator: ABSENT,
    }
}

fn read(holder: &Holder, style: Style<'_>) -> bool {
    let info = agreement(holder, style);
    match open(&message(ContentCipher::Aes128Gcm, &info), std::slice::from_ref(&holder.credential)) {
        Ok((_, plaintext)) => plaintext == CONTENT,
        Err(error) => {
            assert!(matches!(error, Error::Decryption), "{error}");
            false
        }
    }
}

#[test]
fn key_agreement_is_read_in_all_styles() {
    for (kind, curve) in [(Kind::P256, oid::SECP256R1), (Kind::P384, oid::SECP384R1), (Kind::X25519, oid::X25519)] {
        let holder = Holder::new(kind);
        for scheme in SCHEMES {
            for ukm in [None, Some(&[9; 20][..]), Some(&[])] {
                let style = Style { scheme, ukm, derived_ukm: ukm, ..usual() };
                assert!(read(&holder, style), "{kind:?} {style:?}");
            }
        }
        for wrap in [wrap::Wrap::Aes128, wrap::Wrap::Aes192, wrap::Wrap::Aes256] {
            for (written, derived) in [(ABSENT, ABSENT), (ABSENT, NULL), (NULL, ABSENT), (NULL, NULL)] {
                let style = Style { wrap, written, derived, ..usual() };
                assert!(read(&holder, style), "{kind:?} {style:?}");
            }
        }
        let named = write_oid(curve);
        for originator in [ABSENT, NULL, &named] {
            let style = Style { originator, ..usual() };
            assert!(read(&holder, style), "{kind:?} {style:?}");
        }
    }
}

#[test]
fn a_key_that_was_derived_otherwise_is_not_unwrapped() {
    for kind in [Kind::P256, Kind::P384, Kind::X25519] {
        let holder = Holder::new(kind);
        for (ukm, derived_ukm) in [(None, Some(&[1][..])), (Some(&[1][..]), None), (Some(&[1]), Some(&[2]))] {
            assert!(!read(&holder, Style { ukm, derived_ukm, ..usual() }));
        }
    }
    let named = write_oid(oid::SECP384R1);
    assert!(!read(&Holder::new(Kind::P256), Style { originator: &named, ..usual() }));
}

/// The static key of a certificate of the originator: it is not supported, and no error of its own.
#[test]
fn an_originator_from_elsewhere_is_as_if_no_key_were_meant() {
    let holder = Holder::new(Kind::P256);
    let info = agreement(&holder, usual());
    let fields = crate::asn1::Element::from_der(&info, "a test").unwrap().inner("a test").unwrap();
    for originator in [write(0x80, &[&[1, 2, 3]]), write(0x30, &[&write(0x30, &[]), &[2, 1, 1]])] {
        let rest: Vec<_> = fields[2..].iter().flat_map(|field| field.raw).copied().collect();
        let info = write(0xA1, &[fields[0].raw, &write(0xA0, &[&originator]), &rest]);
        let message = message(ContentCipher::Aes128Gcm, &info);
        assert!(matches!(open(&message, std::slice::from_ref(&holder.credential)), Err(Error::Decryption)));
        let shown = Enveloped::read(&message[..], &limits()).unwrap();
        assert!(shown.recipients[0].id.as_ref().unwrap().matches(&holder.credential.certificate));
    }
}

#[test]
fn points_that_are_none_are_as_if_no_key_were_meant() {
    for (kind, len) in [(Kind::P256, 65), (Kind::P384, 97), (Kind::X25519, 32)] {
        let holder = Holder::new(kind);
        let info = agreement(&holder, usual());
        let at = info.windows(3).position(|window| window == [3, u8::try_from(len + 1).unwrap(), 0]).unwrap() + 3;
        let mut changed = info.clone();
        // X25519 has no points that are none, but some of small order: zero is one.
        changed[at..at + len].fill(0);
        let message = message(ContentCipher::Aes128Gcm, &changed);
        assert!(matches!(open(&message, std::slice::from_ref(&holder.credential)), Err(Error::Decryption)));
    }
}

/// A key of another length than the cipher's, for each way to carry it.
#[test]
fn content_keys_of_other_lengths_fail_like_any_other() {
    for cipher in [ContentCipher::Aes256Gcm, ContentCipher::Aes192Gcm] {
        let algorithm = ContentAlgorithm::new(cipher, vec![3; 12]);
        for kind in [Kind::Rsa, Kind::P256, Kind::X25519] {
            let holder = Holder::new(kind);
            let recipient = Recipient::new(holder.credential.certificate.clone()).unwrap();
            let info = recipient.info(&CONTENT_KEY, &mut rng()).unwrap().der;
            let envelope = Envelope {
                algorithm: algorithm.clone(),
                key: Zeroizing::new(vec![7; cipher.key_len()]),
                recipients: write(0x31, &[&info]),
                version: 0,
            };
            let mut message = Vec::new();
            envelope
                .write(
                    &mut |to| to.write_all(CONTENT).map_err(Error::Write),
                    CONTENT.len().try_into().unwrap(),
                    &mut message,
                )
                .unwrap();
            assert!(matches!(open(&message, &[holder.credential]), Err(Error::Decryption)));
        }
    }
}

/// The same person twice, once with a key that is of no use: all that match are tried.
#[test]
fn all_recipients_that_match_are_tried() {
    for kind in [Kind::Rsa, Kind::P256] {
        let holder = Holder::new(kind);
        let other = holder.with_another_key();
        let info = |holder: &Holder, key: &[u8]| {
            let recipient = Recipient::new(holder.credential.certificate.clone()).unwrap();
            recipient.info(key, &mut rng()).unwrap().der
        };
        for cipher in [ContentCipher::Aes128Gcm, ContentCipher::Aes128Cbc] {
            let (right, wrong, another) =
                (info(&holder, &CONTENT_KEY), info(&other, &CONTENT_KEY), info(&holder, &[6; 16]));
            for infos in [[&right[..], &wrong, &another], [&wrong, &another, &right], [&another, &right, &wrong]] {
                let message = message(cipher, &infos.concat());
                let keys = [other.credential.clone(), holder.credential.clone()];
                let judges = || -> Box<dyn Judge> { Box::new(Text(true)) };
                let opener = Opener { judges: Some(&judges), ..opener(&keys) };
                assert_eq!(run(&opener, &message, &[usize::MAX]).unwrap().1, CONTENT);
            }
        }
    }
}

/// Of what wrong keys give, one in 256 has padding, and next to nothing of that is text.
struct Text(bool);

impl Judge for Text {
    fn see(&mut self, plaintext: &[u8]) {
        self.0 &= plaintext.is_ascii();
    }

    fn accepts(&mut self) -> Choice {
        Choice::from(u8::from(self.0))
    }
}

/// Private operations cost time; a message can't cause any number of them.
#[test]
fn one_message_causes_a_bounded_number_of_private_operations() {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use crate::{Result, algorithm::Curve, key::AgreementKey};

    struct Counted(Arc<dyn AgreementKey>, AtomicUsize);

    impl AgreementKey for Counted {
        fn public_key(&self) -> &[u8] {
            self.0.public_key()
        }

        fn curve(&self) -> Curve {
            self.0.curve()
        }

        fn agree(&self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.agree(peer)
        }
    }

    let holder = Holder::new(Kind::X25519);
    let PrivateKey::Agreement(key) = &holder.credential.key else { panic!() };
    let counted = Arc::new(Counted(key.clone(), AtomicUsize::new(0)));
    let credential =
        Credential::new(holder.credential.certificate.clone(), PrivateKey::Agreement(counted.clone())).unwrap();
    let infos: Vec<_> =
        (0..200).flat_map(|_| agreement(&holder, Style { derived_ukm: Some(&[1]), ..usual() })).collect();
    let message = message(ContentCipher::Aes128Gcm, &infos);
    assert!(matches!(open(&message, &[credential]), Err(Error::Decryption)));
    assert_eq!(counted.1.load(Ordering::Relaxed), 32);
}

/// RFC 9709: the content's key is derived from what the recipients got, and from the cipher.
#[test]
fn a_derived_content_key_is_read() {
    for cipher in [ContentCipher::Aes128Gcm, ContentCipher::Aes128Cbc] {
        let holder = Holder::new(Kind::X25519);
        let nonce = vec![3; cipher.nonce_len()];
        let inner = ContentAlgorithm::new(cipher, nonce).to_der();
        let outer = write(0x30, &[&write_oid(oid::CEK_HKDF_SHA256), &inner]);
        let algorithm = ContentAlgorithm::from_der(&outer).unwrap();
        assert_eq!(algorithm.to_der(), outer);
        let recipient = Recipient::new(holder.credential.certificate.clone()).unwrap();
        let info = recipient.info(&CONTENT_KEY, &mut rng()).unwrap().der;
        let envelope = Envelope {
            algorithm,
            key: Zeroizing::new(CONTENT_KEY.to_vec()),
            recipients: write(0x31, &[&info]),
            version: 0,
        };
        let mut message = Vec::new();
        envelope
            .write(
                &mut |to| to.write_all(CONTENT).map_err(Error::Write),
                CONTENT.len().try_into().unwrap(),
                &mut message,
            )
            .unwrap();
        let (opened, plaintext) = open(&message, &[holder.credential]).unwrap();
        assert_eq!(plaintext, CONTENT);
        assert_eq!(opened.message.algorithm, oid::CEK_HKDF_SHA256);
        assert_eq!(opened.message.cipher, Some(cipher));
    }
}
