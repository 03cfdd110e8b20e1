//! Probing servers on 127.0.0.1 that do what servers, and what attackers between, do.

#![cfg(test)]
#![cfg(feature = "probe")]

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use sealpost_time::Time;
use sealpost_tls_policy::{
    dane::TlsaRecord,
    facts::{CertificateCheck, Channel, SessionFacts, TlsVersion},
    probe::{Client, Limits, Patience},
    tls::{Conditions, TlsaConditions},
};
use tokio::time::{Instant, sleep};

#[path = "support/host.rs"]
mod support;

use support::{Identity, host};

fn client() -> Client {
    let mut client = Client::new("client.example".parse().unwrap());
    client.limits = Limits { line: 100, lines: 5, octets: 10_000 };
    let [connect, step, total] = [1000, 300, 5000].map(Duration::from_millis);
    client.patience = Patience { connect, step, total };
    client
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Time::from_unix(since.as_secs().try_into().unwrap())
}

fn conditions() -> Conditions {
    Conditions::new("mx.example".parse().unwrap(), now())
}

async fn probe(address: SocketAddr) -> SessionFacts {
    client().probe(address, &conditions()).await
}

async fn channel(address: SocketAddr) -> Channel {
    let facts = probe(address).await;
    assert_eq!(facts.address, Some(address.ip()));
    assert!(!facts.requiretls || matches!(facts.channel, Channel::Tls { .. }));
    facts.channel
}

fn unreachable(reason: &str) -> Channel {
    Channel::Unreachable { reason: reason.to_owned() }
}

fn failed(reason: &str) -> Channel {
    Channel::HandshakeFailed { reason: reason.to_owned() }
}

#[tokio::test]
async fn a_host_with_tls_shows_its_version_and_what_it_offers_inside() {
    for (version, found) in [(&rustls::version::TLS13, TlsVersion::Tls13), (&rustls::version::TLS12, TlsVersion::Tls12)]
    {
        for requiretls in [false, true] {
            let address = host(move |mut host| async move {
                host.offer().await;
                let server = Identity::new("mx.example").server(&[version]);
                let mut host = host.secure(server).await.unwrap();
                host.ehlo(if requiretls { &["REQUIRETLS"] } else { &["STARTTLS"] }).await;
                assert_eq!(host.hear().await, "QUIT");
            })
            .await;
            let facts = probe(address).await;
            assert_eq!(facts.requiretls, requiretls);
            assert!(matches!(facts.channel, Channel::Tls { version, .. } if version == found), "{facts:?}");
        }
    }
}

#[tokio::test]
async fn the_certificate_is_checked_against_what_is_known() {
    let identity = Identity::new("mx.example");
    let own = TlsaRecord::new(3, 0, 0, identity.certificate.to_vec()).unwrap();
    let other = TlsaRecord::new(3, 0, 0, Identity::new("mx.example").certificate.to_vec()).unwrap();
    for (record, dane) in [(own, CertificateCheck::Passed), (other, CertificateCheck::NoMatch)] {
        let server = identity.server(rustls::ALL_VERSIONS);
        let address = host(move |mut host| async move {
            host.offer().await;
            let mut host = host.secure(server).await.unwrap();
            host.ehlo(&[]).await;
            host.hear().await;
        });
        let tlsa = TlsaConditions::new("mx.example".parse().unwrap(), vec![record]);
        let roots = Arc::new(rustls::RootCertStore::empty());
        let conditions = conditions().with_dane(tlsa).with_roots(roots);
        let facts = client().probe(address.await, &conditions).await;
        let Channel::Tls { certificate, .. } = facts.channel else { panic!("{facts:?}") };
        assert_eq!((certificate.dane, certificate.pkix), (dane, CertificateCheck::Untrusted));
    }
}

#[tokio::test]
async fn a_host_without_tls_and_one_that_refuses_it_are_told_apart() {
    let address = host(|mut host| async move {
        host.greet(&["SIZE 1000", "REQUIRETLS"]).await;
        assert_eq!(host.hear().await, "QUIT");
    });
    assert_eq!(channel(address.await).await, Channel::NotOffered);
    let address = host(|mut host| async move {
        host.greet(&["STARTTLS"]).await;
        assert_eq!(host.hear().await, "STARTTLS");
        host.say("454 4.7.0 TLS not available\r\n").await;
        assert_eq!(host.hear().await, "QUIT");
    });
    assert_eq!(channel(address.await).await, Channel::Refused { reply: "454 4.7.0 TLS not available".to_owned() });
}

