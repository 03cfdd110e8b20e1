//! One message, a patch for each forwardee.

#![cfg(test)]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use sealpost_testkit::draft;
use serde_json::Value;

#[path = "support/fixture.rs"]
mod fixture;

use fixture::{BOB, Fixture, MESSAGE, TEXT, fails, mode, ok, run, stderr};

/// A forward to Charles, whose instance is a.json, and one to Dora with b.json.
fn forwards(f: &Fixture) -> [(String, String); 2] {
    ok(&["forward", "setup", "--key", &f.vector(BOB), "--to", "Dora <d@example.org>", "--out", &f.path("d")]);
    [("c", "a"), ("d", "b")].map(|(folder, name)| {
        let instance = f.path(&format!("{name}.json"));
        fs::copy(f.path(&format!("{folder}/instance-0.json")), &instance).unwrap();
        let key = if folder == "c" { f.key() } else { f.path("d/forwardee.key.asc") };
        (instance, key)
    })
}

#[test]
fn each_forwardee_reads_what_its_patch_makes_of_the_message() {
    let Some(f) = Fixture::new() else { return };
    let [(a, charles), (b, dora)] = forwards(&f);
    let (message, patches, out) = (f.vector(MESSAGE), f.path("patches"), f.path("out"));
    let output = ok(&["forward", "transform", "--instance", &a, "--instance", &b, "--patch-dir", &patches, &message]);
    assert!(output.stdout.is_empty() && stderr(&output).contains("2 patches in"), "{}", stderr(&output));
    for (name, instance, key) in [("a.patch", &a, &charles), ("b.patch", &b, &dora)] {
        let patch = f.path(&format!("patches/{name}"));
        assert!(fs::metadata(&patch).unwrap().len() < 200);
        ok(&["forward", "apply", &patch, &message, &out]);
        assert_eq!(mode(&patch), mode(&out));
        assert_eq!(ok(&["forward", "decrypt", "--key", key, &out]).stdout, TEXT);
        let transformed = ok(&["forward", "transform", "--instance", instance, &message]).stdout;
        assert_eq!(fs::read(&out).unwrap(), transformed);
        // From stdin to stdout, and the same message without armor.
        let piped = run(&["forward", "apply", &patch, "-"], fs::File::open(&message).unwrap().into());
        assert_eq!(piped.stdout, transformed);
        let piped = run(&["forward", "apply", &patch], fs::File::open(&message).unwrap().into());
        assert_eq!(piped.stdout, transformed);
        let binary = ok(&["forward", "apply", &patch, &f.vector("draft/a3_encrypted_message.pgp")]).stdout;
        fs::write(&out, binary).unwrap();
        assert_eq!(ok(&["forward", "decrypt", "--key", key, &out]).stdout, TEXT);
    }
    fails(1, &["can't be decrypted"], &["forward", "decrypt", "--key", &charles, &out]);
}

