//! `sealpost tls check`

use sealpost::{
    mail::Domain,
    tls_policy::{
        DestinationPolicy, Guarantee, HostPlan, Message, Time,
        explain::{Language, channel, check},
        facts::{Channel, DestinationFacts, Dnssec, Mx, NextHop, StsState, Tlsa},
        judge, plan,
        requirement::Atom,
        requirements,
        sts::Mode,
    },
};
use serde::Serialize;
use serde_json::json;

use super::{args, facts::Gathered, gather};
use crate::{
    failure::{Failure, Result},
    output::Output,
    table::{Table, plain},
    time::now,
};

const ENGLISH: Language = Language::English;

pub(super) fn run(args: &args::Check, output: Output) -> Result {
    let now = args.clock.clock.unwrap_or_else(now);
    let next_hop = NextHop::Domain(args.domain.clone());
    let gathered = gather(args.facts.as_ref(), &args.network, next_hop, now, output)?;
    let hosts = hosts(&gathered, now);
    let (safety, why) = safety(&gathered.destination, &hosts);
    let json = json!({
        "domain": args.domain.to_string(),
        "safety": safety,
        "why": why,
        "hosts": hosts,
        "tlsrpt": gathered.tlsrpt,
        "facts": gathered,
    });
    output.result(&json, &text(&args.domain, &gathered, &hosts, &format!("{}: {why}", safety.words())));
    match safety {
        Safety::Enforced | Safety::Encrypted => Ok(()),
        Safety::None => Err(Failure::verdict(format!("mail to {} does not go safely: {why}", args.domain), 32)),
    }
}

/// How safely mail goes to a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Safety {
    /// Over TLS, and the recipient's side makes senders insist on it.
    Enforced,
    /// Over TLS as things are; only a guarantee insists on it.
    Encrypted,
    None,
}

impl Safety {
    const fn words(self) -> &'static str {
        match self {
            Self::Enforced => "safe, whoever controls the network",
            Self::Encrypted => "safe as long as nobody interferes",
            Self::None => "not safe",
        }
    }
}

/// What a host is like.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "columns of a table")]
struct Host {
    name: String,
    tls: String,
    certificate: &'static str,
    dane: String,
    sts: &'static str,
    requiretls: bool,
    /// Whether a mail with the guarantee would be sent to it.
    takes_guaranteed: bool,
    /// Whether the recipient's side makes senders insist on an authenticated connection.
    enforced: bool,
    /// Whether nothing was found out, for it can't be reached.
    unreachable: bool,
}

fn hosts(gathered: &Gathered, now: Time) -> Vec<Host> {
    let facts = &gathered.destination;
    let wants = |guarantee| requirements(&Message::default(), guarantee, &DestinationPolicy::default(), now);
    let guaranteed = plan(&wants(Guarantee::On), facts);
    guaranteed.hosts().map(|host| of_host(gathered, &host)).collect()
}

fn of_host(gathered: &Gathered, host: &HostPlan<'_>) -> Host {
    let session = gathered.session(host);
    let (certificate, dane) = match session.map(|session| &session.channel) {
        Some(Channel::Tls { certificate, .. }) => (check(certificate.pkix, ENGLISH), check(certificate.dane, ENGLISH)),
        _ => ("", ""),
    };
    let dane = match host.host().map(|host| &host.tlsa) {
        Some(Tlsa::NotAsked) => "not possible: no DNSSEC",
        Some(Tlsa::Absent) => "no TLSA records",
        Some(Tlsa::Failed) => "the look-up failed",
        Some(Tlsa::Unusable) => "no usable TLSA records",
        Some(Tlsa::Usable { .. }) => dane,
        _ => "",
    };
    let tls = session.map_or_else(|| "no connection was made".to_owned(), |session| channel(&session.channel, ENGLISH));
    Host {
        name: host.name().map(ToString::to_string).unwrap_or_default(),
        tls: plain(&tls),
        certificate,
        dane: dane.to_owned(),
        sts: sts(&gathered.destination.sts, host.name()),
        requiretls: session.is_some_and(|session| session.requiretls),
        takes_guaranteed: session.is_some_and(|session| judge(host, session).delivers()),
        enforced: host.requirements().requires(Atom::Dane) || host.requirements().requires(Atom::MxListed),
        unreachable: session.is_none_or(|session| matches!(session.channel, Channel::Unreachable { .. })),
    }
}

