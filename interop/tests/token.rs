//! Factors in PKCS#11 tokens: the same points as with the factor itself, and no way to get the factor back.

#![cfg(test)]

use std::thread;

use cryptoki::{
    mechanism::Mechanism,
    object::{Attribute, AttributeInfo, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use rand::{RngCore, rngs::OsRng};
use sealpost_interop::Token;
use sealpost_pre::{
    Backend, BackendError, Instance, Pkcs11Key, Pkcs11Token, Point, PointPolicy, ProxyFactor, SubkeySecret, Transform,
    UnixTime,
};
use sealpost_testkit::a3::{INSTANCE, MESSAGE};

const LABEL: &str = "bob to charles";

/// The order of the prime-order group, less 1.
const HIGHEST: &str = "ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn secret() -> SubkeySecret {
    let mut octets = [0; 32];
    OsRng.fill_bytes(&mut octets);
    SubkeySecret::from_mpi(&octets).unwrap()
}

fn factor() -> ProxyFactor {
    ProxyFactor::compute(&secret(), &secret())
}

fn small(k: u8) -> ProxyFactor {
    ProxyFactor::from_bytes(&std::array::from_fn(|i| if i == 0 { k } else { 0 })).unwrap()
}

fn points(count: usize) -> Vec<Point> {
    (0..count).map(|_| secret().public()).collect()
}

fn all(key: &Pkcs11Key, points: &[Point]) -> Result<Vec<Point>, BackendError> {
    points.iter().map(|point| key.x25519(*point)).collect()
}

fn transformed(factor: &ProxyFactor, points: &[Point]) -> Vec<Point> {
    factor.transform(points, PointPolicy::Strict).into_iter().map(Result::unwrap).collect()
}

fn open(token: &Token) -> Pkcs11Token {
    Pkcs11Token::open(&token.path, Token::LABEL, Token::PIN).unwrap()
}

fn find(session: &Session, label: &str) -> Vec<ObjectHandle> {
    session.find_objects(&[Attribute::Label(label.into())]).unwrap()
}

/// The text of an error, which starts with what it is about.
#[track_caller]
fn assert_error<T: std::fmt::Debug>(result: Result<T, BackendError>, start: &str, end: &str) {
    let text = result.unwrap_err().to_string();
    assert!(text.starts_with(&format!("PKCS#11: {start}")) && text.ends_with(end), "{text}");
}

#[test]
fn a_token_computes_what_the_factor_does() {
    Token::each("a_token_computes_what_the_factor_does", |token| {
        // Every way to become a key modulo 8, and what chance gives.
        let special = (1..=7).map(small).chain([ProxyFactor::from_hex(HIGHEST).unwrap()]);
        let factors: Vec<_> = special.chain((0..20).map(|_| factor())).collect();
        let tokens = open(token);
        for (i, factor) in factors.iter().enumerate() {
            let points = points(4);
            let key = tokens.import(&format!("forward {i}"), factor).unwrap();
            assert_eq!(all(&key, &points).unwrap(), transformed(factor, &points), "{i}");
        }
        drop(tokens);
        // A server that starts later.
        let server = open(token);
        for (i, factor) in factors.iter().enumerate() {
            let points = points(4);
            let key = server.key(&format!("forward {i}")).unwrap();
            assert_eq!(all(&key, &points).unwrap(), transformed(factor, &points), "{i}");
        }
    });
}

#[test]
fn a_factor_that_no_key_stands_for_is_refused() {
    Token::each("a_factor_that_no_key_stands_for_is_refused", |token| {
        // 8·n - 8 has 256 bits. Chance never finds such a factor.
        let refused = open(token).import(LABEL, &small(8));
        assert_error(refused, "private key \"bob to charles\": ", "");
        assert_eq!(find(&token.session(), LABEL), []);
    });
}

#[test]
fn many_points_and_none() {
    Token::each("many_points_and_none", |token| {
        let (factor, points) = (factor(), points(300));
        let key = open(token).import(LABEL, &factor).unwrap();
        assert_eq!(all(&key, &points).unwrap(), transformed(&factor, &points));
    });
}

#[test]
fn the_factor_does_not_leave_the_token() {
    Token::each("the_factor_does_not_leave_the_token", |token| {
        let _ = open(token).import(LABEL, &factor()).unwrap();
        let session = token.session();
        let [key] = find(&session, LABEL)[..] else { panic!("one object") };
        assert!(matches!(
            session.get_attribute_info(key, &[AttributeType::Value]).unwrap()[..],
            [AttributeInfo::Sensitive]
        ));
        assert_eq!(session.get_attributes(key, &[AttributeType::Value]).unwrap(), []);
        for weaker in [Attribute::Sensitive(false), Attribute::Extractable(true), Attribute::Decrypt(true)] {
            session.update_attributes(key, std::slice::from_ref(&weaker)).unwrap_err();
            session.copy_object(key, &[weaker]).unwrap_err();
        }
        let wrapping = [Attribute::Wrap(true), Attribute::ValueLen(32.into())];
        let wrapping = session.generate_key(&Mechanism::AesKeyGen, &wrapping).unwrap();
        session.wrap_key(&Mechanism::AesKeyWrap, wrapping, key).unwrap_err();
        // It is a private object: without a login it is not even seen.
        session.logout().unwrap();
        assert_eq!(find(&session, LABEL), []);
    });
}

#[test]
fn nothing_is_left_of_a_derivation() {
    Token::each("nothing_is_left_of_a_derivation", |token| {
        let objects = || token.session().find_objects(&[]).unwrap().len();
        let key = open(token).import(LABEL, &factor()).unwrap();
        let before = objects();
        let mut points = points(3);
        let _ = all(&key, &points).unwrap();
        points.push(Point::from_bytes([0; 32]));
        let _ = all(&key, &points);
        assert_eq!(objects(), before);
    });
}

#[test]
fn a_point_of_small_order_gives_0_or_an_error() {
    Token::each("a_point_of_small_order_gives_0_or_an_error", |token| {
        let factor = factor();
        let key = open(token).import(LABEL, &factor).unwrap();
        for u in [0, 1] {
            let point = Point::from_bytes(std::array::from_fn(|i| if i == 0 { u } else { 0 }));
            match key.x25519(point) {
                Ok(zero) => assert_eq!(zero, Point::from_bytes([0; 32])),
                Err(error) => assert_error::<()>(Err(error), "private key \"bob to charles\": C_DeriveKey gives ", ""),
            }
        }
        // The session goes on.
        let points = points(1);
        assert_eq!(all(&key, &points).unwrap(), transformed(&factor, &points));
    });
}

#[test]
fn a_component_of_small_order_is_removed() {
    Token::each("a_component_of_small_order_is_removed", |token| {
        let factor = factor();
        let key = open(token).import(LABEL, &factor).unwrap();
        // u = 4 is on the curve and not in the prime-order group.
        let points = [Point::from_bytes(std::array::from_fn(|i| if i == 0 { 4 } else { 0 }))];
        assert_eq!(all(&key, &points).unwrap(), transformed(&factor, &points));
    });
}

#[test]
fn threads_share_a_key() {
    Token::each("threads_share_a_key", |token| {
        let factor = factor();
        let key: Pkcs11Key = open(token).import(LABEL, &factor).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let points = points(5);
                        assert_eq!(all(&key, &points).unwrap(), transformed(&factor, &points));
                    }
                });
            }
        });
    });
}

