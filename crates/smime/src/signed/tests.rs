//! Tests of SignedData: what others signed, and what is made here.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sealpost_testkit::vectors;

use super::*;

/// The CMS messages in a file: all of it, or what is base64 in it.
fn messages(file: &[u8]) -> Vec<Vec<u8>> {
    if file.starts_with(&[0x30, 0x80]) || file.starts_with(&[0x30, 0x82]) || file.starts_with(&[0x30, 0x83]) {
        return vec![file.to_vec()];
    }
    let is_base64 = |line: &[u8]| {
        !line.is_empty() && line.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'='))
    };
    let lines: Vec<&[u8]> = file.split(|c| *c == b'\n').map(<[u8]>::trim_ascii_end).collect();
    lines
        .chunk_by(|a, b| is_base64(a) == is_base64(b))
        .filter(|run| run[0].starts_with(b"MI"))
        .filter_map(|run| base64_simd::STANDARD.decode_to_vec(run.concat()).ok())
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn explore() {
    let folder = vectors().unwrap().join("smime");
    for file in files(&folder) {
        let octets = fs::read(&file).unwrap();
        for ber in messages(&octets) {
            let name = file.strip_prefix(&folder).unwrap().display();
            let Ok(der) = to_der(&ber, &Limits::default()) else {
                println!("{name}: not BER");
                continue;
            };
            let mut content = Vec::new();
            match SignedData::read(&ber[..], &Limits::default(), &mut |octets| {
                content.extend_from_slice(octets);
                Ok(())
            }) {
                Ok(read) => {
                    println!(
                        "{name}: {} der={} content={:?} certs={}+{}+{} crls={}",
                        read.content_type,
                        matches!(der, std::borrow::Cow::Borrowed(_)),
                        read.content_len,
                        read.certificates.len(),
                        read.unreadable_certificates,
                        read.other_certificates,
                        read.crls.len()
                    );
                    for signer in &read.signers {
                        match signer {
                            Ok(signer) => {
                                let certs: Vec<_> = read.certificates.iter().filter(|c| signer.matches(c)).collect();
                                let verdicts: Vec<_> = certs
                                    .iter()
                                    .map(|c| {
                                        signer.check(&read.digests, read.content_type, c).map_err(|f| f.to_string())
                                    })
                                    .collect();
                                println!(
                                    "    {:?} {:?} {:?} {:?} {:?} {:?}",
                                    signer.digest(),
                                    signer.scheme().map(|s| s.to_string()),
                                    signer.signing_time().map(|s| s.to_string()),
                                    signer
                                        .capabilities()
                                        .map(|c| c.ciphers().map(|c| c.to_string()).collect::<Vec<_>>()),
                                    signer.encryption_key_preference().is_some(),
                                    verdicts
                                );
                            }
                            Err(error) => println!("    unreadable: {error}"),
                        }
                    }
                }
                Err(error) => println!("{name}: {error}"),
            }
        }
    }
}
