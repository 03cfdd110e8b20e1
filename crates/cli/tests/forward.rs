//! The tool, called as a person or a script calls it.

#![cfg(test)]

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use sealpost_testkit::draft;
use serde_json::Value;

#[path = "support/fixture.rs"]
mod fixture;

use fixture::{BOB, Fixture, MESSAGE, TEXT, fails, mode, ok, run, stderr};

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_whole_way_with_files_and_with_pipes() {
    let Some(f) = Fixture::new() else { return };
    let (bob, key, instance, message) = (f.vector(BOB), f.key(), f.instance(), f.vector(MESSAGE));
    ok(&["forward", "verify", "--key", &bob, "--forwardee", &key, "--instance", &instance]);
    let (forwarded, text) = (f.path("forwarded.asc"), f.path("text"));
    ok(&["forward", "transform", "--instance", &instance, &message, &forwarded]);
    ok(&["forward", "decrypt", "--key", &key, &forwarded, &text]);
    assert_eq!(fs::read(&text).unwrap(), TEXT);
    let piped = run(&["forward", "transform", "--instance", &instance], fs::File::open(&message).unwrap().into());
    assert_eq!(piped.stdout, fs::read(&forwarded).unwrap());
    let dashes = run(&["forward", "decrypt", "--key", &key, "-", "-"], fs::File::open(&forwarded).unwrap().into());
    assert_eq!(dashes.stdout, TEXT);
    // In place: IN is OUT.
    fs::copy(&message, f.path("same")).unwrap();
    ok(&["forward", "transform", "--instance", &instance, &f.path("same"), &f.path("same")]);
    assert_eq!(fs::read(f.path("same")).unwrap(), piped.stdout);
}

#[test]
fn two_servers_forward_together_in_either_order_and_neither_alone() {
    let Some(f) = Fixture::new() else { return };
    let (bob, key, shares) = (f.vector(BOB), f.key(), f.path("shares"));
    ok(&["forward", "split", "--instance", &f.instance(), "--out", &shares]);
    let share = |number, place| format!("{shares}/share-{number}-{place}.json");
    let check = |one: &str, other: &str| {
        let both = ["forward", "combine-check", "--instance", one, "--instance", other];
        run(&[&both[..], &["--key", &bob, "--forwardee", &key, "--json"]].concat(), Stdio::null())
    };
    let (between, through, text) = (f.path("between"), f.path("through"), f.path("text"));
    for (first, second) in [(1, 2), (2, 1)] {
        let (first, second) = (share(first, "first"), share(second, "second"));
        let checked = json(&check(&first, &second));
        assert_eq!((&checked["valid"], &checked["kind"]), (&true.into(), &"openpgp".into()));
        ok(&["forward", "transform", "--instance", &first, &f.vector(MESSAGE), &between]);
        fails(1, &["can't be decrypted with this key"], &["forward", "decrypt", "--key", &key, &between, &text]);
        fails(3, &["nothing to transform"], &["forward", "transform", "--instance", &first, &between, &through]);
        ok(&["forward", "transform", "--instance", &second, &between, &through]);
        ok(&["forward", "decrypt", "--key", &key, &through, &text]);
        assert_eq!(fs::read(&text).unwrap(), TEXT);
    }
    let wrong = check(&share(1, "first"), &share(1, "second"));
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("share-1-second.json") && stderr(&wrong).contains("does not take over"));
}

#[test]
fn the_draft_s_own_material_works() {
    let Some(f) = Fixture::new() else { return };
    let (instance, proton) = (f.path("a3.json"), f.path("proton.json"));
    let json = r#"{"PgpVersion":4,"ForwarderKeyFingerprint":"8a5f35753833ff9919ad88161557e55093930510","ForwardeeKeyFingerprint":"805249be13f8fe08fd5dbcb2076ed69fdede0029","ProxyParam":"04b657045fc9c0759c5fd11d8ca75a2b1aa101c9c896490bcec100f941e97e0e"}"#;
    fs::write(&proton, json).unwrap();
    ok(&["forward", "import", "--proton", &proton, "--out", &instance]);
    assert_eq!(mode(&instance), 0o600);
    let charles = f.vector("draft/a3_forwardee_key.asc");
    ok(&["forward", "verify", "--key", &f.vector(BOB), "--forwardee", &charles, "--instance", &instance]);
    let output = ok(&["forward", "transform", "--instance", &instance, &f.vector(MESSAGE)]);
    assert_eq!(output.stdout, draft("a3_transformed_message.asc").unwrap());
    let exported: Value = serde_json::from_slice(&ok(&["forward", "export", "--proton", &instance]).stdout).unwrap();
    assert_eq!(exported, serde_json::from_str::<Value>(json).unwrap());
}