#[test]
fn errors_say_what_is_not_there() {
    Token::each("errors_say_what_is_not_there", |token| {
        let open = |module: &str, label, pin| Pkcs11Token::open(module, label, pin);
        let module = token.path.to_str().unwrap();
        assert_error(open("/nowhere.so", Token::LABEL, Token::PIN), "/nowhere.so: ", "");
        assert_error(open(module, "mail", Token::PIN), "token \"mail\": is not there", "");
        assert_error(open(module, Token::LABEL, "12345"), "token \"forwarding\": C_Login gives PinIncorrect", "");
        let opened = open(module, Token::LABEL, Token::PIN).unwrap();
        assert_error(opened.key("bob to dora"), "private key \"bob to dora\": is not there", "");
    });
}

#[test]
fn a_key_that_was_removed_is_an_error() {
    Token::each("a_key_that_was_removed_is_an_error", |token| {
        let opened = open(token);
        let key = opened.import(LABEL, &factor()).unwrap();
        let session = token.session();
        session.destroy_object(find(&session, LABEL)[0]).unwrap();
        assert_error(all(&key, &points(1)), "private key \"bob to charles\": C_DeriveKey gives ", "HandleInvalid");
        assert_error(opened.key(LABEL), "private key \"bob to charles\": is not there", "");
        // The label is free again.
        let (factor, points) = (factor(), points(1));
        let key = opened.import(LABEL, &factor).unwrap();
        assert_eq!(all(&key, &points).unwrap(), transformed(&factor, &points));
    });
}

