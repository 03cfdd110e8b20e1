//! Which subkeys are taken, and why the others aren't; decrypting and activating with Sequoia.

#![cfg(test)]

use std::{
    io::{Read, Write},
    time::{Duration, SystemTime},
};

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_pre::{
    Error as CoreError, ForwardeeKey, Forwarder, Ineligible, MultiHop, Setup, Transform, UnixTime, set_up,
};
use sealpost_pre_sequoia::{ActivationToken, Error, decrypt_session_key, forwarder};
use sequoia_openpgp::{
    Cert, KeyHandle, Packet, Profile, Result as SequoiaResult,
    cert::{CertBuilder, CipherSuite, SubkeyRevocationBuilder},
    crypto::SessionKey,
    packet::{
        Key, PKESK, SKESK,
        key::{Key4, SecretParts, SubordinateRole},
        signature::SignatureBuilder,
    },
    parse::{
        Parse,
        stream::{DecryptionHelper, DecryptorBuilder, MessageStructure, VerificationHelper},
    },
    policy::StandardPolicy,
    serialize::{
        SerializeInto,
        stream::{Encryptor, LiteralWriter, Message, Recipient},
    },
    types::{Curve, KeyFlags, ReasonForRevocation, SignatureType, SymmetricAlgorithm},
};

const YEAR: Duration = Duration::from_hours(365 * 24);
const TEXT: &[u8] = b"for your eyes only";

fn builder() -> CertBuilder<'static> {
    CertBuilder::new().add_userid("Bob <bob@example.org>").set_cipher_suite(CipherSuite::Cv25519)
}

fn cert(builder: CertBuilder<'_>) -> Cert {
    builder.generate().unwrap().0
}

fn tsk(cert: &Cert) -> Vec<u8> {
    cert.as_tsk().to_vec().unwrap()
}

fn read(cert: &Cert) -> Result<Forwarder, Error> {
    forwarder(&tsk(cert), None, SystemTime::now(), MultiHop::Forbid)
}

/// The only reason for which there is nothing to forward.
fn reason(cert: &Cert) -> Ineligible {
    match read(cert) {
        Err(Error::Core(CoreError::NoEligibleSubkey(mut skipped))) if skipped.len() == 1 => skipped.remove(0).reason,
        other => panic!("{other:?}"),
    }
}

/// A certificate with one more subkey, bound with these flags.
fn with_subkey(cert: Cert, key: Key4<SecretParts, SubordinateRole>, flags: KeyFlags) -> Cert {
    let key = Key::from(key);
    let mut signer = cert.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let binding = SignatureBuilder::new(SignatureType::SubkeyBinding).set_key_flags(flags).unwrap();
    let binding = key.bind(&mut signer, &cert, binding).unwrap();
    cert.insert_packets([Packet::from(key), binding.into()]).unwrap().0
}

fn encryption() -> KeyFlags {
    KeyFlags::empty().set_transport_encryption().set_storage_encryption()
}

#[test]
fn a_curve25519_subkey_is_taken() {
    let cert = cert(builder().add_transport_encryption_subkey().add_storage_encryption_subkey().add_signing_subkey());
    let forwarder = read(&cert).unwrap();
    assert_eq!(forwarder.subkeys().len(), 2);
    assert_eq!(forwarder.skipped().len(), 1);
    assert_eq!(forwarder.skipped()[0].reason, Ineligible::KeyFlags);
    let armored = cert.as_tsk().armored().to_vec().unwrap();
    assert_eq!(
        super_fingerprints(&forwarder),
        super_fingerprints(&self::forwarder(&armored, None, SystemTime::now(), MultiHop::Forbid).unwrap())
    );
}

fn super_fingerprints(forwarder: &Forwarder) -> Vec<String> {
    forwarder.subkeys().iter().map(|subkey| subkey.public().fingerprint.to_string()).collect()
}

#[test]
fn other_algorithms_are_named() {
    let other = |suite| cert(builder().set_cipher_suite(suite).add_transport_encryption_subkey());
    assert!(matches!(reason(&other(CipherSuite::RSA2k)), Ineligible::Algorithm(name) if name.contains("RSA")));
    assert!(matches!(reason(&other(CipherSuite::P256)), Ineligible::Curve(name) if name.contains("P-256")));
    let x25519 = with_subkey(cert(builder()), Key4::generate_x25519().unwrap(), encryption());
    assert_eq!(reason(&x25519), Ineligible::X25519);
    let pqc = with_subkey(cert(builder()), Key4::generate_mlkem768_x25519().unwrap(), encryption());
    assert!(matches!(reason(&pqc), Ineligible::Algorithm(name) if name.contains("ML")));
    let v6 = cert(builder().set_profile(Profile::RFC9580).unwrap().add_transport_encryption_subkey());
    assert_eq!(reason(&v6), Ineligible::KeyVersion(6));
    let Err(Error::Core(CoreError::NoEligibleSubkey(skipped))) = read(&v6) else { panic!("version 6") };
    assert_eq!(skipped[0].subkey, v6.keys().subkeys().next().unwrap().key().fingerprint().to_hex());
}