fn sts(state: &StsState, host: Option<&Domain>) -> &'static str {
    match (state, host) {
        (StsState::Policy(policy), Some(host)) if policy.lists(host) => "listed",
        (StsState::Policy(_), _) => "not listed",
        (StsState::Unknown, _) => "the look-up failed",
        _ => "",
    }
}

/// How safe it is, and what decides that.
fn safety(facts: &DestinationFacts, hosts: &[Host]) -> (Safety, String) {
    let problem = match &facts.mx {
        Mx::Null => "the domain takes no mail (null MX)",
        Mx::NoSuchDomain => "the domain does not exist",
        Mx::Hosts { .. } if hosts.iter().all(|host| host.unreachable) => "no host can be reached",
        Mx::Hosts { .. } => "",
        _ => "the look-up of MX records failed",
    };
    if !problem.is_empty() {
        return (Safety::None, problem.to_owned());
    }
    if let Some(host) = hosts.iter().find(|host| !host.takes_guaranteed && !host.unreachable) {
        let problem = if host.enforced { "does not hold to what its own side asks for" } else { &host.tls };
        return (Safety::None, format!("{}: {problem}", host.name));
    }
    let unreachable = hosts.iter().filter(|host| host.unreachable).map(|host| host.name.as_str());
    let unreachable: Vec<&str> = unreachable.collect();
    let rest =
        if unreachable.is_empty() { String::new() } else { format!("; not reached: {}", unreachable.join(", ")) };
    if hosts.iter().all(|host| host.enforced) {
        return (Safety::Enforced, format!("each host has DANE or an enforced policy of MTA-STS{rest}"));
    }
    let why = "each host offers TLS, but not each has DANE or an enforced policy of MTA-STS: \
               only a mail with the guarantee insists on TLS";
    (Safety::Encrypted, format!("{why}{rest}"))
}

fn text(domain: &Domain, gathered: &Gathered, hosts: &[Host], conclusion: &str) -> String {
    let facts = &gathered.destination;
    let mut table = Table::new(&[domain.as_str(), ""]);
    table.row(["MX".to_owned(), mx(&facts.mx).to_owned()]);
    table.row(["MTA-STS".to_owned(), mode(&facts.sts).to_owned()]);
    table.row(["TLSRPT".to_owned(), gathered.tlsrpt.clone().unwrap_or_else(|| "not looked up".to_owned())]);
    let mut text = table.text();
    if !hosts.is_empty() {
        let mut table = Table::new(&["host", "TLS", "certificate", "DANE", "MTA-STS", "REQUIRETLS"]);
        for host in hosts {
            let requiretls = if host.requiretls { "offered" } else { "" };
            let Host { name, tls, certificate, dane, sts, .. } = host;
            let [certificate, sts, requiretls] = [*certificate, *sts, requiretls].map(str::to_owned);
            table.row([name.clone(), tls.clone(), certificate, dane.clone(), sts, requiretls]);
        }
        text = format!("{text}\n{}", table.text());
    }
    format!("{text}\n{conclusion}\n")
}

const fn mx(mx: &Mx) -> &'static str {
    match mx {
        Mx::Hosts { dnssec: Dnssec::Secure, .. } => "secured by DNSSEC",
        Mx::Hosts { dnssec: Dnssec::Insecure, .. } => "not secured by DNSSEC",
        Mx::Null => "the domain takes no mail (null MX)",
        Mx::NoSuchDomain => "the domain does not exist",
        _ => "the look-up failed",
    }
}

fn mode(state: &StsState) -> &'static str {
    match state {
        StsState::Policy(policy) if policy.mode == Mode::Enforce => "enforced",
        StsState::Policy(_) => "only tested: nobody insists on it",
        StsState::Unknown => "the look-up failed",
        _ => "no policy",
    }
}
