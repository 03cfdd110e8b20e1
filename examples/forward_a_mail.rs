//! All parties in one program: Bob sets up a forward, Alice writes, the server transforms, Charles gets the session
//! key of the mail that was never decrypted on its way.
//!
//! `cargo run --example forward_a_mail`

use std::{error::Error, io::Write, time::SystemTime};

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost::{
    pre::{ForwardeeKey, MultiHop, Outcome, Pkesk, Transform, UnixTime, set_up},
    pre_sequoia::forwarder,
};
use sequoia_openpgp::{
    Cert,
    cert::{CertBuilder, CipherSuite},
    policy::StandardPolicy,
    serialize::{
        SerializeInto,
        stream::{Encryptor, LiteralWriter, Message, Recipient},
    },
};

fn main() -> Result<(), Box<dyn Error>> {
    let now = SystemTime::now();
    let unix = UnixTime(now.duration_since(SystemTime::UNIX_EPOCH)?.as_secs());

    // Bob has an ordinary OpenPGP key on Curve25519. Nobody else sees its secret half.
    let suite = CipherSuite::Cv25519;
    let (bob, _) = CertBuilder::general_purpose(Some("bob@example.org")).set_cipher_suite(suite).generate()?;

    // He makes two secrets: a key for Charles, and an instance with the factor for the server.
    let subkeys = forwarder(&bob.as_tsk().to_vec()?, None, now, MultiHop::Forbid)?;
    let setup = set_up(&subkeys, "Charles <charles@example.org>", unix, None, &mut UnwrapErr(SysRng))?;

    // Alice knows Bob's public key and nothing else.
    let message = encrypt(&bob, b"The vault's combination is 31-17-5.")?;

    // The server changes the recipient and 32 octets of curve point: it can't read the message.
    let mut forwarded = message.clone();
    let report = Transform::new(&setup.instances, unix).in_place(&mut forwarded)?;
    for pkesk in report.pkesks() {
        println!("version {} for {:?}: {:?}", pkesk.version, pkesk.recipient, pkesk.outcome);
    }
    assert!(report.pkesks().any(|pkesk| matches!(pkesk.outcome, Outcome::Transformed { .. })));

    // Charles decrypts the session key; any OpenPGP library reads the message with it.
    let charles = ForwardeeKey::read(setup.key.expose_armored().as_bytes())?;
    let key = charles.session_key(&first_session_key(&forwarded)?)?;
    println!("Charles has the session key, for cipher {:?}", key.algorithm());
    assert!(charles.session_key(&first_session_key(&message)?).is_err(), "Bob's message is not for him");
    Ok(())
}

fn encrypt(to: &Cert, text: &[u8]) -> sequoia_openpgp::Result<Vec<u8>> {
    let policy = StandardPolicy::new();
    let keys = to.keys().with_policy(&policy, None).supported().alive().revoked(false).for_transport_encryption();
    let mut message = Vec::new();
    let recipients: Vec<_> = keys.map(Recipient::from).collect();
    let mut writer =
        LiteralWriter::new(Encryptor::for_recipients(Message::new(&mut message), recipients).build()?).build()?;
    writer.write_all(text)?;
    writer.finalize()?;
    Ok(message)
}

/// The body of the first packet: behind a new-format header of two octets, as this sender writes it.
fn first_session_key(message: &[u8]) -> Result<Pkesk<'_>, Box<dyn Error>> {
    let len = usize::from(*message.get(1).ok_or("too short")?);
    Ok(Pkesk::parse(message.get(2..2 + len).ok_or("too short")?)?)
}

#[test]
fn it_runs() {
    main().unwrap();
}