#[test]
fn a_label_is_taken_once() {
    Token::each("a_label_is_taken_once", |token| {
        let (first, points) = (factor(), points(1));
        let opened = open(token);
        let _ = opened.import(LABEL, &first).unwrap();
        assert_error(opened.import(LABEL, &factor()), "private key \"bob to charles\": is there already", "");
        assert_eq!(all(&opened.key(LABEL).unwrap(), &points).unwrap(), transformed(&first, &points));
    });
}

/// A key made by another program: an X25519 key of the type that this token has.
fn foreign(session: &Session, label: &str, changed: &[Attribute]) {
    for key_type in [KeyType::EC_MONTGOMERY, KeyType::EC_EDWARDS] {
        let mut template = vec![
            Attribute::Class(ObjectClass::PRIVATE_KEY),
            Attribute::KeyType(key_type),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Label(label.into()),
            Attribute::Value([0x48; 32].into()),
        ];
        let same = [
            Attribute::EcParams(vec![6, 3, 0x2B, 0x65, 0x6E]),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Derive(true),
        ];
        let kept = |attribute: &Attribute| changed.iter().all(|c| c.attribute_type() != attribute.attribute_type());
        template.extend(same.into_iter().filter(kept).chain(changed.iter().cloned()));
        if session.create_object(&template).is_ok() {
            return;
        }
    }
    panic!("no type of key is taken: {label}");
}

#[test]
fn keys_of_other_programs_are_checked() {
    Token::each("keys_of_other_programs_are_checked", |token| {
        let (opened, session) = (open(token), token.session());
        foreign(&session, "good", &[]);
        let _ = all(&opened.key("good").unwrap(), &points(1)).unwrap();

        foreign(&session, "readable", &[Attribute::Sensitive(false)]);
        assert_error(opened.key("readable"), "private key \"readable\": it could leave the token", "");
        foreign(&session, "wrappable", &[Attribute::Extractable(true)]);
        assert_error(opened.key("wrappable"), "private key \"wrappable\": it could leave the token", "");
        foreign(&session, "useless", &[Attribute::Derive(false)]);
        assert_error(opened.key("useless"), "private key \"useless\": it can't derive", "");

        foreign(&session, "good", &[]);
        assert_error(opened.key("good"), "private key \"good\": is there more than once", "");

        // P-256.
        let public = [Attribute::EcParams(vec![6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 3, 1, 7])];
        let private = [Attribute::Label("p-256".into()), Attribute::Token(true), Attribute::Derive(true)];
        session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private).unwrap();
        assert_error(opened.key("p-256"), "private key \"p-256\": it is no X25519 key", "");
    });
}

#[test]
fn a_server_without_the_factor_forwards_a_message() {
    Token::each("a_server_without_the_factor_forwards_a_message", |token| {
        let forward = |instance| {
            let mut message = MESSAGE.as_bytes().to_vec();
            let report = Transform::new(&[instance], UnixTime(0)).in_place(&mut message).unwrap();
            assert_eq!(report.transformed(), 1);
            message
        };
        let held = Instance::from_proton(INSTANCE).unwrap();
        open(token).import(LABEL, held.factor().held().unwrap()).unwrap();
        let key = open(token).key(LABEL).unwrap();
        let moved = Instance::new(held.forwarder(), held.forwardee(), None, key);
        assert_eq!(forward(moved), forward(held));
    });
}
