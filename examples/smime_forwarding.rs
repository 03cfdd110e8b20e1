//! All parties in one program: Bob sets up a forward, Alice writes to Bob by S/MIME, the server transforms the mail, and
//! Charles reads it with a program that knows nothing of forwarding.
//!
//! `cargo run --example smime_forwarding`

use std::{
    error::Error,
    io::Cursor,
    slice,
    time::{SystemTime, UNIX_EPOCH},
};

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost::{
    ca::personal::{Holder, self_signed},
    pre::UnixTime,
    rollover::Time,
    smime::{Certificate, Credential, Decrypter, Encrypter, PrivateKey, Recipient, algorithm::Curve, key::SoftwareKey},
    smime_forwarding::{Instance, SigningKeys, Transform, serial_octets},
};

const MAIL: &[u8] = b"From: Alice <alice@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: The vault\r\n\
    MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nIts combination is 31-17-5.\r\n";

fn main() -> Result<(), Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let year = (Time::from_unix(now.try_into()?), Time::from_unix((now + 31_536_000).try_into()?));
    let rng = &mut UnwrapErr(SysRng);

    // Bob has a key on P-256 and a certificate for encryption.
    let (bob, charles): (Holder, Holder) = ("Bob <bob@example.net>".parse()?, "Charles <charles@example.com>".parse()?);
    let bob_key = SoftwareKey::generate_agreement(Curve::P256, rng)?;
    let bob_certificate = self_signed(&bob_key, &bob, year, 16)?;

    // He makes two secrets: a key with a certificate for Charles, and an instance with the factor for the server.
    let charles_key = SoftwareKey::generate_agreement(Curve::P256, rng)?;
    let octets = serial_octets(&bob_certificate, &charles.subject());
    let charles_certificate = self_signed(&charles_key, &charles, year, octets)?;
    let forwarder = (&bob_key, slice::from_ref(&bob_certificate));
    let instance = Instance::compute(forwarder, (&charles_key, &charles_certificate), SigningKeys::Refuse)?;

    // The server checks what it gets.
    let instance = Instance::from_json(instance.expose_json().as_bytes())?;
    instance.verify(&bob_certificate, &charles_certificate)?;

    // Alice knows Bob's certificate and nothing else.
    let mut encrypted = Vec::new();
    let encrypter = Encrypter::new().to(Recipient::new(bob_certificate.clone())?);
    encrypter.encrypt(&mut Cursor::new(MAIL), rng, &mut encrypted)?;

    // The server changes whom the mail is for, and a point. It has no key that decrypts, before or after.
    let mut forwarded = Vec::new();
    let report = Transform::new(&[instance], UnixTime(now)).mail(&mut Cursor::new(&encrypted), &mut forwarded)?;
    print!("{report}");
    assert_eq!(report.transformed(), 1);

    // Charles's mail program. What was sent is there to the octet, signatures included if there are any.
    let text = decrypt(&charles_key, charles_certificate.clone(), &forwarded)?;
    println!("{}", String::from_utf8_lossy(&text));
    assert_eq!(text, MAIL);
    assert!(decrypt(&charles_key, charles_certificate, &encrypted).is_err(), "Bob's mail is not for him");
    assert!(decrypt(&bob_key, bob_certificate, &forwarded).is_err(), "and his is not for Bob");
    Ok(())
}

fn decrypt(key: &SoftwareKey, certificate: Certificate, mail: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let key = PrivateKey::from_software(key).ok_or("a key that decrypts")?;
    let decrypter = Decrypter::new("").with_assigned([Credential::new(certificate, key)?]);
    let mut text = Vec::new();
    decrypter.decrypt(&mut Cursor::new(mail), &mut UnwrapErr(SysRng), &mut text)?;
    Ok(text)
}

#[test]
fn it_runs() {
    main().unwrap();
}
