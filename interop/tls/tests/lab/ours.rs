//! A sender that follows our verdicts: what a mail server would do with them, without a queue.

use std::{
    fs,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use sealpost_interop_tls::Lab;
use sealpost_mail::Domain;
use sealpost_tls_policy::{
    AlternateRoute, Attempt, DestinationPolicy, Guarantee, HostPlan, HostVerdict, Message, Time, Verdict, conclude,
    facts::{Addresses, DestinationFacts, NextHop, StsState},
    fetch::Fetcher,
    judge, plan,
    probe::{Client, Session},
    requirements,
    resolver::{Resolver, Settings, Txt},
    sts::{Known, Step, TxtAnswer},
    tls::Conditions,
};

/// A mail that waits to be sent.
pub(crate) struct Mail<'a> {
    pub(crate) sender: &'a str,
    pub(crate) recipient: &'a str,
    pub(crate) message: Message,
    pub(crate) guarantee: Guarantee,
    pub(crate) content: String,
}

/// The sender. It trusts the lab's root of DNS and the lab's authority.
pub(crate) struct Ours {
    resolver: Resolver,
    client: Client,
    fetcher: Fetcher,
    roots: Arc<RootCertStore>,
}

impl Ours {
    pub(crate) fn new(lab: &Lab) -> Self {
        let anchor = fs::read_to_string(lab.anchor()).unwrap();
        let servers: [SocketAddr; 1] = ["127.0.0.54:53".parse().unwrap()];
        let settings = Settings::new(&servers).unwrap().with_trust_anchors(&anchor).unwrap().with_cache(0);
        let settings = settings.with_time_limits(Duration::from_secs(1), Duration::from_secs(5));
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(lab.root()).unwrap()).unwrap();
        Self {
            resolver: Resolver::new(&settings).unwrap(),
            fetcher: Fetcher::new(roots.clone()).unwrap(),
            client: Client::new("mx.home.example".parse().unwrap()),
            roots: Arc::new(roots),
        }
    }

    /// What DNS says about a domain.
    pub(crate) async fn facts(&self, domain: &str) -> DestinationFacts {
        self.destination(&NextHop::Domain(domain.parse().unwrap())).await
    }

    /// What DNS and MTA-STS say about a next hop.
    pub(crate) async fn destination(&self, next_hop: &NextHop) -> DestinationFacts {
        let mut facts = self.resolver.destination(next_hop).await;
        if let NextHop::Domain(domain) = next_hop {
            facts.sts = self.policy(domain).await;
        }
        facts
    }

    /// The policy of MTA-STS that is in force for a domain, of which nothing is known from before.
    async fn policy(&self, domain: &Domain) -> StsState {
        let answer = match self.resolver.txt(&format!("_mta-sts.{domain}")).await {
            Txt::Found(records) => TxtAnswer::found(&records),
            Txt::Failed => TxtAnswer::Failed,
        };
        let mut known = Known::default();
        match known.look(&answer, now()) {
            Step::Use(settled) => settled.state,
            Step::Fetch { id, .. } => {
                let fetched = self.fetcher.policy(domain, None).await;
                known.fetched(&id, fetched, now()).state
            }
        }
    }

    /// What a look at a host shows.
    pub(crate) async fn look(&self, facts: &DestinationFacts, host: &HostPlan<'_>) -> Option<Session> {
        let Addresses::Found(addresses) = &host.host()?.addresses else { return None };
        let conditions = Conditions::of(facts, host.host()?, now()).with_roots(Arc::clone(&self.roots));
        Some(self.client.connect_any(addresses, host.port(), &conditions).await)
    }

    /// The alternate route over this host, with what it proves to hold.
    pub(crate) async fn route(&self, host: &str) -> AlternateRoute {
        let facts = self.route_facts(host).await;
        let wants = requirements(&Message::default(), Guarantee::On, &DestinationPolicy::default(), now());
        let plan = plan(&wants, &facts);
        let host = plan.hosts().next().unwrap();
        let session = self.look(&facts, &host).await.unwrap();
        let verdict = judge(&host, session.facts());
        session.quit().await;
        AlternateRoute::new(host.name().unwrap().clone(), 25).proved_by(&verdict)
    }

    async fn route_facts(&self, host: &str) -> DestinationFacts {
        self.destination(&NextHop::Host { name: host.parse().unwrap(), port: 25 }).await
    }

    /// Sends a mail, or does not: what became of it. If it is rerouted, what became of it there comes second.
    pub(crate) async fn send(&self, mail: &Mail<'_>, route: Option<&AlternateRoute>) -> (Verdict, Option<Verdict>) {
        let (_, domain) = mail.recipient.rsplit_once('@').unwrap();
        let facts = self.facts(domain).await;
        let verdict = self.send_over(mail, &facts, route, Attempt::default()).await;
        let Verdict::Reroute { route, .. } = &verdict else { return (verdict, None) };
        let facts = self.route_facts(route.host.as_str()).await;
        let rerouted = Attempt { rerouted: true, ..Attempt::default() };
        let there = self.send_over(mail, &facts, None, rerouted).await;
        (verdict, Some(there))
    }

    async fn send_over(
        &self,
        mail: &Mail<'_>,
        facts: &DestinationFacts,
        route: Option<&AlternateRoute>,
        attempt: Attempt,
    ) -> Verdict {
        let wants = requirements(&mail.message, mail.guarantee, &DestinationPolicy::default(), now());
        let plan = plan(&wants, facts);
        let mut tried: Vec<HostVerdict<'_>> = Vec::new();
        for host in plan.hosts().filter(|host| host.refused().is_none()) {
            let Some(mut session) = self.look(facts, &host).await else { continue };
            let verdict = judge(&host, session.facts());
            let delivers = verdict.delivers();
            if delivers && !session.is_open() {
                // The handshake broke the connection, and the mail may go in clear.
                let address = SocketAddr::new(verdict.address().unwrap(), host.port());
                session = self.client.connect_in_clear(address, session.facts().channel.clone()).await;
            }
            if delivers {
                transfer(&mut session, mail).await.unwrap();
            }
            session.quit().await;
            tried.push(verdict);
            if delivers {
                break;
            }
        }
        conclude(&plan, &tried, route, attempt)
    }
}

async fn transfer(session: &mut Session, mail: &Mail<'_>) -> sealpost_tls_policy::Result<()> {
    for command in [format!("MAIL FROM:<{}>", mail.sender), format!("RCPT TO:<{}>", mail.recipient), "DATA".to_owned()]
    {
        session.command(&command).await?;
    }
    session.content(mail.content.as_bytes()).await.map(drop)
}

pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Time::from_unix(since.as_secs().try_into().unwrap())
}

/// A verdict in a few words: `deliver over TLS`, `bounce 5.7.10 TLS is required, ...`.
pub(crate) fn words(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Deliver { encrypted: true, .. } => "deliver over TLS".to_owned(),
        Verdict::Deliver { .. } => "deliver in clear".to_owned(),
        Verdict::Reroute { route, .. } => format!("reroute to {}", route.host),
        Verdict::Bounce { status, .. } => format!("bounce {status}"),
        Verdict::Defer { status, .. } => format!("defer {status}"),
        other => format!("{other:?}"),
    }
}

/// Runs what waits for the network.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