#[test]
fn instances_without_a_patch_are_named() {
    let Some(f) = Fixture::new() else { return };
    let (instance, message, patches) = (f.instance(), f.vector(MESSAGE), f.path("p/q"));
    let json = fs::read_to_string(&instance).unwrap();
    let [other, expired] = [f.path("other.json"), f.path("expired.json")];
    fs::write(&other, json.replace("8a5f35753833ff9919ad88161557e55093930510", &"0".repeat(40))).unwrap();
    fs::write(&expired, json.replace("\"factor\"", "\"not_after\": 1000000000,\n  \"factor\"")).unwrap();
    let transform = |instances: &[&str]| -> Vec<String> {
        let instances = instances.iter().flat_map(|instance| ["--instance", instance]);
        let all = ["--json", "forward", "transform", "--patch-dir", &patches].into_iter().chain(instances);
        all.chain([message.as_str()]).map(str::to_owned).collect()
    };
    let args = transform(&[&other, &expired]);
    let says = ["nothing to transform", "expired 1000000000"];
    fails(3, &says, &args.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!Path::new(&patches).exists());
    let args = transform(&[&other, &instance, &expired]);
    let output = ok(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let entry = |i: usize| (&report["patches"][i]["transformed"], report["patches"][i]["reason"].as_str());
    assert_eq!(entry(0), (&0.into(), Some("no session key is for it")));
    assert_eq!(entry(1), (&1.into(), None));
    assert!(entry(2).1.unwrap().contains("expired"));
    assert_eq!(report["patches"][1]["patch"], format!("{patches}/instance-0.patch"));
    assert_eq!(report["messages"][0]["pkesks"][0]["instances"], Value::from(vec![instance]));
    assert_eq!(fs::read_dir(&patches).unwrap().count(), 1);
}

#[test]
fn two_instances_of_one_name_and_two_kinds_of_output_are_refused() {
    let Some(f) = Fixture::new() else { return };
    let [(a, _), _] = forwards(&f);
    let (message, patches, out) = (f.vector(MESSAGE), f.path("patches"), f.path("out"));
    let (one, two) = (f.path("c/instance-0.json"), f.path("d/instance-0.json"));
    let twice = ["--instance", &a, "--instance", &one, "--instance", &two];
    let args = [&["forward", "transform", "--patch-dir", &patches][..], &twice, &[&message]].concat();
    fails(1, &["instance-0.patch", &one, &two], &args);
    let args = ["forward", "transform", "--patch-dir", &patches, "--instance", &a, "--instance", &a, &message];
    fails(1, &[&a, "given twice"], &args);
    let upper = f.path("A.json");
    fs::copy(&a, &upper).unwrap();
    let args = ["forward", "transform", "--patch-dir", &patches, "--instance", &a, "--instance", &upper, &message];
    fails(1, &["A.patch", &a, &upper], &args);
    let both = ["forward", "transform", "--patch-dir", &patches, "--instance", &a, &message, &out];
    fails(2, &["--patch-dir"], &both);
    assert!(!Path::new(&patches).exists() && !Path::new(&out).exists());
}

#[test]
fn what_does_not_fit_leaves_the_output_alone() {
    let Some(f) = Fixture::new() else { return };
    let (instance, message, out) = (f.instance(), f.vector(MESSAGE), f.path("out"));
    ok(&["forward", "transform", "--instance", &instance, "--patch-dir", &f.path(""), &message]);
    let patch = f.path("instance-0.patch");
    let text = draft("a3_encrypted_message.asc").unwrap();
    let mut other = draft("a3_encrypted_message.pgp").unwrap();
    other[20] ^= 1;
    let bytes = fs::read(&patch).unwrap();
    for (name, content) in [
        ("other", other),
        ("cut", text[..text.len() - 40].to_vec()),
        ("twice", text.repeat(2)),
        ("short", bytes[..bytes.len() - 1].to_vec()),
        ("long", [&bytes[..], b"x"].concat()),
    ] {
        fs::write(f.path(name), content).unwrap();
    }
    let cases = [
        (&patch, f.path("other"), "it is for another message"),
        (&patch, f.path("cut"), "truncated"),
        (&patch, f.path("twice"), "more messages"),
        (&patch, f.path("missing"), "No such file"),
        (&f.path("short"), message.clone(), "malformed patch"),
        (&f.path("long"), message.clone(), "malformed patch"),
        (&instance, message.clone(), "not a patch"),
    ];
    for (patch, input, says) in &cases {
        fails(1, &[says], &["forward", "apply", patch, input, &out]);
        assert!(!Path::new(&out).exists(), "{says}");
        fs::write(&out, "old").unwrap();
        fails(1, &[says], &["forward", "apply", patch, input, &out]);
        assert_eq!(fs::read(&out).unwrap(), b"old", "{says}");
        fs::remove_file(&out).unwrap();
    }
    // The wrong message is found out before anything goes to stdout.
    let output = run(&["forward", "apply", &patch, &f.path("other")], Stdio::null());
    assert!(output.status.code() == Some(1) && output.stdout.is_empty());
    // A disk that is full after 64 KiB.
    let binary = draft("a3_encrypted_message.pgp").unwrap();
    let long = [&binary[..96], &[0xD2, 0xFF], &200_000_u32.to_be_bytes(), &vec![1; 200_000]].concat();
    fs::write(f.path("huge"), long).unwrap();
    ok(&["forward", "transform", "--instance", &instance, "--patch-dir", &f.path(""), &f.path("huge")]);
    let script = "ulimit -f 64; trap '' XFSZ; exec \"$0\" forward apply \"$1\" \"$2\" \"$3\"";
    let args = ["-c", script, env!("CARGO_BIN_EXE_sealpost"), &patch, &f.path("huge"), &out];
    let output = Command::new("sh").args(args).output().unwrap();
    assert!(output.status.code() == Some(1) && stderr(&output).contains("can't write"), "{}", stderr(&output));
    assert!(!Path::new(&out).exists());
    assert!(f.names().iter().all(|name| !name.starts_with(".sealpost")), "{:?}", f.names());
}

#[test]
fn a_patch_never_replaces_an_input() {
    let Some(f) = Fixture::new() else { return };
    let folder = f.path("o");
    fs::create_dir(&folder).unwrap();
    let [bob, x, message] = ["o/bob.patch", "x.json", "o/x.patch"].map(|name| f.path(name));
    fs::copy(f.instance(), &bob).unwrap();
    fs::copy(f.instance(), &x).unwrap();
    fs::copy(f.vector(MESSAGE), &message).unwrap();
    std::os::unix::fs::symlink(&x, f.path("o/link.patch")).unwrap();
    fs::copy(f.instance(), f.path("link.json")).unwrap();
    let before = [&bob, &x, &message].map(|path| fs::read(path).unwrap());
    let (original, missing) = (f.vector(MESSAGE), f.path("new/../o"));
    for (folder, instances, message, over) in [
        (&folder, vec![&bob], &original, "bob.patch"),
        (&folder, vec![&x], &message, "x.patch"),
        (&missing, vec![&x], &message, "x.patch"),
        (&folder, vec![&x, &f.path("link.json")], &original, "link.patch"),
    ] {
        let mut args = vec!["forward", "transform", "--patch-dir", folder];
        instances.iter().for_each(|instance| args.extend(["--instance", instance.as_str()]));
        args.push(message);
        fails(1, &[over, "would overwrite this input"], &args);
    }
    let args = ["forward", "transform", "--patch-dir", &folder, "--instance", &x];
    let output = run(&args, fs::File::open(&message).unwrap().into());
    assert!(stderr(&output).contains("would overwrite this input"), "{}", stderr(&output));
    assert!([&bob, &x, &message].map(|path| fs::read(path).unwrap()) == before);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
}

#[test]
fn a_patch_of_an_older_message_does_not_stay() {
    let Some(f) = Fixture::new() else { return };
    let [(a, _), (b, _)] = forwards(&f);
    let (message, patches) = (f.vector(MESSAGE), f.path("patches"));
    ok(&["forward", "transform", "--instance", &a, "--instance", &b, "--patch-dir", &patches, &message]);
    let json = fs::read_to_string(&b).unwrap();
    let expired = |path: &str, json: &str| {
        fs::write(path, json.replace("\"factor\"", "\"not_after\": 1000000000,\n  \"factor\"")).unwrap();
    };
    expired(&b, &json);
    let left = || {
        let mut names: Vec<_> = fs::read_dir(&patches).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    // One patch can't be written: nothing changes, also for the other instances.
    let c = f.path("c.json");
    fs::copy(&a, &c).unwrap();
    fs::create_dir(f.path("patches/c.patch")).unwrap();
    let all = ["--instance", &a, "--instance", &b, "--instance", &c, "--patch-dir", &patches, &message];
    fails(1, &["c.patch"], &[&["forward", "transform"], &all[..]].concat());
    assert_eq!(left(), ["a.patch", "b.patch", "c.patch"]);
    fs::remove_dir(f.path("patches/c.patch")).unwrap();
    let output = ok(&["forward", "transform", "--instance", &a, "--instance", &b, "--patch-dir", &patches, &message]);
    assert!(stderr(&output).contains("1 patch in"), "{}", stderr(&output));
    assert_eq!(left(), ["a.patch"]);
    expired(&a, &fs::read_to_string(&a).unwrap());
    fails(3, &["expired"], &["forward", "transform", "--instance", &a, "--patch-dir", &patches, &message]);
    assert!(left().is_empty());
}
