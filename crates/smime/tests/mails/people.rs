//! People who sign mails, and what becomes of them.

use std::{io::Cursor, sync::Arc};

use base64ct::{Base64, Encoding as _};
use getrandom::{SysRng, rand_core::UnwrapErr};
use rand_core::CryptoRng;
use sealpost_smime::{
    Certificate, Form, Identity, Result, Signer, UnixTime, Verdict, Verification, Verifier,
    algorithm::{Digest, SignatureScheme},
    key::SigningKey,
    path::{Purpose, Validator},
};
use sha2::{Digest as _, Sha256};

use crate::authority::{Draft, Key, NOW, oid, sequence, tlv};

const KEY_ID: &str = "2.5.29.14";

pub(crate) const FORMS: [Form; 2] = [Form::Detached, Form::Opaque];

/// Everybody's authority.
pub(crate) fn root() -> (Certificate, Key) {
    let key = Key::new(1);
    (Draft::authority("Root", &key).sign("Root", &key), key)
}

/// Who has a certificate of the authority.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) key: Key,
    pub(crate) certificate: Certificate,
    public_key: Vec<u8>,
}

impl Person {
    pub(crate) fn new(address: &str) -> Self {
        let (_, root) = root();
        let key = Key::new(2);
        let certificate = Draft::person(address, &key).sign("Root", &root);
        Self { public_key: key.spki(), key, certificate }
    }

    pub(crate) fn signer(&self) -> Signer {
        Signer::new(self.certificate.clone(), Arc::new(self.clone()), SignatureScheme::Ecdsa(Digest::Sha256)).unwrap()
    }

    /// A certificate of the same key, with a key identifier.
    pub(crate) fn draft(&self, address: &str) -> Draft {
        Draft::person(address, &self.key).with(KEY_ID, false, tlv(4, &[&self.key.hash()]))
    }

    /// A SignerInfo for this content.
    pub(crate) fn signer_info(&self, content: &[u8]) -> Vec<u8> {
        let certificate = &self.certificate;
        self.signer_info_by(content, &sequence(&[certificate.issuer(), &tlv(2, &[certificate.serial()])]))
    }

    /// The same, for whoever has this key.
    pub(crate) fn signer_info_by_key_id(&self, content: &[u8]) -> Vec<u8> {
        self.signer_info_by(content, &tlv(0x80, &[&self.key.hash()]))
    }

    /// The same, with this SignerIdentifier.
    pub(crate) fn signer_info_by(&self, content: &[u8], identifier: &[u8]) -> Vec<u8> {
        let attribute = |id, value: &[u8]| sequence(&[&oid(id), &tlv(0x31, &[value])]);
        let attributes = [
            attribute("1.2.840.113549.1.9.3", &oid("1.2.840.113549.1.7.1")),
            attribute("1.2.840.113549.1.9.4", &tlv(4, &[&Sha256::digest(content)])),
        ]
        .concat();
        let signature = self.key.signature(&tlv(0x31, &[&attributes]));
        sequence(&[
            &[2, 1, 1],
            identifier,
            &sequence(&[&oid("2.16.840.1.101.3.4.2.1")]),
            &tlv(0xa0, &[&attributes]),
            &self.key.algorithm(),
            &tlv(4, &[&signature]),
        ])
    }

    /// A mail with this header and with this content, which is signed as it is.
    pub(crate) fn mail(&self, header: &str, form: Form, content: &str) -> Vec<u8> {
        let inside = (form == Form::Opaque).then_some(content.as_bytes());
        let message = message(inside, &[self.certificate.as_der()], &[&self.signer_info(content.as_bytes())]);
        carried(header, form, content, &message)
    }
}

/// A mail with a CMS message in it, and beside it this content.
pub(crate) fn carried(header: &str, form: Form, content: &str, message: &[u8]) -> Vec<u8> {
    let message = Base64::encode_string(message);
    match form {
        Form::Opaque => format!(
            "{header}Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n{message}"
        ),
        _ => format!(
            "{header}Content-Type: multipart/signed; boundary=b; protocol=\"application/pkcs7-signature\"\r\n\r\n\
             --b\r\n{content}\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{message}\r\n--b--\r\n"
        ),
    }
    .into_bytes()
}

/// DER of a ContentInfo with SignedData.
pub(crate) fn message(content: Option<&[u8]>, certificates: &[&[u8]], signers: &[&[u8]]) -> Vec<u8> {
    let content = content.map(|content| tlv(0xa0, &[&tlv(4, &[content])])).unwrap_or_default();
    let signed_data = sequence(&[
        &[2, 1, 1],
        &tlv(0x31, &[&sequence(&[&oid("2.16.840.1.101.3.4.2.1")])]),
        &sequence(&[&oid("1.2.840.113549.1.7.1"), &content]),
        &tlv(0xa0, certificates),
        &tlv(0x31, signers),
    ]);
    sequence(&[&oid("1.2.840.113549.1.7.2"), &tlv(0xa0, &[&signed_data])])
}

impl SigningKey for Person {
    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    fn supports(&self, scheme: SignatureScheme) -> bool {
        scheme == SignatureScheme::Ecdsa(Digest::Sha256)
    }

    fn sign(&self, _: SignatureScheme, message: &[u8], _: &mut dyn CryptoRng) -> Result<Vec<u8>> {
        Ok(self.key.signature(message))
    }
}

pub(crate) fn rng() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

pub(crate) fn signed(signer: &Signer, mail: &[u8]) -> Result<Vec<u8>> {
    let mut signed = Vec::new();
    signer.sign(&mut Cursor::new(mail), UnixTime(NOW), &mut rng(), &mut signed)?;
    Ok(signed)
}

/// Trusts the authority.
pub(crate) fn verifier() -> Verifier {
    Verifier::new(Validator::new(&[root().0], UnixTime(NOW), Purpose::EmailSigning))
}

pub(crate) fn verified(mail: &[u8]) -> Result<Verification> {
    verifier().verify(&mut Cursor::new(mail))
}

/// The sum of it, and what is said of the sender.
pub(crate) fn judged(mail: &[u8]) -> (Verdict, &'static str) {
    let verification = verified(mail).unwrap();
    (verification.verdict(), verification.signers[0].identity.as_ref().map_or("", Identity::code))
}