#[test]
fn expired_revoked_and_misused_subkeys_are_named() {
    let old = SystemTime::now() - 2 * YEAR;
    let expired = builder().set_creation_time(old).add_subkey(encryption(), YEAR, None);
    assert_eq!(reason(&cert(expired)), Ineligible::Expired);

    let bob = cert(builder().add_transport_encryption_subkey());
    let mut signer = bob.primary_key().key().clone().parts_into_secret().unwrap().into_keypair().unwrap();
    let subkey = bob.keys().subkeys().next().unwrap().key().clone();
    let revocation = SubkeyRevocationBuilder::new()
        .set_reason_for_revocation(ReasonForRevocation::KeyRetired, b"")
        .unwrap()
        .build(&mut signer, &bob, &subkey, None)
        .unwrap();
    let revoked = bob.clone().insert_packets(revocation).unwrap().0;
    assert_eq!(reason(&revoked), Ineligible::Revoked);

    let whole = bob.revoke(&mut signer, ReasonForRevocation::KeyCompromised, b"").unwrap();
    let revoked = bob.insert_packets(whole).unwrap().0;
    assert_eq!(reason(&revoked), Ineligible::Revoked);

    let key = || Key4::generate_ecc(false, Curve::Cv25519).unwrap();
    let group = with_subkey(cert(builder()), key(), encryption().set_group_key());
    assert_eq!(reason(&group), Ineligible::KeyFlags);
    let split = with_subkey(cert(builder()), key(), encryption().set_split_key());
    assert_eq!(read(&split).unwrap().subkeys().len(), 1, "0x10 may stand beside");
}

#[test]
fn a_public_key_is_not_enough() {
    let bob = cert(builder().add_transport_encryption_subkey());
    let public = bob.to_vec().unwrap();
    let read = forwarder(&public, None, SystemTime::now(), MultiHop::Forbid);
    assert!(
        matches!(&read, Err(Error::Core(CoreError::NoEligibleSubkey(skipped))) if skipped[0].reason == Ineligible::NoSecret)
    );
    for nonsense in [&b""[..], b"hello", &[0xC6, 0xFF]] {
        assert!(forwarder(nonsense, None, SystemTime::now(), MultiHop::Forbid).is_err());
    }
}

#[test]
fn a_locked_key_needs_its_passphrase() {
    let bob = cert(builder().set_password(Some("swordfish".into())).add_transport_encryption_subkey());
    let read = |passphrase| forwarder(&tsk(&bob), passphrase, SystemTime::now(), MultiHop::Forbid);
    assert!(matches!(read(None), Err(Error::Core(CoreError::Locked))));
    assert!(matches!(read(Some(b"catfish")), Err(Error::Core(CoreError::WrongPassphrase))));
    assert_eq!(read(Some(b"swordfish")).unwrap().subkeys().len(), 1);
}

fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
}

fn setup(forwarder: &Forwarder) -> (Setup, ForwardeeKey) {
    let setup = set_up(forwarder, "Charles <charles@example.org>", now(), None, &mut UnwrapErr(SysRng)).unwrap();
    let key = ForwardeeKey::read(setup.key.expose_bytes()).unwrap();
    (setup, key)
}

fn encrypt(cert: &Cert, hidden: bool) -> Vec<u8> {
    let policy = StandardPolicy::new();
    let recipients = cert.keys().with_policy(&policy, None).for_transport_encryption().map(|key| {
        let recipient = Recipient::from(key);
        if hidden { recipient.set_key_handle(None).unwrap() } else { recipient }
    });
    let mut message = Vec::new();
    let writer = Encryptor::for_recipients(Message::new(&mut message), recipients).build().unwrap();
    let mut writer = LiteralWriter::new(writer).build().unwrap();
    writer.write_all(TEXT).unwrap();
    writer.finalize().unwrap();
    message
}

struct Helper(ForwardeeKey);

