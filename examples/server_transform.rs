//! What a mail server needs: check an instance when it is registered, transform mails as they come.
//!
//! `cargo run --example server_transform BOB.pub.asc CHARLES.key.asc INSTANCE.json < mail > forwarded`

use std::{
    env,
    error::Error,
    fs,
    io::{self, Read, Write},
    time::SystemTime,
};

use sealpost::pre::{Curve25519Subkey, Instance, Outcome, Transform, UnixTime};

/// Registration: an instance whose factor doesn't belong to the two keys would lose every mail.
fn register(forwarder: &[u8], forwardee: &[u8], instance: &[u8]) -> Result<Instance, Box<dyn Error>> {
    let instance = Instance::from_json(instance)?;
    let find = |key: &[u8], fingerprint| {
        let subkeys = Curve25519Subkey::read_all(key)?;
        let found = subkeys.into_iter().find(|subkey| subkey.fingerprint == fingerprint);
        found.ok_or(Box::<dyn Error>::from("the key has no such subkey"))
    };
    instance.verify(&find(forwarder, instance.forwarder())?, &find(forwardee, instance.forwardee())?)?;
    Ok(instance)
}

/// Delivery: from a reader to a writer in bounded memory. Says whether the forwardee can read the mail.
fn forward(instances: &[Instance], mail: impl Read, to: impl Write) -> Result<bool, Box<dyn Error>> {
    let now = UnixTime(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs());
    let report = Transform::new(instances, now).stream(mail, to)?;
    for pkesk in report.pkesks() {
        match &pkesk.outcome {
            Outcome::Refused(why) => eprintln!("refused: {why}"),
            outcome => eprintln!("{outcome:?}"),
        }
    }
    Ok(report.transformed() > 0)
}

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<_> = env::args().skip(1).map(fs::read).collect::<Result<_, _>>()?;
    let [forwarder, forwardee, instance] = &files[..] else {
        return Err("arguments: the forwarder's key, the forwardee's key, the instance".into());
    };
    let instance = register(forwarder, forwardee, instance)?;
    // A program that writes files keeps this output only if the call succeeds.
    let readable = forward(&[instance], io::stdin(), io::stdout())?;
    if readable { Ok(()) } else { Err("nothing to transform".into()) }
}

#[test]
fn it_registers_and_transforms() {
    use sealpost_testkit::draft;
    let Some(bob) = draft("a3_recipient_key.asc") else { return };
    let charles = draft("a3_forwardee_key.asc").unwrap();
    let json = |factor: &str| {
        let fingerprints = r#""forwarder": "8a5f35753833ff9919ad88161557e55093930510", "forwardee": "805249be13f8fe08fd5dbcb2076ed69fdede0029""#;
        format!(r#"{{ "format": "sealpost-forwarding-instance", "version": 1, {fingerprints}, "factor": "{factor}" }}"#)
    };
    let right = json("04b657045fc9c0759c5fd11d8ca75a2b1aa101c9c896490bcec100f941e97e0e");
    let instance = register(&bob, &charles, right.as_bytes()).unwrap();
    let mut forwarded = Vec::new();
    assert!(forward(&[instance], &draft("a3_encrypted_message.asc").unwrap()[..], &mut forwarded).unwrap());
    assert_eq!(forwarded, draft("a3_transformed_message.asc").unwrap());
    let wrong = json("05b657045fc9c0759c5fd11d8ca75a2b1aa101c9c896490bcec100f941e97e0e");
    assert!(register(&bob, &charles, wrong.as_bytes()).is_err());
}
