//! `sealpost smime forward`, and `sealpost forward split` and `combine-check`, called as a person or a script does.

#![cfg(test)]

use std::{
    fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    process::{Child, Output, Stdio},
};

use sealpost::smime::algorithm::Curve;
use serde_json::Value;

#[path = "support/smime_forward.rs"]
mod support;

use support::{Fixture, MAIL, SETUP, said};

const TRANSFORM: &str = "smime forward transform --instance c/instance-0.json";
const DECRYPT: &str = "smime decrypt --key c/charles.p12 --password-file c/charles.pass";
const VERIFY: &str = "smime forward verify --cert bob.pem";

fn json(output: &[u8]) -> Value {
    serde_json::from_slice(output).unwrap()
}

impl Fixture {
    /// What Charles reads of a mail.
    fn reads(&self, mail: &str) -> Option<String> {
        let output = self.run(&format!("{DECRYPT} {mail}"));
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }
}

#[test]
fn the_whole_way_with_files_and_with_pipes() {
    for curve in [Curve::P256, Curve::P384] {
        let f = Fixture::forward(curve);
        f.ok(&format!(
            "{VERIFY} --forwardee c/charles.p12 --password-file c/charles.pass --instance c/instance-0.json"
        ));
        f.ok(&format!("{VERIFY} --forwardee c/charles.pem --instance c/instance-0.json"));
        assert_eq!(f.reads("encrypted"), None);
        f.ok(&format!("{TRANSFORM} encrypted forwarded"));
        assert_eq!(f.reads("forwarded").unwrap(), MAIL);
        let mut piped = f.tool(TRANSFORM);
        let piped = piped.stdin(fs::File::open(f.path("encrypted")).unwrap()).output().unwrap();
        assert_eq!(piped.stdout, f.read("forwarded"));
        assert!(said(&piped).contains("transformed with c/instance-0.json"), "{}", said(&piped));
        // In place: IN is OUT.
        fs::copy(f.path("encrypted"), f.path("same")).unwrap();
        f.ok(&format!("{TRANSFORM} same same"));
        assert_eq!(f.read("same"), f.read("forwarded"));
    }
}

#[test]
fn others_stay_or_go() {
    let f = Fixture::forward(Curve::P256);
    f.person("dora", Curve::P384);
    f.ok("smime encrypt --to bob.pem dora.pem -- mail both");
    for (others, reads) in [("keep", true), ("drop", false)] {
        let output = f.ok(&format!("--json {TRANSFORM} --others {others} both forwarded"));
        let report = json(&output.stderr);
        let outcome = |place: usize| report["recipients"][place]["outcome"].as_str().unwrap().to_owned();
        assert_eq!((&report["transformed"], &report["breaks_signature"]), (&1.into(), &false.into()));
        assert_eq!(
            (outcome(0), outcome(1).as_str()),
            ("transformed".to_owned(), if reads { "kept" } else { "dropped" })
        );
        assert_eq!(report["recipients"][0]["instances"], Value::from(vec!["c/instance-0.json"]));
        assert_eq!(f.reads("forwarded").unwrap(), MAIL);
        let dora = f.run("smime decrypt --key dora.key --cert dora.pem forwarded");
        assert_eq!(dora.status.success(), reads, "{others}");
    }
}

