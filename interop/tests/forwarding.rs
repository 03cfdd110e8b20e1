//! Messages of real senders, set up and transformed by our tool, and read by three independent forwardees.

#![cfg(test)]

use std::{fs, path::PathBuf};

use sealpost_interop::{Gnupg, Rpgp, node, pgpy_encrypt, sealpost, sealpost_ok};
use tempfile::TempDir;

const TEXT: &[u8] = b"Meet me at noon.\nBring the key.\n";
const CHARLES: &str = "Charles <charles@example.org>";

/// Bob's key in GnuPG, and a forward to Charles set up with our tool.
struct Forward {
    gnupg: Gnupg,
    folder: TempDir,
}

impl Forward {
    fn new() -> Option<Self> {
        let gnupg = Gnupg::new()?;
        let folder = tempfile::tempdir().unwrap();
        gnupg.generate("bob@example.org");
        gnupg.generate_p256("dave@example.org");
        let forward = Self { gnupg, folder };
        fs::write(forward.path("bob.asc"), forward.gnupg.export_secret("bob@example.org")).unwrap();
        fs::write(forward.path("bob.pub.asc"), forward.gnupg.export("bob@example.org")).unwrap();
        forward.set_up("charles");
        Some(forward)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn set_up(&self, name: &str) {
        let (key, out) = (self.name("bob.asc"), self.name(name));
        let _ = sealpost_ok(&["forward", "setup", "--key", &key, "--to", CHARLES, "--out", &out], &[]);
    }

    fn transform(&self, instance: &str, message: &[u8]) -> Vec<u8> {
        sealpost_ok(&["forward", "transform", "--instance", &self.name(instance)], message)
    }

    /// Transforms a message and has it read by each forwardee.
    fn forward(&self, sender: &str, message: &[u8], text: &[u8]) {
        let forwarded = self.transform("charles/instance-0.json", message);
        assert_eq!(forwarded.len(), message.len(), "{sender}");
        let key = self.name("charles/forwardee.key.asc");
        let own = sealpost_ok(&["forward", "decrypt", "--key", &key], &forwarded);
        assert_eq!(own, text, "{sender}, read by our own decrypt");
        let rpgp = Rpgp::new(&fs::read(&key).unwrap(), "").decrypt(&forwarded, true);
        assert_eq!(rpgp.as_deref(), Ok(text), "{sender}, read by rPGP");
        if let Some(read) = node("decrypt.mjs", &[&key], &forwarded) {
            assert_eq!(read.as_deref(), Ok(text), "{sender}, read by Proton's OpenPGP.js");
        }
    }
}

#[test]
fn gnupg_s_messages_are_read_by_every_forwardee() {
    let Some(forward) = Forward::new() else { return };
    let cases: [(&str, &[&str]); 6] = [
        ("named", &["--armor", "-r", "bob@example.org"]),
        ("hidden", &["--armor", "-R", "bob@example.org"]),
        ("named, and a named P-256", &["--armor", "-r", "bob@example.org", "-r", "dave@example.org"]),
        ("named, and a hidden P-256", &["--armor", "-r", "bob@example.org", "-R", "dave@example.org"]),
        ("hidden, behind a hidden P-256", &["--armor", "-R", "dave@example.org", "-R", "bob@example.org"]),
        ("uncompressed", &["--armor", "--compress-algo", "none", "-r", "bob@example.org"]),
    ];
    for (case, options) in cases {
        let message = forward.gnupg.encrypt(options, TEXT);
        assert_eq!(forward.gnupg.decrypt(&message), TEXT);
        forward.forward(&format!("GnuPG, {case}"), &message, TEXT);
    }
    let long: Vec<u8> = (0..300_000_u32).flat_map(u32::to_be_bytes).collect();
    let message = forward.gnupg.encrypt(&["--armor", "-r", "bob@example.org"], &long);
    forward.forward("GnuPG, long", &message, &long);
}

#[test]
fn messages_from_javascript_and_python_are_read_by_every_forwardee() {
    let Some(forward) = Forward::new() else { return };
    let bob = forward.name("bob.pub.asc");
    let cases: [(&str, &[&str]); 3] =
        [("encrypt.mjs", &[&bob]), ("encrypt.mjs", &[&bob, "--hidden"]), ("encrypt-v6.mjs", &[&bob])];
    for (script, args) in cases {
        let Some(message) = node(script, args, TEXT) else { break };
        forward.forward(&format!("{script} {:?}", args.get(1)), &message.unwrap(), TEXT);
    }
    if let Some(message) = pgpy_encrypt(&bob, TEXT) {
        forward.forward("PGPy", &message, TEXT);
    }
}

#[test]
fn binary_messages_are_forwarded_too() {
    let Some(forward) = Forward::new() else { return };
    let message = forward.gnupg.encrypt(&["-r", "bob@example.org"], TEXT);
    let forwarded = forward.transform("charles/instance-0.json", &message);
    let key = forward.name("charles/forwardee.key.asc");
    assert_eq!(sealpost_ok(&["forward", "decrypt", "--key", &key], &forwarded), TEXT);
}

#[test]
fn forwardees_that_did_not_opt_in_read_nothing() {
    let Some(forward) = Forward::new() else { return };
    let message = forward.gnupg.encrypt(&["--armor", "-r", "bob@example.org"], TEXT);
    let forwarded = forward.transform("charles/instance-0.json", &message);
    let key = forward.name("charles/forwardee.key.asc");
    assert!(Rpgp::new(&fs::read(&key).unwrap(), "").decrypt(&forwarded, false).is_err());
    if let Some(read) = node("decrypt.mjs", &[&key, "--no-opt-in"], &forwarded) {
        assert!(read.is_err());
    }
}

#[test]
fn a_wrong_factor_or_a_wrong_forwardee_reads_nothing() {
    let Some(forward) = Forward::new() else { return };
    forward.set_up("eve");
    let message = forward.gnupg.encrypt(&["--armor", "-r", "bob@example.org"], TEXT);
    let hidden = forward.gnupg.encrypt(&["--armor", "-R", "bob@example.org"], TEXT);
    for (message, instance, key) in [
        // Not transformed, transformed for another, hidden and transformed for another.
        (message.clone(), None, "charles"),
        (message, Some("eve/instance-0.json"), "charles"),
        (hidden, Some("eve/instance-0.json"), "charles"),
    ] {
        let forwarded = instance.map_or_else(|| message.clone(), |instance| forward.transform(instance, &message));
        let key = forward.name(&format!("{key}/forwardee.key.asc"));
        assert_eq!(sealpost(&["forward", "decrypt", "--key", &key], &forwarded).status.code(), Some(1));
        assert!(Rpgp::new(&fs::read(&key).unwrap(), "").decrypt(&forwarded, true).is_err());
        if let Some(read) = node("decrypt.mjs", &[&key], &forwarded) {
            assert!(read.is_err());
        }
    }
}

#[test]
fn a_factor_of_another_forward_is_refused_when_it_is_registered() {
    let Some(forward) = Forward::new() else { return };
    forward.set_up("eve");
    let verify = |forwardee: &str, instance: &str| {
        let (key, forwardee, instance) = (forward.name("bob.pub.asc"), forward.name(forwardee), forward.name(instance));
        sealpost(&["forward", "verify", "--key", &key, "--forwardee", &forwardee, "--instance", &instance], &[])
    };
    assert!(verify("charles/forwardee.key.asc", "charles/instance-0.json").status.success());
    assert_eq!(verify("charles/forwardee.key.asc", "eve/instance-0.json").status.code(), Some(1));
    // Charles's fingerprint with Eve's factor.
    let read = |name: &str| fs::read_to_string(forward.path(name)).unwrap();
    let factor = |json: &str| json.split("\"factor\": \"").nth(1).unwrap().split_once('"').unwrap().0.to_owned();
    let (charles, eve) = (read("charles/instance-0.json"), read("eve/instance-0.json"));
    fs::write(forward.path("mixed.json"), charles.replace(&factor(&charles), &factor(&eve))).unwrap();
    let mixed = verify("charles/forwardee.key.asc", "mixed.json");
    assert_eq!(mixed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&mixed.stderr).contains("factor does not belong"));
}

