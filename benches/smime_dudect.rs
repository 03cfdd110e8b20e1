//! Whether the time of a decryption tells why it failed: RSA keys with right and wrong paddings, and mails in which
//! different things are wrong. What differs must not show. The control compares a success with a failure: there t must
//! be far above.

#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench stops where its material is not as it should be"
)]

use std::{fs, hint::black_box, io::Cursor};

use base64::{Engine, engine::general_purpose::STANDARD};
use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_benches::dudect::{headline, show};
use sealpost_interop::smime::Pki;
use sealpost_smime::{
    Certificate, ContentCipher, Credential, Decrypter, Encrypter, Error, Limits, PrivateKey, Recipient,
    algorithm::KeyTransport,
    key::{DecryptionKey, SoftwareKey},
};

/// How many times are measured.
const SAMPLES: usize = 10_000;
/// How many inputs there are.
const INPUTS: usize = 16;
/// Octets of an RSA-2048 modulus, and of a content key.
const MODULUS: usize = 256;
const KEY: usize = 32;

fn main() {
    let pki = Pki::with(&["RSA-2048"]);
    let reader = pki.reader("RSA-2048");
    let key = SoftwareKey::read(&fs::read(&reader.key).unwrap(), None, &Limits::default()).unwrap();
    let certificate =
        Certificate::read_all(&fs::read(&reader.certificate).unwrap(), &Limits::default()).unwrap().remove(0);
    let message = encrypted(&certificate);

    headline("Two classes of encrypted messages");
    keys(&*key.decryption().unwrap(), &message);
    let credential = Credential::new(certificate, PrivateKey::from_software(&key).unwrap()).unwrap();
    mails(&Decrypter::new("").with_assigned([credential]), &message);
    println!();
}

/// DER of a message of some hundred octets.
fn encrypted(certificate: &Certificate) -> Vec<u8> {
    let recipient = Recipient::new(certificate.clone()).unwrap().with_transport(KeyTransport::Pkcs1);
    let content = format!("From: a@b\r\nContent-Type: text/plain\r\n\r\n{}", "A line of a letter.\r\n".repeat(40));
    let mut mail = Vec::new();
    let encrypter = Encrypter::new().to(recipient).cipher(ContentCipher::Aes256Cbc);
    encrypter.encrypt(&mut Cursor::new(content), &mut UnwrapErr(SysRng), &mut mail).unwrap();
    let mail = String::from_utf8(mail).unwrap();
    let body: String = mail.split_once("\r\n\r\n").unwrap().1.split_whitespace().collect();
    STANDARD.decode(body).unwrap()
}

/// Where the encrypted content key stands.
fn key_at(message: &[u8]) -> usize {
    message.windows(4).position(|octets| octets == [0x04, 0x82, 0x01, 0x00]).unwrap() + 4
}

fn random(len: usize) -> Vec<u8> {
    let mut octets = vec![0; len];
    getrandom::fill(&mut octets).unwrap();
    // Below every modulus of this length.
    octets[0] = 0;
    octets
}

/// The first has a right padding, the others have none.
fn keys(key: &dyn DecryptionKey, message: &[u8]) {
    let at = key_at(message);
    let mut inputs = vec![message[at..at + MODULUS].to_vec()];
    inputs.resize_with(INPUTS, || random(MODULUS));
    show("RSA-2048, PKCS#1: right or wrong padding", SAMPLES, INPUTS, |which| {
        drop(black_box(key.decrypt(&KeyTransport::Pkcs1, &inputs[which], KEY, &mut UnwrapErr(SysRng)).unwrap()));
    });
    let same = [inputs[0].clone(), inputs[0].clone()];
    show("the same twice (what the machine's noise gives)", SAMPLES, 2, |which| {
        drop(black_box(key.decrypt(&KeyTransport::Pkcs1, &same[which], KEY, &mut UnwrapErr(SysRng)).unwrap()));
    });
}

/// A wrong padding of the content key, against a wrong padding of the content and a content that is no text.
fn mails(decrypter: &Decrypter, message: &[u8]) {
    let at = key_at(message);
    let mail = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut changed = message.to_vec();
        change(&mut changed);
        let head = "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\
                    Content-Transfer-Encoding: base64\r\n\r\n";
        [head.as_bytes(), STANDARD.encode(changed).as_bytes()].concat()
    };
    let wrong_key = || mail(&|message| message[at..at + MODULUS].copy_from_slice(&random(MODULUS)));
    let wrong_padding = || mail(&|message| *message.last_mut().unwrap() ^= random(2)[1] | 1);
    let no_text = || {
        mail(&|message| {
            let middle = message.len() - 200;
            message[middle] ^= random(2)[1] | 1;
        })
    };
    let with = |first: Vec<u8>, other: &dyn Fn() -> Vec<u8>| {
        std::iter::once(first).chain(std::iter::repeat_with(other).take(INPUTS - 1)).collect::<Vec<_>>()
    };
    let run = |name: &str, mails: Vec<Vec<u8>>| {
        show(name, SAMPLES, INPUTS, |which| {
            let result =
                decrypter.decrypt(&mut Cursor::new(&mails[which]), &mut UnwrapErr(SysRng), &mut std::io::sink());
            assert!(matches!(black_box(result), Ok(_) | Err(Error::Decryption)));
        });
    };
    run("mail: padding of the key or of the content wrong", with(wrong_padding(), &wrong_key));
    run("mail: no text, or padding of the key wrong", with(no_text(), &wrong_key));
    run("control: right, or padding of the key wrong", with(mail(&|_| {}), &wrong_key));
}
