//! Handshakes in memory with a server of rustls, and with what is none.

use std::{io, sync::Arc};

use rustls::{
    ClientConnection, Error, ServerConfig, ServerConnection, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::ResolvesServerCert,
    sign::{CertifiedKey, SingleCertAndKey},
    version::{TLS12, TLS13},
};
use sealpost_tls_policy::{
    dane::TlsaRecord,
    facts::{CertificateCheck, Channel, TlsVersion},
    tls::{Conditions, Handshake, TlsaConditions, channel_of, channel_of_io},
};

use crate::made::{Key, Spec, basic_constraints, now};

const HOST: &str = "mail.example.org";

/// A server with a certificate that need not fit its key.
fn server(leaf: &CertificateDer<'static>, key: &Key, version: &'static SupportedProtocolVersion) -> ServerConnection {
    let signing = aws_lc_rs::sign::any_ecdsa_type(&PrivatePkcs8KeyDer::from(key.0.clone()).into()).unwrap();
    let resolver: Arc<dyn ResolvesServerCert> =
        Arc::new(SingleCertAndKey::from(CertifiedKey::new(vec![leaf.clone()], signing)));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    ServerConnection::new(Arc::new(config)).unwrap()
}

fn connect(handshake: &Handshake, mut server: ServerConnection) -> (Result<Channel, Error>, Option<String>) {
    let mut client = ClientConnection::new(handshake.config(), handshake.server_name()).unwrap();
    let mut wire = Vec::new();
    while client.is_handshaking() {
        wire.clear();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut read = wire.as_slice();
        while !read.is_empty() {
            server.read_tls(&mut read).unwrap();
            // Errors of the server are told to the client in alerts.
            let _ = server.process_new_packets();
        }
        let mut back = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut back).unwrap();
        }
        if let Err(error) = feed(&mut client, &back) {
            return (Err(error), server.server_name().map(str::to_owned));
        }
    }
    (Ok(handshake.channel(client.protocol_version())), server.server_name().map(str::to_owned))
}