#[test]
fn rpgp_computes_the_same_factor_and_the_same_session_key_packet() {
    let Some(forward) = Forward::new() else { return };
    let key = fs::read(forward.path("charles/forwardee.key.asc")).unwrap();
    let rpgp = Rpgp::new(&key, "");
    let instance = fs::read(forward.path("charles/instance-0.json")).unwrap();
    let factor = sealpost_pre::Instance::from_json(&instance).unwrap().factor().held().unwrap().expose_bytes();
    assert_eq!(rpgp.factor(&forward.gnupg.export_secret("bob@example.org")), *factor);
    let message = forward.gnupg.encrypt(&["--armor", "-r", "bob@example.org"], TEXT);
    let theirs = rpgp.transform(&message, *factor);
    let ours = sealpost_ok(&["forward", "transform", "--instance", &forward.name("charles/instance-0.json")], &message);
    let dearmored = Gnupg::new().unwrap().dearmor(&ours);
    assert_eq!(dearmored[2..2 + theirs.len()], theirs);
}

#[test]
fn a_key_and_a_factor_of_rpgp_are_used_by_our_tool() {
    let Some(forward) = Forward::new() else { return };
    let bob = forward.gnupg.export_secret("bob@example.org");
    let frederick = Rpgp::forwardee_of(&bob);
    let factor = frederick.factor(&bob).iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().concat();
    let ours = fs::read_to_string(forward.path("charles/instance-0.json")).unwrap();
    let forwarder = ours.split("\"forwarder\": \"").nth(1).unwrap().split_once('"').unwrap().0.to_owned();
    let json = format!(
        r#"{{"PgpVersion":4,"ForwarderKeyFingerprint":"{forwarder}","ForwardeeKeyFingerprint":"{}","ProxyParam":"{factor}"}}"#,
        frederick.subkey()
    );
    fs::write(forward.path("proton.json"), json).unwrap();
    fs::write(forward.path("frederick.asc"), frederick.armored()).unwrap();
    let (proton, instance) = (forward.name("proton.json"), forward.name("frederick.json"));
    let _ = sealpost_ok(&["forward", "import", "--proton", &proton, "--out", &instance], &[]);
    let (key, public) = (forward.name("frederick.asc"), forward.name("bob.pub.asc"));
    let _ = sealpost_ok(&["forward", "verify", "--key", &public, "--forwardee", &key, "--instance", &instance], &[]);
    let message = forward.gnupg.encrypt(&["--armor", "-r", "bob@example.org"], TEXT);
    let forwarded = forward.transform("frederick.json", &message);
    assert_eq!(sealpost_ok(&["forward", "decrypt", "--key", &key], &forwarded), TEXT);
    assert_eq!(frederick.decrypt(&forwarded, true).as_deref(), Ok(TEXT));
}

