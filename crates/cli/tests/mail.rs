//! Whole mails, and long ones.

#![cfg(test)]

use std::{
    fs,
    io::{Read, Write},
    process::{Child, Command, Stdio},
};

use sealpost_testkit::{
    draft,
    messages::{Armor, Framing, Transfer, armored, mail, packet, untransfer},
    vectors,
};

const A3: &str = r#"{"PgpVersion":4,"ForwarderKeyFingerprint":"8a5f35753833ff9919ad88161557e55093930510","ForwardeeKeyFingerprint":"805249be13f8fe08fd5dbcb2076ed69fdede0029","ProxyParam":"04b657045fc9c0759c5fd11d8ca75a2b1aa101c9c896490bcec100f941e97e0e"}"#;

fn tool(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_sealpost"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The instance of A.3, in a folder that lives as long as the test.
fn instance() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let [proton, instance] =
        ["proton.json", "instance.json"].map(|name| folder.path().join(name).to_str().unwrap().to_owned());
    fs::write(&proton, A3).unwrap();
    assert!(tool(&["forward", "import", "--proton", &proton, "--out", &instance]).wait().unwrap().success());
    (folder, instance)
}

fn transform(instance: &str, input: &[u8]) -> Vec<u8> {
    let mut child = tool(&["forward", "transform", "--instance", instance]);
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// The draft's message before and after, and a mail around each.
fn around(mail: impl Fn(&str) -> String) -> Option<(Vec<u8>, Vec<u8>)> {
    let [before, after] = ["a3_encrypted_message.asc", "a3_transformed_message.asc"].map(draft);
    let text = |armor: Option<Vec<u8>>| String::from_utf8(armor?).ok();
    Some((crlf(&mail(&text(before)?)).into_bytes(), crlf(&mail(&text(after)?)).into_bytes()))
}

#[test]
fn pgp_mime() {
    let Some((before, after)) = around(|armor| {
        format!(
            "From: alice@example.com\nSubject: ...\nMIME-Version: 1.0\nContent-Type: multipart/encrypted;\n \
             protocol=\"application/pgp-encrypted\"; boundary=\"=_x\"\n\nThis is OpenPGP.\n--=_x\nContent-Type: \
             application/pgp-encrypted\n\nVersion: 1\n\n--=_x\nContent-Type: application/octet-stream\n\n{armor}\n--=_x--\n"
        )
    }) else {
        return;
    };
    let (_folder, instance) = instance();
    assert_eq!(transform(&instance, &before), after);
}

#[test]
fn inline_in_text_parts() {
    let Some((before, after)) = around(|armor| {
        format!(
            "Subject: two\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHello,\n\n{armor}\n\
             > {armor}\nBye\n--b\nContent-Type: text/plain\n\n{armor}--b--\n"
        )
    }) else {
        return;
    };
    let (_folder, instance) = instance();
    let transformed = transform(&instance, &before);
    assert_eq!(transformed.len(), after.len());
    // Both blocks are transformed, what is quoted between them is not one.
    let quoted = String::from_utf8_lossy(&before).find("> ---").unwrap();
    let end = quoted + String::from_utf8_lossy(&before[quoted..]).find("Bye").unwrap();
    assert_eq!(transformed[quoted..end], before[quoted..end]);
    assert_eq!((&transformed[..quoted], &transformed[end..]), (&after[..quoted], &after[end..]));
}

#[test]
fn parts_in_base64_and_quoted_printable_are_transformed_and_decrypted() {
    let Some(before) = draft("a3_encrypted_message.asc") else { return };
    let after = draft("a3_transformed_message.asc").unwrap();
    let [before, after] = [before, after].map(|armor| [b"Hello = hi,\r\n", &armor[..], b"Bye\r\n"].concat());
    let (_folder, instance) = instance();
    for transfer_encoding in [Transfer::Base64(76), Transfer::QuotedPrintable(76, 0), Transfer::QuotedPrintable(20, 3)]
    {
        let (input, bodies) =
            mail(&[(b"No message.\r\n".to_vec(), transfer_encoding), (before.clone(), transfer_encoding)]);
        let output = transform(&instance, &input);
        assert_eq!(untransfer(&output[bodies[1].clone()], transfer_encoding), after, "{transfer_encoding:?}");
        assert_eq!(
            (&output[..bodies[1].start], &output[bodies[1].end..]),
            (&input[..bodies[1].start], &input[bodies[1].end..])
        );
        let key = vectors().unwrap().join("draft/a3_forwardee_key.asc");
        let mut child = tool(&["forward", "decrypt", "--key", key.to_str().unwrap()]);
        child.stdin.take().unwrap().write_all(&output).unwrap();
        assert_eq!(child.wait_with_output().unwrap().stdout, b"Message for Bob", "{transfer_encoding:?}");
    }
}

/// The most memory that a process has had, in KiB.
fn peak(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_message_of_64_mib_takes_less_than_16_mib_of_memory() {
    if vectors().is_none() {
        return;
    }
    let pkesk = &draft("a3_encrypted_message.pgp").unwrap()[..96];
    let data = [&[1], &vec![0xA5; 64 << 20][..]].concat();
    let binary = |framing| [pkesk, &packet(18, &data, framing)].concat();
    let armor = Armor { line: 64, crlf: true, headers: vec![], blanks: 0, checksum: true };
    let text = [b"Subject: long\r\n\r\n".to_vec(), armored(&binary(Framing::New(5)), &armor)].concat();
    let (_folder, instance) = instance();
    for (name, input) in
        [("definite", binary(Framing::New(5))), ("partial", binary(Framing::Partial(12))), ("a mail", text)]
    {
        let mut child = tool(&["forward", "transform", "--instance", &instance]);
        let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let len = input.len();
        // All but the last octet; the process waits for it while its memory is looked at.
        let writer = std::thread::spawn(move || {
            stdin.write_all(&input[..len - 1]).unwrap();
            (stdin, input[len - 1])
        });
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            let mut total = 0;
            loop {
                match stdout.read(&mut buffer).unwrap() {
                    0 => return total,
                    n => total += n,
                }
            }
        });
        let (mut stdin, last) = writer.join().unwrap();
        let peak = peak(&child);
        stdin.write_all(&[last]).unwrap();
        drop(stdin);
        assert_eq!(reader.join().unwrap(), len, "{name}");
        assert!(child.wait().unwrap().success(), "{name}");
        assert!(peak < 16 * 1024, "{name}: {peak} KiB");
        eprintln!("{name}: {len} octets, peak {peak} KiB");
    }
}