fn feed(client: &mut ClientConnection, mut octets: &[u8]) -> Result<(), Error> {
    while !octets.is_empty() {
        client.read_tls(&mut octets).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

fn conditions(leaf: &CertificateDer<'_>) -> Conditions {
    let record = TlsaRecord::new(3, 0, 0, leaf.to_vec()).unwrap();
    let dane = TlsaConditions::new("base.example.org".parse().unwrap(), vec![record]);
    Conditions::new(HOST.parse().unwrap(), now()).with_dane(dane)
}

const VERSIONS: [(&SupportedProtocolVersion, TlsVersion); 2] =
    [(&TLS12, TlsVersion::Tls12), (&TLS13, TlsVersion::Tls13)];

/// Of version 1, an authority's own, long expired, for another name: DANE-EE takes them all.
#[test]
fn any_certificate_whose_key_the_host_holds_is_recorded() {
    let key = Key::new();
    let mut specs = vec![Spec::host("the host", &["other.example"]), Spec::authority("the host", "the host")];
    specs.push(Spec { extensions: Vec::new(), ..Spec::authority("the host", "the host") });
    specs.push(Spec { valid: (-900, -800), ..Spec::host("somebody", &["other.example"]) });
    for spec in &specs {
        let leaf = spec.sign(&key, &key);
        for (version, expected) in VERSIONS {
            let handshake = Handshake::new(conditions(&leaf)).unwrap();
            let (channel, name) = connect(&handshake, server(&leaf, &key, version));
            let Ok(Channel::Tls { version, certificate, .. }) = channel else { panic!("{channel:?}") };
            assert_eq!((version, certificate.dane), (expected, CertificateCheck::Passed));
            assert_eq!(certificate.pkix, CertificateCheck::NotMade);
            assert_eq!(name.as_deref(), Some("base.example.org"), "the name for SNI");
        }
    }
}

#[test]
fn an_address_has_no_name_to_ask_for() {
    let key = Key::new();
    let leaf = Spec::host("the host", &[HOST]).sign(&key, &key);
    let conditions = Conditions::to_address(now()).with_roots(Arc::new(rustls::RootCertStore::empty()));
    for (version, _) in VERSIONS {
        let handshake = Handshake::new(conditions.clone()).unwrap();
        let (channel, name) = connect(&handshake, server(&leaf, &key, version));
        let Ok(Channel::Tls { certificate, .. }) = channel else { panic!("{channel:?}") };
        assert_eq!((certificate.pkix, certificate.dane), (CertificateCheck::NotMade, CertificateCheck::NotMade));
        assert_eq!(name, None);
    }
}

/// A wrong certificate breaks nothing off: the verdict is made later.
#[test]
fn what_does_not_match_is_recorded_also() {
    let (key, other) = (Key::new(), Key::new());
    let leaf = Spec::host("the host", &[HOST]).sign(&key, &key);
    let wanted = Spec::host("the host", &[HOST]).sign(&other, &other);
    for (version, _) in VERSIONS {
        let handshake = Handshake::new(conditions(&wanted)).unwrap();
        let (channel, _) = connect(&handshake, server(&leaf, &key, version));
        let Ok(Channel::Tls { certificate, .. }) = channel else { panic!("{channel:?}") };
        assert_eq!(certificate.dane, CertificateCheck::NoMatch);
    }
}

/// Whoever shows somebody else's certificate does not get through, whatever is required of it.
#[test]
fn who_does_not_hold_the_key_fails() {
    let (key, other) = (Key::new(), Key::new());
    let plain = Spec::host("the host", &[HOST]);
    let first = Spec { extensions: Vec::new(), ..Spec::host("the host", &[]) };
    let authority = Spec { extensions: vec![basic_constraints(None)], ..Spec::host("the host", &[]) };
    for spec in [plain, first, authority] {
        let leaf = spec.sign(&key, &key);
        for (version, _) in VERSIONS {
            for conditions in [conditions(&leaf), Conditions::new(HOST.parse().unwrap(), now())] {
                let (channel, _) = connect(&Handshake::new(conditions).unwrap(), server(&leaf, &other, version));
                let Channel::HandshakeFailed { reason } = channel_of(&channel.unwrap_err()) else { panic!() };
                assert!(reason.contains("key"), "{reason}");
            }
        }
    }
}

#[test]
fn facts_belong_to_one_connection() {
    let key = Key::new();
    let leaf = Spec::host("the host", &[HOST]).sign(&key, &key);
    for (version, _) in VERSIONS {
        let handshake = Handshake::new(conditions(&leaf)).unwrap();
        assert_eq!(handshake.certificate(), None);
        assert!(connect(&handshake, server(&leaf, &key, version)).0.is_ok());
        assert!(connect(&handshake, server(&leaf, &key, version)).0.is_err());
    }
}

#[test]
fn other_answers_say_what_the_host_is() {
    let hello = |version: [u8; 2]| {
        let body = [&version[..], &[7; 32], &[0, 0xc0, 0x2f, 0]].concat();
        let message = [&[2, 0, 0, u8::try_from(body.len()).unwrap()][..], &body].concat();
        [&[0x16, 3, 1, 0, u8::try_from(message.len()).unwrap()][..], &message].concat()
    };
    let alert = |alert: u8| vec![0x15, 3, 1, 0, 2, 2, alert];
    let cases: [(&str, Vec<u8>, Option<&str>); 6] = [
        ("alert: protocol version", alert(70), None),
        ("a hello of TLS 1.0", hello([3, 1]), None),
        ("a hello of TLS 1.1", hello([3, 2]), None),
        ("alert: handshake failure", alert(40), Some("no cipher or key exchange in common")),
        ("a greeting in clear", b"220 mail.example.org ESMTP\r\n".to_vec(), Some("the host does not speak TLS")),
        ("alert: internal error", alert(80), Some("received fatal alert: InternalError")),
    ];
    for (what, octets, reason) in cases {
        let handshake = Handshake::new(Conditions::new(HOST.parse().unwrap(), now())).unwrap();
        let mut client = ClientConnection::new(handshake.config(), handshake.server_name()).unwrap();
        client.write_tls(&mut io::sink()).unwrap();
        let found = channel_of(&feed(&mut client, &octets).unwrap_err());
        let expected = reason.map_or(Channel::TooOld, |reason| Channel::HandshakeFailed { reason: reason.to_owned() });
        assert_eq!(found, expected, "{what}");
        assert!(matches!(handshake.channel(None), Channel::HandshakeFailed { .. }));
    }
}

#[test]
fn errors_of_streams_are_told_apart() {
    let inner = io::Error::other(Error::AlertReceived(rustls::AlertDescription::ProtocolVersion));
    assert_eq!(channel_of_io(&inner), Channel::TooOld);
    for (kind, reason) in [
        (io::ErrorKind::UnexpectedEof, "the connection broke off"),
        (io::ErrorKind::ConnectionReset, "the connection broke off"),
        (io::ErrorKind::TimedOut, "the host did not answer in time"),
    ] {
        assert_eq!(channel_of_io(&kind.into()), Channel::HandshakeFailed { reason: reason.to_owned() });
    }
    let Channel::HandshakeFailed { reason } = channel_of_io(&io::Error::other("a\r\nb".repeat(999))) else { panic!() };
    assert!(reason.len() <= 200 && !reason.contains(['\r', '\n']));
}