#[test]
fn setup_writes_secrets_for_their_owner_and_replaces_nothing() {
    let Some(f) = Fixture::new() else { return };
    assert_eq!((mode(&f.path("c")), mode(&f.key()), mode(&f.instance())), (0o700, 0o600, 0o600));
    let before = fs::read(f.key()).unwrap();
    fails(
        1,
        &["forwardee.key.asc", "is there already"],
        &["forward", "setup", "--key", &f.vector(BOB), "--to", "x", "--out", &f.path("c")],
    );
    assert_eq!(fs::read(f.key()).unwrap(), before);
    // One file in the way is enough: none is written.
    fs::create_dir(f.path("d")).unwrap();
    fs::write(f.path("d/instance-0.json"), "mine").unwrap();
    fails(
        1,
        &["instance-0.json", "is there already"],
        &["forward", "setup", "--key", &f.vector(BOB), "--to", "x", "--out", &f.path("d")],
    );
    assert_eq!(fs::read_dir(f.path("d")).unwrap().count(), 1);
}

#[test]
fn reports_for_machines() {
    let Some(f) = Fixture::new() else { return };
    let setup = json(&ok(&["--json", "forward", "setup", "--key", &f.vector(BOB), "--to", "x", "--out", &f.path("j")]));
    assert_eq!(setup["instances"][0]["forwarder"], "8A5F35753833FF9919AD88161557E55093930510");
    assert_eq!(setup["skipped"], Value::Array(vec![]));
    let inspected = json(&ok(&["forward", "inspect", "--json", &f.vector(MESSAGE)]));
    let pkesk = &inspected["messages"][0]["pkesks"][0];
    assert_eq!(
        (&pkesk["recipient"], &pkesk["curve25519"], &pkesk["outcome"]),
        (&"1557E55093930510".into(), &true.into(), &"kept".into())
    );
    // A session key of a passphrase, kept or dropped.
    let skesk = [&[0xC3, 13, 4, 9, 3, 8], &[7; 8][..], &[0x60], &draft("a3_encrypted_message.pgp").unwrap()].concat();
    fs::write(f.path("skesk"), skesk).unwrap();
    for (skesks, dropped) in [("keep", 0), ("drop", 1)] {
        let (instance, input, out) = (f.instance(), f.path("skesk"), f.path("out"));
        let args = ["forward", "transform", "--instance", &instance, "--skesks", skesks, &input, &out];
        assert!(stderr(&ok(&args)).contains(&format!("1 session keys encrypted with a passphrase, {dropped} of them")));
        let report: Value = serde_json::from_slice(&ok(&[&["--json"], &args[..]].concat()).stderr).unwrap();
        let message = &report["messages"][0];
        assert_eq!((&message["skesks"], &message["skesks_dropped"]), (&1.into(), &dropped.into()));
    }
    // Beside data on stdout the report is on stderr.
    let transformed = ok(&["--json", "forward", "transform", "--instance", &f.instance(), &f.vector(MESSAGE)]);
    let report: Value = serde_json::from_slice(&transformed.stderr).unwrap();
    assert_eq!(report["transformed"], 1);
    let failed = run(&["--json", "forward", "inspect", "/nowhere"], Stdio::null());
    let failure: Value = serde_json::from_slice(&failed.stderr).unwrap();
    assert_eq!(failure["exit_code"], 1);
    assert!(failure["error"].as_str().unwrap().contains("/nowhere"));
}