#[test]
fn a_locked_key_is_unlocked_by_every_forwardee() {
    let Some(forward) = Forward::new() else { return };
    forward.gnupg.generate("charles@example.org");
    fs::write(forward.path("charles.asc"), forward.gnupg.export_secret("charles@example.org")).unwrap();
    fs::write(forward.path("charles.pub.asc"), forward.gnupg.export("charles@example.org")).unwrap();
    let (bob, public, out) = (forward.name("bob.asc"), forward.name("charles.pub.asc"), forward.name("locked"));
    let setup = ["forward", "setup", "--key", &bob, "--to", CHARLES, "--certificate", &public, "--out", &out];
    let _ = sealpost_ok(&setup, &[]);
    let (token, own, from) =
        (forward.name("locked/activation.asc"), forward.name("charles.asc"), forward.name("bob.pub.asc"));
    let opened = sealpost_ok(&["forward", "activate", &token, "--key", &own, "--from", &from], &[]);
    // GnuPG opens the token as well.
    assert_eq!(forward.gnupg.decrypt(&fs::read(&token).unwrap()), opened.trim_ascii());
    fs::write(forward.path("passphrase"), &opened).unwrap();
    let passphrase = String::from_utf8(opened).unwrap().trim().to_owned();
    let message = forward.gnupg.encrypt(&["--armor", "-r", "bob@example.org"], TEXT);
    let forwarded = forward.transform("locked/instance-0.json", &message);
    let (key, file) = (forward.name("locked/forwardee.key.asc"), forward.name("passphrase"));
    assert_eq!(sealpost(&["forward", "decrypt", "--key", &key], &forwarded).status.code(), Some(1));
    assert_eq!(sealpost_ok(&["forward", "decrypt", "--key", &key, "--password-file", &file], &forwarded), TEXT);
    let rpgp = Rpgp::new(&fs::read(&key).unwrap(), &passphrase);
    assert_eq!(rpgp.decrypt(&forwarded, true).as_deref(), Ok(TEXT));
    if let Some(read) = node("decrypt.mjs", &[&key, "--password", &passphrase], &forwarded) {
        assert_eq!(read.as_deref(), Ok(TEXT));
    }
}

#[test]
fn dropped_session_keys_do_not_disturb_any_reader() {
    let Some(forward) = Forward::new() else { return };
    let options = ["--armor", "-r", "dave@example.org", "-r", "bob@example.org", "-r", "dave@example.org"];
    let message = forward.gnupg.encrypt(&options, TEXT);
    let instance = forward.name("charles/instance-0.json");
    let transform = ["forward", "transform", "--instance", &instance, "--others", "drop"];
    let forwarded = sealpost_ok(&transform, &message);
    let key = forward.name("charles/forwardee.key.asc");
    assert_eq!(sealpost_ok(&["forward", "decrypt", "--key", &key], &forwarded), TEXT);
    assert_eq!(Rpgp::new(&fs::read(&key).unwrap(), "").decrypt(&forwarded, true).as_deref(), Ok(TEXT));
    if let Some(read) = node("decrypt.mjs", &[&key], &forwarded) {
        assert_eq!(read.as_deref(), Ok(TEXT));
    }
}