#[tokio::test]
async fn a_host_that_knows_only_old_versions_is_too_old() {
    // An alert: protocol_version (RFC 8446 §6). And a ServerHello of TLS 1.0.
    let hello = [&[22, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1][..], &[7; 32], &[0, 0, 47, 0, 0][..]].concat();
    for answer in [vec![21, 3, 1, 0, 2, 2, 70], hello] {
        let address = host(|mut host| async move {
            host.offer().await;
            // The client's hello, or some of it.
            let _ = tokio::io::AsyncReadExt::read_u8(&mut host.0).await;
            host.say(answer).await;
            sleep(Duration::from_secs(1)).await;
        });
        assert_eq!(channel(address.await).await, Channel::TooOld);
    }
}

#[tokio::test]
async fn a_handshake_that_breaks_is_a_fact() {
    let address = host(|mut host| async move {
        host.offer().await;
    });
    assert!(matches!(channel(address.await).await, Channel::HandshakeFailed { .. }));
    let address = host(|mut host| async move {
        host.offer().await;
        let _ = tokio::io::AsyncReadExt::read_u8(&mut host.0).await;
        host.say("250 what?\r\n").await;
        sleep(Duration::from_secs(1)).await;
    });
    assert!(matches!(channel(address.await).await, Channel::HandshakeFailed { .. }));
    let address = host(|mut host| async move {
        host.offer().await;
        sleep(Duration::from_secs(9)).await;
    });
    assert_eq!(channel(address.await).await, failed("no answer in time"));
    // Also when it breaks after the handshake, before anything can be sent.
    let address = host(|mut host| async move {
        host.offer().await;
        let server = Identity::new("mx.example").server(rustls::ALL_VERSIONS);
        let mut host = host.secure(server).await.unwrap();
        assert_eq!(host.hear().await, "EHLO client.example");
        host.say("421 not any more\r\n").await;
    });
    assert_eq!(channel(address.await).await, failed("the host said 421 not any more"));
}

#[tokio::test]
async fn what_an_attacker_puts_behind_the_reply_to_starttls_never_counts() {
    for pause in [None, Some(Duration::ZERO), Some(Duration::from_millis(50))] {
        let address = host(move |mut host| async move {
            host.greet(&["STARTTLS"]).await;
            host.hear().await;
            if let Some(pause) = pause {
                host.say("220 go\r\n").await;
                sleep(pause).await;
                host.say("250-mx.example\r\n250 REQUIRETLS\r\n").await;
            } else {
                host.say("220 go\r\n250-mx.example\r\n250 REQUIRETLS\r\n").await;
            }
            let server = Identity::new("mx.example").server(rustls::ALL_VERSIONS);
            if let Some(mut host) = host.secure(server).await {
                host.hear().await;
            }
        });
        let channel = channel(address.await).await;
        assert!(matches!(channel, Channel::HandshakeFailed { .. }), "{pause:?} {channel:?}");
        if pause.is_none() {
            assert_eq!(channel, failed("octets came between the reply to STARTTLS and the handshake"));
        }
    }
}

