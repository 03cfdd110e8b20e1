//! What hostile inputs take: no more than a stated bound, however they are made.

#![cfg(test)]

use std::io::Cursor;

use getrandom::{SysRng, rand_core::UnwrapErr};
use sealpost_smime::{Certificate, Decrypter, Error, Limits, Pkcs12, key::SoftwareKey};
use sealpost_testkit::{
    der::element,
    memory::{Meter, peak},
};

#[global_allocator]
static ALLOCATOR: Meter = Meter;

/// Of a structure: an eighth of the usual limit, since tests are slow.
const STRUCTURE: usize = 512 << 10;
/// What may be taken for it.
const MOST: usize = 3 << 20;

/// As many of these as fit into a structure.
fn many(unit: &[u8]) -> Vec<u8> {
    unit.repeat((STRUCTURE - 100) / unit.len())
}

/// A mail with these recipients.
fn encrypted(recipients: &[u8]) -> Vec<u8> {
    let enveloped = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 3];
    let data = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    // AES-128 in CBC mode, with an initialization vector.
    let aes = element(0x30, &[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2], &element(4, &[&[0; 16]])]);
    let info = element(0x30, &[&data, &aes, &element(0x80, &[&[0; 16]])]);
    let message = element(0x30, &[&[2, 1, 0], &element(0x31, &[recipients]), &info]);
    let message = element(0x30, &[&enveloped, &element(0xA0, &[&message])]);
    let head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    [&head[..], &message].concat()
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.structure = STRUCTURE;
    limits
}

fn decrypt(mail: &[u8]) {
    let decrypter = Decrypter::new("").limits(limits());
    decrypter.decrypt(&mut Cursor::new(mail), &mut UnwrapErr(SysRng), &mut Vec::new()).unwrap_err();
}

fn assert_small<T>(name: &str, run: impl FnOnce() -> T) {
    let (_, octets) = peak(run);
    assert!(octets < MOST, "{name}: {octets} octets");
}

/// One test, since all threads are counted.
#[test]
fn hostile_inputs_take_little_memory() {
    structures();
    scrypt();
}

fn structures() {
    // The parts of an originator and an algorithm, and of those whose lists are long.
    let agreement = |keys: &[u8]| {
        let originator = element(0xA0, &[&element(0xA1, &[&[0x30, 2, 6, 0], &[3, 1, 0]])]);
        element(0xA1, &[&[2, 1, 3], &originator, &[0x30, 2, 6, 0], &element(0x30, &[keys])])
    };
    for unit in [&[5, 0][..], &[0x30, 0], &[0x30, 0x80, 0, 0], &[0x24, 4, 4, 0, 4, 0], &[4, 0x81, 0]] {
        let lists = [
            element(0x30, &[&many(unit)]),
            element(0x24, &[&many(unit)]),
            element(0xA1, &[&many(unit)]),
            element(0xA4, &[&many(unit)]),
            agreement(&many(unit)),
        ];
        for (number, list) in lists.iter().enumerate() {
            let mail = encrypted(list);
            assert_small(&format!("a recipient, {number} of {unit:?}"), || decrypt(&mail));
        }
        let mail = encrypted(&many(unit));
        assert_small(&format!("recipients of {unit:?}"), || decrypt(&mail));
        let list = element(0x30, &[&many(unit)]);
        assert_small(&format!("a certificate of {unit:?}"), || Certificate::from_der(&list));
        assert_small(&format!("a key of {unit:?}"), || SoftwareKey::read(&list, None, &limits()));
        assert_small(&format!("a file of {unit:?}"), || Pkcs12::read_unauthenticated(&list, None, &limits()));
    }
}

fn scrypt() {
    let pbes2 = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
    let scrypt = [6, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 4, 11];
    let aes = element(0x30, &[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2], &element(4, &[&[0; 16]])]);
    // Salt, N, r and p: little memory in the first of its two buffers, 64 MiB in the other.
    let parameters = element(0x30, &[&element(4, &[&[0; 8]]), &[2, 1, 2], &[2, 2, 4, 0], &[2, 2, 2, 0]]);
    let derivation = element(0x30, &[&scrypt, &parameters]);
    let algorithm = element(0x30, &[&pbes2, &element(0x30, &[&derivation, &aes])]);
    let key = element(0x30, &[&algorithm, &element(4, &[&[0; 32]])]);
    let (read, octets) = peak(|| SoftwareKey::read(&key, Some("x"), &limits()));
    assert!(matches!(read, Err(Error::Limit { .. })) && octets < MOST, "{read:?} {octets}");
}
