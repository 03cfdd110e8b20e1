//! What others signed: all messages of the vectors, with how each signer was judged.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sealpost_testkit::vectors;

use super::*;

/// The DER or BER in a file: all of it, or what is base64 in it.
fn messages(file: &[u8]) -> Vec<Vec<u8>> {
    if let [0x30, 0x80..=0x83, ..] = file {
        return vec![file.to_vec()];
    }
    let is_base64 = |line: &[u8]| {
        !line.is_empty() && line.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'='))
    };
    let lines: Vec<&[u8]> = file.split(|c| *c == b'\n').map(<[u8]>::trim_ascii_end).collect();
    lines
        .chunk_by(|a, b| is_base64(a) == is_base64(b))
        .filter(|run| run[0].starts_with(b"M"))
        .filter_map(|run| base64_simd::STANDARD.decode_to_vec(run.concat()).ok())
        .filter(|octets| octets.starts_with(&[0x30]))
        .collect()
}

/// The first part of each multipart in a file, with CRLF.
fn first_parts(file: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(file).replace("\r\n", "\n");
    let boundaries =
        text.split("boundary=").skip(1).filter_map(|rest| rest.split(['"', '\n', ';']).find(|b| !b.is_empty()));
    let parts = boundaries.filter_map(|boundary| text.split(&format!("--{boundary}\n")).nth(1));
    parts.map(|part| part.strip_suffix('\n').unwrap_or(part).replace('\n', "\r\n").into_bytes()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// What became of the messages of a folder.
#[derive(Default)]
struct Counts(BTreeMap<String, usize>);

impl Counts {
    fn add(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }
}

/// All certificates there are, for signers who send none.
fn certificates(folder: &Path) -> Vec<Certificate> {
    let files = files(folder).into_iter().map(|file| fs::read(file).unwrap());
    files.flat_map(|file| messages(&file)).filter_map(|der| Certificate::from_der(&der).ok()).collect()
}

fn verdict(signer: &SignerInfo, read: &SignedData, contents: &[Vec<u8>], known: &[Certificate]) -> String {
    let mut found = Vec::new();
    for certificate in
        read.certificates.iter().chain(known).filter(|certificate| signer.signer_identifier().matches(certificate))
    {
        found.push(signer.check(&read.digests, read.content_type, certificate));
        for content in contents.iter().filter(|_| read.content_len.is_none()) {
            let mut hashes = Hashes::new(read.signer_digests());
            hashes.update(content);
            found.push(signer.check(&hashes.finish(), read.content_type, certificate));
        }
    }
    match found.iter().find(|verdict| verdict.is_ok()).or(found.last()) {
        Some(Ok(())) => "verified".into(),
        Some(Err(flaw)) => flaw.to_string(),
        None => "no certificate".into(),
    }
}

fn judge(file: &[u8], ber: &[u8], known: &[Certificate], counts: &mut Counts) {
    let limits = Limits::default();
    let der = to_der(ber, &limits).unwrap();
    assert_eq!(to_der(&der, &limits).unwrap(), der);
    let mut content = Vec::new();
    let read = SignedData::read(ber, &limits, &mut |octets| {
        content.extend_from_slice(octets);
        Ok(())
    });
    let read = match read {
        Ok(read) => read,
        Err(Error::NotThis { .. }) => return counts.add("other message"),
        Err(error) => return counts.add(error.to_string()),
    };
    // The same message in DER says the same.
    let again = SignedData::read(&der[..], &limits, &mut |octets| {
        assert_eq!(Some(octets), content.get(..octets.len()));
        content.drain(..octets.len());
        Ok(())
    });
    assert_eq!(format!("{:?}", again.unwrap()), format!("{read:?}"));
    assert!(content.is_empty());
    counts.add(if ber == &*der { "signed data in DER" } else { "signed data in BER" });
    if read.unreadable_certificates + read.other_certificates > 0 {
        counts.add("with odd certificates");
    }
    if read.signers.is_empty() {
        counts.add("without a signer");
    }
    let contents = first_parts(file);
    for signer in &read.signers {
        let verdict = signer.as_ref().map(|signer| verdict(signer, &read, &contents, known));
        counts.add(verdict.unwrap_or_else(|error| format!("unreadable: {error}")));
    }
    for cut in [0, 1, ber.len() / 3, ber.len() / 2, ber.len() - 1] {
        assert!(SignedData::read(&ber[..cut], &limits, &mut |_| Ok(())).is_err());
    }
}

#[test]
fn what_others_signed_is_judged_as_it_should_be() {
    let Some(folder) = vectors().map(|vectors| vectors.join("smime")) else { return };
    let known = certificates(&folder);
    for (name, expected) in EXPECTED {
        let mut counts = Counts::default();
        for file in files(&folder.join(name)) {
            let octets = fs::read(&file).unwrap();
            for ber in messages(&octets) {
                // A message starts with an object identifier; certificates and keys are no messages.
                let mut reader = Reader::new(&ber[..], &Limits::default());
                if reader.enter().is_ok() && reader.peek().is_ok_and(|tag| tag == Some(Tag::OID)) {
                    judge(&octets, &ber, &known, &mut counts);
                }
            }
        }
        let found: Vec<_> = counts.0.iter().map(|(what, count)| (what.as_str(), *count)).collect();
        assert_eq!(found, *expected, "{name}");
    }
}

const ML_DSA: &str = if cfg!(feature = "pqc") { "verified" } else { "the public key of the certificate can't be used" };

/// For each folder, what must become of its messages and signers.
const EXPECTED: &[(&str, &[(&str, usize)])] = &[
    (
        "johnny",
        &[
            // The one that crashed programs: a message without its SignedData.
            ("SignedData: an element is missing", 1),
            ("signed data in BER", 21),
            ("signed data in DER", 7),
            // The signer of the other content in each of two messages with two signers.
            ("the content is not what was signed", 2),
            ("there are no signed attributes", 1),
            // Among them one with content in a multipart: what its place forbids is not seen here.
            ("verified", 25),
            ("without a signer", 2),
        ],
    ),
    (
        "thunderbird",
        &[
            ("other message", 44),
            ("signed data in BER", 91),
            // Four that are bad by their names, four with bad outer signatures, four that were signed with bare LF,
            // two of nested-sigs.eml, which were changed. OpenSSL refuses them, too.
            ("the content is not what was signed", 14),
            // Signatures without their contents.
            ("the message did not announce the digest algorithm of the signer", 4),
            ("verified", 73),
        ],
    ),
    (
        "rfc4134",
        &[
            ("other message", 5),
            ("signed data in BER", 1),
            ("signed data in DER", 10),
            // DSA.
            ("the algorithm 1.2.840.10040.4.3 is not supported", 2),
            ("there are no signed attributes", 9),
            ("without a signer", 1),
        ],
    ),
    (
        "openssl",
        &[
            ("other message", 7),
            ("signed data in BER", 4),
            ("signed data in DER", 1),
            // MD4.
            ("the algorithm 1.2.840.113549.2.4 is not supported", 1),
            ("the attribute signing-time is not signed", 1),
            ("the signed attribute content-type is missing", 1),
            ("the signed attribute content-type stands there more than once", 1),
            ("the signed attribute message-digest is missing", 1),
        ],
    ),
    (
        "rustcrypto-cms",
        &[
            // Contents that are no octet string, as in PKCS #7 before CMS.
            ("encapContentInfo: another element was expected", 2),
            ("other message", 17),
            ("signed data in BER", 1),
            ("signed data in DER", 5),
            ("verified", 4),
            ("without a signer", 2),
        ],
    ),
    ("autocrypt-protected-headers", &[("other message", 3), ("signed data in DER", 4), ("verified", 4)]),
    ("lamps-cms-ml-dsa", &[("signed data in DER", 3), (ML_DSA, 3)]),
    (
        "pyca/cryptography_vectors/pkcs7",
        &[
            ("encapContentInfo: another element was expected", 1),
            ("other message", 4),
            ("signed data in BER", 1),
            ("signed data in DER", 2),
            ("without a signer", 3),
        ],
    ),
    (
        "pyca/cryptography_vectors/x509",
        &[
            ("signed data in DER", 224),
            // DSA.
            ("the algorithm 1.2.840.10040.4.3 is not supported", 3),
            ("verified", 221),
        ],
    ),
];