#[test]
fn setup_writes_secrets_for_their_owner_and_replaces_nothing() {
    let f = Fixture::forward(Curve::P256);
    let names = ["charles.p12", "charles.pass", "charles.pem", "instance-0.json"];
    assert_eq!(f.names("c"), names);
    let mode = |path: &str| fs::metadata(f.path(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("c"), 0o700);
    assert!(names.iter().all(|name| mode(&format!("c/{name}")) == 0o600));
    let before = names.map(|name| f.read(&format!("c/{name}")));
    f.fails(1, &["c/", "is there already"], SETUP);
    assert_eq!(names.map(|name| f.read(&format!("c/{name}"))), before);
    // One file in the way is enough, also a link that leads nowhere: none is written.
    for name in names {
        fs::create_dir(f.path("d")).unwrap();
        std::os::unix::fs::symlink("/nowhere", f.path(&format!("d/{name}"))).unwrap();
        f.fails(1, &[name, "is there already"], &SETUP.replace("--out c", "--out d"));
        assert_eq!(f.names("d"), [name]);
        fs::remove_dir_all(f.path("d")).unwrap();
    }
    // A disk that takes nothing.
    let script = format!(
        "ulimit -f 0; trap '' XFSZ; exec \"$0\" {}",
        SETUP.replace("Charles_<", "'Charles <").replace("org>", "org>'")
    );
    let script = script.replace("--out c", "--out e");
    let tool = env!("CARGO_BIN_EXE_sealpost");
    let output = std::process::Command::new("sh").args(["-c", &script, tool]).current_dir(f.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(f.names("e").is_empty());
    // The passphrase is a line that a person can type, and opens the file.
    let passphrase = String::from_utf8(f.read("c/charles.pass")).unwrap();
    assert_eq!((passphrase.len(), passphrase.trim_end().split('-').count()), (30, 5));
    f.write("wrong", "k7mqp-2cxwd-aaaaa-bbbbb-ccccc");
    f.fails(1, &["charles.p12", "password"], "smime decrypt --key c/charles.p12 --password-file wrong encrypted");
}

#[test]
fn reports_for_machines() {
    let f = Fixture::new(Curve::P256);
    let setup = json(&f.ok(&format!("--json {SETUP} --not-before 1000000000 --not-after 4000000000")).stdout);
    assert_eq!(setup["forwardee"]["key"], "c/charles.p12");
    assert_eq!(setup["forwardee"]["passphrase"], "c/charles.pass");
    assert_eq!(setup["forwardee"]["certificate_file"], "c/charles.pem");
    let certificate = &setup["forwardee"]["certificate"];
    assert_eq!(
        (&certificate["subject"], &certificate["addresses"][0]),
        (&"CN=Charles".into(), &"charles@example.org".into())
    );
    let instance = &setup["instance"];
    assert_eq!((&instance["file"], &instance["group"]), (&"c/instance-0.json".into(), &"P-256".into()));
    assert_eq!(instance["forwarder"][0]["addresses"][0], "bob@example.org");
    assert_eq!((&instance["not_before"], &instance["not_after"]), (&1_000_000_000.into(), &4_000_000_000_u64.into()));
    let verified =
        json(&f.ok(&format!("--json {VERIFY} --forwardee c/charles.pem --instance c/instance-0.json")).stdout);
    assert_eq!((&verified["valid"], &verified["forwardee"]["serial"]), (&true.into(), &certificate["serial"]));
    // Beside data on stdout the report is on stderr.
    let report = json(&f.ok(&format!("--json {TRANSFORM} encrypted")).stderr);
    let recipient = &report["recipients"][0];
    assert_eq!(
        (&report["transformed"], &recipient["outcome"], &recipient["part"]),
        (&1.into(), &"transformed".into(), &"".into())
    );
    let failed = json(&f.run(&format!("--json {TRANSFORM} mail")).stderr);
    assert_eq!(failed["exit_code"], 3);
    let split = json(&f.ok("--json forward split --instance c/instance-0.json --out s").stdout);
    assert_eq!((&split["kind"], &split["shares"][1][1]), (&"smime".into(), &"s/share-2-second.json".into()));
}

#[test]
fn nothing_to_transform_is_exit_code_3_and_writes_nothing() {
    let f = Fixture::forward(Curve::P256);
    f.person("dora", Curve::P256);
    f.ok("smime encrypt --to dora.pem -- mail for-dora");
    f.ok(&format!("{} --not-after 4000000000", SETUP.replace("--out c", "--out d")));
    let instance = String::from_utf8(f.read("d/instance-0.json")).unwrap();
    f.write("expired.json", instance.replace("4000000000", "1000000000"));
    let expired = TRANSFORM.replace("c/instance-0.json", "expired.json");
    for (command, says) in [
        (format!("{TRANSFORM} for-dora out"), "no instance is for it"),
        (format!("{TRANSFORM} mail out"), "not encrypted"),
        (format!("{expired} encrypted out"), "expired"),
    ] {
        f.fails(3, &["nothing to transform", says], &command);
        assert!(!f.exists("out"), "{command}");
        f.write("out", "old");
        f.fails(3, &["nothing to transform", says], &command);
        assert_eq!(f.read("out"), b"old");
        fs::remove_file(f.path("out")).unwrap();
    }
    f.fails(1, &["expired.json", "expired"], &format!("{VERIFY} --forwardee d/charles.pem --instance expired.json"));
}

#[test]
fn what_does_not_belong_together_is_named() {
    let f = Fixture::forward(Curve::P256);
    f.person("dora", Curve::P256);
    f.ok(&SETUP.replace("--out c", "--out d"));
    let verify = |cert: &str, forwardee: &str, instance: &str| {
        format!("smime forward verify --cert {cert} --forwardee {forwardee} --instance {instance}/instance-0.json")
    };
    f.ok(&verify("bob.pem", "d/charles.pem", "d"));
    // Of several certificates in a file, the one that fits is taken.
    f.write("all.pem", [f.read("dora.pem"), f.read("bob.pem")].concat());
    f.ok(&verify("all.pem", "c/charles.pem", "c"));
    f.fails(1, &["c/instance-0.json", "forwarder's"], &verify("dora.pem", "c/charles.pem", "c"));
    f.fails(1, &["c/instance-0.json", "another certificate"], &verify("bob.pem", "d/charles.pem", "c"));
    // The names of one forward with the factor of another.
    let [one, other] = ["c", "d"].map(|folder| json(&f.read(&format!("{folder}/instance-0.json"))));
    let mut mixed = one;
    mixed["factor"] = other["factor"].clone();
    f.write("mixed.json", mixed.to_string());
    f.fails(1, &["mixed.json", "factor"], &format!("{VERIFY} --forwardee c/charles.pem --instance mixed.json"));
    f.ok("smime forward transform --instance mixed.json encrypted forwarded");
    assert_eq!(f.reads("forwarded"), None);
    f.fails(
        1,
        &["charles.p12", "password"],
        &format!("{VERIFY} --forwardee c/charles.p12 --instance c/instance-0.json"),
    );
}

#[test]
fn keys_that_can_not_or_should_not_be_forwarded_are_refused() {
    let f = Fixture::new(Curve::P256);
    f.person("dora", Curve::P256);
    let setup = |rest: &str| format!("smime forward setup --to charles@example.org --out n {rest}");
    f.fails(1, &["bob.key", "another key's"], &setup("--key bob.key --cert dora.pem"));
    f.fails(1, &["bob.key", "--cert"], &setup("--key bob.key"));
    f.fails(1, &["bob.pem", "none"], &setup("--key bob.pem --cert bob.pem"));
    f.fails(1, &["/nowhere", "No such file"], &setup("--key /nowhere --cert bob.pem"));
    f.fails(
        1,
        &["--to", "an address has one @"],
        &SETUP.replace("charles@example.org", "charles").replace("--out c", "--out n"),
    );
    f.fails(1, &["--not-after"], &setup("--key bob.key --cert bob.pem --not-after 5"));
    f.fails(2, &["--request"], &setup("--key bob.key --cert bob.pem --request --authority a"));
    f.fails(1, &["a: "], &setup("--key bob.key --cert bob.pem --authority a"));
    // The forwarder's own key, one of another curve, a certificate for somebody else.
    f.person("charles", Curve::P384);
    let given = |key: &str| {
        setup(&format!("--key bob.key --cert bob.pem --forwardee-key {key}.key --forwardee-cert {key}.pem"))
    };
    f.fails(1, &["own key"], &given("bob").replace("charles@", "bob@"));
    f.fails(1, &["on P256", "on P384"], &given("charles"));
    f.fails(1, &["dora.pem", "not for charles@example.org"], &given("dora"));
    let Some(vectors) = sealpost_testkit::vectors() else { return };
    let folder = vectors.join("smime/openssl/smime-certs");
    for name in ["smec1.pem", "smrsa1.pem"] {
        fs::copy(folder.join(name), f.path(name)).unwrap();
    }
    f.fails(1, &["smrsa1.pem", "RSA", "can't be forwarded"], &setup("--key smrsa1.pem"));
    f.fails(1, &["smec1.pem", "also signs", "--allow-signing-key"], &setup("--key smec1.pem"));
    // One that signs is enough, also beside the key; the other one is not blamed.
    let key = sealpost::smime::key::SoftwareKey::read(&f.read("smec1.pem"), None, &sealpost::smime::Limits::default());
    let holder = sealpost::ca::personal::Holder::new(None, "bob@example.org").unwrap();
    let [start, end] = [1_700_000_000, 2_700_000_000].map(sealpost::rollover::Time::from_unix);
    let quiet = sealpost::ca::personal::self_signed(&key.unwrap(), &holder, (start, end), 20).unwrap();
    f.write("quiet.pem", sealpost::smime::write_pem("CERTIFICATE", quiet.as_der()).as_bytes());
    f.fails(1, &["smec1.pem: by one of its certificates", "also signs"], &setup("--key smec1.pem --cert quiet.pem"));
    assert!(!f.exists("n"));
    f.ok(&setup("--key smec1.pem --allow-signing-key"));
}

#[test]
fn a_certificate_comes_from_the_local_authority_or_from_another_one() {
    let f = Fixture::new(Curve::P256);
    f.ok("rollover init --policy default --ca authority");
    f.ok(&format!("{SETUP} --authority authority"));
    f.ok(&format!("{TRANSFORM} encrypted forwarded"));
    assert_eq!(f.reads("forwarded").unwrap(), MAIL);
    // Its certificate and its issuer's.
    assert_eq!(String::from_utf8(f.read("c/charles.pem")).unwrap().matches("BEGIN CERTIFICATE").count(), 2);
    f.ok(&format!("{VERIFY} --forwardee c/charles.pem --instance c/instance-0.json"));
    // A request, then what came of it, which is here signed by the key itself.
    let request = SETUP.replace("--out c", "--out r");
    let output = f.ok(&format!("--json {request} --request"));
    assert_eq!(json(&output.stdout)["request"], "r/charles.csr");
    assert_eq!(f.names("r"), ["charles.csr", "charles.key", "charles.key.pass"]);
    assert!(String::from_utf8(f.read("r/charles.csr")).unwrap().starts_with("-----BEGIN CERTIFICATE REQUEST-----\n"));
    f.fails(1, &["is there already"], &format!("{request} --request"));
    let password = String::from_utf8(f.read("r/charles.key.pass")).unwrap();
    let limits = sealpost::smime::Limits::default();
    let key =
        sealpost::smime::key::SoftwareKey::read(&f.read("r/charles.key"), Some(password.trim_end()), &limits).unwrap();
    let holder = sealpost::ca::personal::Holder::new(Some("Charles"), "charles@example.org").unwrap();
    let [start, end] = [1_700_000_000, 2_700_000_000].map(sealpost::rollover::Time::from_unix);
    let issued = sealpost::ca::personal::self_signed(&key, &holder, (start, end), 20).unwrap();
    f.write("issued.pem", sealpost::smime::write_pem("CERTIFICATE", issued.as_der()).as_bytes());
    let complete = format!("{request} --forwardee-key r/charles.key --forwardee-cert issued.pem");
    f.fails(1, &["r/charles.key", "password"], &complete);
    f.ok(&format!("{complete} --forwardee-password-file r/charles.key.pass"));
    f.ok("smime forward transform --instance r/instance-0.json encrypted forwarded");
    f.ok("smime decrypt --key r/charles.p12 --password-file r/charles.pass forwarded again");
    assert_eq!(f.read("again"), MAIL.as_bytes());
    // That key had its certificate already.
    f.ok(&SETUP
        .replace("--out c", "--out k")
        .replace("--key", "--forwardee-key r/charles.p12 --forwardee-password-file r/charles.pass --key"));
}

#[test]
fn bad_input_is_named_and_leaves_the_output_alone() {
    let f = Fixture::forward(Curve::P256);
    let encrypted = String::from_utf8(f.read("encrypted")).unwrap();
    let (head, body) = encrypted.split_once("\r\n\r\n").unwrap();
    f.write("truncated", format!("{head}\r\n\r\n{}", body.get(..100).unwrap()));
    f.write("garbage", format!("{head}\r\n\r\n!!!\r\n"));
    f.write("header", [b"From: ", "x".repeat(300 << 10).as_bytes()].concat());
    let mut openpgp = json(&f.read("c/instance-0.json"));
    openpgp.as_object_mut().unwrap().remove("kind");
    f.write("openpgp.json", openpgp.to_string());
    f.write("text.json", "hello");
    f.write("empty.json", "");
    f.write("short.json", &f.read("c/instance-0.json")[..200]);
    let with = |instance: &str| format!("smime forward transform --instance {instance} encrypted out");
    let cases = [
        (format!("{TRANSFORM} truncated out"), vec!["truncated"]),
        (format!("{TRANSFORM} garbage out"), vec!["garbage"]),
        (format!("{TRANSFORM} header out"), vec!["header"]),
        (format!("{TRANSFORM} missing out"), vec!["missing", "No such file"]),
        (format!("{TRANSFORM} c out"), vec!["c", "directory"]),
        (format!("{TRANSFORM} encrypted /nowhere/out"), vec!["/nowhere", "No such file"]),
        (with("openpgp.json"), vec!["openpgp.json", "OpenPGP"]),
        (with("text.json"), vec!["text.json"]),
        (with("empty.json"), vec!["empty.json"]),
        (with("short.json"), vec!["short.json"]),
        (with("bob.key"), vec!["bob.key"]),
        (with("c"), vec!["directory"]),
    ];
    for (command, says) in cases {
        for old in [None, Some("old")] {
            let _ = fs::remove_file(f.path("out"));
            old.iter().for_each(|old| f.write("out", old));
            f.fails(1, &says, &command);
            assert_eq!(fs::read_to_string(f.path("out")).ok().as_deref(), old, "{command}");
        }
    }
    // No secret is quoted.
    let mut wrong = json(&f.read("c/instance-0.json"));
    let factor = wrong["factor"].as_str().unwrap().get(..20).unwrap().to_owned();
    wrong["factor"] = format!("{factor}!").into();
    f.write("wrong.json", wrong.to_string());
    let output = f.run(&with("wrong.json"));
    assert_eq!(output.status.code(), Some(1));
    assert!(!said(&output).contains(factor.get(..8).unwrap()), "{}", said(&output));
    f.fails(2, &["--instance"], "smime forward transform encrypted out");
    f.fails(1, &["c/instance-0.json", "S/MIME"], "forward inspect --instance c/instance-0.json encrypted");
    assert!(f.names("").iter().all(|name| !name.starts_with(".sealpost")), "{:?}", f.names(""));
}

#[test]
fn two_servers_forward_together_in_either_order_and_neither_alone() {
    let f = Fixture::forward(Curve::P256);
    f.ok(&format!("{TRANSFORM} encrypted forwarded"));
    f.ok("forward split --instance c/instance-0.json --out s");
    f.fails(1, &["share-1-first.json", "is there already"], "forward split --instance c/instance-0.json --out s");
    let check = |one: &str, other: &str| {
        format!("forward combine-check --instance {one} --instance {other} --cert bob.pem --forwardee c/charles.pem")
    };
    let through = |instance: &str, from: &str, to: &str| {
        f.ok(&format!("smime forward transform --instance {instance} {from} {to}"))
    };
    let passes = |folder: &str| {
        for (first, second) in [("1", "2"), ("2", "1")] {
            let [first, second] =
                [format!("{folder}/share-{first}-first.json"), format!("{folder}/share-{second}-second.json")];
            f.ok(&check(&first, &second));
            f.ok(&check(&second, &first));
            through(&first, "encrypted", "between");
            assert_eq!(f.reads("between"), None);
            // The same server once more is not the other one.
            f.fails(3, &["nothing to transform"], &format!("smime forward transform --instance {first} between out"));
            through(&second, "between", "through");
            assert_eq!(f.reads("through").unwrap(), MAIL);
            assert_eq!(f.read("through"), f.read("forwarded"));
        }
    };
    passes("s");
    f.fails(1, &["share-1-first.json"], &check("s/share-1-first.json", "s/share-1-second.json"));
    f.fails(1, &["share-1-first.json"], &check("s/share-1-first.json", "s/share-2-first.json"));
    // New shares; old and new ones do not fit together.
    f.ok("forward split --instance s/share-2-second.json --instance s/share-1-first.json --out t");
    passes("t");
    f.fails(1, &["s/share-1-first.json"], &check("s/share-1-first.json", "t/share-2-second.json"));
    f.fails(
        1,
        &["s/share-1-first.json"],
        "forward split --instance s/share-1-first.json --instance s/share-1-second.json --out u",
    );
    assert!(!f.exists("u"));
    f.person("dora", Curve::P256);
    f.fails(1, &["forwarder"], &check("t/share-1-first.json", "t/share-2-second.json").replace("bob.pem", "dora.pem"));
    f.fails(1, &["--cert"], &check("t/share-1-first.json", "t/share-2-second.json").replace("--cert", "--key"));
    f.fails(2, &["--cert"], "forward combine-check --instance a --instance b --forwardee c");
}

/// The most memory that a process has had, in KiB: all of it, and without the pages of the program itself, which are the
/// system's and of which one that is not optimized touches many.
fn peak(child: &Child) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let field = |name| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let all = field("VmHWM:");
    (all, all - field("RssFile:"))
}

#[test]
fn a_mail_of_25_mib_takes_less_than_16_mib_of_memory() {
    /// More than a pipe holds: who has this to write still runs.
    const REST: usize = 256 << 10;
    let f = Fixture::forward(Curve::P256);
    let text = "All work and no play makes Jack a dull boy.\r\n".repeat((25 << 20) / 45);
    f.write("long", format!("{MAIL}{text}"));
    for cipher in ["aes-256-cbc", "aes-256-gcm"] {
        f.ok(&format!("smime encrypt --to bob.pem --cipher {cipher} -- long encrypted"));
        let len = usize::try_from(fs::metadata(f.path("encrypted")).unwrap().len()).unwrap();
        // From a file, and from a pipe that can't be read twice.
        for piped in [false, true] {
            let mut tool = f.tool(if piped { TRANSFORM.to_owned() } else { format!("{TRANSFORM} encrypted") }.as_str());
            let stdin = if piped { Stdio::piped() } else { Stdio::null() };
            let mut child = tool.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let writer = child.stdin.take().map(|mut stdin| {
                let mut from = fs::File::open(f.path("encrypted")).unwrap();
                std::thread::spawn(move || std::io::copy(&mut from, &mut stdin).unwrap())
            });
            let mut stdout = child.stdout.take().unwrap();
            let mut forwarded = vec![0; len - REST];
            stdout.read_exact(&mut forwarded).unwrap();
            let (all, own) = peak(&child);
            stdout.read_to_end(&mut forwarded).unwrap();
            writer.into_iter().for_each(|writer| assert!(writer.join().unwrap() > 0));
            let output: Output = child.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", said(&output));
            eprintln!("{cipher}, piped: {piped}: {len} octets, peak {all} KiB, {own} KiB of it its own");
            assert!(own < 6 * 1024, "{cipher}, piped: {piped}: {own} KiB of its own");
            assert!(all < 16 * 1024 || cfg!(debug_assertions), "{cipher}, piped: {piped}: {all} KiB");
            f.write("forwarded", forwarded);
        }
        f.ok(&format!("{DECRYPT} forwarded read"));
        assert_eq!(f.read("read"), f.read("long"), "{cipher}");
    }
}