#[test]
fn bad_input_is_named_and_leaves_the_output_alone() {
    let Some(f) = Fixture::new() else { return };
    let (instance, out) = (f.instance(), f.path("out"));
    let transform = |input: &str| ["forward", "transform", "--instance", &instance, input, &out].map(str::to_owned);
    let binary = draft("a3_encrypted_message.pgp").unwrap();
    let text = draft("a3_encrypted_message.asc").unwrap();
    let sed = [&binary[..96], &[0xA4, 60], &[7; 60][..]].concat();
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("empty", vec![], "no OpenPGP message"),
        ("text", b"hello\n".to_vec(), "no OpenPGP message"),
        ("truncated", binary[..binary.len() - 1].to_vec(), "truncated"),
        ("truncated-head", binary[..50].to_vec(), "truncated"),
        ("truncated-armor", text[..text.len() - 40].to_vec(), "truncated"),
        (
            "garbage-armor",
            String::from_utf8_lossy(&text).replace("wV4D", "w!4D").into_bytes(),
            "malformed armor at offset",
        ),
        ("wrong-packet", draft("a3_recipient_key.pgp").unwrap(), "a packet with tag 5 at offset 0"),
        ("sed", sed, "no integrity protection"),
        ("trailing", [&binary[..], &binary].concat(), "behind the end of the message"),
    ];
    for (name, content, says) in cases {
        let input = f.path(name);
        fs::write(&input, content).unwrap();
        let args = transform(&input);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        fails(1, &[name, says], &args);
        assert!(!Path::new(&out).exists(), "{name}");
        fs::write(&out, "old").unwrap();
        fails(1, &[name, says], &args);
        assert_eq!(fs::read(&out).unwrap(), b"old", "{name}");
        fs::remove_file(&out).unwrap();
    }
    fails(1, &[&f.path(""), "directory"], &["forward", "transform", "--instance", &instance, &f.path(""), &out]);
    fails(1, &["/nowhere/x", "No such file"], &["forward", "transform", "--instance", &instance, "/nowhere/x", &out]);
    let message = f.vector(MESSAGE);
    fails(
        1,
        &["/nowhere/x", "No such file"],
        &["forward", "transform", "--instance", &instance, &message, "/nowhere/x"],
    );
    fails(1, &[&f.path("c")], &["forward", "transform", "--instance", &instance, &message, &f.path("c")]);
    for instance in [f.path("text"), f.key(), f.path("empty"), f.path("")] {
        fails(1, &[&instance], &["forward", "transform", "--instance", &instance, &message, &out]);
    }
    assert!(!Path::new(&out).exists());
    assert!(f.names().iter().all(|name| !name.starts_with(".sealpost")), "{:?}", f.names());
}

#[test]
fn nothing_to_transform_is_exit_code_3() {
    let Some(f) = Fixture::new() else { return };
    let (message, out) = (f.vector(MESSAGE), f.path("out"));
    // Another forwarder's instance: here Charles's of the draft, forwarding to himself.
    let json = fs::read_to_string(f.instance()).unwrap();
    let other = json.replace("8a5f35753833ff9919ad88161557e55093930510", "805249be13f8fe08fd5dbcb2076ed69fdede0029");
    fs::write(f.path("other.json"), other).unwrap();
    let expired = json.replace("\"factor\"", "\"not_after\": 1000000000,\n  \"factor\"");
    fs::write(f.path("expired.json"), expired).unwrap();
    let future = json.replace("\"factor\"", "\"not_before\": 99999999999,\n  \"factor\"");
    fs::write(f.path("future.json"), future).unwrap();
    for (instance, says) in [
        ("other.json", "no instance is for it"),
        ("expired.json", "expired 1000000000 seconds after 1970"),
        ("future.json", "not valid before 99999999999"),
    ] {
        let args = ["forward", "transform", "--instance", &f.path(instance), &message, &out];
        fails(3, &["a3_encrypted_message.asc", "nothing to transform", "1557E55093930510", says], &args);
        assert!(!Path::new(&out).exists());
    }
    let (bob, key) = (f.vector(BOB), f.key());
    fails(
        1,
        &["expired.json", "expired"],
        &["forward", "verify", "--key", &bob, "--forwardee", &key, "--instance", &f.path("expired.json")],
    );
}

