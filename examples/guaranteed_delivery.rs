//! A send loop that holds to a guarantee: of two mails to a host without TLS the one whose sender has the guarantee comes
//! back with the reason, the other one goes out in clear.
//!
//! `cargo run --example guaranteed_delivery`

use std::error::Error;

use sealpost::tls_policy::{
    Attempt, DestinationPolicy, Guarantee, Message, Time, Verdict, conclude,
    explain::{Language, sentence},
    facts::{Addresses, DestinationFacts, Dnssec, HostFacts, Mx, NextHop, Tlsa},
    judge, plan,
    probe::{Client, Session},
    requirements,
    tls::Conditions,
};
use sealpost_examples::host_without_tls;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // What DNS says, as `tls_policy::resolver` would find it: one host, and no DNSSEC.
    let at = host_without_tls().await?;
    let mut host = HostFacts::new("mx.example.net".parse()?, 10, Addresses::Found(vec![at.ip()]), Tlsa::NotAsked);
    host.port = at.port();
    let mx = Mx::Hosts { dnssec: Dnssec::Insecure, hosts: vec![host] };
    let facts = DestinationFacts::new(NextHop::Domain("example.net".parse()?), mx);

    let with = send(&facts, "alice@example.org", Guarantee::On).await?;
    let Verdict::Bounce { status, .. } = &with else { return Err("a mail with the guarantee went out".into()) };
    assert!(status.text.starts_with("TLS is required, but was not offered by host mx.example.net"));
    let without = send(&facts, "carol@example.org", Guarantee::Off).await?;
    assert!(matches!(without, Verdict::Deliver { encrypted: false, .. }));
    Ok(())
}

/// Tries each host until one takes the mail, and says what became of it.
async fn send(facts: &DestinationFacts, sender: &str, guarantee: Guarantee) -> Result<Verdict, Box<dyn Error>> {
    let now = Time::from_unix(1_795_780_800);
    let client = Client::new("mail.example.org".parse()?);
    let wants = requirements(&Message::default(), guarantee, &DestinationPolicy::default(), now);
    let plan = plan(&wants, facts);
    let mut tried = Vec::new();
    for host in plan.hosts() {
        let (None, Some(facts_of_host)) = (host.refused(), host.host()) else { continue };
        let Addresses::Found(addresses) = &facts_of_host.addresses else { continue };
        let conditions = Conditions::of(facts, facts_of_host, now);
        // Everything up to the second EHLO. What the mail asks for is compared with this very connection.
        let mut session = client.connect_any(addresses, host.port(), &conditions).await;
        let verdict = judge(&host, session.facts());
        let sends = verdict.delivers();
        tried.push(verdict);
        if sends {
            // Where a handshake failed and the mail may go in clear, there is `Client::connect_in_clear`.
            transfer(&mut session, sender).await?;
        }
        session.quit().await;
        if sends {
            break;
        }
    }
    let verdict = conclude(&plan, &tried, None, Attempt::default());
    println!("{sender} to bob@example.net: {}", sentence(&verdict, Language::English));
    Ok(verdict)
}

async fn transfer(session: &mut Session, sender: &str) -> Result<(), Box<dyn Error>> {
    for command in [&format!("MAIL FROM:<{sender}>"), "RCPT TO:<bob@example.net>", "DATA"] {
        session.command(command).await?;
    }
    let reply = session.content(b"Subject: Hello\r\n\r\nHello Bob.\r\n").await?;
    if reply.is_positive() { Ok(()) } else { Err(reply.text().into()) }
}

#[test]
fn it_runs() {
    main().unwrap();
}