#[tokio::test]
async fn endless_lines_replies_and_patience_have_an_end() {
    let address = host(|mut host| async move {
        loop {
            host.say([b'2'; 50]).await;
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(channel(address.await).await, unreachable("the host sent a line of more than 100 octets"));
    let address = host(|mut host| async move {
        loop {
            host.say("220-more\r\n").await;
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(channel(address.await).await, unreachable("the host sent a reply of more than 5 lines"));
    // One octet at a time is no way to get more time.
    let start = Instant::now();
    let address = host(|mut host| async move {
        for _ in 0..100 {
            host.say("2").await;
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert_eq!(channel(address.await).await, unreachable("no answer in time"));
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_host_that_is_just_not_too_slow_for_each_step_is_so_for_all() {
    let mut client = client();
    client.patience.total = Duration::from_millis(500);
    let address = host(|mut host| async move {
        sleep(Duration::from_millis(250)).await;
        host.say("220 mx.example\r\n").await;
        host.hear().await;
        sleep(Duration::from_millis(250)).await;
        host.say("250-mx.example\r\n250 STARTTLS\r\n").await;
        host.hear().await;
        sleep(Duration::from_millis(250)).await;
        host.say("220 go\r\n").await;
    });
    let facts = client.probe(address.await, &conditions()).await;
    assert_eq!(facts.channel, unreachable("no answer in time"));
}

#[tokio::test]
async fn silence_and_goodbyes_are_facts() {
    let address = host(|_| async {});
    assert_eq!(channel(address.await).await, unreachable("the host closed the connection"));
    let address = host(|host| async move {
        sleep(Duration::from_secs(1)).await;
        drop(host);
    });
    assert_eq!(channel(address.await).await, unreachable("no answer in time"));
    let address = host(|mut host| async move {
        host.say("554 no service here\r\n").await;
    });
    assert_eq!(channel(address.await).await, unreachable("the host said 554 no service here"));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(channel(nobody).await, unreachable("the connection failed: connection refused"));
}

#[tokio::test]
async fn the_first_address_that_answers_is_taken() {
    let address = host(|mut host| async move {
        host.greet(&[]).await;
        host.hear().await;
    });
    let address = address.await;
    let none = "127.0.0.77".parse().unwrap();
    let facts = client().connect_any(&[none, address.ip()], address.port(), &conditions()).await.quit().await;
    assert_eq!((facts.address, facts.channel), (Some(address.ip()), Channel::NotOffered));
    let facts = client().connect_any(&[], 25, &conditions()).await.quit().await;
    assert_eq!((facts.address, facts.channel), (None, unreachable("it has no address")));
}

#[tokio::test]
async fn a_mail_goes_over_the_connection_that_was_looked_at() {
    let (sender, mut sent) = tokio::sync::mpsc::channel(1);
    let address = host(|mut host| async move {
        host.offer().await;
        let server = Identity::new("mx.example").server(rustls::ALL_VERSIONS);
        let mut host = host.secure(server).await.unwrap();
        host.ehlo(&["SIZE 1000"]).await;
        for reply in ["250 ok\r\n", "250-ok\r\n250 ok\r\n", "354 go\r\n"] {
            host.hear().await;
            host.say(reply).await;
        }
        let mut mail = Vec::new();
        while !mail.ends_with(b"\r\n.\r\n") {
            let _ = tokio::io::AsyncBufReadExt::read_until(&mut host.0, b'\n', &mut mail).await;
        }
        host.say("250 queued\r\n").await;
        sender.send(mail).await.unwrap();
    });
    let mut session = client().connect(address.await, &conditions()).await;
    assert!(matches!(session.facts().channel, Channel::Tls { .. }));
    for (command, code) in [("MAIL FROM:<a@example.org>", 250), ("RCPT TO:<b@example.net>", 250), ("DATA", 354)] {
        assert_eq!(session.command(command).await.unwrap().code, code);
    }
    assert!(session.command("RSET\r\nMAIL FROM:<b@example.org>").await.is_err());
    let reply = session.content(b"Subject: x\r\n\r\n.\n..\r\nlast\rline").await.unwrap();
    assert_eq!(reply.text(), "250 queued");
    assert_eq!(sent.recv().await.unwrap(), b"Subject: x\r\n\r\n..\r\n...\r\nlastline\r\n.\r\n");
}

#[tokio::test]
async fn a_mail_is_not_said_to_a_host_that_waits_for_commands() {
    let address = host(move |mut host| async move {
        host.greet(&[]).await;
        for reply in ["550 no\r\n", "354 go on\r\n250 queued\r\n"] {
            assert_eq!(host.hear().await, "DATA");
            host.say(reply).await;
        }
        // Nothing came in between, and nothing comes behind.
        assert_eq!(host.hear().await, "");
    });
    let mut session = client().connect(address.await, &conditions()).await;
    assert!(session.content(b"MAIL FROM:<a@example.org>\r\n").await.is_err());
    assert_eq!(session.command("DATA").await.unwrap().code, 550);
    assert!(session.content(b"MAIL FROM:<a@example.org>\r\n").await.is_err());
    assert_eq!(session.command("DATA").await.unwrap().code, 354);
    // What it said already is not the reply to the mail.
    assert!(session.content(b"MAIL FROM:<a@example.org>\r\n").await.is_err());
}

#[tokio::test]
async fn a_reply_that_was_there_before_the_command_is_none_to_it() {
    let address = host(|mut host| async move {
        host.say("220 mx.example ESMTP\r\n").await;
        host.hear().await;
        host.say("250 mx.example\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n").await;
        host.hear().await;
    });
    let mut session = client().connect(address.await, &conditions()).await;
    assert_eq!(session.facts().channel, Channel::NotOffered);
    let error = session.command("MAIL FROM:<a@example.org>").await.unwrap_err();
    assert_eq!(error.to_string(), "SMTP: the host answered before it was asked");
}

#[tokio::test]
async fn a_mail_that_may_go_in_clear_does_so_after_the_handshake_failed() {
    let address = host(|mut host| async move {
        host.greet(&["STARTTLS", "REQUIRETLS"]).await;
        assert_eq!(host.hear().await, "MAIL FROM:<>");
        host.say("250 ok\r\n").await;
    });
    let mut session = client().connect_in_clear(address.await, Channel::TooOld).await;
    assert_eq!((&session.facts().channel, session.facts().requiretls), (&Channel::TooOld, false));
    assert!(session.command("MAIL FROM:<>").await.unwrap().is_positive());
}
