//! Signs a mail again and again, as `small_mails.py` does: for the bench `smime`, which builds this program twice, with
//! the keys of RustCrypto and with those of AWS-LC.
//!
//! `sign_mails KEY CERTIFICATE CHAIN MAIL`, the first three PEM: for each line with a number signs the mail so many
//! times and answers with the seconds of CPU time that this took.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a bench stops where its material is not as it should be")]

use std::{env, fs, hint::black_box, io::Cursor};

use base64::{Engine, engine::general_purpose::STANDARD};
use getrandom::{SysRng, rand_core::UnwrapErr};
use nix::sys::resource::UsageWho;
use sealpost_benches::cpu;
use sealpost_smime::{
    Certificate, Limits, Signer, UnixTime,
    algorithm::{Digest, SignatureScheme},
    key::SoftwareKey,
};

/// 27 November 2026.
const TIME: UnixTime = UnixTime(1_795_766_400);

fn main() {
    let files: Vec<_> = env::args().skip(1).map(|name| fs::read(name).unwrap()).collect();
    let [key, certificate, chain, mail] = &files[..] else { return eprintln!("expected four files") };
    let key = SoftwareKey::read(key, None, &Limits::default()).unwrap().signing().unwrap();
    let schemes = [SignatureScheme::RsaPkcs1(Digest::Sha256), SignatureScheme::Ecdsa(Digest::Sha256)];
    let scheme = schemes.into_iter().find(|scheme| key.supports(*scheme)).unwrap();
    let [certificate, chain] = [certificate, chain].map(|file| Certificate::from_der(&der(file)).unwrap());
    let signer = Signer::new(certificate, key, scheme).unwrap().chain(&[chain]);
    for line in std::io::stdin().lines() {
        let start = cpu(UsageWho::RUSAGE_SELF);
        for _ in 0..line.unwrap().parse::<u32>().unwrap() {
            let mut signed = Vec::new();
            let _ = signer.sign(&mut Cursor::new(mail), TIME, &mut UnwrapErr(SysRng), &mut signed).unwrap();
            black_box(signed);
        }
        println!("{}", cpu(UsageWho::RUSAGE_SELF) - start);
    }
}

/// What is in a PEM file.
fn der(pem: &[u8]) -> Vec<u8> {
    let lines = std::str::from_utf8(pem).unwrap().lines();
    STANDARD.decode(lines.filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}