#[test]
fn wrong_keys_and_passphrases_are_named() {
    let Some(f) = Fixture::new() else { return };
    let (bob, key, instance, message) = (f.vector(BOB), f.key(), f.instance(), f.vector(MESSAGE));
    let out = f.path("out");
    fails(1, &["can't be decrypted with this key"], &["forward", "decrypt", "--key", &key, &message, &out]);
    fails(1, &["no forwarding subkey"], &["forward", "decrypt", "--key", &bob, &message, &out]);
    fails(1, &["neither binary nor in ASCII armor"], &["forward", "decrypt", "--key", &instance, &message, &out]);
    fails(
        1,
        &["no subkey can be forwarded", "forwarding again is not allowed"],
        &["forward", "setup", "--key", &key, "--to", "x", "--out", &f.path("n")],
    );
    ok(&["forward", "setup", "--multi-hop", "--key", &key, "--to", "x", "--out", &f.path("hop")]);
    fails(
        1,
        &["a3_recipient_key.asc", "has no Curve25519 subkey"],
        &["forward", "verify", "--key", &bob, "--forwardee", &bob, "--instance", &instance],
    );
    fails(1, &["user ID"], &["forward", "setup", "--key", &bob, "--to", "", "--out", &f.path("n")]);
    fails(2, &["--instance"], &["forward", "transform", &message]);
    assert!(!Path::new(&out).exists() && !Path::new(&f.path("n")).exists());
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let Some(f) = Fixture::new() else { return };
    let input = f.path("long");
    let binary = draft("a3_encrypted_message.pgp").unwrap();
    let long = [&binary[..96], &[0xD2, 0xFF], &200_000_u32.to_be_bytes(), &vec![1; 200_000]].concat();
    fs::write(&input, long).unwrap();
    let (tool, instance) = (env!("CARGO_BIN_EXE_sealpost"), f.instance());
    let shell = |script: &str| {
        Command::new("sh").args(["-c", script, tool, &instance, &input, &f.path("out")]).output().unwrap()
    };
    // A file may have 64 KiB at most.
    let output = shell("ulimit -f 64; trap '' XFSZ; exec \"$0\" forward transform --instance \"$1\" \"$2\" \"$3\"");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("out") && stderr(&output).contains("can't write"), "{}", stderr(&output));
    assert!(!Path::new(&f.path("out")).exists());
    assert!(f.names().iter().all(|name| !name.starts_with(".sealpost")), "{:?}", f.names());
    // A full device.
    let output = shell("exec \"$0\" forward transform --instance \"$1\" \"$2\" > /dev/full");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("stdout") && stderr(&output).contains("No space left"), "{}", stderr(&output));
    let output = shell("exec \"$0\" forward transform --instance \"$1\" \"$2\" /dev/full");
    assert!(stderr(&output).contains("/dev/full") && stderr(&output).contains("No space left"), "{}", stderr(&output));
    // A reader that has enough, and setup on a disk that takes nothing.
    let output = shell("\"$0\" forward transform --instance \"$1\" \"$2\" | head -c 10");
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
    let setup =
        format!("ulimit -f 0; trap '' XFSZ; exec \"$0\" forward setup --key '{}' --to x --out \"$3\"", f.vector(BOB));
    let output = shell(&setup);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(fs::read_dir(f.path("out")).unwrap().count(), 0);
}

#[test]
fn the_demo_tells_the_whole_story() {
    let output = run(&["demo", "--json"], Stdio::null());
    assert!(output.status.success(), "{}", stderr(&output));
    let json = json(&output);
    assert_eq!(json["plaintext_read_by_forwardee"], true);
    // A key ID of 8 octets, a point of 32, a checksum of 3, in base64.
    assert!(json["octets_changed"].as_u64().unwrap() <= 62);
    let told = stderr(&run(&["demo"], Stdio::null()));
    for text in
        ["$ sealpost forward setup", "+ Bob can read it.", "- the server's operator can't read it.", "YES, all of it"]
    {
        assert!(told.contains(text), "{told}");
    }
}
