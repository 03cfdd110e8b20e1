//! A gateway signs Alice's mail and encrypts it to Bob; the gateway on the other side decrypts it, says who signed it,
//! and learns Alice's certificate for the reply.
//!
//! `cargo run --example smime_roundtrip`

use std::{
    error::Error,
    io::Cursor,
    time::{SystemTime, UNIX_EPOCH},
};

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost::smime::{
    Credential, Decrypter, Encrypter, PrivateKey, Recipient, Signer, UnixTime, Verdict, Verifier,
    algorithm::{Digest, SignatureScheme},
    path::{Purpose, Validator},
};
use sealpost_examples::{Person, issued};

const MAIL: &[u8] = b"From: Alice <alice@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: The vault\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\r\nIts combination is 31-17-5.\r\n";

fn main() -> Result<(), Box<dyn Error>> {
    let now = UnixTime(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().try_into()?);
    let rng = &mut UnwrapErr(SysRng);
    let (root, people) = issued(&["alice@example.org", "bob@example.net"])?;
    let [alice, bob] = people.as_slice() else { return Err("two people were issued certificates".into()) };

    // Alice's gateway. Inputs can be read twice (files, for instance), so that mails of any size pass in little memory.
    let key = alice.key.signing().ok_or("a key that signs")?;
    let signer = Signer::new(alice.certificate.clone(), key, SignatureScheme::Ecdsa(Digest::Sha256))?;
    let mut signed = Vec::new();
    signer.sign(&mut Cursor::new(MAIL), now, rng, &mut signed)?;
    let mut encrypted = Vec::new();
    let encrypter = Encrypter::new().to(Recipient::new(bob.certificate.clone())?);
    let sent = encrypter.encrypt(&mut Cursor::new(&signed), rng, &mut encrypted)?;
    println!("sent: {} octets of content in {}", sent.octets, sent.cipher);

    // Bob's gateway: a key is used for mails to an address of its certificate.
    let mut received = Vec::new();
    let decrypter = Decrypter::new("bob@example.net").with([credential(bob)?]);
    decrypter.decrypt(&mut Cursor::new(&encrypted), rng, &mut received)?;
    assert_eq!(received, signed, "a signature inside is still there, to the octet");
    let mut received = Cursor::new(received);
    let verifier = Verifier::new(Validator::new(&[root], now, Purpose::EmailSigning));
    let verification = verifier.verify(&mut received)?;
    assert_eq!(verification.verdict(), Verdict::Valid);

    // What was signed, and no octet beside it.
    let mut content = Vec::new();
    verification.write_content(&mut received, &mut content)?;
    println!("{}", String::from_utf8_lossy(&content));

    // From now on Bob can write to Alice.
    for signer in &verification.signers {
        let known = verifier.encryption_certificate(&verification, signer).ok_or("a certificate")?;
        println!("known: {} until {}", known.addresses().join(", "), known.not_after());
        Recipient::new(known.clone())?;
    }
    Ok(())
}

fn credential(person: &Person) -> Result<Credential, Box<dyn Error>> {
    let key = PrivateKey::from_software(&person.key).ok_or("a key that decrypts")?;
    Ok(Credential::new(person.certificate.clone(), key)?)
}

#[test]
fn it_runs() {
    main().unwrap();
}