impl VerificationHelper for Helper {
    fn get_certs(&mut self, _: &[KeyHandle]) -> SequoiaResult<Vec<Cert>> {
        Ok(vec![])
    }

    fn check(&mut self, _: MessageStructure<'_>) -> SequoiaResult<()> {
        Ok(())
    }
}

impl DecryptionHelper for Helper {
    fn decrypt(
        &mut self,
        pkesks: &[PKESK],
        _: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> SequoiaResult<Option<Cert>> {
        if decrypt_session_key(&self.0, pkesks, algorithm, decrypt)? {
            Ok(None)
        } else {
            Err(CoreError::Decryption.into())
        }
    }
}

fn decrypt(message: &[u8], key: ForwardeeKey) -> SequoiaResult<Vec<u8>> {
    let policy = StandardPolicy::new();
    let mut plaintext = Vec::new();
    DecryptorBuilder::from_bytes(message)?.with_policy(&policy, None, Helper(key))?.read_to_end(&mut plaintext)?;
    Ok(plaintext)
}

#[test]
fn forwarded_messages_are_decrypted_over_one_hop_and_over_two() {
    let bob = cert(builder().add_transport_encryption_subkey().add_storage_encryption_subkey());
    let (setup_charles, charles) = setup(&read(&bob).unwrap());
    let charles_key = setup_charles.key.expose_bytes();
    // Charles's key is read as a forwarder's only where that is allowed.
    let again = |hops| forwarder(charles_key, None, SystemTime::now(), hops);
    assert!(
        matches!(again(MultiHop::Forbid), Err(Error::Core(CoreError::NoEligibleSubkey(skipped))) if skipped.len() == 2)
    );
    let (setup_dora, dora) = setup(&again(MultiHop::Allow).unwrap());
    for hidden in [false, true] {
        let message = encrypt(&bob, hidden);
        let mut forwarded = Vec::new();
        Transform::new(&setup_charles.instances, now()).stream(&message[..], &mut forwarded).unwrap();
        let mut twice = Vec::new();
        Transform::new(&setup_dora.instances, now()).stream(&forwarded[..], &mut twice).unwrap();
        let charles = ForwardeeKey::read(charles_key).unwrap();
        assert_eq!(decrypt(&forwarded, charles).unwrap(), TEXT);
        let dora = ForwardeeKey::read(setup_dora.key.expose_bytes()).unwrap();
        assert_eq!(decrypt(&twice, dora).unwrap(), TEXT);
        assert!(decrypt(&message, ForwardeeKey::read(charles_key).unwrap()).is_err());
    }
    drop((charles, dora));
}

#[test]
fn an_activation_token_is_for_one_and_from_one() {
    let person = |password: Option<&str>| {
        cert(builder().set_password(password.map(Into::into)).add_signing_subkey().add_transport_encryption_subkey())
    };
    let (bob, charles, eve) = (person(Some("bob's")), person(Some("charles's")), person(None));
    let (bob_pass, charles_pass) = (Some(&b"bob's"[..]), Some(&b"charles's"[..]));
    let now = SystemTime::now();
    let token = ActivationToken::generate().unwrap();
    let sealed = token.seal(&bob, bob_pass, &charles, now).unwrap();
    let open = |cert: &Cert, passphrase, from: &Cert| ActivationToken::open(&sealed, cert, passphrase, from, now);
    let public = bob.clone().strip_secret_key_material();
    assert_eq!(open(&charles, charles_pass, &public).unwrap().expose_passphrase(), token.expose_passphrase());
    assert!(open(&eve, None, &public).is_err(), "only Charles opens it");
    assert!(matches!(open(&charles, charles_pass, &eve), Err(Error::ActivationToken(_))), "only Bob signed it");
    assert!(matches!(open(&charles, Some(b"wrong"), &public), Err(Error::Core(CoreError::WrongPassphrase))));
    assert!(matches!(open(&charles, None, &public), Err(Error::Core(CoreError::Locked))));
    // Without a signature it is nothing.
    let unsigned = encrypt(&charles, false);
    let opened = ActivationToken::open(&unsigned, &charles, charles_pass, &public, now);
    assert!(matches!(opened, Err(Error::ActivationToken(_))), "{opened:?}");
    // A key that can't sign, one that nobody can encrypt to.
    assert!(matches!(token.seal(&public, None, &charles, now), Err(Error::NoKey { purpose: "signing", .. })));
    assert!(matches!(
        token.seal(&bob, bob_pass, &cert(builder()), now),
        Err(Error::NoKey { purpose: "encryption", .. })
    ));
}
